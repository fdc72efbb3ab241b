-- A message and its event in one statement, and so in one transaction and one round trip: insert into this view.
-- The number is allocated in that statement, after the event was written: the trigger puts it in.
CREATE VIEW messages_with_events AS
  SELECT m.*, '' AS event_id, '' AS event_type, '' AS event FROM messages m;
CREATE TRIGGER store_message_with_event INSTEAD OF INSERT ON messages_with_events
BEGIN
  INSERT INTO messages
    (tenant_id, id, conversation_id, seq, sender_customer_id, direction, body, content_type, media_id, channel,
     channel_account_id, external_message_id, client_ref, status, sent_at, metadata, created_at, updated_at)
  VALUES
    (NEW.tenant_id, NEW.id, NEW.conversation_id, NEW.seq, NEW.sender_customer_id, NEW.direction, NEW.body,
     NEW.content_type, NEW.media_id, NEW.channel, NEW.channel_account_id, NEW.external_message_id, NEW.client_ref,
     NEW.status, NEW.sent_at, NEW.metadata, NEW.created_at, NEW.updated_at);
  INSERT INTO outbox (tenant_id, event_id, type, partition_key, event, created_at)
  VALUES
    (NEW.tenant_id, NEW.event_id, NEW.event_type, NEW.conversation_id, json_set(NEW.event, '$.data.seq', NEW.seq),
     NEW.created_at);
END;
