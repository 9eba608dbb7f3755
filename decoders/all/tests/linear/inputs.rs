//! Inputs of any size, of every format and every kind of list in them.

use binq_core::{Options, Scalar};
use binq_laws::wire::Wire;
use std::path::PathBuf;

/// An input: what makes it `n` long, and the list in it that becomes longer.
pub struct Input {
    pub name: &'static str,
    pub format: &'static str,
    pub make: fn(usize) -> Vec<u8>,
    pub options: fn() -> Options,
    /// Path of the list.
    pub list: &'static str,
    /// Path of a leaf in each item.
    pub leaf: &'static str,
}

fn samples() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../samples")
}

fn sample(name: &str) -> Vec<u8> {
    std::fs::read(samples().join(name)).expect("a sample")
}

fn untyped() -> Options {
    Options::default()
}

fn typed() -> Options {
    let mut options = Options::default();
    let set = samples()
        .join("protobuf/types.desc")
        .to_string_lossy()
        .into_owned();
    options
        .lists
        .insert("descriptor_set".to_owned(), vec![set.into()]);
    options.with("message", Scalar::from("all3.All"))
}

/// Every input, with the sizes that it is made in: `n` and `4 n`.
pub const INPUTS: &[Input] = &[
    Input {
        name: "pages of a log",
        format: "pg_wal",
        make: |n| sample("pg_wal/pg15.wal")[..(n / 8).max(2) * 8192].to_vec(),
        options: untyped,
        list: ".records",
        leaf: ".xl_xid",
    },
    Input {
        name: "data in a log",
        format: "pg_wal",
        make: |n| sample("pg_wal/pg15.wal")[..(n / 8).max(2) * 8192].to_vec(),
        options: untyped,
        list: ".records",
        leaf: ".blocks[0].data",
    },
    Input {
        name: "records of protobuf",
        format: "protobuf",
        make: |n| b"\x0a\x03abc\x10\x07".repeat(n),
        options: untyped,
        list: ".fields",
        leaf: ".value",
    },
    Input {
        name: "numbers in a packed list",
        format: "protobuf",
        make: |n| field(23, &vec![7; n]),
        options: typed,
        list: ".r_int32",
        leaf: "",
    },
    Input {
        name: "entries of a map",
        format: "protobuf",
        make: |n| {
            let entry = |i| [field(1, format!("k{i}").as_bytes()), vec![0x10, 7]].concat();
            (0..n).flat_map(|i| field(41, &entry(i))).collect()
        },
        options: typed,
        list: ".m_string_int32",
        leaf: "",
    },
    Input {
        name: "messages one after the other",
        format: "protobuf_delimited",
        make: |n| b"\x07\x0a\x03abc\x10\x07".repeat(n),
        options: untyped,
        list: ".messages",
        leaf: ".fields[0].value",
    },
    Input {
        name: "messages of gRPC",
        format: "grpc_message",
        make: |n| b"\0\0\0\0\x07\x0a\x03abc\x10\x07".repeat(n),
        options: untyped,
        list: ".messages",
        leaf: ".message.fields[0].value",
    },
    Input {
        name: "message indexes of Confluent",
        format: "confluent_protobuf",
        make: |n| {
            let mut out = vec![0, 0, 0, 0, 7];
            out.extend(varint(2 * n as u64));
            out.extend(vec![2; n]);
            out.extend(b"\x0a\x03abc");
            out
        },
        options: untyped,
        list: ".message_indexes",
        leaf: "",
    },
    Input {
        name: "frames",
        format: "http2",
        make: |n| {
            let data = (0..n).flat_map(|_| frame(0, 0, 1, b"some data"));
            [client(), frame(1, 4, 1, &[0x82, 0x86, 0x84, 0x41, 1, b'a'])]
                .concat()
                .into_iter()
                .chain(data)
                .collect()
        },
        options: untyped,
        list: ".frames",
        leaf: ".payload.data",
    },
    Input {
        name: "streams",
        format: "http2",
        make: |n| {
            let head = |i| {
                frame(
                    1,
                    5,
                    2 * i as u32 + 1,
                    b"\x82\x86\x84\x41\x01a\x40\x03x-y\x02zz",
                )
            };
            client().into_iter().chain((0..n).flat_map(head)).collect()
        },
        options: untyped,
        list: ".frames",
        leaf: ".payload.headers[3].value",
    },
    Input {
        name: "header fields",
        format: "http2",
        make: |n| {
            let fields: Vec<u8> = (0..n).flat_map(|_| b"\x40\x03x-y\x02zz".to_vec()).collect();
            [
                client(),
                frame(1, 5, 1, &[b"\x82\x86\x84\x41\x01a", &fields[..]].concat()),
            ]
            .concat()
        },
        options: untyped,
        list: ".frames[1].payload.headers",
        leaf: ".value",
    },
    Input {
        name: "requests",
        format: "http1",
        make: |n| b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi".repeat(n),
        options: untyped,
        list: ".requests",
        leaf: ".body",
    },
    Input {
        name: "chunks",
        format: "http1",
        make: |n| {
            let chunks = b"2\r\nhi\r\n".repeat(n);
            [
                b"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
                &chunks[..],
                b"0\r\n\r\n",
            ]
            .concat()
        },
        options: untyped,
        list: ".requests[0].chunks",
        leaf: ".data",
    },
    Input {
        name: "fields of a head",
        format: "http1",
        make: |n| {
            let fields = b"X-Y: zz\r\n".repeat(n);
            [b"GET /a HTTP/1.1\r\nHost: a\r\n", &fields[..], b"\r\n"].concat()
        },
        options: untyped,
        list: ".requests[0].headers",
        leaf: ".value",
    },
    Input {
        name: "packets",
        format: "pcap",
        make: |n| capture(n, 9, b"\x80text\xff", &|_| true),
        options: untyped,
        list: ".packets",
        leaf: ".packet.payload.payload",
    },
    Input {
        name: "packets of which every other is lost",
        format: "pcap",
        make: |n| capture(n, 9, b"\x80text\xff", &|i| i % 2 == 0),
        options: untyped,
        list: ".packets",
        leaf: ".packet.identification",
    },
    Input {
        name: "connections",
        format: "pcap",
        make: |n| {
            let mut out = Wire::new(9, false).pcap(|_, len| Some(len));
            for i in 0..n {
                let mut wire = Wire::new(10 + i as u16, true);
                wire.send(0, b"\x80text\xff");
                out.extend(&wire.pcap(|_, len| Some(len))[24..]);
            }
            out
        },
        options: untyped,
        list: ".tcp_connections",
        leaf: ".client.stream",
    },
    Input {
        name: "segments of frames",
        format: "pcap",
        make: |n| {
            let mut wire = Wire::new(50051, true);
            wire.send(
                0,
                &[client(), frame(1, 4, 1, b"\x83\x86\x84\x41\x01a")].concat(),
            );
            wire.send(1, &frame(4, 0, 0, b""));
            for _ in 0..n {
                wire.send(0, &frame(0, 0, 1, b"some data"));
            }
            wire.pcap(|_, len| Some(len))
        },
        options: untyped,
        list: ".tcp_connections[0].client.stream.frames",
        leaf: ".payload.data",
    },
    Input {
        name: "responses of which every third is lost",
        format: "pcap",
        make: |n| {
            let mut wire = Wire::new(80, true);
            for _ in 0..n {
                wire.send(0, b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
            }
            let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
            for i in 0..n {
                match i % 3 {
                    2 => wire.skip(1, answer.len() as u32),
                    _ => _ = wire.send(1, answer),
                }
            }
            wire.pcap(|_, len| Some(len))
        },
        options: untyped,
        list: ".streams",
        leaf: ".request.target",
    },
    Input {
        name: "segments that came again as others",
        format: "pcap",
        make: |n| {
            let mut wire = Wire::new(9, true);
            for _ in 0..n {
                wire.send(0, b"\x80one text\xff");
                // back to where it began
                wire.skip(0, 10_u32.wrapping_neg());
                wire.send(0, b"\x80other\xff and more\xff");
            }
            wire.pcap(|_, len| Some(len))
        },
        options: untyped,
        list: ".packets",
        leaf: ".packet.payload.payload",
    },
    Input {
        name: "fragments of a datagram that never is whole",
        format: "pcap",
        make: |n| {
            let mut out = Wire::new(9, false).pcap(|_, len| Some(len));
            for i in 0..n {
                let mut packet = vec![0x45, 0, 0, 28, 0, 7, 0x20, 0, 64, 200, 0, 0];
                packet.extend([10, 0, 0, 1, 10, 0, 0, 2]);
                packet.extend(b"8 bytes.");
                let len = packet.len() as u32;
                for word in [i as u32, 0, len, len] {
                    out.extend(word.to_le_bytes());
                }
                out.extend(packet);
            }
            out
        },
        options: untyped,
        list: ".packets",
        leaf: ".packet.payload",
    },
    Input {
        name: "blocks",
        format: "pcapng",
        make: |n| pcapng(n, 1),
        options: untyped,
        list: ".blocks",
        leaf: ".timestamp_low",
    },
    Input {
        name: "interfaces",
        format: "pcapng",
        make: |n| pcapng(n, n),
        options: untyped,
        list: ".packets",
        leaf: ".timestamp_low",
    },
];

fn varint(mut n: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
    out
}

/// A length-delimited record of protobuf.
fn field(number: u64, value: &[u8]) -> Vec<u8> {
    [
        varint(number << 3 | 2),
        varint(value.len() as u64),
        value.to_vec(),
    ]
    .concat()
}

/// A frame of HTTP/2.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let len = (payload.len() as u32).to_be_bytes();
    [&len[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// What a client of HTTP/2 begins with.
fn client() -> Vec<u8> {
    [
        &b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..],
        &frame(4, 0, 0, b""),
    ]
    .concat()
}

fn capture(n: usize, port: u16, payload: &[u8], keep: &dyn Fn(usize) -> bool) -> Vec<u8> {
    let mut wire = Wire::new(port, true);
    for _ in 0..n {
        wire.send(0, payload);
    }
    wire.pcap(|i, len| (i < 3 || keep(i)).then_some(len))
}

fn pcapng(packets: usize, interfaces: usize) -> Vec<u8> {
    let block = |kind: u32, body: &[u8]| {
        let total = (12 + body.len() as u32).to_le_bytes();
        [&kind.to_le_bytes()[..], &total, body, &total].concat()
    };
    let mut head = vec![0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0];
    head.extend([0xff; 8]);
    let mut out = block(0x0a0d_0d0a, &head);
    for _ in 0..interfaces {
        out.extend(block(1, &[101, 0, 0, 0, 0, 0, 4, 0]));
    }
    let pcap = capture(packets, 9, b"\x80text\xffzz", &|_| true);
    let mut rest = &pcap[24..];
    let mut i = 0;
    while let Some((record, after)) = rest.split_at_checked(16) {
        let len = u32::from_le_bytes(record[8..12].try_into().expect("four bytes")) as usize;
        let mut body = ((i % interfaces) as u32).to_le_bytes().to_vec();
        body.extend([0; 8]);
        body.extend([&record[8..16], &after[..len]].concat());
        body.resize(body.len().next_multiple_of(4), 0);
        out.extend(block(6, &body));
        rest = &after[len..];
        i += 1;
    }
    out
}
