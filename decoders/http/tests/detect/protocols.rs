//! Other protocols, as far as their framing goes: what they send is made up, in the shapes that their standards give it.

/// A generator that gives the same numbers each time (SplitMix64).
pub struct Rng(u64);

impl Rng {
    pub fn new(name: &str, whole: bool) -> Self {
        let seed = name
            .bytes()
            .fold(u64::from(whole), |n, b| n.wrapping_mul(31) + u64::from(b));
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: u32) -> u32 {
        (self.next() % u64::from(n.max(1))) as u32
    }

    pub fn bytes(&mut self, n: usize) -> Vec<u8> {
        (0..n).map(|_| self.next() as u8).collect()
    }

    /// Bytes of which most are zeros, and most others small.
    fn sparse(&mut self, n: usize) -> Vec<u8> {
        let mut byte = || match self.below(8) {
            0..=3 => 0,
            4 => self.below(17) as u8,
            5 => self.below(4) as u8,
            _ => self.next() as u8,
        };
        (0..n).map(|_| byte()).collect()
    }

    fn text(&mut self, n: usize) -> Vec<u8> {
        const SET: &[u8] = b"abcdefghijklmnopqrstuvwxyz_ .:-0123456789";
        (0..n)
            .map(|_| SET[self.below(SET.len() as u32) as usize])
            .collect()
    }

    fn some(&mut self, most: u32) -> usize {
        // small ones are common
        let most = most >> self.below(5);
        self.below(most) as usize
    }
}

/// What the peers of a connection send.
type Speak = fn(&mut Rng) -> [Vec<u8>; 2];

/// The protocols.
pub const SPEAKERS: [(&str, Speak); 22] = [
    ("random", |r| {
        [many(r, |r| r.bytes(64)), many(r, |r| r.bytes(64))]
    }),
    ("sparse", |r| {
        [many(r, |r| r.sparse(64)), many(r, |r| r.sparse(64))]
    }),
    ("zeros", |r| {
        let zeros = |r: &mut Rng| {
            let mut out = vec![0; 40];
            out[r.below(40) as usize] = r.below(256) as u8;
            out
        };
        [many(r, zeros), many(r, zeros)]
    }),
    ("counters", |r| [counters(r), counters(r)]),
    ("text", |r| [many(r, line), many(r, line)]),
    ("smb2", |r| [many(r, smb2), many(r, smb2)]),
    ("ssh", |r| [ssh(r), ssh(r)]),
    ("rpc", |r| [many(r, |r| rpc(r, 0)), many(r, |r| rpc(r, 1))]),
    ("thrift", |r| [many(r, thrift), many(r, thrift)]),
    ("ceph", |r| [ceph(r), ceph(r)]),
    ("tls", |r| [tls(r, 1), tls(r, 2)]),
    ("modbus", |r| [many(r, modbus), many(r, modbus)]),
    ("mysql", |r| [many(r, mysql), many(r, mysql)]),
    ("postgres", |r| [many(r, postgres), many(r, postgres)]),
    ("redis", |r| [many(r, redis), many(r, redis)]),
    ("kafka", |r| [many(r, kafka), many(r, kafka)]),
    ("dns", |r| [many(r, dns), many(r, dns)]),
    ("amqp", |r| [amqp(r), amqp(r)]),
    ("ldap", |r| [many(r, ldap), many(r, ldap)]),
    ("mongodb", |r| [many(r, mongodb), many(r, mongodb)]),
    ("rtmp", |r| [many(r, rtmp), many(r, rtmp)]),
    ("bgp", |r| [many(r, bgp), many(r, bgp)]),
];

/// Several messages.
fn many(r: &mut Rng, mut message: impl FnMut(&mut Rng) -> Vec<u8>) -> Vec<u8> {
    let count = 1 + r.below(40);
    (0..count).flat_map(|_| message(r)).collect()
}

/// A message after its length.
fn sized(message: Vec<u8>) -> Vec<u8> {
    [&(message.len() as u32).to_be_bytes()[..], &message].concat()
}

/// Records of one size with numbers in them that grow.
fn counters(r: &mut Rng) -> Vec<u8> {
    let size = 4 + r.below(30) as usize;
    let head = r.sparse(size);
    let mut out = Vec::new();
    for i in 0..20 + r.below(100) {
        let at = out.len();
        out.extend(&head);
        out[at + size - 1] = i as u8;
    }
    out
}

fn line(r: &mut Rng) -> Vec<u8> {
    let n = r.some(200);
    [&r.text(n)[..], b"\r\n"].concat()
}

