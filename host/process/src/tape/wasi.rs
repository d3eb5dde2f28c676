//! The parts of WASI that tell of the outside: clocks, random numbers, and which of several things was ready first. The
//! runtime's own functions, with the deck asked before them.
//!
//! In a replay nobody sleeps: what waits for a time is ready at once, and the clock says what it said.

use wasmtime::component::{HasSelf, Linker, Resource};
use wasmtime_wasi::clocks::{WasiClocksCtxView, WasiClocksView as _};
use wasmtime_wasi::p2::DynPollable;
use wasmtime_wasi::p2::bindings::clocks::{monotonic_clock, wall_clock};
use wasmtime_wasi::p2::bindings::random::{insecure, insecure_seed, random};
use wasmtime_wasi::random::WasiRandomCtx;
use wasmtime_wasi_io::bindings::wasi::io::poll;

use super::{Asked, Blob};
use crate::state::State;

/// Puts these in the place of the runtime's own.
pub(crate) fn through_the_deck(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    wall_clock::add_to_linker::<_, HasSelf<State>>(linker, |state| state)?;
    monotonic_clock::add_to_linker::<_, HasSelf<State>>(linker, |state| state)?;
    random::add_to_linker::<_, HasSelf<State>>(linker, |state| state)?;
    insecure::add_to_linker::<_, HasSelf<State>>(linker, |state| state)?;
    insecure_seed::add_to_linker::<_, HasSelf<State>>(linker, |state| state)?;
    poll::add_to_linker::<_, HasSelf<State>>(linker, |state| state)?;
    linker.allow_shadowing(false);
    Ok(())
}

fn nothing() -> String {
    String::new()
}

impl State {
    fn clock(&mut self) -> WasiClocksCtxView<'_> {
        self.clocks()
    }

    fn chance(&mut self) -> &mut WasiRandomCtx {
        self.wasi.random()
    }
}

/// A time as it is on the tape: seconds and nanoseconds.
type Stamp = (u64, u32);

fn stamp(time: wall_clock::Datetime) -> Stamp {
    (time.seconds, time.nanoseconds)
}

const fn time((seconds, nanoseconds): Stamp) -> wall_clock::Datetime {
    wall_clock::Datetime { seconds, nanoseconds }
}

impl wall_clock::Host for State {
    fn now(&mut self) -> wasmtime::Result<wall_clock::Datetime> {
        self.taped("wall-clock.now", nothing, |state| wall_clock::Host::now(&mut state.clock()).map(stamp)).map(time)
    }

    fn resolution(&mut self) -> wasmtime::Result<wall_clock::Datetime> {
        let resolution = |state: &mut Self| wall_clock::Host::resolution(&mut state.clock()).map(stamp);
        self.taped("wall-clock.resolution", nothing, resolution).map(time)
    }
}

impl monotonic_clock::Host for State {
    fn now(&mut self) -> wasmtime::Result<u64> {
        self.taped("monotonic-clock.now", nothing, |state| monotonic_clock::Host::now(&mut state.clock()))
    }

    fn resolution(&mut self) -> wasmtime::Result<u64> {
        self.taped("monotonic-clock.resolution", nothing, |state| monotonic_clock::Host::resolution(&mut state.clock()))
    }

    fn subscribe_instant(&mut self, when: u64) -> wasmtime::Result<Resource<DynPollable>> {
        if self.deck.is_playing() {
            return monotonic_clock::Host::subscribe_duration(&mut self.clock(), 0);
        }
        monotonic_clock::Host::subscribe_instant(&mut self.clock(), when)
    }

    fn subscribe_duration(&mut self, when: u64) -> wasmtime::Result<Resource<DynPollable>> {
        let when = if self.deck.is_playing() { 0 } else { when };
        monotonic_clock::Host::subscribe_duration(&mut self.clock(), when)
    }
}

impl random::Host for State {
    fn get_random_bytes(&mut self, len: u64) -> wasmtime::Result<Vec<u8>> {
        if self.deck.is_off() {
            return random::Host::get_random_bytes(self.chance(), len);
        }
        let bytes = |state: &mut Self| random::Host::get_random_bytes(state.chance(), len).map(Blob::from);
        self.taped("random.get-random-bytes", || len.to_string(), bytes).map(|bytes| bytes.0.into())
    }

    fn get_random_u64(&mut self) -> wasmtime::Result<u64> {
        self.taped("random.get-random-u64", nothing, |state| random::Host::get_random_u64(state.chance()))
    }
}

impl insecure::Host for State {
    fn get_insecure_random_bytes(&mut self, len: u64) -> wasmtime::Result<Vec<u8>> {
        if self.deck.is_off() {
            return insecure::Host::get_insecure_random_bytes(self.chance(), len);
        }
        let bytes = |state: &mut Self| insecure::Host::get_insecure_random_bytes(state.chance(), len).map(Blob::from);
        self.taped("insecure.get-insecure-random-bytes", || len.to_string(), bytes).map(|bytes| bytes.0.into())
    }

    fn get_insecure_random_u64(&mut self) -> wasmtime::Result<u64> {
        let number = |state: &mut Self| insecure::Host::get_insecure_random_u64(state.chance());
        self.taped("insecure.get-insecure-random-u64", nothing, number)
    }
}

impl insecure_seed::Host for State {
    fn insecure_seed(&mut self) -> wasmtime::Result<(u64, u64)> {
        let seed = |state: &mut Self| insecure_seed::Host::insecure_seed(state.chance());
        self.taped("insecure-seed.insecure-seed", nothing, seed)
    }
}

impl poll::Host for State {
    async fn poll(&mut self, pollables: Vec<Resource<DynPollable>>) -> wasmtime::Result<Vec<u32>> {
        // Of one alone it is known which was ready first.
        if self.deck.is_off() || pollables.len() < 2 {
            return poll::Host::poll(&mut self.table, pollables).await;
        }
        let note = match self.deck.ask::<Vec<u32>>("poll.poll", || format!("{} pollables", pollables.len()))? {
            Asked::Live(note) => note,
            Asked::Answered(ready) => {
                let handles = ready.iter().filter_map(|index| pollables.get(*index as usize));
                for handle in handles {
                    self.wait_for(handle).await?;
                }
                return Ok(ready);
            }
        };
        let ready = poll::Host::poll(&mut self.table, pollables).await?;
        note.keep(&ready);
        Ok(ready)
    }
}

impl poll::HostPollable for State {
    async fn ready(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<bool> {
        let note = match self.deck.ask("pollable.ready", nothing)? {
            Asked::Live(note) => note,
            Asked::Answered(ready) => {
                if ready {
                    self.wait_for(&pollable).await?;
                }
                return Ok(ready);
            }
        };
        let ready = poll::HostPollable::ready(&mut self.table, pollable).await?;
        note.keep(&ready);
        Ok(ready)
    }

    async fn block(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<()> {
        self.deck.check()?;
        poll::HostPollable::block(&mut self.table, pollable).await
    }

    fn drop(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<()> {
        poll::HostPollable::drop(&mut self.table, pollable)
    }
}

impl State {
    /// What the tape says was ready is so here too, or about to be: some things take their answer in when they are waited for.
    async fn wait_for(&mut self, pollable: &Resource<DynPollable>) -> wasmtime::Result<()> {
        poll::HostPollable::block(&mut self.table, Resource::new_borrow(pollable.rep())).await
    }
}
