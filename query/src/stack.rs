//! How much of the stack is left: what recursion in a query, or over a deeply nested value, is stopped by.
//!
//! The address of a local variable says how far the stack has grown since the run began. This is kept by thread, as
//! values know nothing of the context that they are computed in.
use crate::value::Error;
use std::cell::Cell;

thread_local! {
    static BASE: Cell<usize> = const { Cell::new(0) };
    static LIMIT: Cell<usize> = const { Cell::new(usize::MAX) };
    static HIT: Cell<bool> = const { Cell::new(false) };
}

const TOO_DEEP: &str = "recursion is too deep";

/// Takes the stack to begin here; `limit` bytes of it may be used from here on.
pub fn begin(limit: usize) {
    BASE.set(here());
    LIMIT.set(limit);
}

#[inline(never)]
fn here() -> usize {
    let marker = 0u8;
    std::hint::black_box(&raw const marker) as usize
}

fn used_up() -> bool {
    here().abs_diff(BASE.get()) > LIMIT.get()
}

/// Fails if as much of the stack is used as may be.
pub fn check() -> Result<(), Error> {
    if used_up() {
        Err(Error::str(TOO_DEEP))
    } else {
        Ok(())
    }
}

/// Like [`check`], for where jaq would swallow an error: tells whether to stop, and remembers it for [`hit`].
pub fn stop() -> bool {
    let stop = used_up();
    if stop {
        HIT.set(true);
    }
    stop
}

/// The error of the first [`stop`] since this was asked last.
pub fn hit() -> Option<&'static str> {
    HIT.replace(false).then_some(TOO_DEEP)
}
