-- API keys. Only the SHA-256 of a key is kept: the secret is shown once, when it is made.
CREATE TABLE api_keys (
    tenant_id    TEXT    NOT NULL,
    id           TEXT    NOT NULL,             -- UUIDv7
    name         TEXT    NOT NULL,             -- what its owner calls it
    key_prefix   TEXT    NOT NULL,             -- the first characters, by which people recognise it in a list
    key_hash     TEXT    NOT NULL,             -- SHA-256 of the whole key, 64 lower-case hex digits
    scopes       TEXT    NOT NULL,             -- JSON array of strings; ["*"] is every right
    created_at   INTEGER NOT NULL,             -- microseconds since the Unix epoch, as all times here
    expires_at   INTEGER,                      -- NULL: never
    revoked_at   INTEGER,                      -- NULL: not revoked
    last_used_at INTEGER,                      -- to the minute; NULL: never used
    PRIMARY KEY (tenant_id, id)
) WITHOUT ROWID;

-- The one index that does not begin with tenant_id: a request's tenant is what the look-up by hash finds out.
CREATE UNIQUE INDEX api_keys_by_hash ON api_keys (key_hash, tenant_id);