/// MS-SMB2 2.2.1, after the NetBIOS session header.
fn smb2(r: &mut Rng) -> Vec<u8> {
    let mut m = b"\xfeSMB\x40\0\0\0\0\0\0\0".to_vec();
    m.extend([r.below(19) as u8, 0, r.below(128) as u8, 0]);
    m.extend([r.below(2) as u8, 0, 0, 0, 0, 0, 0, 0]);
    m.extend(u64::from(r.below(5000)).to_le_bytes());
    m.extend([0xff, 0xfe, 0, 0]);
    m.extend(r.below(9).to_le_bytes());
    m.extend(r.next().to_le_bytes());
    m.extend([0; 16]);
    let n = 24 + r.some(3000);
    m.extend(r.sparse(n));
    sized(m)
}

/// RFC 4253: its first line, then packets; encrypted once keys were exchanged.
fn ssh(r: &mut Rng) -> Vec<u8> {
    let mut out = b"SSH-2.0-OpenSSH_9.6\r\n".to_vec();
    for _ in 0..r.below(4) {
        let n = 16 + r.some(1500);
        let mut m = vec![r.below(20) as u8 + 4, 20 + r.below(15) as u8];
        m.extend(r.text(n));
        m.extend([0; 10]);
        out.extend(sized(m));
    }
    let n = 3000 + r.some(4000);
    out.extend(r.bytes(n));
    out
}

/// RFC 5531, marked as RFC 5531 section 11 says; NFS.
fn rpc(r: &mut Rng, direction: u32) -> Vec<u8> {
    let mut words = vec![r.next() as u32, direction];
    match direction {
        0 => words.extend([
            2,
            100_003,
            3,
            r.below(22),
            1,
            24,
            r.below(1000),
            0,
            0,
            0,
            0,
            0,
        ]),
        _ => words.extend([0, 0, 0, 0, r.below(3)]),
    }
    let mut m: Vec<u8> = words.iter().flat_map(|w| w.to_be_bytes()).collect();
    let n = 4 * r.some(400);
    m.extend(r.sparse(n));
    let mut out = sized(m);
    out[0] |= 0x80;
    out
}

/// A framed call, in the strict binary protocol.
fn thrift(r: &mut Rng) -> Vec<u8> {
    let mut m = vec![0x80, 1, 0, 1 + r.below(3) as u8];
    let n = 3 + r.some(20);
    m.extend(sized(r.text(n)));
    m.extend(r.below(4000).to_be_bytes());
    for id in 1..2 + r.below(6) as u8 {
        match r.below(3) {
            0 => m.extend([8, 0, id].into_iter().chain(r.below(300).to_be_bytes())),
            1 => m.extend(
                [10, 0, id]
                    .into_iter()
                    .chain(u64::from(r.below(9)).to_be_bytes()),
            ),
            _ => {
                m.extend([11, 0, id]);
                let n = r.some(100);
                m.extend(sized(r.text(n)));
            }
        }
    }
    m.push(0);
    sized(m)
}

/// The messenger of version 1: a banner, then tags, headers in little endian, and data.
fn ceph(r: &mut Rng) -> Vec<u8> {
    let mut out = b"ceph v027".to_vec();
    out.extend(r.sparse(200));
    for i in 0..1 + r.below(30) {
        match r.below(3) {
            0 => out.extend([8].into_iter().chain(u64::from(i).to_le_bytes())),
            1 => out.extend([14].into_iter().chain(r.bytes(8))),
            _ => {
                out.push(7);
                out.extend(u64::from(i).to_le_bytes());
                out.extend(u64::from(r.below(3)).to_le_bytes());
                out.extend([r.below(120) as u8, 0, 127, 0, 1, 0]);
                let n = r.some(800);
                out.extend((n as u32).to_le_bytes());
                out.extend([0; 8]);
                out.extend(r.sparse(n));
            }
        }
    }
    out
}

/// RFC 8446: records.
fn tls(r: &mut Rng, hello: u8) -> Vec<u8> {
    let record = |kind: u8, payload: &[u8]| {
        let mut out = vec![kind, 3, 3];
        out.extend((payload.len() as u16).to_be_bytes());
        out.extend(payload);
        out
    };
    let n = 70 + r.some(1000);
    let body = [
        &[hello, 0, 0, n as u8, 3, 3][..],
        &r.bytes(32),
        &r.sparse(n),
    ]
    .concat();
    let mut out = record(22, &body);
    out.extend(record(20, &[1]));
    for _ in 0..r.below(20) {
        let n = 17 + r.some(2000);
        let payload = r.bytes(n);
        out.extend(record(23, &payload));
    }
    out
}

