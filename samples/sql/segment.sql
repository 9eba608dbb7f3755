-- The workload of the kept segment, first half (before the restart).
-- Runs with full_page_writes = off, so that small records dominate.
\set ON_ERROR_STOP on
SET synchronous_commit = off;

-- Heap: insert, update to another page, HOT update, delete, lock.
INSERT INTO account SELECT g, 'new ' || g, 0, 'plain' FROM generate_series(401, 415) g;
UPDATE account SET balance = balance + 1 WHERE id <= 25;
UPDATE account SET memo = repeat('long ', 300) WHERE id % 40 = 0;
UPDATE account SET id = id + 10000 WHERE id BETWEEN 50 AND 60;
DELETE FROM account WHERE id BETWEEN 70 AND 90;
SELECT count(*) FROM (SELECT 1 FROM account WHERE id BETWEEN 100 AND 110 FOR UPDATE) s;
UPDATE identity_full SET b = b || ' after' WHERE a <= 5;
DELETE FROM identity_full WHERE a > 25;
-- A chain of HOT updates, and a reader that prunes it.
DO $$ BEGIN
  FOR i IN 1..70 LOOP
    UPDATE lockable SET n = n + 1 WHERE id = 5;
    COMMIT;
  END LOOP;
END $$;
SELECT count(*) FROM lockable;
-- Speculative insertion (Heap CONFIRM).
INSERT INTO upsert SELECT g % 7, 1 FROM generate_series(0, 6) g
  ON CONFLICT (id) DO UPDATE SET n = upsert.n + 1;
INSERT INTO upsert SELECT g, 1 FROM generate_series(3, 10) g
  ON CONFLICT (id) DO UPDATE SET n = upsert.n + 1;

-- Subtransactions: a commit and an abort that name some, and more than 64 of
-- them in one transaction, which makes the server write an ASSIGNMENT.
BEGIN;
INSERT INTO account VALUES (20001, 'outer', 1, NULL);
SAVEPOINT a;
INSERT INTO account VALUES (20002, 'kept', 2, NULL);
SAVEPOINT b;
INSERT INTO account VALUES (20003, 'lost', 3, NULL);
ROLLBACK TO b;
RELEASE a;
COMMIT;
BEGIN;
SAVEPOINT a;
INSERT INTO account VALUES (20004, 'lost', 4, NULL);
RELEASE a;
ROLLBACK;
DO $$ BEGIN
  FOR i IN 1..66 LOOP
    BEGIN
      INSERT INTO account VALUES (21000 + i, 'sub ' || i, i, NULL);
    EXCEPTION WHEN division_by_zero THEN NULL;
    END;
  END LOOP;
END $$;

-- Multixacts, over the end of a page of offsets and of members.
CALL burn_multi(12, false);

-- Two-phase commit. The lock on a row updated by a prepared transaction has to
-- follow the row to its new version (Heap2 LOCK_UPDATED).
BEGIN;
UPDATE lockable SET n = n + 1 WHERE id = 7;
PREPARE TRANSACTION 'kept';
BEGIN;
SELECT id FROM lockable WHERE id = 7 FOR KEY SHARE;
COMMIT;
COMMIT PREPARED 'kept';
BEGIN;
SAVEPOINT s;
CREATE TABLE never (id int);
INSERT INTO never VALUES (1);
RELEASE s;
PREPARE TRANSACTION 'dropped';
ROLLBACK PREPARED 'dropped';

-- Replication origins: on records, on the commit, and their own records.
SELECT pg_replication_origin_session_setup('upstream');
BEGIN;
SELECT pg_replication_origin_xact_setup('0/ABCDEF0', '2020-02-20 20:20:20+00');
INSERT INTO account VALUES (20010, 'from upstream', 10, NULL);
COMMIT;
SELECT pg_replication_origin_session_reset();
SELECT pg_replication_origin_advance('unused', '0/1234568');
SELECT pg_replication_origin_drop('unused');

-- Logical messages, with and without a transaction, one over several pages.
SELECT pg_logical_emit_message(false, 'binq', 'outside any transaction');
SELECT pg_logical_emit_message(true, 'binq', 'inside one');
SELECT pg_logical_emit_message(false, '', repeat('0123456789abcdef', 1600));
SELECT pg_create_restore_point('half way');

