//! The `binq` command.
#![forbid(unsafe_code)]

mod args;
mod blocks;
mod failure;
mod inplace;
mod input;
mod output;
mod run;

use std::process::ExitCode;

/// The query may recurse this deep; the machine's stack must be larger.
const STACK: usize = 512 << 20;

fn main() -> ExitCode {
    let args = match args::Args::read() {
        Ok(args) => args,
        Err(e) => {
            // help and version are no errors, and clap prints them to standard output
            let _ = e.print();
            return ExitCode::from(if e.use_stderr() { failure::USAGE } else { 0 });
        }
    };
    let code = binq_query::on_stack(STACK, move || run::run(&args));
    ExitCode::from(code)
}
