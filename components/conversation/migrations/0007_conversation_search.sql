-- Full-text search over subjects; the tenant is a word among them, so that one tenant's search reads its own.
CREATE VIRTUAL TABLE conversation_search USING fts5(
  tenant_id, words, content='conversation_texts', content_rowid='number', tokenize='unicode61 remove_diacritics 2'
);
CREATE TRIGGER index_words AFTER INSERT ON conversation_texts
BEGIN
  INSERT INTO conversation_search (rowid, tenant_id, words) VALUES (NEW.number, NEW.tenant_id, NEW.words);
END;
CREATE TRIGGER index_removed_words AFTER DELETE ON conversation_texts
BEGIN
  INSERT INTO conversation_search (conversation_search, rowid, tenant_id, words) VALUES ('delete', OLD.number, OLD.tenant_id, OLD.words);
END;
INSERT INTO conversation_search (conversation_search) VALUES ('rebuild');
