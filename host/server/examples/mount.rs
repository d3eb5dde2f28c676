//! Mounts Auricle under a path of an axum server of your own:
//! `cargo run -p auricle --example mount -- examples/inspect/auricle.toml`, then
//! `curl http://127.0.0.1:8080/apis/ws/rest/inspect/7`.

use auricle::{Host, Manifest};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = std::env::args().nth(1).unwrap_or("auricle.toml".into());
    let host = Host::builder().manifest(Manifest::load(file.as_ref())?).start().await?;
    let app = axum::Router::new().nest_service("/apis", host.service());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
    axum::serve(listener, app).await?;
    Ok(())
}
