-- What a customer is found by: name, external id and every identity. `number` is the place in the order of age, which no VACUUM changes.
CREATE TABLE customer_texts (
  number INTEGER PRIMARY KEY,
  tenant_id TEXT NOT NULL,
  customer_id TEXT NOT NULL,
  words TEXT NOT NULL
);
CREATE UNIQUE INDEX customer_texts_by_customer ON customer_texts (tenant_id, customer_id);
-- For stores without full-text search, which read a tenant's from the youngest on.
CREATE INDEX customer_texts_by_age ON customer_texts (tenant_id, number);

-- A phone number is found without its country's code (1 to 3 digits), too.
CREATE TRIGGER store_words_of_customer AFTER INSERT ON customers
BEGIN
  INSERT INTO customer_texts (tenant_id, customer_id, words)
  VALUES (NEW.tenant_id, NEW.id, coalesce(NEW.name, '') || ' ' || NEW.external_id || CASE
    WHEN NEW.external_id NOT GLOB '*[^0-9]*' AND length(NEW.external_id) > 7
    THEN ' ' || substr(NEW.external_id, 2) || ' ' || substr(NEW.external_id, 3) || ' ' || substr(NEW.external_id, 4)
    ELSE '' END);
END;

-- The name is what the words begin with.
CREATE TRIGGER store_words_of_renamed_customer AFTER UPDATE OF name ON customers WHEN NEW.name IS NOT OLD.name
BEGIN
  UPDATE customer_texts SET words = coalesce(NEW.name, '') || substr(words, length(coalesce(OLD.name, '')) + 1)
  WHERE tenant_id = NEW.tenant_id AND customer_id = NEW.id;
END;

-- The preferred identity is the external id: it is there already.
CREATE TRIGGER store_words_of_identity AFTER INSERT ON identities
BEGIN
  UPDATE customer_texts SET words = words || ' ' || NEW.value || CASE
    WHEN NEW.value NOT GLOB '*[^0-9]*' AND length(NEW.value) > 7
    THEN ' ' || substr(NEW.value, 2) || ' ' || substr(NEW.value, 3) || ' ' || substr(NEW.value, 4)
    ELSE '' END
  WHERE tenant_id = NEW.tenant_id AND customer_id = NEW.customer_id AND instr(' ' || words || ' ', ' ' || NEW.value || ' ') = 0;
END;

CREATE TRIGGER remove_words_of_customer AFTER DELETE ON customers
BEGIN
  DELETE FROM customer_texts WHERE tenant_id = OLD.tenant_id AND customer_id = OLD.id;
END;

-- Those that are there already, in the order of their age.
INSERT INTO customer_texts (tenant_id, customer_id, words)
SELECT c.tenant_id, c.id, coalesce(c.name, '') || ' ' || c.external_id || coalesce(
  (SELECT group_concat(' ' || i.value || CASE
    WHEN i.value NOT GLOB '*[^0-9]*' AND length(i.value) > 7
    THEN ' ' || substr(i.value, 2) || ' ' || substr(i.value, 3) || ' ' || substr(i.value, 4)
    ELSE '' END, '')
   FROM identities i WHERE i.tenant_id = c.tenant_id AND i.customer_id = c.id), '')
FROM customers c ORDER BY c.id;
