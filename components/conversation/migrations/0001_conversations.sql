-- `activity_at` is the time of the last message, else of creation: what lists are ordered by.
-- `direct_key` is who a direct conversation is with (and on which account): its unique index keeps it the only one.
CREATE TABLE conversations (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  kind TEXT NOT NULL,
  status TEXT NOT NULL,
  channel TEXT,
  channel_account_id TEXT,
  direct_key TEXT,
  subject TEXT,
  metadata TEXT NOT NULL,
  last_seq INTEGER NOT NULL,
  last_message_at INTEGER,
  last_message_preview TEXT,
  unread_count INTEGER NOT NULL,
  activity_at INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX conversations_direct ON conversations (tenant_id, direct_key);
CREATE INDEX conversations_by_activity ON conversations (tenant_id, activity_at, id);
CREATE INDEX conversations_by_status ON conversations (tenant_id, status, activity_at, id);
CREATE INDEX conversations_by_channel ON conversations (tenant_id, channel, activity_at, id);

CREATE TABLE participants (
  tenant_id TEXT NOT NULL,
  conversation_id TEXT NOT NULL,
  id TEXT NOT NULL,
  customer_id TEXT NOT NULL,
  role TEXT NOT NULL,
  joined_at INTEGER NOT NULL,
  left_at INTEGER,
  PRIMARY KEY (tenant_id, conversation_id, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX participants_by_customer ON participants (tenant_id, customer_id, conversation_id);

-- Sequence numbers below a conversation's last_seq that have not been touched yet, as ranges: each message counts once,
-- in whatever order the touches come. Empty as long as they come in order.
CREATE TABLE touch_gaps (
  tenant_id TEXT NOT NULL,
  conversation_id TEXT NOT NULL,
  first_seq INTEGER NOT NULL,
  last_seq INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, conversation_id, first_seq)
) WITHOUT ROWID;
