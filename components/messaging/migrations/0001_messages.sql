-- `seq` is 1, 2, 3, … in each conversation, allocated inside the insert; messages are never deleted, so the highest is also their number.
CREATE TABLE messages (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  conversation_id TEXT NOT NULL,
  seq INTEGER NOT NULL,
  sender_customer_id TEXT,
  direction TEXT NOT NULL,
  body TEXT,
  content_type TEXT NOT NULL,
  media_id TEXT,
  channel TEXT,
  channel_account_id TEXT,
  external_message_id TEXT,
  client_ref TEXT,
  status TEXT NOT NULL,
  sent_at INTEGER NOT NULL,
  metadata TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX messages_in_order ON messages (tenant_id, conversation_id, seq);
-- The deduplication. Ids that a provider gave to what came in and to what went out are two kinds: the direction is part of the key.
CREATE UNIQUE INDEX messages_by_external_id
  ON messages (tenant_id, coalesce(channel_account_id, ''), direction, external_message_id)
  WHERE external_message_id IS NOT NULL;
CREATE UNIQUE INDEX messages_by_client_ref ON messages (tenant_id, conversation_id, client_ref)
  WHERE client_ref IS NOT NULL;

-- What providers reported, as it came, also of messages that are not known yet. Only ever added to.
CREATE TABLE receipts (
  tenant_id TEXT NOT NULL,
  channel_account_id TEXT NOT NULL,
  external_message_id TEXT NOT NULL,
  status TEXT NOT NULL,
  at INTEGER NOT NULL,
  details TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, channel_account_id, external_message_id, status)
);

-- What a message was before each change by hand.
CREATE TABLE message_history (
  tenant_id TEXT NOT NULL,
  message_id TEXT NOT NULL,
  version INTEGER NOT NULL,
  body TEXT,
  status TEXT NOT NULL,
  principal TEXT NOT NULL,
  changed_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, message_id, version)
);
