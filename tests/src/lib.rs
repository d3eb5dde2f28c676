//! What whole-system tests are made of: the real program as a child process, manifests in temporary folders, an HTTP/1.1
//! client that shows every byte, and guests.
//!
//! A test says what is served, asks for it over a socket, and asserts what came back:
//!
//! ```ignore
//! let server = Site::new([inspect("echo", "execute echo: single-data -> single-json")]).serve();
//! assert_eq!(server.post("/ws/simple/executeEcho", "hi").json()["documents"][0]["text"], "hi");
//! ```
//!
//! Nothing here returns an error: what goes wrong in a harness fails the test, and says what it was.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what goes wrong here fails the test"
)]

pub mod build;
pub mod client;
pub mod hostile;
pub mod manifest;
pub mod registry;
pub mod site;
pub mod soap_clients;
