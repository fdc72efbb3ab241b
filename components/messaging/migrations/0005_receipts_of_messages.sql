-- Some providers repeat the id of our message: so a receipt finds its message also when the answer to the sending was lost.
ALTER TABLE receipts ADD COLUMN message_id TEXT;
CREATE INDEX receipts_by_message ON receipts (tenant_id, message_id) WHERE message_id IS NOT NULL;
