-- Further pages of answers.

CREATE TABLE page (
    key         BLOB PRIMARY KEY,       -- SHA-256 of environment, place, token and user
    environment TEXT NOT NULL,
    previous    BLOB,                   -- key of the page before it, which goes when this one is fetched
    keep_until  INTEGER NOT NULL,
    bytes       INTEGER NOT NULL,       -- what it counts against the limit of all pages
    data        BLOB NOT NULL           -- codec/page.rs
) STRICT;

-- For the sum of all bytes too: no row has to be read for it.
CREATE INDEX page_kept ON page (keep_until, environment, bytes);
