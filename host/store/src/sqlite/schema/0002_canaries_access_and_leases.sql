-- Who signed a package, who deployed a version, canaries, tokens, the audit log; leases and results in the queue;
-- answers kept by Idempotency-Key. What 0001 has is carried over.

ALTER TABLE package ADD COLUMN signed_by TEXT;

ALTER TABLE deployment ADD COLUMN deployed_by TEXT;
ALTER TABLE deployment ADD COLUMN processes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE deployment ADD COLUMN apis INTEGER NOT NULL DEFAULT 0;
UPDATE deployment
SET processes = coalesce(json_array_length(bundle, '$.processes'), 0), apis = coalesce(json_array_length(bundle, '$.apis'), 0)
WHERE json_valid(bundle);

CREATE TABLE environment (
    name        TEXT PRIMARY KEY,
    revision    INTEGER NOT NULL,       -- one more with every change of this row
    newest      INTEGER NOT NULL,       -- the newest version's number
    active      INTEGER,
    previous    INTEGER,                -- what was active before
    canary      INTEGER,
    canary_rule TEXT,                   -- JSON of CanaryRule
    since       INTEGER,
    FOREIGN KEY (name, active) REFERENCES deployment (environment, version),
    FOREIGN KEY (name, canary) REFERENCES deployment (environment, version)
) STRICT, WITHOUT ROWID;

INSERT INTO environment (name, revision, newest, active, previous, since)
SELECT newest.environment, newest.version, newest.version, active.version,
       CASE WHEN active.version > 1 THEN active.version - 1 END, deployment.deployed_at
FROM (SELECT environment, max(version) AS version FROM deployment GROUP BY environment) AS newest
LEFT JOIN active USING (environment)
LEFT JOIN deployment ON deployment.environment = active.environment AND deployment.version = active.version;

DROP TABLE active;

CREATE TABLE token (
    name       TEXT PRIMARY KEY,
    role       TEXT NOT NULL,
    hash       BLOB NOT NULL UNIQUE,    -- SHA-256 of the token
    made_at    INTEGER NOT NULL,
    expires_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at     INTEGER NOT NULL,
    who    TEXT,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;

ALTER TABLE queue RENAME TO queue_1;

CREATE TABLE queue (
    id           BLOB PRIMARY KEY,      -- UUID version 7: sorts by the time of the request
    environment  TEXT NOT NULL,
    process      TEXT NOT NULL,
    caller       TEXT,
    state        TEXT NOT NULL CHECK (state IN ('queued', 'running', 'failed', 'done')),
    attempt      INTEGER NOT NULL,      -- runs begun
    enqueued_at  INTEGER NOT NULL,
    not_before   INTEGER,
    lease_node   TEXT,                  -- who runs it
    lease_until  INTEGER,
    keeps_result INTEGER NOT NULL,      -- 1: when it is done it stays, with its result
    keep_until   INTEGER,               -- of what is done: how long it stays
    message      TEXT,                  -- why the last run failed
    request      BLOB NOT NULL,         -- codec.rs
    result       BLOB                   -- codec.rs
) STRICT;

-- The process's name is the first value of the header that codec.rs writes from the sixth byte on.
INSERT INTO queue (id, environment, process, caller, state, attempt, enqueued_at, not_before, keeps_result, message, request)
SELECT unhex(id, '-'), environment,
       CASE WHEN json_valid(header) THEN coalesce(json_extract(header, '$.process'), '') ELSE '' END,
       user, state, attempt, enqueued_at, not_before, 0, message, request
FROM (
    SELECT *, substr(beginning, 1, instr(beginning, ',"operation":') - 1) || '}' AS header
    FROM (SELECT *, CAST(substr(request, 6, 1024) AS TEXT) AS beginning FROM queue_1)
)
WHERE unhex(id, '-') IS NOT NULL;

DROP TABLE queue_1;

CREATE INDEX queue_open ON queue (environment, process, id) WHERE state IN ('queued', 'running');
CREATE INDEX queue_state ON queue (state, environment, id);
CREATE INDEX queue_kept ON queue (keep_until) WHERE keep_until IS NOT NULL;

CREATE TABLE idempotency (
    key        BLOB PRIMARY KEY,        -- SHA-256 of environment, user, route and key
    body       TEXT NOT NULL,           -- SHA-256 of the request's body
    execution  BLOB NOT NULL,           -- who claimed it
    keep_until INTEGER NOT NULL,        -- of the claim while there is no answer, of the answer after that
    answer     BLOB                     -- codec.rs
) STRICT;

CREATE INDEX idempotency_kept ON idempotency (keep_until);
