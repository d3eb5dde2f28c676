-- Times are milliseconds since 1970. A database that has run this file never runs it again: changes go into the next one.

CREATE TABLE package (
    digest   TEXT PRIMARY KEY,          -- sha256:<hex> of bytes
    bytes    BLOB NOT NULL,
    added_at INTEGER NOT NULL
) STRICT;

CREATE TABLE deployment (
    environment TEXT NOT NULL,
    version     INTEGER NOT NULL,       -- from 1 in each environment
    bundle      TEXT NOT NULL,          -- JSON of auricle_model::Deployment
    source      TEXT,
    fingerprint TEXT,
    note        TEXT,
    deployed_at INTEGER NOT NULL,
    PRIMARY KEY (environment, version)
) STRICT;

CREATE INDEX deployment_by_source ON deployment (environment, source, version);

CREATE TABLE deployment_package (
    environment TEXT NOT NULL,
    version     INTEGER NOT NULL,
    process     TEXT NOT NULL,
    digest      TEXT NOT NULL REFERENCES package (digest),
    PRIMARY KEY (environment, version, process),
    FOREIGN KEY (environment, version) REFERENCES deployment (environment, version)
) STRICT, WITHOUT ROWID;

CREATE INDEX deployment_package_by_digest ON deployment_package (digest);

CREATE TABLE active (
    environment TEXT PRIMARY KEY,
    version     INTEGER NOT NULL,
    FOREIGN KEY (environment, version) REFERENCES deployment (environment, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE queue (
    id          TEXT PRIMARY KEY,       -- UUID version 7: sorts by the time of the request
    environment TEXT NOT NULL,
    user        TEXT,
    state       TEXT NOT NULL CHECK (state IN ('queued', 'running', 'failed')),
    attempt     INTEGER NOT NULL,       -- runs begun
    enqueued_at INTEGER NOT NULL,
    not_before  INTEGER,
    message     TEXT,                   -- why the last run failed
    request     BLOB NOT NULL           -- codec.rs
) STRICT;

CREATE INDEX queue_open ON queue (id) WHERE state <> 'failed';
