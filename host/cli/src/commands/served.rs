//! What the commands that change an environment have in common: how they tell what is served now.

use auricle::admin::{Served, Whoami};
use serde::Serialize;
use serde_json::json;

use crate::remote::{Client, Environment, Remote, RemoteError, segment};
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
    let client = remote.client()?;
    let served: Served = client.post(&path, change).await?;
    tell(&served, voice);
    remark(&client, &environment.environment, voice).await?;
    Ok(Status::Done)
}

/// Who changes an environment that the host does not serve may have meant its own.
pub(super) async fn remark(client: &Client, environment: &str, voice: Voice) -> Result<(), RemoteError> {
    let who: Whoami = client.get("whoami").await?;
    if who.environment != environment {
        voice.note(format_args!(
            "{} itself serves the environment `{}`: `{environment}` is for other hosts of its store",
            client.server(),
            who.environment
        ));
    }
    Ok(())
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
