//! Tests that cannot run here.

use std::fmt::Display;
use std::io::Write;

/// Whether a missing oracle is a failure: `BINQ_REQUIRE_ORACLES=1`.
pub fn required() -> bool {
    std::env::var_os("BINQ_REQUIRE_ORACLES").is_some_and(|v| !v.is_empty() && v != "0")
}

/// Say that a test, or a part of one, is skipped.
///
/// # Panics
/// Where all oracles are required.
pub fn skip(why: impl Display) {
    assert!(!required(), "BINQ_REQUIRE_ORACLES is set: {why}");
    skip_anyway(why);
}

/// The same for what is not even required where all oracles are.
///
/// It is said on standard error itself: what `println!` and `eprintln!` print is shown by a plain `cargo test` only of tests that
/// fail, and a test that was skipped would look like one that passed.
pub fn skip_anyway(why: impl Display) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    let line = format!("skipped: {test}: {why}\n");
    let _ = std::io::stderr().write_all(line.as_bytes());
}
