-- What a conversation is found by, where it has a subject. `number` is the place in the order of age, which no VACUUM changes.
CREATE TABLE conversation_texts (
  number INTEGER PRIMARY KEY,
  tenant_id TEXT NOT NULL,
  conversation_id TEXT NOT NULL,
  words TEXT NOT NULL
);
CREATE UNIQUE INDEX conversation_texts_by_conversation ON conversation_texts (tenant_id, conversation_id);
-- For stores without full-text search, which read a tenant's from the youngest on.
CREATE INDEX conversation_texts_by_age ON conversation_texts (tenant_id, number);

CREATE TRIGGER store_words_of_conversation AFTER INSERT ON conversations WHEN NEW.subject IS NOT NULL
BEGIN
  INSERT INTO conversation_texts (tenant_id, conversation_id, words) VALUES (NEW.tenant_id, NEW.id, NEW.subject);
END;
CREATE TRIGGER store_words_of_changed_conversation AFTER UPDATE OF subject ON conversations WHEN NEW.subject IS NOT OLD.subject
BEGIN
  DELETE FROM conversation_texts WHERE tenant_id = OLD.tenant_id AND conversation_id = OLD.id;
  INSERT INTO conversation_texts (tenant_id, conversation_id, words)
  SELECT NEW.tenant_id, NEW.id, NEW.subject WHERE NEW.subject IS NOT NULL;
END;
INSERT INTO conversation_texts (tenant_id, conversation_id, words)
SELECT tenant_id, id, subject FROM conversations WHERE subject IS NOT NULL ORDER BY id;
