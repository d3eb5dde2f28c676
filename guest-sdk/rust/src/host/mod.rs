//! The imports, by one interface with two backends: the host itself in a component, the mock of
//! [`testing`](crate::testing) everywhere else. Nothing above this module knows which of them it speaks to.

#[cfg(target_family = "wasm")]
mod wasm;
#[cfg(target_family = "wasm")]
pub(crate) use wasm::*;

#[cfg(not(target_family = "wasm"))]
mod native;
#[cfg(not(target_family = "wasm"))]
pub(crate) use native::*;
