//! Every mistake, and the whole of what is said about it.

use super::{named_process, parse, process, right, route};

/// Text, and the whole of what is said about it.
#[track_caller]
pub(super) fn wrong(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        let shown = parse(text).map(|_| "accepted".to_owned()).unwrap_or_else(|problems| problems.to_string());
        assert_eq!(shown, *expected, "\n{text}");
    }
}

#[test]
fn mistakes_of_form_are_explained() {
    wrong(&[
        ("[sever]\n", "auricle.toml:1:2: sever: unknown key `sever`: did you mean `server`?"),
        (
            "[server]\nlisten-on = \"x:1\"",
            "auricle.toml:2:1: server.listen-on: unknown key `listen-on`: did you mean `listen`?",
        ),
        (
            "[server]\nREST_ROOT = \"\"",
            "auricle.toml:2:1: server.REST_ROOT: unknown key `REST_ROOT`: did you mean `rest-root`?",
        ),
        ("[[server]]\n", "auricle.toml:1:1: server: there is one only: write it with one bracket: [server]"),
        ("[api]\nname = \"x\"\nbase = \"x\"", "auricle.toml:1:1: api: write it with two brackets: [[api]]"),
        (
            &route("process = \"a\"").replace("[[process]]", "[process]"),
            "auricle.toml:1:1: process: write it with two brackets: [[process]]",
        ),
        (
            "[[server]]\nlisten = 1",
            "auricle.toml:1:1: server: there is one only: write it with one bracket: [server]\n\
             auricle.toml:2:10: server[0].listen: expected text in quotes, found a number",
        ),
        ("process = 1", "auricle.toml:1:11: process: write it with two brackets: [[process]]"),
        ("server = 1", "auricle.toml:1:10: server: expected a table, found a number"),
        ("process = [1]", "auricle.toml:1:12: process[0]: expected a table, found a number"),
        ("[server]\nlisten = 9090", "auricle.toml:2:10: server.listen: expected text in quotes, found a number"),
        (
            "[server]\nrequests-per-second = \"5\"",
            "auricle.toml:2:23: server.requests-per-second: expected a whole number without quotes, found text",
        ),
        (
            "[server]\nrequests-per-second = -5",
            "auricle.toml:2:23: server.requests-per-second: `-5` is out of range: 0 to 4294967295",
        ),
        (
            "[server]\ntrusted-proxies = \"::1\"",
            "auricle.toml:2:19: server.trusted-proxies: expected a list in brackets, found text",
        ),
        (
            "[server]\nlisten = \"a:1\"\nlisten = \"b:1\"",
            "auricle.toml:3:1: server.listen: `listen` is written twice: take one out",
        ),
        ("[server]\nlisten = \"a:1\"\n[server]\n", "auricle.toml:3:2: server: `server` is written twice: take one out"),
        (
            "[server]\nlisten = 'a:1'\nlisten = 'a:1'\ntrusted-proxies = [\n'::1'\nrest-root = ''\n[[api]\n",
            "auricle.toml:3:1: server.listen: `listen` is written twice: take one out\n\
             auricle.toml:6:1: server.trusted-proxies[1]: missing comma between array elements, expected `,`",
        ),
        ("[server]\nlisten = 'a:1", "auricle.toml:2:14: server.listen: invalid literal string, expected `'`"),
        ("[server]\nlisten = example", "auricle.toml:2:10: server.listen: this is no value: text goes in quotes"),
    ]);
}

