-- Files of stored messages that are yet to be fetched from the provider, and what became of those that were.
CREATE TABLE attachments (
  tenant_id          TEXT    NOT NULL,
  reference          TEXT    NOT NULL,
  message_id         TEXT    NOT NULL,
  conversation_id    TEXT    NOT NULL,
  channel            TEXT    NOT NULL,
  channel_account_id TEXT    NOT NULL,
  source             TEXT    NOT NULL,
  state              TEXT    NOT NULL CHECK (state IN ('pending', 'ready', 'failed')),
  reason             TEXT,
  attempts           INTEGER NOT NULL,
  -- Of a pending one: until when it is left alone, because somebody fetches it or it waits for its next attempt.
  due_at             INTEGER,
  created_at         INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, reference)
) WITHOUT ROWID;

-- The tick's queues are the platform's, not a tenant's, as those of the deliveries are.
CREATE INDEX attachments_due ON attachments (due_at) WHERE state = 'pending';
CREATE INDEX attachments_old ON attachments (created_at) WHERE state <> 'pending';
