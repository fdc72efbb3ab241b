-- Access tokens that were revoked before their end; nothing is kept of the others.
CREATE TABLE revoked_tokens (
    tenant_id  TEXT    NOT NULL,
    token_id   TEXT    NOT NULL,               -- the claim `jti`
    expires_at INTEGER NOT NULL,               -- then the row may go: the token is worth nothing any more
    PRIMARY KEY (tenant_id, token_id)
) WITHOUT ROWID;

-- Without the tenant: the sweep of ended tokens is the platform's, over all tenants at once.
CREATE INDEX revoked_tokens_by_end ON revoked_tokens (expires_at);

-- Token buckets. Instances take tokens out in slices and spend them without asking again.
CREATE TABLE quotas (
    tenant_id  TEXT    NOT NULL,
    principal  TEXT    NOT NULL,
    used       INTEGER NOT NULL,               -- of the bucket, in microtokens: what was taken and has not flowed back
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, principal)
) WITHOUT ROWID;

-- Requests and their answers, as far as policy lets them be kept.
CREATE TABLE api_logs (
    tenant_id     TEXT    NOT NULL,
    id            TEXT    NOT NULL,            -- UUIDv7
    method        TEXT    NOT NULL,
    path          TEXT    NOT NULL,            -- without the query
    query_params  TEXT,                        -- JSON object, redacted
    request_body  TEXT,                        -- bounded, redacted; NULL: none, or not kept
    response_body TEXT,
    status_code   INTEGER NOT NULL,
    duration_ms   INTEGER NOT NULL,
    ip_address    TEXT,
    principal     TEXT,
    request_id    TEXT    NOT NULL,
    trace_id      TEXT    NOT NULL,
    created_at    INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, id)
) WITHOUT ROWID;

CREATE INDEX api_logs_by_age ON api_logs (tenant_id, created_at, id);
-- Without the tenant: retention is the platform's, over all tenants at once.
CREATE INDEX api_logs_by_end ON api_logs (created_at);