#[test]
fn mistakes_in_server_are_explained() {
    wrong(&[
        (
            "[server]\nlisten = \"9090\"",
            "auricle.toml:2:10: server.listen: `9090` is no address: write HOST:PORT, for example \"127.0.0.1:9090\"",
        ),
        (
            "[server]\nadmin-listen = \"localhost:99999\"",
            "auricle.toml:2:16: server.admin-listen: `localhost:99999` is no address: write HOST:PORT, for example \"127.0.0.1:9090\"",
        ),
        (
            "[server]\nlisten = \"127.0.0.1:9091\"",
            "auricle.toml:1:1: server: `listen` and `admin-listen` are both 127.0.0.1:9091: give each its own port",
        ),
        (
            "[server]\nsimple-root = \"ws/rest/\"",
            "auricle.toml:1:1: server: `rest-root` and `simple-root` are both /ws/rest: give each protocol its own root",
        ),
        (
            "[server]\nrest-root = \"\"\nsoap-root = \"/\"",
            "auricle.toml:1:1: server: `rest-root` and `soap-root` are both empty: give each protocol its own root",
        ),
        (
            "[server]\nrest-root = \"/_admin/rest\"",
            "auricle.toml:2:13: server.rest-root: `/_admin/rest` is under `/_admin`, which is the server's own: take another root",
        ),
        (
            "[server]\nodata-root = \"/_executions\"",
            "auricle.toml:2:14: server.odata-root: `/_executions` is under `/_executions`, which is the server's own: take another root",
        ),
        (
            "[server]\nrest-root = \"/a/../b\"",
            "auricle.toml:2:13: server.rest-root: `..` is no segment of a path: requests with it are refused",
        ),
        (
            "[server]\npublic-url = \"api.example.com\"",
            "auricle.toml:2:14: server.public-url: write it with its scheme, for example \"https://example.com\"",
        ),
        (
            "[server]\npublic-url = \"https://api.example.com/?a\"",
            "auricle.toml:2:14: server.public-url: `https://api.example.com/?a` has a query or fragment: leave it out",
        ),
        (
            "[server]\ntrusted-proxies = [\"::1\", \"10.0.0.1/8\"]",
            "auricle.toml:2:27: server.trusted-proxies[1]: `10.0.0.1/8` has bits after its prefix: write \"10.0.0.0/8\"",
        ),
        (
            "[server]\ntrusted-proxies = [\"10.0.0.0/33\"]",
            "auricle.toml:2:20: server.trusted-proxies[0]: `10.0.0.0/33` is no network: write an address or \"10.0.0.0/8\"",
        ),
        (
            "[server]\nmax-request-bytes = \"0B\"",
            "auricle.toml:2:21: server.max-request-bytes: `0B` would refuse every body: write at least \"1B\"",
        ),
        (
            "[server]\nmax-request-bytes = \"1GiB\"",
            "auricle.toml:2:21: server.max-request-bytes: `1GiB` is more than a process may hold: at most \"256MiB\"",
        ),
        (
            "[server]\nmax-request-bytes = \"10 megs\"",
            "auricle.toml:2:21: server.max-request-bytes: `10 megs` is no size: write for example \"10MiB\" (B, KiB, MiB, GiB)",
        ),
        (
            "[server]\nprotected-headers = [\"X Y\"]",
            "auricle.toml:2:22: server.protected-headers[0]: `X Y` is no header name, such as `X-Trace`",
        ),
        ("[server]\ndata-dir = \"\"", "auricle.toml:2:12: server.data-dir: `` is no path"),
    ]);
}

#[test]
fn what_later_versions_have_is_refused_by_name() {
    wrong(&[
        ("[server]\nauth = \"basic\"", "auricle.toml:2:1: server.auth: `auth` is not in this version: take it out"),
        ("[server.tls]\ncert = \"a\"", "auricle.toml:1:1: server.tls: `tls` is not in this version: take it out"),
        ("[[proxy]]\nname = \"p\"", "auricle.toml:1:1: proxy: `proxy` is not in this version: take it out"),
        (
            "[[user]]\n[[worker]]",
            "auricle.toml:1:1: user: `user` is not in this version: take it out\nauricle.toml:2:1: worker: `worker` is not in this version: take it out",
        ),
        (
            "[[api]]\nname = \"c\"\nbase = \"c\"\n[[api.odata]]",
            "auricle.toml:4:1: api[c].odata: `odata` is not in this version: take it out",
        ),
    ]);
}

