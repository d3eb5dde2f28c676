//! `auricle backup` and `auricle restore`: everything that a host keeps, in one file.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use http::{HeaderMap, Method};
use http_body_util::BodyExt as _;
use indicatif::HumanBytes;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;

use crate::progress::{self, Spinner};
use crate::remote::{Client, Remote, Sending};
use crate::report::{Status, Voice, WrongUse};

/// Write everything that a host keeps to a file, while it runs
///
/// Packages, versions, queue, records, tokens and audit log, as of one moment: an SQLite database, whichever store the
/// host has. A file that exists is not overwritten.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  auricle backup monday.db")]
pub(crate) struct Args {
    /// The file
    #[arg(value_name = "FILE")]
    file: PathBuf,

    #[command(flatten)]
    remote: Remote,
}

/// Replace everything that a host keeps by what a backup holds
///
/// The host then serves what the backup says is active. What came after the backup is gone, the queue and the tokens
/// too. Asks before it does so, unless --yes is given.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  auricle restore monday.db --yes")]
pub(crate) struct RestoreArgs {
    /// The backup
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Do not ask
    #[arg(long)]
    yes: bool,

    #[command(flatten)]
    remote: Remote,
}

pub(crate) async fn run(args: Args, voice: Voice) -> anyhow::Result<Status> {
    let client = args.remote.client()?;
    let written = write(&client, &args.file).await;
    let bytes = written.with_context(|| format!("no backup was made to {}", args.file.display()))?;
    voice.result(
        || format!("{} holds everything that {} keeps: {}", args.file.display(), client.server(), HumanBytes(bytes)),
        || json!({ "file": args.file.display().to_string(), "bytes": bytes }),
    );
    Ok(Status::Done)
}

/// Takes a backup beside its place first, so that a file of this name is always a whole one.
async fn write(client: &Client, file: &Path) -> anyhow::Result<u64> {
    if file.exists() {
        return Err(WrongUse("the file exists: name another one".to_owned()).into());
    }
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let part = tempfile::Builder::new().prefix(".auricle-backup-").tempfile_in(folder).context("cannot write there")?;
    let _turning = Spinner::new("taking the backup");
    let mut body = client.receive("backup").await?;
    let mut to = tokio::fs::File::from_std(part.reopen()?);
    let mut bytes: u64 = 0;
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            bytes = bytes.saturating_add(u64::try_from(data.len())?);
            to.write_all(&data).await?;
        }
    }
    to.sync_all().await?;
    part.persist_noclobber(file)?;
    Ok(bytes)
}

pub(crate) async fn restore(args: RestoreArgs, voice: Voice) -> anyhow::Result<Status> {
    let file = &args.file;
    let client = args.remote.client()?;
    let sending = Sending::file(file).await.with_context(|| format!("cannot read {}", file.display()))?;
    if !args.yes && !agreed(file, client.server(), voice)? {
        voice.note("nothing has changed");
        return Ok(Status::Failed);
    }
    {
        let bar = progress::bytes(sending.left(), format!("sending {}", file.display()));
        let sent = client.send(Method::POST, "restore", HeaderMap::new(), sending.shown(bar.clone())).await;
        bar.finish_and_clear();
        sent?;
    }
    voice.result(
        || format!("{} keeps what {} holds", client.server(), file.display()),
        || json!({ "restored": file.display().to_string() }),
    );
    Ok(Status::Done)
}

/// Asks the person who sits there; where nobody does, `--yes` has to be given.
fn agreed(file: &Path, server: &str, voice: Voice) -> anyhow::Result<bool> {
    if voice.is_json() || !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(WrongUse(format!("this replaces everything that {server} keeps: give --yes if you mean it")).into());
    }
    let mut terminal = io::stderr();
    write!(terminal, "replace everything that {server} keeps by what {} holds? (yes/no) ", file.display())?;
    terminal.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "yes" | "y"))
}
