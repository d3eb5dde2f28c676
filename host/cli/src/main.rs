//! The program `auricle`: serves listener processes, and helps to write them.
//!
//! Here are the tree of commands, the settings that come from the environment, and the exit status; each command is a file
//! of its own under `commands`. Standard output carries results only; whatever else there is to say goes to standard error.

mod build;
mod commands;
mod manifest;
mod otlp;
mod progress;
mod remote;
mod report;
mod signals;
mod table;
mod template;
mod watch;
mod web;
mod when;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

use crate::otlp::{Export, Spans};
use crate::report::{Status, Voice, WrongUse};

/// WebAssembly listener processes behind one shared web server.
#[derive(Parser)]
#[command(name = "auricle", version, after_help = EXAMPLE)]
struct Cli {
    #[command(subcommand)]
    command: Command,

    /// Print results and errors as JSON on standard output
    #[arg(long, global = true)]
    json: bool,
}

const EXAMPLE: &str = "\
Example:
  auricle new account-get --lang rust --type get --object Account
  cd account-get && auricle dev

Environment:
  AURICLE_SERVER, AURICLE_TOKEN, AURICLE_ENVIRONMENT  the host to ask, what it knows you by, and which environment of it
  AURICLE_LOG, RUST_LOG  what is logged on standard error: error, warn, info, debug, trace, or `auricle=debug,warn`
  OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_...  where `serve` and `dev` send traces (docs/monitoring.md); default: nowhere

Exit status: 0 done, 1 it failed, 2 it was asked wrongly.";

#[derive(Subcommand)]
enum Command {
    Serve(commands::serve::Args),
    Demo(commands::demo::Args),
    Dev(commands::dev::Args),
    New(commands::new::Args),
    Build(commands::build::Args),
    Check(commands::check::Args),
    Invoke(commands::invoke::Args),
    Deploy(Box<commands::deploy::Args>),
    Deployments(Box<commands::deployments::Args>),
    Diff(commands::deployments::DiffArgs),
    Rollback(commands::rollback::Args),
    Promote(commands::promote::Args),
    Undeploy(commands::undeploy::Args),
    Executions(commands::executions::Args),
    Usage(commands::usage::Args),
    Queue(commands::queue::Args),
    Tokens(commands::tokens::Args),
    Audit(commands::audit::Args),
    Keygen(commands::keygen::Args),
    Sign(commands::sign::Args),
    Push(commands::push::Args),
    Backup(commands::backup::Args),
    Restore(commands::backup::RestoreArgs),
    Status(commands::status::Args),
}

impl Command {
    /// What is logged when the environment does not say: all that an operator wants to know where the log is the only
    /// voice, and only what is wrong where the command speaks for itself.
    fn usual_log(&self) -> &'static str {
        match self {
            Self::Serve(_) => "info,sqlx=warn",
            // Who pressed Ctrl-C wants to know why it takes a moment; who writes a process, what it logs.
            Self::Demo(_) | Self::Dev(_) => "auricle::signals=info,auricle::execution=info,auricle::compile=info,warn",
            Self::Check(_) => "auricle::compile=info,warn",
            _ => "warn",
        }
    }

    /// Whether it answers requests for others, so that traces of them may be wanted.
    const fn is_traced(&self) -> bool {
        matches!(self, Self::Serve(_) | Self::Dev(_))
    }

    /// `sampling` is the share of requests that begin a trace.
    async fn run(self, voice: Voice, sampling: f64) -> anyhow::Result<Status> {
        match self {
            Self::Serve(args) => commands::serve::run(args, voice, sampling).await,
            Self::Demo(args) => commands::demo::run(args, voice).await,
            Self::Dev(args) => commands::dev::run(args, voice, sampling).await,
            Self::New(args) => commands::new::run(args, voice),
            Self::Build(args) => commands::build::run(args, voice).await,
            Self::Check(args) => commands::check::run(args, voice).await,
            Self::Invoke(args) => commands::invoke::run(args, voice).await,
            Self::Deploy(args) => commands::deploy::run(*args, voice).await,
            Self::Deployments(args) => commands::deployments::run(*args, voice).await,
            Self::Diff(args) => commands::deployments::diff(args, voice).await,
            Self::Rollback(args) => commands::rollback::run(args, voice).await,
            Self::Promote(args) => commands::promote::run(args, voice).await,
            Self::Undeploy(args) => commands::undeploy::run(args, voice).await,
            Self::Executions(args) => commands::executions::run(args, voice).await,
            Self::Usage(args) => commands::usage::run(args, voice).await,
            Self::Queue(args) => commands::queue::run(args, voice).await,
            Self::Tokens(args) => commands::tokens::run(args, voice).await,
            Self::Audit(args) => commands::audit::run(args, voice).await,
            Self::Keygen(args) => commands::keygen::run(&args, voice),
            Self::Sign(args) => commands::sign::run(&args, voice),
            Self::Push(args) => commands::push::run(args, voice).await,
            Self::Backup(args) => commands::backup::run(args, voice).await,
            Self::Restore(args) => commands::backup::restore(args, voice).await,
            Self::Status(args) => commands::status::run(args, voice).await,
        }
    }
}