#[test]
fn mistakes_in_a_process_are_explained() {
    for (more, expected) in [
        ("time-out = \"1s\"", "8:1: process[a].time-out: unknown key `time-out`: did you mean `timeout`?"),
        ("hosts = []", "8:1: process[a].hosts: unknown key `hosts`: did you mean `allow-hosts`?"),
        ("mode = \"low-latencey\"", "8:8: process[a].mode: unknown value `low-latencey`: did you mean `low-latency`?"),
        ("mode = \"x\"", "8:8: process[a].mode: unknown value `x`: one of general, low-latency"),
        (
            "memory = \"128 megs\"",
            "8:10: process[a].memory: `128 megs` is no size: write for example \"10MiB\" (B, KiB, MiB, GiB)",
        ),
        ("memory = \"5GiB\"", "8:10: process[a].memory: `5GiB` is out of range: 1MiB to 4GiB"),
        ("memory = 128", "8:10: process[a].memory: expected text in quotes, found a number"),
        (
            "timeout = \"30\"",
            "8:11: process[a].timeout: `30` is no duration: write for example \"30s\" (ms, s, m, h, d)",
        ),
        ("timeout = \"0s\"", "8:11: process[a].timeout: `0s` is out of range: more than 0s, at most 24h"),
        ("timeout = \"25h\"", "8:11: process[a].timeout: `25h` is out of range: more than 0s, at most 24h"),
        (
            "cpu-timeout = \"31s\"",
            "8:15: process[a].cpu-timeout: is longer than `timeout` and so has no effect: nothing computes longer than it runs",
        ),
        (
            "min-instances = 1",
            "8:17: process[a].min-instances: has no effect: in general mode no instance is kept; take it out, or write `mode = \"low-latency\"`",
        ),
        (
            "max-instances = 1",
            "8:17: process[a].max-instances: has no effect: in general mode no instance is kept; take it out, or write `mode = \"low-latency\"`",
        ),
        (
            "min-instances = 33\nmode = \"low-latency\"",
            "8:17: process[a].min-instances: is more than `max-concurrent` (32): lower it, or raise the other",
        ),
        (
            "min-instances = 3\nmode = \"low-latency\"\nmax-instances = 2",
            "8:17: process[a].min-instances: is more than `max-instances` (2): lower it, or raise the other",
        ),
        (
            "max-instances = 33\nmode = \"low-latency\"",
            "8:17: process[a].max-instances: is more than `max-concurrent` (32): an instance has one execution at a time, so the rest would never be used",
        ),
        ("limits = 5", "8:10: process[a].limits: expected a table, found a number"),
        ("limits = { logs = \"1MiB\" }", "8:12: process[a].limits.logs: unknown key `logs`: did you mean `log`?"),
        ("limits = { log = \"1B\" }", "8:18: process[a].limits.log: `1B` is out of range: 1KiB to 64MiB"),
        ("limits = { handles = 1 }", "8:22: process[a].limits.handles: `1` is out of range: 16 to 1000000"),
        ("max-concurrent = 0", "8:18: process[a].max-concurrent: `0` is out of range: 1 to 4294967295"),
        ("max-documents = 10001", "8:17: process[a].max-documents: `10001` is out of range: 1 to 10000"),
        ("max-documents = 10_0x", "8:17: process[a].max-documents: `100x` is no whole number: 1 to 10000"),
        (
            "max-documents = 1_0\0\u{10}",
            "8:17: process[a].max-documents: `10\\u{0}\\u{10}` is no whole number: 1 to 10000",
        ),
        ("max-documents = 0x", "8:17: process[a].max-documents: `0x` is no whole number: 1 to 10000"),
        ("max-documents = 0xfffff", "8:17: process[a].max-documents: `0xfffff` is out of range: 1 to 10000"),
        (
            "return-documents = \"no\"",
            "8:20: process[a].return-documents: expected true or false, without quotes, found text",
        ),
        ("build = \" \"", "8:9: process[a].build: is empty: leave the key out instead"),
        (
            "content-type = \"text/csv\"",
            "8:16: process[a].content-type: has no effect: the output is single-json, and only single-data takes a media type: take it out",
        ),
        (
            "files = { data = \"./d\" }",
            "8:18: process[a].files.data: `data` is no absolute path in the guest, such as \"/data\"",
        ),
        (
            "files = { \"/a\" = \"a\", \"/a/\" = \"b\" }",
            "8:31: process[a].files./a/: `/a` is granted twice: a guest sees one folder there",
        ),
        (
            "files = { \"/a\" = { path = \"a\", wriet = true } }",
            "8:32: process[a].files./a.wriet: unknown key `wriet`: did you mean `write`?",
        ),
        (
            "files = { \"/a\" = { write = true } }",
            "8:18: process[a].files./a: `path` is missing: write for example `path = \"./data\"`",
        ),
        (
            "files = { \"/a\" = true }",
            "8:18: process[a].files./a: expected a path in quotes, or { path = \"...\", write = true }, found true or false",
        ),
        (
            "allow-hosts = [\"example.com\"]",
            "8:16: process[a].allow-hosts[0]: write it with its scheme, for example \"https://example.com\"",
        ),
        (
            "allow-hosts = [\"ftp://example.com\"]",
            "8:16: process[a].allow-hosts[0]: unknown scheme `ftp`: one of http, https",
        ),
        (
            "allow-hosts = [\"https://*.example.com\"]",
            "8:16: process[a].allow-hosts[0]: `*.example.com`: wildcards are not known: list each host",
        ),
        (
            "allow-hosts = [\"https://example.com/v1\"]",
            "8:16: process[a].allow-hosts[0]: `https://example.com/v1`: the whole host is allowed: leave out `/v1`",
        ),
        (
            "allow-hosts = [\"https://u:p@example.com\"]",
            "8:16: process[a].allow-hosts[0]: a user or password cannot stand in it",
        ),
        ("allow-hosts = [\"http://127.1\"]", "8:16: process[a].allow-hosts[0]: `127.1` is no host name or address"),
        ("allow-hosts = [\"http://h:0\"]", "8:16: process[a].allow-hosts[0]: `0` is no port: 1 to 65535"),
        (
            "allow-hosts = [{ private = true }]",
            "8:16: process[a].allow-hosts[0]: `host` is missing: write for example `host = \"https://erp.internal\"`",
        ),
        (
            "connections = [\"epr\"]",
            "8:16: process[a].connections[0]: no connection is named `epr`: did you mean `erp`?",
        ),
        ("connections = [7]", "8:16: process[a].connections[0]: expected text in quotes, found a number"),
        ("env = { A = 1 }", "8:13: process[a].env.A: expected text in quotes, found a number"),
        (
            "env = { \"A=\" = \"1\" }",
            "8:16: process[a].env.A=: `A=` is no name of a variable: it needs a character, and no `=`",
        ),
    ] {
        let text = process(more) + "[[connection]]\nname = \"erp\"\nurl = \"mysql://h/d\"";
        wrong(&[(&text, &format!("auricle.toml:{expected}"))]);
    }
}

