-- Execution records and counts: a file of their own (records.db), so that they hold up nothing that has to be durable.

CREATE TABLE record (
    id          BLOB PRIMARY KEY,
    environment TEXT NOT NULL,
    process     TEXT NOT NULL,
    version     INTEGER NOT NULL,
    mode        TEXT NOT NULL,
    attempt     INTEGER NOT NULL,
    began_at    INTEGER NOT NULL,
    caller      TEXT,
    status      INTEGER,
    failure     TEXT,
    ran_us      INTEGER NOT NULL,
    bytes       INTEGER NOT NULL,       -- what it counts against the limit of all records
    summary     BLOB NOT NULL,          -- codec.rs
    detail      BLOB NOT NULL           -- codec.rs
) STRICT;

CREATE INDEX record_began ON record (began_at, id);
CREATE INDEX record_of_process ON record (process, began_at, id);
CREATE INDEX record_failed ON record (began_at, id) WHERE failure IS NOT NULL;

CREATE TABLE record_total (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    records INTEGER NOT NULL,
    bytes   INTEGER NOT NULL
) STRICT;

INSERT INTO record_total VALUES (1, 0, 0);

CREATE TABLE minute_count (
    minute      INTEGER NOT NULL,       -- since 1970
    environment TEXT NOT NULL,
    process     TEXT NOT NULL,
    executions  INTEGER NOT NULL,
    failures    INTEGER NOT NULL,
    ran_us      INTEGER NOT NULL,
    longest_us  INTEGER NOT NULL,
    -- How many took how long: the buckets of MinuteCount.
    b0 INTEGER NOT NULL, b1 INTEGER NOT NULL, b2 INTEGER NOT NULL, b3 INTEGER NOT NULL,
    b4 INTEGER NOT NULL, b5 INTEGER NOT NULL, b6 INTEGER NOT NULL, b7 INTEGER NOT NULL,
    b8 INTEGER NOT NULL, b9 INTEGER NOT NULL, b10 INTEGER NOT NULL, b11 INTEGER NOT NULL,
    PRIMARY KEY (minute, environment, process)
) STRICT, WITHOUT ROWID;
