-- Who names an account does not have it yet: a claim is pending (NULL) until a webhook that its own secret signs has come. Claims of
-- several tenants stand side by side; one tenant at most has verified the account.
ALTER TABLE channel_accounts ADD COLUMN verified_at INTEGER;
-- `deployment`: the deployment's own tenant or an operator vouches for it, so what the deployment's secret signs is its tenant's.
ALTER TABLE channel_accounts ADD COLUMN verified_by TEXT CHECK (verified_by IN ('deployment', 'webhook'));

-- Without a signing secret of its own: only the deployment could have registered it.
UPDATE channel_accounts SET verified_at = created_at, verified_by = 'deployment'
WHERE (kind = 'whatsapp' AND instr(credentials_set, '"app_secret"') = 0) OR (kind = 'sms' AND instr(credentials_set, '"auth_token"') = 0)
  OR (kind = 'telegram' AND instr(credentials_set, '"secret_token"') = 0)
  OR (kind IN ('web', 'email') AND instr(credentials_set, '"webhook_secret"') = 0);

-- With one, and enabled: whose webhooks have come. Twilio's own account (`AC…`) stands for numbers, by which deliveries are kept.
UPDATE channel_accounts SET verified_at = created_at, verified_by = 'webhook'
WHERE verified_at IS NULL AND disabled_at IS NULL AND EXISTS (
  SELECT 1 FROM webhook_deliveries d
  WHERE d.tenant_id = channel_accounts.tenant_id AND d.channel = channel_accounts.kind
    AND (d.channel_account_id = channel_accounts.provider_id
      OR (channel_accounts.kind = 'sms' AND substr(channel_accounts.provider_id, 1, 2) = 'AC')));

DROP INDEX channel_accounts_owner;
-- Without the tenant: whose an account is, is what webhooks ask.
CREATE INDEX channel_accounts_named ON channel_accounts (kind, provider_id);
-- Without the tenant: an account is verified for one of them all.
CREATE UNIQUE INDEX channel_accounts_verified ON channel_accounts (kind, provider_id) WHERE verified_at IS NOT NULL;
