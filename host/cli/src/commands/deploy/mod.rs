//! `auricle deploy`: a manifest with its packages, or one package, to a running host.

mod canary;
mod manifest;
mod package;
mod upload;

use std::path::PathBuf;

use auricle::admin::CanaryShare;
use auricle_model::manifest::environment;

use self::canary::{header, share};
use crate::manifest::Config;
use crate::remote::Access;
use crate::report::{Status, Voice, WrongUse};

/// Deploy a manifest, or one package, to a running host
///
/// Sends the packages that the host does not have, then has it load, start and try everything; only then the new version
/// takes over. Requests in flight finish on the version that they began with. What is wrong is told, and nothing changes.
///
/// With --process, one package (a file, or `-` for standard input) makes a new version of every deployment that has that
/// process. A signature beside a package (FILE.sig, see `auricle sign`) is sent with it.
#[derive(clap::Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Args {
    /// The manifest; with --process a package, or `-` [default: the one of --config]
    #[arg(value_name = "MANIFEST|PACKAGE|-")]
    what: Option<PathBuf>,

    /// Replace only the package of this process
    #[arg(long, value_name = "NAME", requires = "what")]
    process: Option<String>,

    /// The environment [default: `default`; with --process every one that has the process]
    #[arg(long, value_name = "NAME", env = "AURICLE_ENVIRONMENT", value_parser = environment)]
    environment: Option<String>,

    /// Why, for people
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,

    /// At first only for a share of the requests, as `10%`; then `auricle promote` or `auricle rollback`
    #[arg(long, value_name = "SHARE", value_parser = share)]
    canary: Option<f64>,

    /// At first only for requests with this header
    #[arg(long, value_name = "NAME: VALUE", value_parser = header)]
    canary_header: Option<String>,

    /// Do everything but the last step, on the host
    #[arg(long, conflicts_with_all = ["process", "canary", "canary_header", "note"])]
    check: bool,

    #[command(flatten)]
    access: Access,

    #[command(flatten)]
    config: Config,
}

const EXAMPLE: &str = "\
Examples:
  auricle deploy --note \"faster lookups\"
  auricle deploy auricle.toml --environment prod --canary 10% --canary-header \"X-Canary: yes\"
  auricle deploy target/wasm32-wasip2/release/account_get.wasm --process account-get
  curl -s https://builds.example/account_get.wasm | auricle deploy - --process account-get";

pub(crate) async fn run(args: Args, voice: Voice) -> anyhow::Result<Status> {
    match &args.process {
        Some(process) => package::run(&args, process, voice).await,
        None => match args.what.as_deref().map(|what| (what, what.extension().and_then(|ending| ending.to_str()))) {
            Some((what, _)) if what.as_os_str() == "-" => Err(whose("-")),
            Some((what, Some("wasm"))) => Err(whose(&what.display().to_string())),
            _ => manifest::run(args, voice).await,
        },
    }
}

fn whose(package: &str) -> anyhow::Error {
    let message = format!("`{package}` is one package: say which process it is for, with --process NAME");
    WrongUse(message).into()
}

impl Args {
    fn canary(&self) -> Option<CanaryShare> {
        let wanted = self.canary.is_some() || self.canary_header.is_some();
        wanted.then(|| CanaryShare { share: self.canary.unwrap_or(0.0), header: self.canary_header.clone() })
    }
}
