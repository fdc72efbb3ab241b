-- A run ends in more ways than one, says how far it is, and belongs to whoever goes on with it.
ALTER TABLE runs ADD COLUMN account TEXT NOT NULL DEFAULT '999000000000001';
-- How many webhooks it will have sent.
ALTER TABLE runs ADD COLUMN webhooks INTEGER NOT NULL DEFAULT 0;
-- The slice that was begun last, as its position and one: a second begin says that the first was cut off.
ALTER TABLE runs ADD COLUMN begun INTEGER NOT NULL DEFAULT 0;
-- Customers that were compared with what arrived, and what was wrong with them, as JSON.
ALTER TABLE runs ADD COLUMN checked INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN faults TEXT NOT NULL DEFAULT '{}';
-- When our front took something the last time.
ALTER TABLE runs ADD COLUMN taken_at INTEGER NOT NULL DEFAULT 0;
-- Who holds the lease: what anybody else writes of the run does not count.
ALTER TABLE runs ADD COLUMN owner TEXT NOT NULL DEFAULT '';
-- Why it ended without a whole report.
ALTER TABLE runs ADD COLUMN reason TEXT;
ALTER TABLE runs ADD COLUMN ended_at INTEGER;
UPDATE runs SET ended_at = updated_at WHERE state = 'done';
DROP INDEX runs_unfinished;
-- Without the tenant: whoever goes on with runs, and whoever sweeps, does so for all tenants.
CREATE INDEX runs_unfinished ON runs (lease_until) WHERE ended_at IS NULL;
CREATE INDEX runs_ended ON runs (ended_at) WHERE ended_at IS NOT NULL;

-- What is older than its time is swept away, of all tenants at once.
CREATE INDEX personas_by_age ON personas (updated_at);
CREATE INDEX emulated_messages_by_age ON emulated_messages (taken_at);
CREATE INDEX emulated_uploads_by_age ON emulated_uploads (uploaded_at);
