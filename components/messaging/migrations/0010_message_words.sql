-- The search's index anew: without a copy of what is said, so that the service decides how a text goes into it (scripts without blanks
-- letter by letter). Messages from before follow in batches, as new ones do.
CREATE VIRTUAL TABLE message_words USING fts5(
  tenant_id, body, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 2'
);
DROP TRIGGER index_edited_message;
DROP TABLE message_search;
UPDATE message_search_progress SET indexed_to = 0;
-- Rows whose words in the index are out of date: changed since they went in.
CREATE TABLE messages_to_index (
  tenant_id TEXT NOT NULL,
  number INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, number)
) WITHOUT ROWID;
CREATE TRIGGER index_edited_message AFTER UPDATE OF body ON messages
WHEN NEW.body IS NOT OLD.body AND OLD.rowid <= (SELECT indexed_to FROM message_search_progress WHERE tenant_id = '*')
BEGIN
  DELETE FROM message_words WHERE rowid = OLD.rowid;
  INSERT OR IGNORE INTO messages_to_index (tenant_id, number) VALUES (NEW.tenant_id, NEW.rowid);
END;
