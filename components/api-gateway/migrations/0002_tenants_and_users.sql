-- Tenants: whose data, keys, users and rate plan. `default` is there from the start, so that a single-tenant user never sees another.
CREATE TABLE tenants (
    tenant_id         TEXT    PRIMARY KEY,    -- a short name of lower-case letters, digits and hyphens; never used again
    name              TEXT    NOT NULL,
    requests_per_hour INTEGER,                -- per credential; NULL: the platform's default
    disabled_at       INTEGER,                -- NULL: its credentials work
    deleted_at        INTEGER,                -- NULL: not deleted; a deleted tenant stays, so that nobody inherits its data
    created_at        INTEGER NOT NULL,
    updated_at        INTEGER NOT NULL
) WITHOUT ROWID;

INSERT INTO tenants (tenant_id, name, created_at, updated_at)
SELECT tenant_id, tenant_id, 0, 0 FROM (SELECT 'default' AS tenant_id UNION SELECT tenant_id FROM api_keys);

-- People who sign in by name and password (HTTP Basic).
CREATE TABLE users (
    tenant_id     TEXT    NOT NULL,
    id            TEXT    NOT NULL,            -- UUIDv7
    username      TEXT    NOT NULL,            -- lower case
    name          TEXT,                        -- what people call them
    password_hash TEXT    NOT NULL,            -- argon2id, PHC string
    scopes        TEXT    NOT NULL,            -- JSON array of strings
    disabled_at   INTEGER,
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, username)
) WITHOUT ROWID;

CREATE INDEX users_by_age ON users (tenant_id, created_at, id);
CREATE INDEX api_keys_by_age ON api_keys (tenant_id, created_at, id);
