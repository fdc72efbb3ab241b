-- What all spellings of a customer's number or address have in common, and whose it is: one customer's in each kind.
CREATE TABLE customer_keys (
  tenant_id TEXT NOT NULL,
  external_type TEXT NOT NULL,
  key TEXT NOT NULL,
  customer_id TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, external_type, key)
) WITHOUT ROWID;
CREATE INDEX customer_keys_by_customer ON customer_keys (tenant_id, customer_id);

-- Customers from before, by the rules of src/number.rs. Two that share a key stay two: the key is the one's who has written,
-- the oldest of those, because there the answers go today; else the oldest's.
WITH
  named AS (
    SELECT c.tenant_id, c.external_type, c.id, i.created_at, 0 AS is_unheard, i.value AS text,
      i.kind IN ('email', 'address') AND instr(i.value, '@') > 1 AS is_mail, i.kind IN ('phone', 'address') AS is_phone
    FROM identities i JOIN customers c ON c.tenant_id = i.tenant_id AND c.id = i.customer_id
    WHERE i.kind IN ('phone', 'email', 'address')
    UNION ALL
    SELECT c.tenant_id, c.external_type, c.id, c.created_at, 1, c.external_id,
      c.external_type = 'email' AND instr(c.external_id, '@') > 1, c.external_type IN ('whatsapp', 'sms')
    FROM customers c WHERE c.external_type IN ('whatsapp', 'sms', 'email')
  ),
  compact AS MATERIALIZED (
    SELECT tenant_id, external_type, id, created_at, is_unheard, is_mail, is_phone,
      CASE WHEN is_mail THEN lower(trim(text)) ELSE
        replace(replace(replace(replace(replace(replace(text, 'tel:', ''), ' ', ''), '-', ''), '.', ''), '/', ''), char(160), '')
      END AS text
    FROM named
  ),
  prefixed AS MATERIALIZED (
    SELECT *, text GLOB '+*' OR text GLOB '00*' OR text GLOB '(+*' AS is_international,
      replace(replace(CASE WHEN text GLOB '+39*' OR text GLOB '0039*' THEN text ELSE replace(text, '(0)', '') END, '(', ''), ')', '') AS plain
    FROM compact
  ),
  digits AS MATERIALIZED (
    SELECT *, CASE WHEN plain GLOB '+*' THEN substr(plain, 2) WHEN plain GLOB '00*' THEN substr(plain, 3) ELSE plain END AS number
    FROM prefixed
  ),
  trunkless AS MATERIALIZED (
    SELECT *, CASE
      WHEN is_international AND substr(number, 3, 1) = '0' AND substr(number, 1, 2) IN (
        '20', '27', '31', '32', '33', '40', '41', '43', '44', '46', '49', '51', '54', '55', '58', '60', '61', '62', '63', '64',
        '66', '81', '82', '84', '86', '90', '91', '92', '93', '94', '95', '98')
      THEN substr(number, 1, 2) || substr(number, 4) ELSE number END AS e164
    FROM digits
  ),
  keyed AS MATERIALIZED (
    SELECT tenant_id, external_type, id, created_at, is_unheard, CASE
      WHEN is_mail THEN text
      WHEN NOT is_phone OR e164 GLOB '*[^0-9]*' OR e164 GLOB '0*' OR length(e164) NOT BETWEEN 7 AND 15 THEN NULL
      WHEN length(e164) = 13 AND e164 GLOB '521*' THEN '52' || substr(e164, 4)
      WHEN length(e164) = 13 AND e164 GLOB '549*' THEN '54' || substr(e164, 4)
      WHEN length(e164) = 14 AND e164 GLOB '541115*' THEN '5411' || substr(e164, 7)
      WHEN length(e164) = 13 AND e164 GLOB '55??9[^2-5]*' THEN substr(e164, 1, 4) || substr(e164, 6)
      ELSE e164 END AS key
    FROM trunkless
  )
INSERT OR IGNORE INTO customer_keys (tenant_id, external_type, key, customer_id, created_at)
SELECT tenant_id, external_type, key, id, created_at FROM keyed WHERE key IS NOT NULL ORDER BY is_unheard, id;
