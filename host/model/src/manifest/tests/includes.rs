//! Manifests of several files.

use std::fs;

use super::named_process;
use crate::PackageRef;
use crate::manifest::Manifest;

/// A folder with files in it.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

/// Loads the manifest of a folder; messages without the folder's own path.
fn load(folder: &tempfile::TempDir) -> Result<Manifest, String> {
    let strip = format!("{}/", folder.path().display());
    Manifest::load(&folder.path().join("auricle.toml")).map_err(|problems| problems.to_string().replace(&strip, ""))
}

#[test]
fn included_files_add_their_declarations_with_paths_of_their_own() {
    let own = named_process("own", "Own", "connections = [\"erp\"]");
    let orders = named_process("orders", "Order", "files = { \"/d\" = \"d\" }");
    let crm = "include = [\"deep/orders.toml\"]\n[[connection]]\nname = \"erp\"\nurl = \"sqlite://erp.db\"";
    let folder = folder(&[
        ("auricle.toml", &format!("include = [\"apis/crm.toml\"]\n{own}")),
        ("apis/crm.toml", crm),
        ("apis/deep/orders.toml", &orders),
    ]);
    let root = folder.path();
    let manifest = load(&folder).unwrap();
    assert_eq!(manifest.file, root.join("auricle.toml"));
    assert_eq!(
        manifest.files(),
        [root.join("auricle.toml"), root.join("apis/crm.toml"), root.join("apis/deep/orders.toml")]
    );
    let names: Vec<&str> = manifest.deployment.processes.iter().map(|process| process.name.as_str()).collect();
    assert_eq!(names, ["own", "orders"]);
    let orders = manifest.deployment.process("orders").unwrap();
    assert_eq!(orders.build_dir, root.join("apis/deep"));
    assert_eq!(orders.package, PackageRef::Path(root.join("apis/deep/orders.wasm")));
    assert_eq!(orders.grants.files.first().unwrap().host, root.join("apis/deep/d"));
    let url = &manifest.deployment.connections.first().unwrap().url;
    assert_eq!(*url, format!("sqlite://{}/apis/erp.db", root.display()));
    let location = manifest.locate("process[orders].type");
    assert_eq!((location.file, location.line), (root.join("apis/deep/orders.toml"), 4));
}

#[test]
fn wrong_includes_are_refused() {
    let cases: &[(&[(&str, &str)], &str)] = &[
        (
            &[("auricle.toml", "include = [\"a.toml\"]"), ("a.toml", "include = [\"./auricle.toml\"]")],
            "a.toml:1:12: include[0]: `auricle.toml` would include itself: take this out",
        ),
        (
            &[("auricle.toml", "include = [\"a.toml\", \"./a.toml\"]"), ("a.toml", "")],
            "auricle.toml:1:22: include[1]: `a.toml` is included already, at auricle.toml:1:12",
        ),
        (
            &[("auricle.toml", "include = [\"no.toml\"]")],
            "auricle.toml:1:12: include[0]: `no.toml` cannot be read: No such file or directory (os error 2)",
        ),
        (
            &[("auricle.toml", "include = [\"a.toml\"]"), ("a.toml", "[server]\nlisten = \"a:1\"")],
            "a.toml:1:1: server: an included file cannot have [server]: write it in the manifest that includes this one",
        ),
        (
            &[("auricle.toml", "include = [\"a.toml\"]"), ("a.toml", "[deployment]\nmax-error-rate = \"5%\"")],
            "a.toml:1:1: deployment: an included file cannot have [deployment]: write it in the manifest that includes this one",
        ),
        (
            &[
                ("auricle.toml", "include = [\"a.toml\", \"b.toml\"]\n[[api]]\nname = \"x\"\nbase = \"x\"\ntile = 1"),
                ("a.toml", "x ="),
                ("b.toml", "[[process]\n"),
            ],
            "auricle.toml:5:1: api[x].tile: unknown key `tile`: did you mean `title`?\n\
             a.toml:1:4: x: the value is missing\n\
             b.toml:1:11: unclosed array table, expected `]`",
        ),
        (&[], "auricle.toml: cannot be read: No such file or directory (os error 2)"),
    ];
    for (files, expected) in cases {
        let folder = folder(files);
        assert_eq!(load(&folder).unwrap_err(), *expected, "{files:?}");
    }
    let folder = folder(&[]);
    fs::write(folder.path().join("auricle.toml"), b"a = \"\xff\"").unwrap();
    assert_eq!(load(&folder).unwrap_err(), "auricle.toml: cannot be read: it is not UTF-8 text: see byte 6");
}
