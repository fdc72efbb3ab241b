-- What an operator should see. Ids are UUIDv7: ordered by id is ordered by age.
CREATE TABLE notifications (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  kind TEXT NOT NULL,
  title TEXT NOT NULL,
  subject TEXT NOT NULL,
  details TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  read_at INTEGER,
  PRIMARY KEY (tenant_id, id)
);
CREATE INDEX notifications_unread ON notifications (tenant_id, id) WHERE read_at IS NULL;
