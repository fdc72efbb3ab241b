-- Who sends the outbox on now: one instance at a time, or several would do the same work. One row, of the platform's tenant `*`.
CREATE TABLE outbox_lease (
  tenant_id TEXT NOT NULL,
  holder TEXT NOT NULL,
  until INTEGER NOT NULL,
  PRIMARY KEY (tenant_id)
);
-- An empty outbox needs nobody: whose event comes next need not wait for the lease to run out.
CREATE TRIGGER release_outbox_lease AFTER DELETE ON outbox WHEN NOT EXISTS (SELECT 1 FROM outbox)
BEGIN
  UPDATE outbox_lease SET until = 0;
END;

-- Events that the sink will never take, with its reason: they must not hold up the others, and must not be lost.
CREATE TABLE outbox_refused (
  tenant_id TEXT NOT NULL,
  event_id TEXT NOT NULL,
  event TEXT NOT NULL,
  reason TEXT NOT NULL,
  refused_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, event_id)
);
