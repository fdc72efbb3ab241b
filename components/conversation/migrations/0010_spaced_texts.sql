-- The service writes what a conversation is found by: scripts without blanks letter by letter.
DROP TRIGGER store_words_of_conversation;
DROP TRIGGER store_words_of_changed_conversation;

-- Those from before, by the SDK's rules: from Thai to Hangul, letters are set apart by blanks. As new rows, which the index follows.
CREATE TABLE spaced_texts (number INTEGER PRIMARY KEY, tenant_id TEXT NOT NULL, conversation_id TEXT NOT NULL, words TEXT NOT NULL);
WITH RECURSIVE letters (number, tenant_id, conversation_id, rest, done) AS (
  SELECT number, tenant_id, conversation_id, words, '' FROM conversation_texts WHERE words GLOB ('*[' || char(0x0E00) || '-' || char(0x11FF) ||
    char(0x1780) || '-' || char(0x17FF) || char(0x3040) || '-' || char(0xD7FF) || char(0xF900) || '-' || char(0xFAFF) ||
    char(0xFF66) || '-' || char(0xFF9D) || char(0x20000) || '-' || char(0x3FFFF) || ']*')
  UNION ALL
  SELECT number, tenant_id, conversation_id, substr(rest, 2), done || CASE
    WHEN unicode(rest) BETWEEN 0x0E00 AND 0x11FF OR unicode(rest) BETWEEN 0x1780 AND 0x17FF OR unicode(rest) BETWEEN 0x3040 AND 0xD7FF
      OR unicode(rest) BETWEEN 0xF900 AND 0xFAFF OR unicode(rest) BETWEEN 0xFF66 AND 0xFF9D OR unicode(rest) BETWEEN 0x20000 AND 0x3FFFF
    THEN ' ' || substr(rest, 1, 1) || ' ' ELSE substr(rest, 1, 1) END
  FROM letters WHERE rest <> ''
)
INSERT INTO spaced_texts SELECT number, tenant_id, conversation_id, done FROM letters WHERE rest = '';
DELETE FROM conversation_texts WHERE number IN (SELECT number FROM spaced_texts);
INSERT INTO conversation_texts SELECT number, tenant_id, conversation_id, words FROM spaced_texts;
DROP TABLE spaced_texts;