fn main() -> ExitCode {
    // Before anything else: this is a process of its own, for one component.
    if std::env::args_os().nth(1).is_some_and(|command| command == manifest::COMPILE) {
        return auricle::compile_main();
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(refusal) => return refuse(&refusal),
    };
    let voice = Voice::new(cli.json);
    run(cli.command, voice).unwrap_or_else(|error| voice.error(&error)).into()
}

fn run(command: Command, voice: Voice) -> anyhow::Result<Status> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let variable = |name: &str| std::env::var(name).ok();
    let export = if command.is_traced() { Export::begin(variable, runtime.handle())? } else { None };
    start_log(command.usual_log(), export.as_ref())?;
    let sampling = export.as_ref().map_or(0.0, |export| export.sampling);
    let status = runtime.block_on(Box::pin(command.run(voice, sampling)));
    // While there still is a runtime to send the rest by.
    if let Some(export) = export {
        export.end();
    }
    status
}

/// What clap has to say: help and version are no errors; the rest is a wrong use, in JSON too where that was wanted.
fn refuse(refusal: &clap::Error) -> ExitCode {
    if refusal.use_stderr() && std::env::args_os().any(|arg| arg == "--json") {
        let text = refusal.to_string();
        let message = text.trim().strip_prefix("error: ").unwrap_or(&text).to_owned();
        return Voice::new(true).error(&WrongUse(message).into()).into();
    }
    // Nothing is left to do where the terminal does not take it.
    let _ = refusal.print();
    if refusal.use_stderr() { Status::WrongUse.into() } else { Status::Done.into() }
}

/// Logs to standard error, and has spans exported if that was asked for.
fn start_log(usual: &str, export: Option<&Export>) -> anyhow::Result<()> {
    let set = ["AURICLE_LOG", "RUST_LOG"].into_iter().find_map(|name| Some((name, std::env::var(name).ok()?)));
    let filter = match set {
        Some((name, text)) => EnvFilter::try_new(&text)
            .map_err(|why| WrongUse(format!("{name}=`{text}` is no log filter ({why}): write for example `info`")))?,
        None => EnvFilter::new(usual),
    };
    let colours = std::io::stderr().is_terminal();
    match export {
        None => {
            tracing_subscriber::fmt()
                .with_env_filter(filter)
                .with_ansi(colours)
                .with_writer(|| progress::Beside)
                .init();
        }
        Some(export) => {
            let log = tracing_subscriber::fmt::layer().with_ansi(colours).with_writer(|| progress::Beside);
            let spans = export.spans().with_filter(Spans::filter());
            tracing_subscriber::registry().with(log.with_filter(filter)).with(spans).init();
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_tree_of_commands_is_sound_and_each_has_an_example() {
        let tree = Cli::command();
        tree.clone().debug_assert();
        examples("auricle", &tree);
    }

    fn examples(path: &str, command: &clap::Command) {
        for command in command.get_subcommands() {
            let path = format!("{path} {}", command.get_name());
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains(&path), "{path}: {help}");
            examples(&path, command);
        }
    }
}