#[test]
fn a_process_needs_its_six_keys_right() {
    let whole = process("");
    for (line, expected) in [
        ("name = \"a\"\n", "1:1: process[0]: `name` is missing: write for example `name = \"account-get\"`"),
        (
            "package = \"a.wasm\"\n",
            "1:1: process[a]: `package` is missing: write for example `package = \"target/wasm32-wasip2/release/account_get.wasm\"`",
        ),
        ("type = \"get\"\n", "1:1: process[a]: `type` is missing: write for example `type = \"get\"`"),
        ("object = \"A\"\n", "1:1: process[a]: `object` is missing: write for example `object = \"Account\"`"),
        ("input = \"none\"\n", "1:1: process[a]: `input` is missing: write for example `input = \"none\"`"),
        (
            "output = \"single-json\"\n",
            "1:1: process[a]: `output` is missing: write for example `output = \"single-json\"`",
        ),
    ] {
        let text = whole.replace(line, "");
        assert_ne!(text, whole);
        wrong(&[(&text, &format!("auricle.toml:{expected}"))]);
    }
    for (from, to, expected) in [
        (
            "\"a\"",
            "\"a b\"",
            "2:8: process[a b].name: `a b` is no name of a process: use letters, digits, `.`, `_` and `-`",
        ),
        (
            "\"a\"",
            "\"..\"",
            "2:8: process[..].name: `..` is no name of a process: use letters, digits, `.`, `_` and `-`",
        ),
        (
            "\"A\"",
            "\"\"",
            "5:10: process[a].object: a process needs an object, such as \"Account\"; a route may drop it with `object = \"\"`",
        ),
        ("\"A\"", "\"a/b\"", "5:10: process[a].object: `a/b` is no segment of a path: it has `/`"),
        (
            "\"A\"",
            "\"a%20b\"",
            "5:10: process[a].object: `a%20b` has a `%`: write segments decoded, `x y` and not `x%20y`",
        ),
        ("\"get\"", "\"got\"", "4:8: process[a].type: unknown value `got`: did you mean `get`?"),
        ("\"none\"", "\"SingleXml\"", "6:9: process[a].input: unknown value `SingleXml`: did you mean `single-xml`?"),
    ] {
        wrong(&[(&whole.replacen(from, to, 1), &format!("auricle.toml:{expected}"))]);
    }
}

