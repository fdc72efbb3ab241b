-- What was a list of owners becomes what a tenant manages: a name, a state, and credentials of its own.
CREATE TABLE channel_accounts_next (
  tenant_id   TEXT    NOT NULL,
  id          TEXT    NOT NULL,
  kind        TEXT    NOT NULL,             -- the channel: whatsapp, sms, telegram, web, email
  provider_id TEXT    NOT NULL,             -- as the channel's webhooks and messages name it
  name        TEXT    NOT NULL,             -- what people call it
  disabled_at INTEGER,                      -- NULL: active
  credentials TEXT,                         -- sealed JSON object (src/accounts/vault.rs); NULL: none, the deployment's are used
  credentials_set TEXT NOT NULL,            -- JSON list of the names that are in it, which is all that is ever shown of it
  key_id      TEXT,                         -- which key sealed it
  created_at  INTEGER NOT NULL,
  updated_at  INTEGER NOT NULL,             -- never the same twice for one provider_id: webhooks are checked against it
  PRIMARY KEY (tenant_id, id)
) WITHOUT ROWID;

INSERT INTO channel_accounts_next (tenant_id, id, kind, provider_id, name, credentials_set, created_at, updated_at)
SELECT tenant_id,
       lower(substr(h, 1, 8) || '-' || substr(h, 9, 4) || '-7' || substr(h, 14, 3) || '-8' || substr(h, 18, 3) || '-' || substr(h, 21, 12)),
       kind, provider_id, provider_id, '[]', created_at, max(created_at, 1)
FROM (SELECT *, hex(randomblob(16)) AS h FROM channel_accounts);

DROP TABLE channel_accounts;
ALTER TABLE channel_accounts_next RENAME TO channel_accounts;

-- Without the tenant: it is the one question that is asked before the tenant is known; and one account has one tenant.
CREATE UNIQUE INDEX channel_accounts_owner ON channel_accounts (kind, provider_id);
CREATE INDEX channel_accounts_by_age ON channel_accounts (tenant_id, created_at, id);
-- Without the tenant: sealing anew is the platform's, over all tenants at once.
CREATE INDEX channel_accounts_by_key ON channel_accounts (key_id) WHERE credentials IS NOT NULL;

-- For which of its accounts its signer may speak, and whose they are, as it was when the signature was checked. NULL: stored before this was.
ALTER TABLE webhook_deliveries ADD COLUMN grants TEXT;
