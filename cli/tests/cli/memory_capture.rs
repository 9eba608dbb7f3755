//! How much memory a walk over a capture takes: it grows with the connections that are open, not with the file.
#![cfg(target_os = "linux")]

use crate::common::binq_ok;
use crate::memory::{MIB, MOST, RESIDENT, peak};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

const SYN: u8 = 2;
const ACK: u8 = 16;
const FIN: u8 = 1;

/// A pcap file of raw IP packets, which is written packet by packet.
struct Pcap {
    out: BufWriter<File>,
    packets: u32,
    size: u64,
}

/// A connection, and how many bytes each peer sent in it.
struct Tcp {
    port: u16,
    sent: [u32; 2],
}

impl Pcap {
    fn new(file: &Path) -> Self {
        let mut out = BufWriter::new(File::create(file).unwrap());
        let head = [0xa1b2_c3d4, 0x0002_0004, 0, 0, 0x4_0000, 101u32];
        for word in head {
            // the two version numbers are of 16 bits each
            let bytes = match word {
                0x0002_0004 => [2, 0, 4, 0],
                other => other.to_le_bytes(),
            };
            out.write_all(&bytes).unwrap();
        }
        Self {
            out,
            packets: 0,
            size: 24,
        }
    }

    /// A packet every millisecond.
    fn packet(&mut self, tcp: &mut Tcp, from_client: bool, flags: u8, payload: &[u8]) {
        let who = usize::from(!from_client);
        let len = (40 + payload.len()) as u32;
        let (seconds, micros) = (self.packets / 1000, self.packets % 1000 * 1000);
        for word in [seconds, micros, len, len] {
            self.out.write_all(&word.to_le_bytes()).unwrap();
        }
        self.packets += 1;
        let mut head = vec![0x45, 0];
        head.extend((len as u16).to_be_bytes());
        head.extend([0, 0, 0, 0, 64, 6, 0, 0]);
        let (client, server) = ([10, 0, 0, 1], [10, 0, 0, 2]);
        let (from, to) = if from_client {
            (client, server)
        } else {
            (server, client)
        };
        head.extend([from, to].concat());
        let ports = [tcp.port.to_be_bytes(), 50051u16.to_be_bytes()];
        head.extend([ports[who], ports[1 - who]].concat());
        head.extend(tcp.sent[who].to_be_bytes());
        head.extend(tcp.sent[1 - who].to_be_bytes());
        head.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
        self.out.write_all(&head).unwrap();
        self.out.write_all(payload).unwrap();
        self.size += u64::from(len) + 16;
        let counts = u32::from(flags & (SYN | FIN) != 0);
        tcp.sent[who] = tcp.sent[who].wrapping_add(payload.len() as u32 + counts);
    }

    fn open(&mut self, port: u16) -> Tcp {
        let sent = [1_000_000 + u32::from(port), 7];
        let mut tcp = Tcp { port, sent };
        self.packet(&mut tcp, true, SYN, &[]);
        self.packet(&mut tcp, false, SYN | ACK, &[]);
        let mut begin = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        begin.extend(frame(4, 0, 0, &[]));
        self.packet(&mut tcp, true, ACK, &begin);
        self.packet(&mut tcp, false, ACK, &frame(4, 0, 0, &[]));
        tcp
    }

    /// A call whose request has a message of so many bytes.
    fn call(&mut self, tcp: &mut Tcp, stream: u32, message: usize) {
        // :method POST, :scheme http, and literals of which the last one is new in each call
        let mut request = vec![0x83, 0x86];
        literal(&mut request, 0x00, ":path", "/demo.Greeter/Greet");
        literal(&mut request, 0x00, ":authority", "demo.test");
        literal(&mut request, 0x00, "content-type", "application/grpc");
        literal(
            &mut request,
            0x40,
            "request-id",
            &format!("r-{}", self.packets),
        );
        let mut sent = frame(1, 4, stream, &request);
        let mut body = vec![0];
        body.extend((message as u32).to_be_bytes());
        body.resize(5 + message, b'x');
        sent.extend(frame(0, 1, stream, &body));
        for part in sent.chunks(60_000) {
            self.packet(tcp, true, ACK, part);
        }
        let mut head = vec![0x88];
        literal(&mut head, 0x00, "content-type", "application/grpc");
        let mut answer = frame(1, 4, stream, &head);
        answer.extend(frame(0, 0, stream, &[0, 0, 0, 0, 2, 8, 1]));
        let mut trailers = Vec::new();
        literal(&mut trailers, 0x00, "grpc-status", "0");
        answer.extend(frame(1, 5, stream, &trailers));
        self.packet(tcp, false, ACK, &answer);
    }

