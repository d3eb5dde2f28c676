//! `auricle executions`: what ran, what it came to, and the same again.

mod differences;
mod filter;
mod follow;
mod here;
mod list;
mod page;
mod replay;
mod show;

use crate::report::{Status, Voice};

/// Look at executions and their records, and run recorded ones again
///
/// In general mode every execution leaves a record; in low-latency mode failures and slow ones do, and the rest is counted
/// (`auricle usage`). A debug run (`X-Boomi-Debug: true`) also records what it saw of the outside, so that it can be run again.
#[derive(clap::Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLE: &str = "\
Examples:
  auricle executions list --failed --since 1h
  auricle executions show 01938a5c-7d1e-7c3a-9f00-0123456789ab
  auricle executions follow --process account-get
  auricle executions replay 01938a5c-7d1e-7c3a-9f00-0123456789ab --version 8";

#[derive(clap::Subcommand)]
enum Command {
    List(list::Args),
    Show(show::Args),
    Follow(follow::Args),
    Replay(Box<replay::Args>),
}

pub(crate) async fn run(args: Args, voice: Voice) -> anyhow::Result<Status> {
    match args.command {
        Command::List(args) => list::run(args, voice).await,
        Command::Show(args) => show::run(args, voice).await,
        Command::Follow(args) => follow::run(args, voice).await,
        Command::Replay(args) => replay::run(*args, voice).await,
    }
}
