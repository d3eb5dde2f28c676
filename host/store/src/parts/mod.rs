//! The parts of a store, one subject each: the values, and the trait that keeps them.

mod access;
mod deployments;
mod idempotency;
mod packages;
mod pages;
mod queue;
mod records;

pub use access::{Access, AuditEntry, By, Role, Token, UnknownRole};
pub use deployments::{
    Canary, CanaryRule, DeploymentVersion, Deployments, EnvironmentStatus, NewDeployment, Serving, VersionSummary,
};
pub use idempotency::{Claim, Idempotency, IdempotencyKey, KeptAnswer};
pub use packages::{PackageInfo, Packages};
pub use pages::{Page, PageOwner, Pages};
pub use queue::{Lease, Queue, QueueEntry, QueueState, QueueStatus, QueuedExecution, Reception};
pub use records::{RecordFilter, Records, Usage};
