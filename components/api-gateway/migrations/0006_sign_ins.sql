-- From where a user has signed in: who guesses from elsewhere does not lock the user out there.
CREATE TABLE sign_ins (
    tenant_id TEXT    NOT NULL,
    subject   TEXT    NOT NULL,                -- the user's name
    source    TEXT    NOT NULL,                -- an address, or the /64 network of one
    last_at   INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, subject, source)
) WITHOUT ROWID;

-- Without the tenant: the sweep of old ones is the platform's, over all tenants at once.
CREATE INDEX sign_ins_by_age ON sign_ins (last_at);

-- What one instance does for all of them, and when it is due again. The tenant is `-`: the work is the platform's.
CREATE TABLE chores (
    tenant_id TEXT    NOT NULL,
    name      TEXT    NOT NULL,
    due_at    INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, name)
) WITHOUT ROWID;

-- Without the tenant: sweeps are the platform's, over all tenants at once.
CREATE INDEX quotas_by_age ON quotas (updated_at);
CREATE INDEX api_keys_by_revocation ON api_keys (revoked_at) WHERE revoked_at IS NOT NULL;
CREATE INDEX api_keys_by_end ON api_keys (expires_at) WHERE expires_at IS NOT NULL;
