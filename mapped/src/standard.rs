//! Whether a standard stream was closed when the program began, as after `>&-`.
//!
//! Rust's runtime opens `/dev/null` in place of one that is closed, before `main`: what is written then goes nowhere, and no
//! error says so. So this is looked at before the runtime begins.

use std::sync::atomic::{AtomicBool, Ordering};

/// A standard stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standard {
    /// Standard input.
    Input,
    /// Standard output.
    Output,
    /// Standard error.
    Error,
}

static CLOSED: [AtomicBool; 3] = [const { AtomicBool::new(false) }; 3];

/// Whether this stream was closed when the program began.
pub fn was_closed(stream: Standard) -> bool {
    CLOSED[stream as usize].load(Ordering::Relaxed)
}

/// Whether a signal is ignored, as `nohup` has it: who handles it then takes it from whoever said so.
#[cfg(unix)]
#[allow(unsafe_code)]
pub fn is_ignored(signal: i32) -> bool {
    // SAFETY: all zeros is a `sigaction`; the call only asks, and says in its result whether it answered.
    unsafe {
        let mut is: libc::sigaction = std::mem::zeroed();
        libc::sigaction(signal, std::ptr::null(), &raw mut is) == 0
            && is.sa_sigaction == libc::SIG_IGN
    }
}

#[cfg(unix)]
#[allow(unsafe_code)]
mod before_main {
    use super::{CLOSED, Ordering};

    // SAFETY: the loader calls what is in this section before `main`, with the C library ready. The function needs nothing of
    // Rust's runtime.
    #[used]
    #[cfg_attr(not(target_vendor = "apple"), unsafe(link_section = ".init_array"))]
    #[cfg_attr(
        target_vendor = "apple",
        unsafe(link_section = "__DATA,__mod_init_func")
    )]
    static LOOK: extern "C" fn() = look;

    extern "C" fn look() {
        for (fd, closed) in CLOSED.iter().enumerate() {
            // SAFETY: the call only asks for flags.
            let is_open = unsafe { libc::fcntl(fd as i32, libc::F_GETFD) } != -1;
            closed.store(!is_open, Ordering::Relaxed);
        }
    }
}
