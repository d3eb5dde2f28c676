-- Further pages of answers.

CREATE TABLE page (
    key         BYTEA PRIMARY KEY,      -- SHA-256 of environment, place, token and user
    environment TEXT NOT NULL,
    previous    BYTEA,                  -- key of the page before it, which goes when this one is fetched
    keep_until  BIGINT NOT NULL,
    bytes       BIGINT NOT NULL,        -- what it counts against the limit of all pages
    data        BYTEA NOT NULL          -- codec/page.rs
);

-- For the sum of all bytes too: no row has to be read for it.
CREATE INDEX page_kept ON page (keep_until, environment, bytes);
