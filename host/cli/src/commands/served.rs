//! What the commands that change an environment have in common: how they tell what is served now.

use auricle::admin::Served;
use serde::Serialize;
use serde_json::json;

use crate::remote::{Environment, Remote, segment};
use crate::report::{Status, Voice};

/// Asks for a change of an environment, and tells what it came to.
pub(super) async fn change(
    remote: &Remote,
    environment: &Environment,
    what: &str,
    change: &impl Serialize,
    voice: Voice,
) -> anyhow::Result<Status> {
    let path = format!("environments/{}/{what}", segment(&environment.environment));
    let served: Served = remote.client()?.post(&path, change).await?;
    tell(&served, voice);
    Ok(Status::Done)
}

/// Tells what an environment serves after a change.
pub(super) fn tell(served: &Served, voice: Voice) {
    voice.result(
        || match served.version {
            Some(version) => format!("`{}` serves version {version}", served.environment),
            None => format!("`{}` serves nothing", served.environment),
        },
        || json!(served),
    );
}