#[test]
fn mistakes_in_an_api_are_explained() {
    for (more, expected) in [
        ("", "11:1: api[crm].rest[0]: `process` is missing: write for example `process = \"account-get\"`"),
        ("process = \"b\"", "13:11: api[crm].rest[0].process: no process is named `b`: declare it with [[process]]"),
        ("process = \"A\"", "13:11: api[crm].rest[0].process: no process is named `A`: did you mean `a`?"),
        (
            "process = \"a\"\npath = \"x/{Id\"",
            "14:8: api[crm].rest[0].path: `{Id`: a parameter is a whole segment, such as `{Id}`",
        ),
        (
            "process = \"a\"\npath = \"{}\"",
            "14:8: api[crm].rest[0].path: `{}`: name a parameter with letters, digits, `.`, `_` and `-`",
        ),
        (
            "process = \"a\"\npath = \"{Id}/x/{Id}\"",
            "14:8: api[crm].rest[0].path: `{Id}` is there twice: a process gets one `param_Id`",
        ),
        (
            "process = \"a\"\npath = \"x/./y\"",
            "14:8: api[crm].rest[0].path: `.` is no segment of a path: requests with it are refused",
        ),
        (
            "process = \"a\"\ncontent-type = \"text/csv\"",
            "14:16: api[crm].rest[0].content-type: has no effect: the output is single-json, and only single-data takes a media type: take it out",
        ),
        (
            "process = \"a\"\noutput = \"single-data\"\ncontent-type = \"csv\"",
            "15:16: api[crm].rest[0].content-type: `csv` is no media type, such as \"text/csv\"",
        ),
        (
            "process = \"a\"\nheaders = { \"a b\" = \"c\" }",
            "14:21: api[crm].rest[0].headers.a b: `a b` is no header name, such as `X-Trace`",
        ),
        (
            "process = \"a\"\nheaders = { A = \"b\", a = \"c\" }",
            "14:26: api[crm].rest[0].headers.a: `a` has two conditions: header names have no case",
        ),
        (
            "process = \"a\"\nexact = 1",
            "14:9: api[crm].rest[0].exact: expected true or false, without quotes, found a number",
        ),
        (
            "process = \"a\"\ntimeout = \"1s\"",
            "14:1: api[crm].rest[0].timeout: unknown key `timeout`: one of method, path, process, object, input, output, content-type, max-documents, headers, exact, request-profile, validate",
        ),
        ("process = \"a\"\n[[api.rests]]", "14:7: api[crm].rests: unknown key `rests`: did you mean `rest`?"),
    ] {
        wrong(&[(&route(more), &format!("auricle.toml:{expected}"))]);
    }
    right(&route("process = \"a\"\noutput = \"single-data\"\ncontent-type = \"text/csv; charset=utf-8\""));
    for (method, expected) in [
        ("HEAD", "HEAD is answered from the GET route of the same path: declare that"),
        ("OPTIONS", "OPTIONS is answered from the routes of the same path: it needs none of its own"),
        ("POTS", "unknown method `POTS`: did you mean `POST`?"),
    ] {
        let text = route("process = \"a\"").replace("GET", method);
        wrong(&[(&text, &format!("auricle.toml:12:10: api[crm].rest[0].method: {expected}"))]);
    }
    wrong(&[
        ("[[api]]\nname = \"x\"", "auricle.toml:1:1: api[x]: `base` is missing: write for example `base = \"/crm\"`"),
        (
            "[[api]]\nname = \"\"\nbase = \"x\"",
            "auricle.toml:2:8: api[0].name: `` is no name: it needs a character, and none of `[`, `]` and controls",
        ),
        (
            "[[api]]\nname = \"x\"\nbase = \"/{x}\"",
            "auricle.toml:3:8: api[x].base: `{x}` is no segment of a path: it has `{`",
        ),
        (
            "[[api]]\nname = \"x\"\nbase = \"x\"\nheaders = [\"X-A\", \"x-a\"]",
            "auricle.toml:4:19: api[x].headers[1]: `x-a` is listed twice: header names have no case",
        ),
        (
            &route("process = \"a\"").replace("[[api.rest]]", "[api.rest]"),
            "auricle.toml:11:1: api[crm].rest: write it with two brackets: [[api.rest]]",
        ),
    ]);
}

#[test]
fn mistakes_in_a_connection_never_show_its_url() {
    for (url, expected) in [
        ("postgre://u:secret@h/d", "unknown scheme `postgre`: did you mean `postgres`?"),
        (
            "u:secret@h/d",
            "is no URL: write for example \"sqlite://erp.db\" or \"postgres://user:password@host/database\"",
        ),
        (
            "postgres://u:sec ret@h/d",
            "is no URL of a database: write for example \"sqlite://erp.db\" or \"postgres://user:password@host/database\"",
        ),
        ("sqlite::memory:", "a database in memory would be another one for each pooled connection: name a file"),
        (
            "sqlite://x.db?mode=memory",
            "a database in memory would be another one for each pooled connection: name a file",
        ),
        ("sqlite://?mode=ro", "names no file: write for example \"sqlite://erp.db\""),
    ] {
        let text = format!("[[connection]]\nname = \"erp\"\nurl = \"{url}\"");
        wrong(&[(&text, &format!("auricle.toml:3:7: connection[erp].url: {expected}"))]);
    }
}

