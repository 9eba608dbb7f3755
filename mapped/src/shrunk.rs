//! What happens when a mapped file becomes shorter.
//!
//! A look at a page that the file does not have any more is answered by the system with SIGBUS. Nothing that a program computes
//! from there on would be true, and it cannot go back. So the handler says which byte of which file is gone, and ends the
//! process with [`EXIT`].
//!
//! Why not copied windows: what is decoded holds slices of the mapping without a copy, for as long as it likes. A window would
//! have to copy every byte that a query looks at, and could still be copied in the middle of a change.
//!
//! Where a file now ends within a page, the rest of that page reads as zeros, and there is no signal. For this the user of
//! [`crate::Mapped`] calls [`crate::Mapped::check`] before anything that was computed is written.
//!
//! The handler may only do what is allowed in one: it reads atomics, and calls `fstat`, `write`, `sigaction` and `_exit`.

use std::io;
#[cfg(unix)]
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, AtomicUsize, Ordering};

/// The exit code of a process that looked at a byte that is gone: that of an input that cannot be read.
pub const EXIT: i32 = 2;

/// A file that became shorter than it was when it was mapped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shrunk {
    /// Its name, as messages show it.
    pub name: String,
    /// From this byte on it is gone.
    pub at: u64,
    /// So many bytes it had.
    pub had: u64,
}

impl std::fmt::Display for Shrunk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { name, at, had } = self;
        write!(
            f,
            "{name}: became shorter while it was read: from byte {at} on it is gone, and it had {had} bytes"
        )
    }
}

impl std::error::Error for Shrunk {}

impl From<Shrunk> for io::Error {
    fn from(e: Shrunk) -> Self {
        Self::new(io::ErrorKind::UnexpectedEof, e)
    }
}

impl Shrunk {
    /// What an error says, if it is of this kind.
    pub fn of(e: &io::Error) -> Option<&Self> {
        e.get_ref()?.downcast_ref()
    }
}

/// A mapping that the handler knows. They are never freed, and used again.
#[cfg(unix)]
pub(crate) struct Slot {
    taken: AtomicBool,
    /// Where the mapping is; an empty one is none.
    start: AtomicUsize,
    end: AtomicUsize,
    /// The file, while it is open; else -1.
    fd: AtomicI32,
    name: AtomicPtr<String>,
    next: AtomicPtr<Slot>,
}

#[cfg(unix)]
static SLOTS: AtomicPtr<Slot> = AtomicPtr::new(std::ptr::null_mut());

#[cfg(unix)]
impl Slot {
    /// Tell the handler of a mapping.
    pub(crate) fn enter(bytes: &[u8], file: &std::fs::File, name: &str) -> &'static Self {
        use std::os::fd::AsRawFd;
        install();
        let slot = Self::free();
        let name = Box::into_raw(Box::new(name.to_owned()));
        slot.name.store(name, Ordering::Release);
        slot.fd.store(file.as_raw_fd(), Ordering::Release);
        let start = bytes.as_ptr().addr();
        slot.start.store(start, Ordering::Release);
        slot.end.store(start + bytes.len(), Ordering::Release);
        slot
    }

    /// One that nobody has.
    #[allow(unsafe_code)]
    fn free() -> &'static Self {
        let mut next = SLOTS.load(Ordering::Acquire);
        // SAFETY: what is in the list was leaked below, and is never freed.
        while let Some(slot) = unsafe { next.as_ref() } {
            if !slot.taken.swap(true, Ordering::AcqRel) {
                return slot;
            }
            next = slot.next.load(Ordering::Acquire);
        }
        let slot = Box::leak(Box::new(Self {
            taken: AtomicBool::new(true),
            start: AtomicUsize::new(0),
            end: AtomicUsize::new(0),
            fd: AtomicI32::new(-1),
            name: AtomicPtr::new(std::ptr::null_mut()),
            next: AtomicPtr::new(std::ptr::null_mut()),
        }));
        let mut first = SLOTS.load(Ordering::Acquire);
        loop {
            slot.next.store(first, Ordering::Release);
            let slot = std::ptr::from_mut(slot);
            match SLOTS.compare_exchange_weak(first, slot, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => break,
                Err(now) => first = now,
            }
        }
        slot
    }

    /// The file is about to be closed; the mapping stays.
    pub(crate) fn close(&self) {
        self.fd.store(-1, Ordering::Release);
    }

    /// The mapping is about to go.
    #[allow(unsafe_code)]
    pub(crate) fn leave(&self) {
        self.end.store(0, Ordering::Release);
        self.close();
        let name = self.name.swap(std::ptr::null_mut(), Ordering::AcqRel);
        // SAFETY: it is from `Box::into_raw` in `enter`, and taken out once. The handler reads the name of a mapping only while
        // a thread looks at that mapping, and who looks at it holds it: then nobody is here.
        drop(unsafe { Box::from_raw(name) });
        self.taken.store(false, Ordering::Release);
    }
}

