-- What an event is about, so that what tells of a person who is forgotten is found.
ALTER TABLE webhook_events ADD COLUMN subject TEXT;
UPDATE webhook_events SET subject = json_extract(body, '$.data.id') WHERE json_valid(body);
CREATE INDEX webhook_events_by_subject ON webhook_events (tenant_id, subject) WHERE subject IS NOT NULL;
CREATE INDEX notifications_by_subject ON notifications (tenant_id, subject);
