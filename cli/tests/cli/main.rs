//! The `binq` command, run as a user runs it: `cargo test -p binq --test cli`, or one module of it:
//! `cargo test -p binq --test cli standby::`.
//!
//! Oracles are looked for in the usual places, see `oracle.rs`. A test that finds none says `skipped: ...` on
//! standard error. With `BINQ_REQUIRE_ORACLES=1` those of PostgreSQL 15 must be there.
#![cfg(unix)]

mod common;
mod edits;
mod golden;
mod in_place;
mod in_place_others;
mod memory;
mod memory_capture;
mod names;
mod oracle;
mod reads;
mod replay;
mod said;
mod shrinks;
mod standby;
mod streams;
mod verify;
mod waldump;
