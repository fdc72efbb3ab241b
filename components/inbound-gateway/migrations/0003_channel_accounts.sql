-- What was a list of owners becomes what a tenant manages: a name, a state, and credentials of its own.
ALTER TABLE channel_accounts ADD COLUMN id TEXT NOT NULL DEFAULT '';
ALTER TABLE channel_accounts ADD COLUMN name TEXT NOT NULL DEFAULT '';
-- NULL: active.
ALTER TABLE channel_accounts ADD COLUMN disabled_at INTEGER;
-- Sealed JSON object (src/accounts/vault.rs); NULL: none, the deployment's are used.
ALTER TABLE channel_accounts ADD COLUMN credentials TEXT;
-- JSON list of the names that are in it, which is all that is ever shown of it.
ALTER TABLE channel_accounts ADD COLUMN credentials_set TEXT NOT NULL DEFAULT '[]';
-- Which key sealed it.
ALTER TABLE channel_accounts ADD COLUMN key_id TEXT;
-- Never the same twice for one provider_id: webhooks are checked against it.
ALTER TABLE channel_accounts ADD COLUMN updated_at INTEGER NOT NULL DEFAULT 1;

UPDATE channel_accounts SET name = provider_id, id = lower(
  hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-7' || substr(hex(randomblob(2)), 2) || '-8' || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)));

CREATE UNIQUE INDEX channel_accounts_by_id ON channel_accounts (tenant_id, id);
CREATE INDEX channel_accounts_by_age ON channel_accounts (tenant_id, created_at, id);
-- Without the tenant: sealing anew is the platform's, over all tenants at once.
CREATE INDEX channel_accounts_by_key ON channel_accounts (key_id) WHERE credentials IS NOT NULL;

-- For which of its accounts its signer may speak, and whose they are, as it was when the signature was checked. NULL: stored before this was.
ALTER TABLE webhook_deliveries ADD COLUMN grants TEXT;
