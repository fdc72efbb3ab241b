-- How unkind the emulator is, and how many calls it had: the number of a call decides its fate.
CREATE TABLE emulator (
  tenant_id TEXT NOT NULL,
  knobs TEXT NOT NULL,
  calls INTEGER NOT NULL,
  PRIMARY KEY (tenant_id)
);

-- What the platform gave it to send. The tenant is that of the simulated customer who it was for, else `default`.
CREATE TABLE emulated_messages (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  channel TEXT NOT NULL,
  account TEXT NOT NULL,
  recipient TEXT NOT NULL,
  kind TEXT NOT NULL,
  text TEXT,
  ours TEXT,
  callback TEXT,
  is_dropped INTEGER NOT NULL,
  taken_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, id)
);
-- Without the tenant: a provider limits the calls of an account.
CREATE INDEX emulated_messages_of_account ON emulated_messages (channel, account, taken_at);

-- Reports on their way to our webhooks; one that has arrived is deleted.
CREATE TABLE emulated_reports (
  tenant_id TEXT NOT NULL,
  message_id TEXT NOT NULL,
  number INTEGER NOT NULL,
  status TEXT NOT NULL,
  at INTEGER NOT NULL,
  due_at INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  lease_until INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, message_id, number)
);
-- Without the tenant: who reports does so for all tenants at once.
CREATE INDEX emulated_reports_due ON emulated_reports (due_at);

-- Media that were uploaded: what they were, not their bytes.
CREATE TABLE emulated_uploads (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  account TEXT NOT NULL,
  size INTEGER NOT NULL,
  uploaded_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, id)
);
