-- Full-text search over what customers are found by; the tenant is a word among them, so that one tenant's search reads its own.
CREATE VIRTUAL TABLE customer_search USING fts5(
  tenant_id, words, content='customer_texts', content_rowid='number', tokenize='unicode61 remove_diacritics 2'
);
CREATE TRIGGER index_words AFTER INSERT ON customer_texts
BEGIN
  INSERT INTO customer_search (rowid, tenant_id, words) VALUES (NEW.number, NEW.tenant_id, NEW.words);
END;
CREATE TRIGGER index_changed_words AFTER UPDATE ON customer_texts
BEGIN
  INSERT INTO customer_search (customer_search, rowid, tenant_id, words) VALUES ('delete', OLD.number, OLD.tenant_id, OLD.words);
  INSERT INTO customer_search (rowid, tenant_id, words) VALUES (NEW.number, NEW.tenant_id, NEW.words);
END;
CREATE TRIGGER index_removed_words AFTER DELETE ON customer_texts
BEGIN
  INSERT INTO customer_search (customer_search, rowid, tenant_id, words) VALUES ('delete', OLD.number, OLD.tenant_id, OLD.words);
END;
INSERT INTO customer_search (customer_search) VALUES ('rebuild');
