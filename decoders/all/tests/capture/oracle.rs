//! tshark, if it is there.

use bytes::Bytes;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// A file in the folder for temporary ones.
pub(crate) fn temporary(name: &str, bytes: &[u8]) -> PathBuf {
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    // tests run at the same time
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let path = dir.join(format!("{}-{name}", NEXT.fetch_add(1, Relaxed)));
    std::fs::write(&path, bytes).unwrap();
    path
}

/// Whether tshark is there; else the test is skipped, or fails if `BINQ_REQUIRE_ORACLES` is set.
pub(crate) fn has_tshark() -> bool {
    let there = Command::new("tshark")
        .arg("--version")
        .output()
        .is_ok_and(|o| o.status.success());
    if !there {
        binq_laws::skip("no tshark");
    }
    there
}

/// The fields of all packets, each with all its occurrences; `port` is that of an HTTP/2 server.
pub(crate) fn fields(file: &Path, port: Option<u64>, names: &[&str]) -> Vec<Vec<Vec<String>>> {
    let mut command = Command::new("tshark");
    command.arg("-r").arg(file).args(["-n", "-T", "fields"]);
    command.args([
        "-E",
        "separator=\x1e",
        "-E",
        "aggregator=\x1f",
        "-E",
        "occurrence=a",
    ]);
    if names.iter().any(|n| n.ends_with("checksum.status")) {
        // only then: tshark puts no stream together from segments whose checksum is bad
        command.args(["-o", "tcp.check_checksum:TRUE"]);
        command.args(["-o", "udp.check_checksum:TRUE"]);
        command.args(["-o", "ip.check_checksum:TRUE"]);
        command.args(["-o", "udp.check_checksum:TRUE"]);
    }
    if file.to_string_lossy().contains("reordered") {
        // not for the others: it makes tshark see frames twice
        command.args(["-o", "tcp.reassemble_out_of_order:TRUE"]);
    }
    if let Some(port) = port {
        command.arg("-d").arg(format!("tcp.port=={port},http2"));
    }
    for name in names {
        command.args(["-e", name]);
    }
    let output = command.output().expect("tshark runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {errors}", file.display());
    let text = String::from_utf8(output.stdout).expect("tshark prints UTF-8");
    let split = |cell: &str| -> Vec<String> {
        match cell {
            "" => Vec::new(),
            cell => cell.split('\x1f').map(str::to_owned).collect(),
        }
    };
    text.lines()
        .map(|line| {
            let row: Vec<_> = line.split('\x1e').map(split).collect();
            assert_eq!(row.len(), names.len(), "{line:?}");
            row
        })
        .collect()
}

/// What tshark finds wrong with a capture: malformed packets, gaps or repetitions in TCP, and bad checksums, if these are
/// not left to the network card.
pub(crate) fn complaints(file: &Path, port: Option<u64>, checksums: bool) -> Vec<String> {
    let wrong = [
        "_ws.malformed",
        "tcp.analysis.lost_segment",
        "tcp.analysis.ack_lost_segment",
        "tcp.analysis.out_of_order",
        "tcp.analysis.retransmission",
        "tcp.analysis.spurious_retransmission",
    ];
    let mut out = Vec::new();
    let mut look = |names: &[&str], is_bad: &dyn Fn(&[String]) -> bool| {
        for (i, row) in fields(file, port, names).into_iter().enumerate() {
            for (name, cell) in names.iter().zip(row).filter(|(_, c)| is_bad(c)) {
                out.push(format!("packet {}: {name} {cell:?}", i + 1));
            }
        }
    };
    look(&wrong, &|cell| !cell.is_empty());
    if checksums {
        // 0 is bad, 1 good, 2 not verified
        let sums = [
            "ip.checksum.status",
            "tcp.checksum.status",
            "udp.checksum.status",
        ];
        look(&sums, &|cell| cell.iter().any(|c| c == "0"));
    }
    out
}

/// Write bytes where tshark can read them.
pub(crate) fn written(name: &str, bytes: &Bytes) -> PathBuf {
    temporary(name, bytes)
}
