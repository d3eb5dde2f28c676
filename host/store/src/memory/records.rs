//! Records by when they began, and the counts of each minute.

use std::collections::{BTreeMap, HashMap};
use std::time::SystemTime;

use auricle_model::{ExecutionId, ExecutionRecord, MinuteCount, RecordSummary};

use super::MemoryStore;
use crate::codec::{self, EncodedRecord};
use crate::{Answer, RecordFilter, StoreError, Usage, time};

/// Where a record stands in a list: when it began, then its id.
type Place = (i64, ExecutionId);

#[derive(Debug, Default)]
pub(super) struct Records {
    by_place: BTreeMap<Place, EncodedRecord>,
    places: HashMap<ExecutionId, Place>,
    bytes: u64,
    /// By minute, environment and process.
    minutes: BTreeMap<(u64, String, String), MinuteCount>,
}

impl Records {
    fn put(&mut self, record: EncodedRecord) {
        let summary = &record.summary;
        let place = (time::to_millis(summary.began_at), summary.id);
        if let Some(before) = self.places.get(&summary.id).copied() {
            let later = self.by_place.get(&before).is_some_and(|kept| kept.summary.attempt >= summary.attempt);
            // A dead letter that is sent again counts its attempts anew.
            if later && before.0 >= place.0 {
                return;
            }
            self.remove(before);
        }
        self.bytes += record.bytes();
        self.places.insert(place.1, place);
        self.by_place.insert(place, record);
    }

    fn remove(&mut self, place: Place) {
        if let Some(kept) = self.by_place.remove(&place) {
            self.places.remove(&place.1);
            self.bytes -= kept.bytes();
        }
    }

    fn count(&mut self, count: MinuteCount) {
        let key = (count.minute, count.environment.clone(), count.process.clone());
        match self.minutes.get_mut(&key) {
            Some(kept) => kept.add(&count),
            None => {
                self.minutes.insert(key, count);
            }
        }
    }

    fn place(&self, id: ExecutionId) -> Place {
        self.places.get(&id).copied().unwrap_or_else(|| (id.made_at().map_or(0, time::to_millis), id))
    }
}

impl crate::Records for MemoryStore {
    fn put_records(&self, records: Vec<ExecutionRecord>, counts: Vec<MinuteCount>) -> Answer<'_, ()> {
        self.with(|all| {
            let encoded = records.into_iter().map(codec::encode_record).collect::<Result<Vec<_>, StoreError>>()?;
            encoded.into_iter().for_each(|record| all.records.put(record));
            counts.into_iter().for_each(|count| all.records.count(count));
            Ok(())
        })
    }

    fn records<'a>(&'a self, filter: &'a RecordFilter, limit: u32) -> Answer<'a, Vec<RecordSummary>> {
        self.with(|all| {
            let records = &all.records;
            let before = filter.before.map(|id| records.place(id));
            let after = filter.after.map(|id| records.place(id));
            let wanted = |(place, kept): &(&Place, &EncodedRecord)| {
                before.is_none_or(|before| **place < before)
                    && after.is_none_or(|after| **place > after)
                    && filter.matches(&kept.summary)
            };
            let found = records.by_place.iter().filter(wanted).map(|(_, kept)| kept.summary.clone());
            let limit = limit as usize;
            Ok(if after.is_some() { found.take(limit).collect() } else { found.rev().take(limit).collect() })
        })
    }

    fn record(&self, id: ExecutionId) -> Answer<'_, Option<ExecutionRecord>> {
        self.with(|all| {
            let kept = all.records.places.get(&id).and_then(|place| all.records.by_place.get(place));
            kept.map(|kept| codec::decode_record(&kept.summary_bytes, &kept.detail)).transpose()
        })
    }

    fn minutes<'a>(
        &'a self,
        environment: &'a str,
        process: Option<&'a str>,
        from: u64,
        to: u64,
    ) -> Answer<'a, Vec<MinuteCount>> {
        self.with(|all| {
            let wanted = |count: &&MinuteCount| {
                (from..to).contains(&count.minute)
                    && count.environment == environment
                    && process.is_none_or(|process| count.process == process)
            };
            Ok(all.records.minutes.values().filter(wanted).cloned().collect())
        })
    }

    fn prune_records(&self, before: SystemTime, max_bytes: u64) -> Answer<'_, Usage> {
        self.with(|all| {
            let records = &mut all.records;
            let bound = time::to_millis(before);
            while let Some((place, _)) = records.by_place.first_key_value()
                && (place.0 < bound || records.bytes > max_bytes)
            {
                let place = *place;
                records.remove(place);
            }
            let minute = time::minute(before);
            records.minutes.retain(|(at, ..), _| *at >= minute);
            Ok(Usage { records: records.by_place.len() as u64, bytes: records.bytes })
        })
    }
}
