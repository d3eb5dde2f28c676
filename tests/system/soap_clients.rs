//! Clients that others wrote drive `crm-sync` from nothing but the URL of its WSDL.

use std::fs;
use std::path::Path;
use std::process::Command;

use auricle_tests::build::WORKSPACE;
use auricle_tests::site::Server;
use auricle_tests::soap_clients::{jaxws, python, run};

use crate::crm_sync::serve;

/// Each version with its URL.
fn wsdls(server: &Server) -> [(&'static str, String); 2] {
    [("1.1", "soap"), ("1.2", "soap12")]
        .map(|(version, root)| (version, format!("http://{}/ws/{root}/crm?wsdl", server.address())))
}

fn client(name: &str) -> std::path::PathBuf {
    WORKSPACE.join("tests/clients").join(name)
}

#[test]
fn zeep_creates_gets_queries_updates_and_deletes() {
    let Some(python) = python() else { return };
    let server = serve("sqlite://erp.db");
    for (version, wsdl) in wsdls(&server) {
        run(Command::new(python).arg(client("crm.py")).args([&*wsdl, version]));
        // The same from one document with everything in it.
        run(Command::new(python).arg(client("crm.py")).args([&*wsdl.replace("?wsdl", "?wsdl=single"), version]));
    }
}

#[test]
fn java_creates_gets_queries_updates_and_deletes() {
    let Some(classes) = jaxws() else { return };
    let server = serve("sqlite://erp.db");
    for (_, wsdl) in wsdls(&server) {
        let folder = tempfile::tempdir().unwrap();
        java(classes, &wsdl, folder.path());
    }
}

/// What a Java programmer does: wsimport, javac, java.
fn java(classes: &str, wsdl: &str, folder: &Path) {
    let with = |program: &str| {
        let mut command = Command::new(program);
        command.current_dir(folder);
        command
    };
    let import = ["-cp", classes, "com.sun.tools.ws.WsImport", "-extension", "-Xnocompile", "-keep", "-p", "crm", wsdl];
    run(with("java").args(import));
    fs::copy(client("Crm.java"), folder.join("Crm.java")).unwrap();
    run(with("javac").args(["-encoding", "UTF-8", "-nowarn", "-cp", &format!("{classes}:."), "-d", ".", "Crm.java"]));
    run(with("java").args(["-ea", "-cp", &format!("{classes}:."), "Crm"]));
}

#[test]
fn the_wsdl_and_every_answer_follow_their_schemas() {
    let Some(python) = python() else { return };
    let server = serve("sqlite://erp.db");
    for (_, wsdl) in wsdls(&server) {
        run(Command::new(python).arg(client("schemas.py")).arg(wsdl));
    }
}
