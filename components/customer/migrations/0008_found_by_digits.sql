-- The service writes what a customer is found by: every run of four or more digits, and scripts without blanks letter by letter.
DROP TRIGGER store_words_of_customer;
DROP TRIGGER store_words_of_renamed_customer;
DROP TRIGGER store_words_of_identity;

-- Customers from before, by the rules of src/store/texts.rs. The ends of a number: each run of its digits begins one of them.
UPDATE customer_texts SET words = words || coalesce(
  (SELECT group_concat(' ' || substr(k.key, n.value), '')
   FROM customer_keys k JOIN json_each('[1,2,3,4,5,6,7,8,9,10,11,12]') n
   WHERE k.tenant_id = customer_texts.tenant_id AND k.customer_id = customer_texts.customer_id
     AND k.key NOT GLOB '*[^0-9]*' AND length(k.key) >= n.value + 3), '');

-- From Thai to Hangul, as in the SDK's search: letters that are set apart by blanks.
WITH RECURSIVE letters (number, rest, done) AS (
  SELECT number, words, '' FROM customer_texts WHERE words GLOB ('*[' || char(0x0E00) || '-' || char(0x11FF) || char(0x1780) || '-' ||
    char(0x17FF) || char(0x3040) || '-' || char(0xD7FF) || char(0xF900) || '-' || char(0xFAFF) || char(0xFF66) || '-' || char(0xFF9D) ||
    char(0x20000) || '-' || char(0x3FFFF) || ']*')
  UNION ALL
  SELECT number, substr(rest, 2), done || CASE
    WHEN unicode(rest) BETWEEN 0x0E00 AND 0x11FF OR unicode(rest) BETWEEN 0x1780 AND 0x17FF OR unicode(rest) BETWEEN 0x3040 AND 0xD7FF
      OR unicode(rest) BETWEEN 0xF900 AND 0xFAFF OR unicode(rest) BETWEEN 0xFF66 AND 0xFF9D OR unicode(rest) BETWEEN 0x20000 AND 0x3FFFF
    THEN ' ' || substr(rest, 1, 1) || ' ' ELSE substr(rest, 1, 1) END
  FROM letters WHERE rest <> ''
)
UPDATE customer_texts SET words = letters.done FROM letters
WHERE letters.rest = '' AND letters.number = customer_texts.number;