#[test]
fn declarations_that_do_not_go_together_name_each_other() {
    let twice = process("") + &named_process("a", "B", "");
    wrong(&[(&twice, "auricle.toml:10:8: process[a].name: `a` names another process already, at auricle.toml:2:8")]);
    let same_name = named_process("a", "account", "") + &named_process("b", "Account", "");
    wrong(&[(
        &same_name,
        "auricle.toml:13:10: process[b].object: the operation is called `getAccount`, and so is that of process `a` at \
         auricle.toml:1:1: change the type or the object of one",
    )]);
    wrong(&[
        (
            "[[api]]\nname = \"x\"\nbase = \"/a\"\n[[api]]\nname = \"y\"\nbase = \"a/\"",
            "auricle.toml:6:8: api[y].base: `/a` is the base of api `x` already, at auricle.toml:3:8: give each its own",
        ),
        (
            "[server]\nrest-root = \"\"\n[[api]]\nname = \"x\"\nbase = \"/ws/simple\"",
            "auricle.toml:5:8: api[x].base: its routes would be at `/ws/simple`, and `/ws/simple` is the `simple-root`: \
             take another base or another `rest-root`",
        ),
        (
            "[server]\nrest-root = \"\"\n[[api]]\nname = \"x\"\nbase = \"/_admin/x\"",
            "auricle.toml:5:8: api[x].base: its routes would be at `/_admin/x`, and `/_admin` is the server's own: \
             take another base or another `rest-root`",
        ),
        (
            "[server]\nrest-root = \"\"\n[[api]]\nname = \"x\"\nbase = \"/_executions\"",
            "auricle.toml:5:8: api[x].base: its routes would be at `/_executions`, and `/_executions` is the server's own: \
             take another base or another `rest-root`",
        ),
    ]);
    right(
        "[server]\nrest-root = \"\"\n[[api]]\nname = \"x\"\nbase = \"/ws/simpler\"\n[[api]]\nname = \"y\"\nbase = \"\"",
    );
    right("[server]\nsimple-root = \"\"\n[[api]]\nname = \"x\"\nbase = \"/_admin\"");
}

#[test]
fn all_problems_come_at_once_in_their_order() {
    wrong(&[(
        &("[server]\nauth = 1\nlisten = 2\n".to_owned()
            + &process("timeout = \"x\"\nfile = 1\nconnections = [\"erp\"]")),
        "auricle.toml:2:1: server.auth: `auth` is not in this version: take it out\n\
         auricle.toml:3:10: server.listen: expected text in quotes, found a number\n\
         auricle.toml:11:11: process[a].timeout: `x` is no duration: write for example \"30s\" (ms, s, m, h, d)\n\
         auricle.toml:12:1: process[a].file: unknown key `file`: did you mean `files`?\n\
         auricle.toml:13:16: process[a].connections[0]: no connection is named `erp`: declare it with [[connection]]",
    )]);
}

#[test]
fn columns_count_characters_and_lines_end_in_either_way() {
    wrong(&[
        (
            "x = { 'é' = 1 }\r\n[server]\r\n  tis = 1",
            "auricle.toml:1:1: x: unknown key `x`: one of include, server, deployment, process, connection, profile, api\nauricle.toml:3:3: server.tis: unknown key `tis`: one of listen, admin-listen, data-dir, rest-root, simple-root, soap-root, soap12-root, odata-root, odata2-root, public-url, trusted-proxies, max-request-bytes, requests-per-second, protected-headers, environment, store, trust, records",
        ),
        (
            "server = { 'é' = 1 }",
            "auricle.toml:1:12: server.é: unknown key `é`: one of listen, admin-listen, data-dir, rest-root, simple-root, soap-root, soap12-root, odata-root, odata2-root, public-url, trusted-proxies, max-request-bytes, requests-per-second, protected-headers, environment, store, trust, records",
        ),
        (
            "server = { listen = 'é:1', tls = 1 }",
            "auricle.toml:1:28: server.tls: `tls` is not in this version: take it out",
        ),
    ]);
}
