-- Guesses at passwords, counted for all instances together.
CREATE TABLE attempts (
    tenant_id   TEXT    NOT NULL,              -- of the name that is guessed at; `-` for a source, which has none
    subject     TEXT    NOT NULL,
    forgiven_at INTEGER NOT NULL,              -- when all of them will be forgiven, in microseconds since the Unix epoch
    PRIMARY KEY (tenant_id, subject)
) WITHOUT ROWID;

-- Without the tenant: the sweep of what is forgiven is the platform's, over all tenants at once.
CREATE INDEX attempts_by_end ON attempts (forgiven_at);
