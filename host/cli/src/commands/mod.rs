//! The commands, one file each: its arguments, its help with an example, and what it does.

pub(crate) mod build;
pub(crate) mod check;
pub(crate) mod demo;
pub(crate) mod dev;
pub(crate) mod invoke;
pub(crate) mod new;
pub(crate) mod serve;
