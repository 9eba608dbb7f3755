-- Run before the segment that is kept: everything the workload needs, and
-- counters pushed to just before the next page of clog, commit_ts and multixact.
\set ON_ERROR_STOP on
SET synchronous_commit = off;
-- Before 15, pages of the free space map are logged whole for a hint; keep them small.
SELECT current_setting('server_version_num')::int < 150000 AS old_server \gset
\if :old_server
ALTER SYSTEM SET wal_compression = on;
SELECT pg_reload_conf();
\endif

CREATE EXTENSION bloom;

-- Never frozen by the block at the end of this file, so that freezing it later
-- moves datfrozenxid and makes the server truncate commit_ts and multixact.
CREATE TABLE old_rows (id int, note text);
INSERT INTO old_rows SELECT g, 'old row ' || g FROM generate_series(1, 200) g;

CREATE TABLE account (id int PRIMARY KEY, owner text, balance numeric, memo text)
  WITH (fillfactor = 80);
INSERT INTO account
  SELECT g, 'owner ' || g, g * 10, repeat('m', g % 40) FROM generate_series(1, 400) g;

CREATE TABLE lockable (id int PRIMARY KEY, n int) WITH (fillfactor = 50);
INSERT INTO lockable SELECT g, 0 FROM generate_series(1, 20) g;

CREATE TABLE doc (id int, title text, body tsvector, tags int[], area box, code text);
CREATE TABLE wide (k text, n int);
CREATE INDEX wide_k ON wide (k);
CREATE INDEX wide_n ON wide (n);
CREATE INDEX doc_gin ON doc USING gin (tags) WITH (fastupdate = off);
CREATE INDEX doc_gin_fast ON doc USING gin (body) WITH (fastupdate = on);
CREATE INDEX doc_gist ON doc USING gist (area);
CREATE INDEX doc_spgist ON doc USING spgist (title);
CREATE INDEX doc_brin ON doc USING brin (id) WITH (pages_per_range = 1);
CREATE INDEX doc_bloom ON doc USING bloom (id) WITH (length = 80);
INSERT INTO doc
  SELECT g,
         repeat('path/' || (g % 9) || '/', 1 + g % 6) || 'item' || g,
         to_tsvector('simple', 'word' || g || ' common shared' || (g % 4)),
         ARRAY[g % 3, g, 77],
         box(point(g % 50, g % 37), point(g % 50 + 3, g % 37 + 2)),
         'code' || (g % 17)
  FROM generate_series(1, 180) g;
-- Analyzed first, else the index is made with so many buckets that none is split.
VACUUM ANALYZE doc;
CREATE INDEX doc_hash ON doc USING hash (code) WITH (fillfactor = 10);
-- One key repeated until one page of the hash index is about full, and until the
-- gin entry is about to become a posting tree.
CREATE TABLE same_key (id int, k int);
INSERT INTO same_key SELECT g, 1 FROM generate_series(1, 395) g;
ANALYZE same_key;
CREATE INDEX same_key_k ON same_key USING hash (k);
CREATE TABLE posting (id int, t int[]);
INSERT INTO posting SELECT g, ARRAY[7] FROM generate_series(1, 2600) g;
CREATE INDEX posting_t ON posting USING gin (t) WITH (fastupdate = on);
-- As many points as one page of an spgist index holds, nearly.
CREATE TABLE spot (p point);
INSERT INTO spot SELECT point(g * 7 % 101, g * 13 % 97) FROM generate_series(1, 215) g;
CREATE INDEX spot_p ON spot USING spgist (p);
CREATE TABLE copied (id int, line text);
CREATE INDEX copied_id ON copied (id);
CREATE SEQUENCE ticket CACHE 1;
CREATE TABLE upsert (id int PRIMARY KEY, n int);
CREATE TABLE filler (id int, t text);
CREATE TABLE identity_full (a int, b text);
ALTER TABLE identity_full REPLICA IDENTITY FULL;
INSERT INTO identity_full SELECT g, 'before image ' || g FROM generate_series(1, 30) g;
SELECT pg_replication_origin_create('upstream');
SELECT pg_replication_origin_create('unused');

-- A multixact needs two lockers of a row; a subtransaction counts as one.
-- "deep" levels give a second multixact with three members.
CREATE PROCEDURE burn_multi(times int, deep boolean) LANGUAGE plpgsql AS $$
BEGIN
  FOR i IN 1..times LOOP
    PERFORM 1 FROM lockable WHERE id = 1 FOR KEY SHARE;
    BEGIN
      PERFORM 1 FROM lockable WHERE id = 1 FOR SHARE;
      IF deep THEN
        BEGIN
          PERFORM 1 FROM lockable WHERE id = 1 FOR NO KEY UPDATE;
        EXCEPTION WHEN division_by_zero THEN NULL;
        END;
      END IF;
    EXCEPTION WHEN division_by_zero THEN NULL;
    END;
    COMMIT;
  END LOOP;
END $$;

-- Uses up transaction ids until the next one is below `goal` by at most one.
CREATE PROCEDURE burn_xids(goal bigint) LANGUAGE plpgsql AS $$
BEGIN
  LOOP
    EXIT WHEN txid_current() >= goal - 1;
    COMMIT;
  END LOOP;
END $$;

-- Writes rows until fewer than `room` bytes are left in the current segment.
CREATE PROCEDURE fill_to(room int) LANGUAGE plpgsql AS $$
DECLARE
  size constant bigint := 1048576;
  n int := 0;
BEGIN
  LOOP
    EXIT WHEN size - (pg_current_wal_insert_lsn() - '0/0')::bigint % size < room;
    INSERT INTO filler
      SELECT n, 'filler ' || n || ' ' || repeat(md5(n::text), 55);
    n := n + 1;
    IF n % 10 = 0 THEN
      COMMIT;
    END IF;
  END LOOP;
END $$;

-- One page of multixact offsets holds 2048 ids, one page of members 1636.
-- 400 * 1 + 820 * 2 = 2040 ids and 400 * 2 + 820 * 5 = 4900 members
-- leaves both just short of a page (2048 and 3 * 1636 = 4908).
CALL burn_multi(400, false);
CALL burn_multi(820, true);
-- A clog page holds 32768 transactions, a commit_ts page 819 (40 * 819 = 32760).
-- The script does the last of these, see there.
CALL burn_xids(32000);

-- Freeze everything but old_rows, in every database: then VACUUM (FREEZE) old_rows
-- is what moves the oldest transaction of the whole server on.
ALTER DATABASE template0 ALLOW_CONNECTIONS true;
\c template0
VACUUM (FREEZE);
\c template1
VACUUM (FREEZE);
\c postgres
ALTER DATABASE template0 ALLOW_CONNECTIONS false;
SELECT format('VACUUM (FREEZE) %s', oid::regclass)
  FROM pg_class WHERE relkind IN ('r', 'm') AND relname <> 'old_rows'
\gexec
