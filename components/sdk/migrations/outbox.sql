-- Events that have not left yet. The primary key is their order: they leave oldest first.
CREATE TABLE outbox (
  position INTEGER PRIMARY KEY,
  tenant_id TEXT NOT NULL,
  event_id TEXT NOT NULL,
  type TEXT NOT NULL,
  partition_key TEXT NOT NULL,
  event TEXT NOT NULL,
  created_at INTEGER NOT NULL
);
