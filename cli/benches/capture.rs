//! How quick binq is with captures, against tshark, in the same run: `cargo bench -p binq --bench capture`.
//!
//! The input is made by `samples/bench-capture`: about 220 MB of gRPC calls between a real server and client. That needs a
//! Python with grpcio, which `$BINQ_PYTHON` names, and tcpdump.

mod common;

use common::{BINQ, Runs, cmd, installed, memory};
use std::path::Path;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../samples/bench-capture");

fn main() {
    let Some(dir) = common::dir() else {
        return;
    };
    let file = dir.join("bench-40000.pcap");
    let note = dir.join("bench-40000.port");
    if !note.exists() && !made(&dir) {
        println!("skipped: samples/bench-capture made no capture");
        return;
    }
    let port = std::fs::read_to_string(&note).expect("the port of the server");
    let size = std::fs::metadata(&file).expect("the capture").len();
    let path = file.to_str().expect("a path that is text");
    let binq = |filter: &str| cmd(BINQ, &["-c", filter, path]);
    let calls =
        binq(".grpc_calls[] | {connection, stream_id, service, method, status, time, duration}");
    let runs = Runs {
        count: 3,
        may_fail: false,
    };
    println!(
        "{} MB, 40,000 calls, {} runs each, medians:",
        size / 1_000_000,
        runs.count
    );
    if installed("tshark", "--version") {
        let http2 = format!("tcp.port=={},http2", port.trim());
        let mut tshark = cmd("tshark", &["-n", "-r", path, "-d", &http2]);
        tshark.args(["-Y", "http2.type == 1", "-T", "fields"]);
        for field in [
            "tcp.stream",
            "http2.streamid",
            "http2.headers.path",
            "http2.header.value",
            "frame.time_epoch",
        ] {
            tshark.args(["-e", field]);
        }
        runs.versus("one object per call : tshark", &calls, &tshark, 1.0);
    }
    runs.single(
        "first(.grpc_calls[])",
        &binq("first(.grpc_calls[]) | .method"),
    );
    runs.single(".grpc_calls | length", &binq(".grpc_calls | length"));
    println!("most memory, mapped parts of the file included:");
    memory("one object per call", "VmHWM:", &calls);
    memory(
        ".grpc_calls | length",
        "VmHWM:",
        &binq(".grpc_calls | length"),
    );
}

/// Make the capture.
fn made(dir: &Path) -> bool {
    let python = std::env::var("BINQ_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let mut script = cmd(python, &[SCRIPT]);
    script.arg(dir).status().is_ok_and(|s| s.success())
}
