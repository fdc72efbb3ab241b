-- What whoever registered the webhook wrote behind its address: some channels name the account or the message there.
ALTER TABLE webhook_deliveries ADD COLUMN query TEXT NOT NULL DEFAULT '';
