//! Runs a process with no HTTP at all:
//! `cargo run -p auricle --example run -- examples/inspect/auricle.toml inspect`.

use auricle::{Document, Host, Manifest};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let [file, process] = [1, 2].map(|n| std::env::args().nth(n).unwrap_or_default());
    let host = Host::builder().manifest(Manifest::load(file.as_ref())?).start().await?;
    let outcome = host.run(&process, [Document::new("{}")]).await;
    for document in outcome.result? {
        println!("{}", document.text().unwrap_or("(not text)".into()));
    }
    Ok(())
}