    fn close(&mut self, mut tcp: Tcp) {
        self.packet(&mut tcp, true, FIN | ACK, &[]);
        self.packet(&mut tcp, false, FIN | ACK, &[]);
    }

    fn finish(mut self) -> u64 {
        self.out.flush().unwrap();
        self.size
    }
}

/// A frame, RFC 9113 section 4.1.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut out = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    out.extend([kind, flags]);
    out.extend(stream.to_be_bytes());
    out.extend_from_slice(payload);
    out
}

/// A literal header field with a new name, RFC 7541 section 6.2.
fn literal(out: &mut Vec<u8>, form: u8, name: &str, value: &str) {
    out.push(form);
    for text in [name, value] {
        out.push(text.len() as u8);
        out.extend(text.as_bytes());
    }
}

/// Walks over all calls; how many there are, and those that are not as they were made.
const WALK: &str =
    r#"reduce (.grpc_calls[] | [.method, .status, .duration > 0]) as $c ({}; .[$c | tojson] += 1)"#;

#[test]
fn long_connections_side_by_side() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("long.pcap");
    let mut pcap = Pcap::new(&file);
    let mut open: Vec<Tcp> = (0..4).map(|i| pcap.open(40_000 + i)).collect();
    const CALLS: u32 = 5000;
    for i in 0..CALLS {
        let n = open.len() as u32;
        pcap.call(&mut open[(i % n) as usize], i / n * 2 + 1, 30_000);
    }
    open.into_iter().for_each(|tcp| pcap.close(tcp));
    let size = pcap.finish();
    assert!(size > 140 * MIB);
    let all = format!("{{\"[\\\"Greet\\\",0,true]\":{CALLS}}}\n");
    for (filter, expected) in [
        (WALK, all.as_str()),
        (".grpc_calls | length", "5000\n"),
        ("first(.grpc_calls[]) | .stream_id", "1\n"),
        (".tcp_connections | length", "4\n"),
    ] {
        let (peak, out) = peak(&file, filter);
        assert_eq!(out, expected, "{filter}");
        assert!(peak < RESIDENT + MOST, "{filter}: {} MiB", peak / MIB);
    }
}

#[test]
fn many_short_connections() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("short.pcap");
    let mut pcap = Pcap::new(&file);
    const CONNECTIONS: u32 = 48_000;
    for i in 0..CONNECTIONS {
        let mut tcp = pcap.open(10_000 + i as u16);
        pcap.call(&mut tcp, 1, 600);
        pcap.close(tcp);
    }
    let size = pcap.finish();
    assert!(size > 55 * MIB);
    let (peak, out) = peak(&file, WALK);
    assert_eq!(
        out,
        format!("{{\"[\\\"Greet\\\",0,true]\":{CONNECTIONS}}}\n")
    );
    // what is kept of each connection is where its bytes lie in the file
    let most = RESIDENT + MOST / 2 + u64::from(CONNECTIONS) * 1024;
    assert!(peak < most, "{} MiB", peak / MIB);
}

/// Connections are forgotten when they were passed, but not between two views of them that are edited.
#[test]
fn edits_through_two_views_of_many_connections_meet() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("twenty.pcap");
    let mut pcap = Pcap::new(&file);
    for i in 0..20 {
        let mut tcp = pcap.open(10_000 + i);
        pcap.call(&mut tcp, 1, 600);
        pcap.close(tcp);
    }
    pcap.finish();
    // both change the header block of the request, and so the length of its frame
    let edit = r#"(.grpc_calls[].path) = "/a.longer.Service/Name"
        | (.tcp_connections[].client.stream.frames[1].payload.headers[5].value) = "changed""#;
    let out = dir.path().join("edited.pcap");
    let args = ["-b".as_ref(), edit.as_ref(), file.as_os_str()];
    std::fs::write(&out, binq_ok(args)).unwrap();
    let filter = "[.grpc_calls[] | [.path, .metadata[0].value, .status, (.requests | length)]]
        | length, unique";
    let said = binq_ok(["-c".as_ref(), filter.as_ref(), out.as_os_str()]);
    assert_eq!(
        String::from_utf8(said).unwrap(),
        "20\n[[\"/a.longer.Service/Name\",\"changed\",0,1]]\n"
    );
}