/// Modbus over TCP: transaction, protocol 0, length, unit, function.
fn modbus(r: &mut Rng) -> Vec<u8> {
    let n = 4 + 2 * r.some(60);
    let mut out = vec![
        0,
        r.below(256) as u8,
        0,
        0,
        0,
        n as u8 + 2,
        1,
        1 + r.below(6) as u8,
    ];
    out.extend(r.sparse(n));
    out
}

/// Packets: a length in three bytes of little endian, a number.
fn mysql(r: &mut Rng) -> Vec<u8> {
    let n = 1 + r.some(900);
    let mut out = (n as u32).to_le_bytes()[..3].to_vec();
    out.push(r.below(9) as u8);
    match r.below(2) {
        0 => out.extend(r.text(n)),
        _ => out.extend(r.sparse(n)),
    }
    out
}

/// Messages of version 3: a letter, and a length that counts itself.
fn postgres(r: &mut Rng) -> Vec<u8> {
    let mut out = vec![b"QDTCZPBESKR12n"[r.below(14) as usize]];
    let n = 4 + r.some(500);
    out.extend((n as u32).to_be_bytes());
    let (a, b) = (r.sparse(6.min(n - 4)), r.text((n - 4).saturating_sub(6)));
    out.extend(a);
    out.extend(b);
    out
}

/// RESP.
fn redis(r: &mut Rng) -> Vec<u8> {
    let mut out = format!("*{}\r\n", 1 + r.below(4)).into_bytes();
    for _ in 0..1 + r.below(4) {
        let n = r.some(100);
        out.extend(format!("${n}\r\n").bytes());
        out.extend(r.sparse(n));
        out.extend(b"\r\n");
    }
    out
}

/// Requests: a length, key, version, number, client.
fn kafka(r: &mut Rng) -> Vec<u8> {
    let mut m = vec![0, r.below(60) as u8, 0, r.below(12) as u8];
    m.extend(r.below(5000).to_be_bytes());
    m.extend([0, 7]);
    m.extend(b"rdkafka");
    let n = r.some(1500);
    m.extend(r.sparse(n));
    sized(m)
}

/// RFC 1035 section 4.2.2.
fn dns(r: &mut Rng) -> Vec<u8> {
    let mut m = r.bytes(2);
    m.extend([1, 0, 0, 1, 0, r.below(4) as u8, 0, 0, 0, 0]);
    for _ in 0..2 {
        let n = 1 + r.some(20);
        m.push(n as u8);
        m.extend(r.text(n));
    }
    m.extend([0, 0, 1, 0, 1]);
    let n = r.some(100);
    m.extend(r.sparse(n));
    [&(m.len() as u16).to_be_bytes()[..], &m].concat()
}

/// AMQP 0-9-1: type, channel, length, payload, the end of a frame.
fn amqp(r: &mut Rng) -> Vec<u8> {
    let mut out = b"AMQP\0\0\x09\x01".to_vec();
    for _ in 0..1 + r.below(30) {
        let n = r.some(600);
        out.extend([[1, 2, 3, 8][r.below(4) as usize], 0, r.below(4) as u8]);
        out.extend((n as u32).to_be_bytes());
        out.extend(r.sparse(n));
        out.push(0xce);
    }
    out
}

/// RFC 4511, in BER.
fn ldap(r: &mut Rng) -> Vec<u8> {
    let n = 4 + r.some(100);
    let mut out = vec![0x30, (n + 5).min(127) as u8, 2, 1, r.below(120) as u8];
    out.extend([0x60 + r.below(20) as u8, n.min(120) as u8]);
    out.extend(r.text(n));
    out
}

/// The wire protocol: length, request, response, opcode, a document.
fn mongodb(r: &mut Rng) -> Vec<u8> {
    let n = 21 + r.some(900);
    let mut out = (n as u32).to_le_bytes().to_vec();
    out.extend(r.below(9000).to_le_bytes());
    out.extend([0, 0, 0, 0]);
    out.extend(2013u32.to_le_bytes());
    out.extend(r.sparse(n - 16));
    out
}

/// Chunks: a stream, a time in three bytes, a length in three, a type.
fn rtmp(r: &mut Rng) -> Vec<u8> {
    let n = r.some(128);
    let mut out = vec![
        2 + r.below(5) as u8,
        0,
        0,
        r.below(200) as u8,
        0,
        0,
        n as u8,
    ];
    out.extend([r.below(21) as u8, r.below(2) as u8, 0, 0, 0]);
    out.extend(r.sparse(n));
    out
}

/// RFC 4271: a marker, a length, a type.
fn bgp(r: &mut Rng) -> Vec<u8> {
    let n = r.some(200);
    let mut out = vec![0xff; 16];
    out.extend((19 + n as u16).to_be_bytes());
    out.push(1 + r.below(5) as u8);
    out.extend(r.sparse(n));
    out
}