/// What was asked to handle SIGBUS before us.
#[cfg(unix)]
static BEFORE: AtomicPtr<libc::sigaction> = AtomicPtr::new(std::ptr::null_mut());

#[cfg(unix)]
#[allow(unsafe_code)]
fn install() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        // SAFETY: all zeros is a `sigaction` without flags, with an empty mask. The handler keeps to what is allowed in one.
        unsafe {
            let mut before: libc::sigaction = std::mem::zeroed();
            let mut ours: libc::sigaction = std::mem::zeroed();
            libc::sigaction(libc::SIGBUS, std::ptr::null(), &raw mut before);
            BEFORE.store(Box::into_raw(Box::new(before)), Ordering::Release);
            let handler: extern "C" fn(i32, *mut libc::siginfo_t, *mut libc::c_void) = on_bus;
            ours.sa_sigaction = handler as libc::sighandler_t;
            ours.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
            // without it the process ends by the signal, as it did before
            libc::sigaction(libc::SIGBUS, &raw const ours, std::ptr::null_mut());
        }
    });
}

#[cfg(unix)]
#[allow(unsafe_code)]
extern "C" fn on_bus(signal: i32, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    // SAFETY: the system gives the handler a valid `info`, and slots are never freed. Only calls that are safe in a handler
    // are made.
    unsafe {
        let at = (*info).si_addr().addr();
        let mut next = SLOTS.load(Ordering::Acquire);
        while let Some(slot) = next.as_ref() {
            let start = slot.start.load(Ordering::Acquire);
            if (start..slot.end.load(Ordering::Acquire)).contains(&at) {
                last_words(slot, (at - start) as u64);
                libc::_exit(EXIT);
            }
            next = slot.next.load(Ordering::Acquire);
        }
        // it is not ours: it comes again, for whom it was meant for
        libc::sigaction(signal, BEFORE.load(Ordering::Acquire), std::ptr::null_mut());
    }
}

/// Say on standard error that a byte is gone, without anything that a handler must not use.
#[cfg(unix)]
#[allow(unsafe_code)]
fn last_words(slot: &Slot, mut at: u64) {
    // SAFETY: the mapping is being looked at, so its name is there; the buffers outlive the calls that they are given to.
    unsafe {
        let mut stat: libc::stat = std::mem::zeroed();
        let known = libc::fstat(slot.fd.load(Ordering::Acquire), &raw mut stat) == 0;
        let size = u64::try_from(stat.st_size).unwrap_or(0);
        let what: &[u8] = if known && size > at {
            b": cannot be read at byte "
        } else {
            // the page is gone, and of the file is left what comes before it
            at = if known { size } else { at };
            b": became shorter while it was read: it is gone from byte "
        };
        let mut digits = [0; 20];
        let mut first = digits.len();
        loop {
            first -= 1;
            digits[first] = b'0' + (at % 10) as u8;
            at /= 10;
            if at == 0 {
                break;
            }
        }
        let name = slot.name.load(Ordering::Acquire).as_ref();
        let name = name.map_or(&b"an input"[..], |n| n.as_bytes());
        let parts = [b"binq: error: ", name, what, &digits[first..], b" on\n"];
        let parts = parts.map(|part| libc::iovec {
            iov_base: part.as_ptr().cast_mut().cast(),
            iov_len: part.len(),
        });
        libc::writev(2, parts.as_ptr(), parts.len() as i32);
    }
}

/// How many slots there are, and how many are taken.
#[cfg(all(test, unix))]
#[allow(unsafe_code)]
pub(crate) fn slots() -> (usize, usize) {
    let (mut all, mut taken) = (0, 0);
    let mut next = SLOTS.load(Ordering::Acquire);
    // SAFETY: what is in the list was leaked, and is never freed.
    while let Some(slot) = unsafe { next.as_ref() } {
        all += 1;
        taken += usize::from(slot.taken.load(Ordering::Acquire));
        next = slot.next.load(Ordering::Acquire);
    }
    (all, taken)
}
