//! Postgres formats for binq.
//!
//! * [`wal`]: the write-ahead log, format `pg_wal`, of majors 12 to 19.
//! * [`control`]: the control file, format `pg_control`, of majors 12 to 19.
#![forbid(unsafe_code)]

pub mod control;
pub mod lsn;
mod payload;
mod time;
pub mod wal;
