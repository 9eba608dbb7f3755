-- Second half of the kept segment. The restart was a checkpoint, so pages are
-- logged whole again where full_page_writes (or a hint bit) asks for it.
\set ON_ERROR_STOP on
SET synchronous_commit = off;
SET wal_compression = on;
SELECT count(*) FROM account;         -- hint bits: XLOG FPI_FOR_HINT, compressed
SET wal_compression = off;
SELECT count(*) FROM doc;             -- the same, not compressed
CREATE TABLE later (id int);          -- first new oid after a start: XLOG NEXTOID
INSERT INTO later VALUES (1), (2);
BEGIN;
LOCK TABLE later IN ACCESS EXCLUSIVE MODE;
INSERT INTO later VALUES (3);
COMMIT;

SELECT current_setting('server_version_num')::int >= 150000 AS has_strategy \gset
\if :has_strategy
CREATE DATABASE spare_db TEMPLATE template0 STRATEGY file_copy;
\else
CREATE DATABASE spare_db TEMPLATE template0;
\endif
DROP DATABASE spare_db;

ALTER SYSTEM SET full_page_writes = on;
SELECT pg_reload_conf();
SELECT pg_sleep(1);                   -- the checkpointer logs the change
CHECKPOINT;
UPDATE account SET balance = balance + 2 WHERE id < 60;
SET wal_compression = on;
UPDATE account SET balance = balance + 3 WHERE id > 200 AND id < 260;
INSERT INTO wide SELECT 'after ' || g || repeat('q', 100), g FROM generate_series(1, 20) g;
INSERT INTO doc SELECT 900 + g, 'images ' || g, to_tsvector('simple', 'image ' || g),
  ARRAY[g], box(point(g, g), point(g + 1, g + 1)), 'code' || g FROM generate_series(1, 6) g;
