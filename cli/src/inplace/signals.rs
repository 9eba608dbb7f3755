//! Signals that end the process while a file is on its way: its temporary name is removed before.

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGXCPU};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;
use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, Once, PoisonError};

/// Names that must not outlive the process.
static NAMES: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Do something with the names. A signal waits meanwhile: between making a name and renaming it there is none that is not in
/// the list, or done with.
pub fn held<T>(f: impl FnOnce(&mut Vec<PathBuf>) -> T) -> T {
    listen();
    f(&mut NAMES.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Let a thread wait for signals.
fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let ending = [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGXCPU];
        // what `nohup` and the like have ignored stays so
        let ending = ending
            .into_iter()
            .filter(|signal| !binq_mapped::is_ignored(*signal));
        let Ok(mut signals) = Signals::new(ending) else {
            return;
        };
        std::thread::spawn(move || {
            for signal in signals.forever() {
                let names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
                for name in names.iter() {
                    let _ = fs::remove_file(name);
                }
                // the end, with the lock held: nothing is named any more
                let _ = emulate_default_handler(signal);
            }
        });
    });
}
