-- Full-text search over what is said; the tenant is a word among it, so that one tenant's search reads its own. Rows are messages by
-- their rowid, which is without gaps and changed by no VACUUM, because no message is ever deleted.
CREATE VIRTUAL TABLE message_search USING fts5(
  tenant_id, body, content='messages', content_rowid='rowid', tokenize='unicode61 remove_diacritics 2'
);
-- Up to which row messages are in the index. New ones follow in batches, before each search and on the tick, so that storing a
-- message costs nothing more. One row, of the platform's tenant `*`.
CREATE TABLE message_search_progress (
  tenant_id TEXT NOT NULL,
  indexed_to INTEGER NOT NULL,
  PRIMARY KEY (tenant_id)
);
INSERT INTO message_search_progress (tenant_id, indexed_to) VALUES ('*', 0);
-- An edit changes the index with the message, if it is in there.
CREATE TRIGGER index_edited_message AFTER UPDATE OF body ON messages
WHEN NEW.body IS NOT OLD.body AND OLD.rowid <= (SELECT indexed_to FROM message_search_progress WHERE tenant_id = '*')
BEGIN
  INSERT INTO message_search (message_search, rowid, tenant_id, body) VALUES ('delete', OLD.rowid, OLD.tenant_id, OLD.body);
  INSERT INTO message_search (rowid, tenant_id, body) VALUES (NEW.rowid, NEW.tenant_id, NEW.body);
END;
