//! Postgres formats for binq.
//!
//! * [`wal`]: the write-ahead log, format `pg_wal`, of majors 12 to 19.
#![forbid(unsafe_code)]

pub mod lsn;
mod payload;
pub mod wal;
