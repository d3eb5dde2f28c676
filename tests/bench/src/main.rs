//! Measures the program `auricle` over HTTP, beside what it is compared to, and puts what it finds beside its goals.
//!
//! `cargo run --release -p auricle-bench` compares requests a second and CPU time. The other subcommands measure memory,
//! start, many listeners, spinning neighbours, and a soak. The load comes from the same machine: figures are for comparing, not for
//! planning capacity. `docs/performance.md` says how to read them.

mod ask;
mod call;
mod child;
mod compare;
mod contestants;
mod guests;
mod hyper;
mod load;
mod machine;
mod report;
mod scenarios;
mod site;
mod table;
mod tools;

use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::{Parser, Subcommand};

/// Measure the program auricle over HTTP, beside what it is compared to
#[derive(Parser)]
#[command(name = "auricle-bench")]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    compare: compare::Args,

    #[command(flatten)]
    common: Common,
}

/// What all of them take.
#[derive(clap::Args)]
struct Common {
    /// The program to measure; else it is built, with the features of the whole workspace
    #[arg(long, value_name = "FILE", global = true)]
    auricle: Option<PathBuf>,

    /// Write what was found to a file as JSON too
    #[arg(long, value_name = "FILE", global = true)]
    json: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Compare requests a second and CPU time (the default)
    Compare(compare::Args),
    /// Memory of the host, of a listener, of a warm instance
    Memory(scenarios::memory::Args),
    /// Time to the first response after a start
    Start(scenarios::start::Args),
    /// A quick listener beside others that compute for ever
    Spin(scenarios::spin::Args),
    /// Ten thousand listeners against one
    Listeners(scenarios::listeners::Args),
    /// Load for an hour, with traps, deadlines and new deployments
    Soak(scenarios::soak::Args),
    /// Kill the host at random moments under load, and look for what was lost
    Kills(scenarios::kills::Args),
    /// Deploy and roll back every second under full load
    Swaps(scenarios::swaps::Args),
    /// What records cost, and durable receipts a second
    Records(scenarios::records::Args),
    /// What SOAP costs beside REST
    Soap(scenarios::soap::Args),
    /// Memory while a list of 100 MB is taken apart
    Split(scenarios::split::Args),
    #[command(hide = true)]
    ServeHyper { port: u16 },
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    let program = || site::program(cli.common.auricle.as_deref());
    let report = match &cli.command {
        Some(Command::ServeHyper { port }) => return hyper::serve(*port),
        Some(Command::Compare(args)) => compare::run(&program()?, args)?,
        None => compare::run(&program()?, &cli.compare)?,
        Some(Command::Memory(args)) => scenarios::memory::run(&program()?, args)?,
        Some(Command::Start(args)) => scenarios::start::run(&program()?, args)?,
        Some(Command::Spin(args)) => scenarios::spin::run(&program()?, args)?,
        Some(Command::Listeners(args)) => scenarios::listeners::run(&program()?, args)?,
        Some(Command::Soak(args)) => scenarios::soak::run(&program()?, args)?,
        Some(Command::Kills(args)) => scenarios::kills::run(&program()?, args)?,
        Some(Command::Swaps(args)) => scenarios::swaps::run(&program()?, args)?,
        Some(Command::Records(args)) => scenarios::records::run(&program()?, args)?,
        Some(Command::Soap(args)) => scenarios::soap::run(&program()?, args)?,
        Some(Command::Split(args)) => scenarios::split::run(&program()?, args)?,
    };
    if let Some(file) = &cli.common.json {
        std::fs::write(file, format!("{:#}\n", report.json()))?;
    }
    ensure!(report.wrong.is_empty(), "{}", report.wrong.join("; "));
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_tree_of_commands_is_sound() {
        super::Cli::command().debug_assert();
    }
}