SELECT count(nextval('ticket')) FROM generate_series(1, 100);

-- Heap2 multi-insert, then freezing, pruning and the visibility map.
COPY copied FROM PROGRAM 'seq 1 200 | sed "s/.*/&\tline & of the copied text/"';
DELETE FROM copied WHERE id % 3 = 0;
DELETE FROM copied WHERE id BETWEEN 90 AND 150;
VACUUM (INDEX_CLEANUP on) copied;
VACUUM (FREEZE) copied;
VACUUM (FREEZE) old_rows;

-- Btree: splits, deduplication, page deletion, reuse of deleted pages.
INSERT INTO wide SELECT repeat(chr(97 + g % 26), 300) || g, g % 5 FROM generate_series(1, 120) g;
INSERT INTO wide SELECT repeat('x', 60), 3 FROM generate_series(1, 50) g;
INSERT INTO wide SELECT 'zz' || repeat('z', 700) || g, 1000 + g FROM generate_series(1, 40) g;
DELETE FROM wide WHERE k < 'p';
VACUUM (INDEX_CLEANUP on) wide;
-- A deleted page can be used again once a later transaction has ended.
INSERT INTO wide VALUES ('y', 1);
INSERT INTO wide VALUES ('y', 2);
VACUUM (INDEX_CLEANUP on) wide;
INSERT INTO wide
  SELECT 'b' || (SELECT string_agg(md5((g * 100 + i)::text), '') FROM generate_series(1, 12) i), g
  FROM generate_series(1, 40) g;

-- Every other index kind.
INSERT INTO doc
  SELECT g,
         repeat('path/' || (g % 9) || '/', 1 + g % 6) || 'item' || g,
         to_tsvector('simple', 'word' || g || ' common shared' || (g % 4)),
         ARRAY[g % 3, g, 77],
         box(point(g % 50, g % 37), point(g % 50 + 3, g % 37 + 2)),
         'code' || (g % 17)
  FROM generate_series(181, 330) g;
INSERT INTO spot SELECT point(g * 3, g * 5) FROM generate_series(1, 20) g;
SELECT brin_summarize_new_values('doc_brin');
SELECT gin_clean_pending_list('doc_gin_fast');
INSERT INTO doc SELECT 5, 'again', to_tsvector('simple', 'late word'), ARRAY[1],
  box(point(1, 1), point(2, 2)), 'code1' FROM generate_series(1, 8);
DELETE FROM doc WHERE id % 2 = 0;
VACUUM (INDEX_CLEANUP on) doc;
SELECT brin_desummarize_range('doc_brin', 0);

-- An overflow page of a hash bucket, taken away again; a gin posting tree.
INSERT INTO same_key SELECT g, 1 FROM generate_series(396, 440) g;
DELETE FROM same_key WHERE id > 330;
VACUUM (INDEX_CLEANUP on) same_key;
INSERT INTO posting SELECT g, ARRAY[7] FROM generate_series(2601, 2700) g;
SELECT gin_clean_pending_list('posting_t');
DELETE FROM posting WHERE id BETWEEN 2000 AND 2030;
VACUUM (INDEX_CLEANUP on) posting;

-- DDL: storage, index builds (full page images), locks, relation map, tablespace.
BEGIN;
CREATE TABLE made (id int PRIMARY KEY, t text);
INSERT INTO made SELECT g, 'made ' || g FROM generate_series(1, 60) g;
CREATE INDEX ON made USING hash (t);
CREATE INDEX ON made USING brin (id);
ALTER TABLE made ADD COLUMN extra int;
COMMIT;
INSERT INTO made VALUES (1000, 'later', 1);
TRUNCATE upsert;
DELETE FROM made WHERE id > 10;
VACUUM made;
ANALYZE made;
-- A slot, so that rewriting a catalog writes mappings for it (Heap2 REWRITE).
SELECT pg_create_logical_replication_slot('reader', 'test_decoding');
CREATE TABLESPACE spare LOCATION :'tablespace';
CREATE TABLE in_spare (id int) TABLESPACE spare;
VACUUM FULL pg_tablespace;
SELECT pg_drop_replication_slot('reader');
DROP TABLE in_spare;
DROP TABLESPACE spare;
DROP TABLE made;
