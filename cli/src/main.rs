//! The `binq` command.
#![forbid(unsafe_code)]

mod args;
mod blocks;
mod failure;
mod inplace;
mod input;
mod output;
mod run;
mod text;
mod verify;

use binq_mapped::{Standard, was_closed};
use std::io::Write;
use std::process::ExitCode;
#[cfg(unix)]
use std::sync::Arc;

/// The query may recurse this deep; the machine's stack must be larger.
const STACK: usize = 512 << 20;

fn main() -> ExitCode {
    // a write beyond a limit is an error, and no end without a word; it is told where what is written is
    #[cfg(unix)]
    let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::default());
    let code = match args::Args::read() {
        Ok(args) if args.in_place.is_none() && was_closed(Standard::Output) => no_output(),
        Ok(args) => binq_query::on_stack(STACK, move || run::run(&args)),
        Err(e) if e.use_stderr() => {
            failure::tell(format_args!("binq: {}", e.render()));
            failure::USAGE
        }
        // help and version
        Err(_) if was_closed(Standard::Output) => no_output(),
        Err(e) => print(&e.render().to_string()),
    };
    ExitCode::from(code)
}

fn no_output() -> u8 {
    failure::complain("standard output is closed");
    failure::USAGE
}

/// Write a text to standard output.
fn print(text: &str) -> u8 {
    let mut out = std::io::stdout();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    match written {
        Err(e) if !failure::is_closed(&e) => {
            failure::complain(format_args!("writing output: {e}"));
            failure::USAGE
        }
        _ => 0,
    }
}
