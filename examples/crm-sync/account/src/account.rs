//! An Account as it is answered, and the changes to one as they are asked for.

use std::collections::BTreeMap;

use auricle_guest::{Document, sql};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;

use crate::field::{FIELDS, Field, nearest};
use crate::{Flaw, Id, Refusal, Timestamp, Value};

/// A whole Account, as the table has it. In JSON it has every field, in the order of [`FIELDS`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account(Vec<(&'static Field, Option<Value>)>);

impl Account {
    /// Reads a row that has the columns of [`FIELDS`].
    ///
    /// # Errors
    /// Where a column is missing, or holds what its field cannot.
    pub fn from_row(row: &sql::Row) -> Result<Self, auricle_guest::Error> {
        let field = |field: &'static Field| {
            let column: sql::Value = row.get(field.name)?;
            let value = Value::from_column(field.kind, &column)
                .map_err(|reason| auricle_guest::Error::new(format_args!("column {}: {reason}", field.name)))?;
            Ok((field, value))
        };
        FIELDS.iter().map(field).collect::<Result<_, _>>().map(Self)
    }
}

impl Serialize for Account {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (field, value) in &self.0 {
            map.serialize_entry(field.name, value)?;
        }
        map.end()
    }
}

/// The fields that a request gives, in the order of [`FIELDS`]: each with its value, or none to clear it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes(Vec<(&'static Field, Option<Value>)>);

/// What Salesforce puts into a record beside its fields.
const ATTRIBUTES: &str = "attributes";

impl Changes {
    /// Reads the body of a request: a JSON object of fields, each of them well formed.
    ///
    /// # Errors
    /// [`Refusal::Body`] where it is no such object, [`Refusal::Invalid`] with every field that is wrong.
    pub fn read(documents: &[Document]) -> Result<Self, Refusal> {
        let body = documents.first().map(Document::bytes).unwrap_or_default();
        Self::parse(&body)
    }

    fn parse(body: &[u8]) -> Result<Self, Refusal> {
        let mut given: BTreeMap<String, &RawValue> = serde_json::from_slice(body).map_err(|error| {
            Refusal::Body(format!("The body must be one JSON object with the fields of an Account: {error}."))
        })?;
        given.remove(ATTRIBUTES);

        let mut changes = Vec::new();
        let mut flaws = Vec::new();
        for field in &FIELDS {
            let Some(raw) = given.remove(field.name) else { continue };
            match Value::from_json(field.kind, raw) {
                Ok(value) => changes.push((field, value)),
                Err(reason) => flaws.push(Flaw::new(field.name, reason)),
            }
        }
        flaws.extend(given.keys().map(|unknown| {
            let near = nearest(unknown, FIELDS.iter().map(|field| field.name));
            let hint = near.map(|name| format!("; the nearest is {name}")).unwrap_or_default();
            Flaw::new(unknown, format!("is no field of an Account{hint}"))
        }));
        if flaws.is_empty() { Ok(Self(changes)) } else { Err(Refusal::Invalid(flaws)) }
    }

    /// A whole Account out of its fields as text: one that is not given, or is empty, has no value.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] with every field that is wrong, and for an Account without `Id`, `Name` or `LastModifiedDate`.
    pub fn whole(given: impl Fn(&Field) -> Option<String>) -> Result<(Id, Self), Refusal> {
        let mut changes = Vec::new();
        let mut flaws = Vec::new();
        for field in &FIELDS {
            match Value::from_text(field.kind, given(field).unwrap_or_default().trim()) {
                Ok(None) if matches!(field.name, "Id" | "Name" | "LastModifiedDate") => {
                    flaws.push(Flaw::new(field.name, "is required"));
                }
                Ok(value) => changes.push((field, value)),
                Err(reason) => flaws.push(Flaw::new(field.name, reason)),
            }
        }
        let changes = Self(changes);
        match changes.id().cloned() {
            Some(id) if flaws.is_empty() => Ok((id, changes)),
            _ => Err(Refusal::Invalid(flaws)),
        }
    }

    /// Makes them a whole Account, to be created: with a `Name` for certain, and an `Id` and a `LastModifiedDate` made
    /// where none is given.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] without a `Name`.
    pub fn for_create(mut self) -> Result<(Id, Self), Refusal> {
        if self.get("Name").is_none() {
            return Err(Refusal::invalid("Name", "is required"));
        }
        let id = match self.id() {
            Some(id) => id.clone(),
            None => Id::random().map_err(auricle_guest::Error::from)?,
        };
        self.default("Id", Value::Id(id.clone()));
        self.default("LastModifiedDate", Value::Timestamp(Timestamp::now()));
        Ok((id, self))
    }

    /// Makes them the changes to an Account that is there: dated now where no `LastModifiedDate` is given.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] where they would clear the `Name`, or give another `Id`.
    pub fn for_update(mut self, id: &Id) -> Result<Self, Refusal> {
        if self.0.iter().any(|(field, value)| field.name == "Name" && value.is_none()) {
            return Err(Refusal::invalid("Name", "is required and cannot be cleared"));
        }
        if self.id().is_some_and(|given| given != id) {
            return Err(Refusal::invalid("Id", format!("cannot be changed: the Account to update is {id}")));
        }
        self.0.retain(|(field, _)| field.name != "Id");
        self.default("LastModifiedDate", Value::Timestamp(Timestamp::now()));
        Ok(self)
    }

    /// The `Id` that the body itself gives.
    pub fn id(&self) -> Option<&Id> {
        match self.get("Id") {
            Some(Value::Id(id)) => Some(id),
            _ => None,
        }
    }

    /// Each field with its new value.
    pub fn iter(&self) -> impl Iterator<Item = (&'static Field, Option<&Value>)> {
        self.0.iter().map(|(field, value)| (*field, value.as_ref()))
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.iter().find(|(field, _)| field.name == name)?.1
    }

