//! Where an execution goes: to a warm instance, to one that has to be made, or into the line. Decided at once and without
//! making anything, so that the policy can be read in one place and what it costs to make an instance is another's affair.

use auricle_model::Mode;
use tokio::sync::SemaphorePermit;

use crate::instance::Instance;
use crate::listener::Listener;
use crate::pool::Place;

/// By what right an execution wants to go on.
#[derive(Debug)]
pub(crate) enum Turn<'a> {
    /// None yet.
    Wanted,
    /// That of its caller: a sub-process waits for nobody, since waiting for an ancestor's turn would never end.
    OfCaller,
    /// Its own, for as long as it lasts.
    Own { _permit: SemaphorePermit<'a> },
}

/// Where an execution goes.
pub(crate) enum Dispatch<'a> {
    /// A warm instance has it.
    Sent {
        /// The instance.
        instance: Box<Instance>,
        /// Its place in the pool.
        place: Place<'a, Box<Instance>>,
        /// Lasts until the execution is over.
        turn: Turn<'a>,
    },
    /// Its turn has come, and an instance has to be made.
    NeedsInstance {
        /// The place in the pool that the instance will have; none where it is made for this execution only.
        place: Option<Place<'a, Box<Instance>>>,
        /// Lasts until the execution is over.
        turn: Turn<'a>,
    },
    /// As many executions go on as may: it has to wait for its turn.
    Saturated,
}

impl Listener {
    /// Finds out where an execution of this mode goes.
    pub(crate) fn dispatch<'a>(&'a self, mode: Mode, turn: Turn<'a>) -> Dispatch<'a> {
        let turn = match turn {
            Turn::Wanted => match self.gate.try_enter() {
                Some(permit) => Turn::Own { _permit: permit },
                None => return Dispatch::Saturated,
            },
            has => has,
        };
        if mode == Mode::General {
            return Dispatch::NeedsInstance { place: None, turn };
        }
        match self.warm.take() {
            Some((instance, place)) => Dispatch::Sent { instance, place, turn },
            // Sub-processes can have taken all places without a turn. Whoever comes then gets an instance of its own
            // instead of waiting for them.
            None => Dispatch::NeedsInstance { place: self.warm.reserve(), turn },
        }
    }
}