    /// Gives a field a value where it has none.
    fn default(&mut self, name: &str, value: Value) {
        if self.get(name).is_some() {
            return;
        }
        self.0.retain(|(field, _)| field.name != name);
        self.0.extend(FIELDS.iter().filter(|field| field.name == name).map(|field| (field, Some(value.clone()))));
    }
}

#[cfg(test)]
mod tests {
    use crate::Decimal;

    use super::*;

    const ID: &str = "001D000000IqhSLIAZ";

    fn parse(body: &str) -> Result<Changes, Refusal> {
        Changes::parse(body.as_bytes())
    }

    fn flaws(refused: Result<impl Sized, Refusal>) -> Vec<(String, String)> {
        match refused {
            Err(Refusal::Invalid(flaws)) => flaws.into_iter().map(|flaw| (flaw.field, flaw.reason)).collect(),
            Err(other) => panic!("{other:?}"),
            Ok(_) => panic!("it was taken"),
        }
    }

    #[test]
    fn salesforces_own_attributes_are_passed_over() {
        let body = r#"{"attributes": {"type": "Account", "url": "/services/data"}, "Name": "Edge"}"#;
        let changes = parse(body).unwrap();
        assert_eq!(changes.iter().map(|(field, _)| field.name).collect::<Vec<_>>(), ["Name"]);
    }

    #[test]
    fn every_flaw_is_told_at_once() {
        let body = r#"{"Name": 7, "AnnualRevenue": "much", "BilingCity": "Ulm", "Owner": null}"#;
        let flaws = flaws(parse(body));
        assert_eq!(
            flaws.iter().map(|(field, _)| field.as_str()).collect::<Vec<_>>(),
            ["Name", "AnnualRevenue", "BilingCity", "Owner"]
        );
        assert_eq!(flaws[2].1, "is no field of an Account; the nearest is BillingCity");
        assert_eq!(flaws[3].1, "is no field of an Account");
    }

    #[test]
    fn what_is_no_object_is_no_account() {
        for body in ["", "[]", "[{}]", "7", "{", "{\"Name\":}", "\u{feff}{}"] {
            assert!(matches!(parse(body), Err(Refusal::Body(_))), "{body}");
        }
        assert!(matches!(Changes::parse(b"{\"Name\": \"\xff\"}"), Err(Refusal::Body(_) | Refusal::Invalid(_))));
    }

    #[test]
    fn a_new_account_has_a_name_and_gets_an_id_and_a_date() {
        let (id, changes) = parse(r#"{"Name": "Edge", "Id": null}"#).unwrap().for_create().unwrap();
        assert_eq!(changes.id(), Some(&id));
        assert!(matches!(changes.get("LastModifiedDate"), Some(Value::Timestamp(_))));
        assert_eq!(changes.iter().filter(|(field, _)| field.name == "Id").count(), 1);

        let (id, _) = parse(r#"{"Name": "Edge", "Id": "001D000000IqhSL"}"#).unwrap().for_create().unwrap();
        assert_eq!(id.as_str(), ID);

        for nameless in ["{}", r#"{"Name": null}"#, r#"{"Name": ""}"#] {
            assert_eq!(flaws(parse(nameless).unwrap().for_create()), [("Name".to_owned(), "is required".to_owned())]);
        }
    }

    #[test]
    fn an_update_keeps_the_name_and_the_id() {
        let id = Id::parse(ID).unwrap();
        let update = |body| parse(body).unwrap().for_update(&id);
        assert_eq!(flaws(update(r#"{"Name": null}"#))[0].0, "Name");
        assert_eq!(flaws(update(r#"{"Id": "001000000000000"}"#))[0].0, "Id");

        let changes = update(r#"{"Id": "001D000000IqhSL", "Phone": null}"#).unwrap();
        assert_eq!(changes.id(), None);
        assert!(changes.iter().any(|(field, value)| field.name == "Phone" && value.is_none()));
    }

    #[test]
    fn a_whole_account_has_every_field() {
        let whole = |given: &[(&str, &str)]| {
            let text = |name| given.iter().find(|(field, _)| *field == name).map(|(_, text)| (*text).to_owned());
            Changes::whole(|field| text(field.name))
        };
        let date = ("LastModifiedDate", "2026-11-22T13:45:00.000Z");
        let given = [("Id", "001D000000IqhSL"), ("Name", " Edge\n"), ("AnnualRevenue", "1.5E3"), ("Phone", ""), date];
        let (id, changes) = whole(&given).unwrap();
        assert_eq!((id.as_str(), changes.iter().count()), (ID, FIELDS.len()));
        assert_eq!(changes.get("Name"), Some(&Value::Text("Edge".into())));
        assert_eq!(changes.get("AnnualRevenue"), Some(&Value::Decimal(Decimal::parse("1500").unwrap())));
        assert_eq!((changes.get("Phone"), changes.get("Industry")), (None, None));

        let wrong = flaws(whole(&[("Id", "7"), ("AnnualRevenue", "INF"), date]));
        assert_eq!(wrong.iter().map(|(field, _)| field.as_str()).collect::<Vec<_>>(), ["Id", "Name", "AnnualRevenue"]);
    }

    #[test]
    fn salesforces_date_is_kept() {
        let changes = parse(r#"{"Name": "Edge", "LastModifiedDate": "2026-11-22T13:45:00.000+0000"}"#).unwrap();
        let moment = Timestamp::parse("2026-11-22T13:45:00Z").unwrap();
        assert_eq!(changes.for_create().unwrap().1.get("LastModifiedDate"), Some(&Value::Timestamp(moment)));
    }
}
