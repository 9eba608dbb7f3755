//! Frames: their header, RFC 9113 section 4.1, and what is known of each type, section 6.

use crate::exchange::Who;
use binq_core::codec::{Bool, Int, Named, UBits};
use binq_core::shape::{Field, Fixed};
use binq_core::{Space, Span};

/// Bytes of a frame header.
pub const HEAD: u64 = 9;

/// Types, by number: RFC 9113 section 6, RFC 7838 (ALTSVC), RFC 8336 (ORIGIN), RFC 9218 (PRIORITY_UPDATE).
pub mod kind {
    #![allow(missing_docs)] // the names say it
    pub const DATA: u8 = 0;
    pub const HEADERS: u8 = 1;
    pub const PRIORITY: u8 = 2;
    pub const RST_STREAM: u8 = 3;
    pub const SETTINGS: u8 = 4;
    pub const PUSH_PROMISE: u8 = 5;
    pub const PING: u8 = 6;
    pub const GOAWAY: u8 = 7;
    pub const WINDOW_UPDATE: u8 = 8;
    pub const CONTINUATION: u8 = 9;
    pub const ALTSVC: u8 = 10;
    pub const ORIGIN: u8 = 12;
    pub const PRIORITY_UPDATE: u8 = 16;
}

/// END_STREAM of DATA and HEADERS; ACK of SETTINGS and PING.
pub const END_STREAM: u8 = 0x1;
/// END_HEADERS of HEADERS, PUSH_PROMISE and CONTINUATION.
pub const END_HEADERS: u8 = 0x4;
/// PADDED of DATA, HEADERS and PUSH_PROMISE.
pub const PADDED: u8 = 0x8;
/// PRIORITY of HEADERS.
pub const HAS_PRIORITY: u8 = 0x20;

/// The type of a frame.
pub static TYPE: Named<Int> = Named {
    number: Int::U8,
    names: &[
        (0, "DATA"),
        (1, "HEADERS"),
        (2, "PRIORITY"),
        (3, "RST_STREAM"),
        (4, "SETTINGS"),
        (5, "PUSH_PROMISE"),
        (6, "PING"),
        (7, "GOAWAY"),
        (8, "WINDOW_UPDATE"),
        (9, "CONTINUATION"),
        (10, "ALTSVC"),
        (12, "ORIGIN"),
        (16, "PRIORITY_UPDATE"),
    ],
};

/// Error codes, RFC 9113 section 7.
pub static ERROR_CODE: Named<Int> = Named {
    number: Int::U32BE,
    names: &[
        (0, "NO_ERROR"),
        (1, "PROTOCOL_ERROR"),
        (2, "INTERNAL_ERROR"),
        (3, "FLOW_CONTROL_ERROR"),
        (4, "SETTINGS_TIMEOUT"),
        (5, "STREAM_CLOSED"),
        (6, "FRAME_SIZE_ERROR"),
        (7, "REFUSED_STREAM"),
        (8, "CANCEL"),
        (9, "COMPRESSION_ERROR"),
        (10, "CONNECT_ERROR"),
        (11, "ENHANCE_YOUR_CALM"),
        (12, "INADEQUATE_SECURITY"),
        (13, "HTTP_1_1_REQUIRED"),
    ],
};

/// Settings, RFC 9113 section 6.5.2, RFC 8441 and RFC 9218; 0xfe03 is gRPC's own.
pub static SETTING: Named<Int> = Named {
    number: Int::U16BE,
    names: &[
        (1, "HEADER_TABLE_SIZE"),
        (2, "ENABLE_PUSH"),
        (3, "MAX_CONCURRENT_STREAMS"),
        (4, "INITIAL_WINDOW_SIZE"),
        (5, "MAX_FRAME_SIZE"),
        (6, "MAX_HEADER_LIST_SIZE"),
        (8, "ENABLE_CONNECT_PROTOCOL"),
        (9, "NO_RFC7540_PRIORITIES"),
        (0xfe03, "GRPC_ALLOW_TRUE_BINARY_METADATA"),
    ],
};

const fn bit(name: &'static str, value: u8) -> Field {
    Field::bits(name, value.leading_zeros() as u64, 1, &Bool)
}

const fn unused(name: &'static str, from: u64, len: u64) -> Field {
    Field::bits(name, from, len, &UBits)
}

const fn flags(fields: &'static [Field]) -> Fixed {
    Fixed {
        name: "flags",
        fields,
        word: Some(&Int::U8),
    }
}

static DATA_FLAGS: Fixed = flags(&[
    unused("unused_7_4", 0, 4),
    bit("padded", PADDED),
    unused("unused_2_1", 5, 2),
    bit("end_stream", END_STREAM),
]);
static HEADERS_FLAGS: Fixed = flags(&[
    unused("unused_7_6", 0, 2),
    bit("priority", HAS_PRIORITY),
    unused("unused_4", 3, 1),
    bit("padded", PADDED),
    bit("end_headers", END_HEADERS),
    unused("unused_1", 6, 1),
    bit("end_stream", END_STREAM),
]);
static ACK_FLAGS: Fixed = flags(&[unused("unused_7_1", 0, 7), bit("ack", END_STREAM)]);
static PUSH_FLAGS: Fixed = flags(&[
    unused("unused_7_4", 0, 4),
    bit("padded", PADDED),
    bit("end_headers", END_HEADERS),
    unused("unused_1_0", 6, 2),
]);
static CONTINUATION_FLAGS: Fixed = flags(&[
    unused("unused_7_3", 0, 5),
    bit("end_headers", END_HEADERS),
    unused("unused_1_0", 6, 2),
]);
static NO_FLAGS: Fixed = flags(&[unused("unused_7_0", 0, 8)]);

const fn head(flags: &'static Fixed) -> [Field; 5] {
    [
        Field::leaf("length", 0, 3, &Int::U24BE),
        Field::leaf("type", 3, 1, &TYPE),
        Field::of("flags", 4, 1, flags),
        Field::bits("reserved", 40, 1, &UBits),
        Field::bits("stream_id", 41, 31, &UBits),
    ]
}

static DATA_HEAD: [Field; 5] = head(&DATA_FLAGS);
static HEADERS_HEAD: [Field; 5] = head(&HEADERS_FLAGS);
static ACK_HEAD: [Field; 5] = head(&ACK_FLAGS);
static PUSH_HEAD: [Field; 5] = head(&PUSH_FLAGS);
static CONTINUATION_HEAD: [Field; 5] = head(&CONTINUATION_FLAGS);
static OTHER_HEAD: [Field; 5] = head(&NO_FLAGS);

/// The fields of the header of a frame of this type.
pub fn layout(kind: u8) -> &'static [Field] {
    match kind {
        kind::DATA => &DATA_HEAD,
        kind::HEADERS => &HEADERS_HEAD,
        kind::SETTINGS | kind::PING => &ACK_HEAD,
        kind::PUSH_PROMISE => &PUSH_HEAD,
        kind::CONTINUATION => &CONTINUATION_HEAD,
        _ => &OTHER_HEAD,
    }
}

/// A frame header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Bytes after the header.
    pub length: u64,
    /// Type.
    pub kind: u8,
    /// Flags.
    pub flags: u8,
    /// The reserved bit.
    pub reserved: bool,
    /// Stream.
    pub stream: u32,
}

impl Head {
    /// The header in these bytes, if there are nine.
    pub fn of(b: &[u8]) -> Option<Self> {
        let b: &[u8; 9] = b.get(..9)?.try_into().ok()?;
        let id = u32::from_be_bytes([b[5], b[6], b[7], b[8]]);
        Some(Self {
            length: u64::from(b[0]) << 16 | u64::from(b[1]) << 8 | u64::from(b[2]),
            kind: b[3],
            flags: b[4],
            reserved: id >> 31 == 1,
            stream: id & 0x7fff_ffff,
        })
    }

    /// Whether the flag is set.
    pub fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// Whether the frame has a part of a header block.
    pub fn has_fragment(&self) -> bool {
        matches!(
            self.kind,
            kind::HEADERS | kind::PUSH_PROMISE | kind::CONTINUATION
        )
    }

    /// Whether this looks like a frame that a peer sends: to find frames where the beginning is not known.
    pub fn is_plausible(&self) -> bool {
        const MOST: u64 = 1 << 20;
        let of_stream = self.stream != 0;
        let only = |flags: u8| self.flags & !flags == 0;
        let fits = match self.kind {
            kind::DATA => of_stream && only(PADDED | END_STREAM),
            kind::HEADERS => {
                of_stream
                    && only(PADDED | END_STREAM | END_HEADERS | HAS_PRIORITY)
                    && self.length > 0
            }
            kind::PRIORITY => of_stream && self.flags == 0 && self.length == 5,
            kind::RST_STREAM => of_stream && self.flags == 0 && self.length == 4,
            kind::SETTINGS => {
                !of_stream
                    && only(END_STREAM)
                    && self.length.is_multiple_of(6)
                    && self.length <= 6 * 32
                    && (self.length == 0 || self.flags == 0)
            }
            kind::PUSH_PROMISE => of_stream && only(PADDED | END_HEADERS) && self.length > 4,
            kind::PING => !of_stream && only(END_STREAM) && self.length == 8,
            kind::GOAWAY => !of_stream && self.flags == 0 && self.length >= 8,
            kind::WINDOW_UPDATE => self.flags == 0 && self.length == 4,
            kind::CONTINUATION => of_stream && only(END_HEADERS),
            _ => false,
        };
        fits && !self.reserved && self.length <= MOST
    }
}

impl Head {
    /// Whether that peer may send it: a client opens odd streams and answers on no other ones, and only a server promises, on a
    /// stream that the client opened (RFC 9113 sections 5.1.1 and 8.4).
    pub fn may_be_from(&self, who: Option<Who>) -> bool {
        let is_odd = self.stream % 2 == 1;
        match (who, self.kind) {
            (Some(Who::Client), kind::PUSH_PROMISE) => false,
            (Some(Who::Client), kind::DATA | kind::HEADERS) => is_odd,
            (Some(Who::Server), kind::PUSH_PROMISE) => is_odd,
            _ => true,
        }
    }
}

/// The frame header at a byte of a space, unless the end or a hole comes first.
pub fn head_at(space: &Space, at: u64) -> Option<Head> {
    if space.hole_in(Span::bytes(at, HEAD)).is_some() {
        return None;
    }
    Head::of(&space.read(at, HEAD))
}

/// Where the parts of a frame's payload lie: padding and priority around the rest (sections 6.1, 6.2, 6.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts {
    /// The byte with the length of the padding.
    pub pad_length: Option<u64>,
    /// The five bytes of priority, or the four of the promised stream.
    pub before: Option<u64>,
    /// First byte of the data or header block fragment, of which there is none where what comes before it does not fit.
    pub body: u64,
    /// First byte after it: here the padding begins.
    pub body_end: u64,
    /// First byte after what is there of the frame.
    pub end: u64,
    /// Whether the fields before the body fit into the frame.
    pub starts: bool,
    /// Whether the parts fit into the frame.
    pub fit: bool,
}

impl Parts {
    /// Of the frame whose payload is these bytes of the space. Of one that is cut, the padding is what is cut first.
    pub fn of(space: &Space, head: &Head, payload: u64, end: u64) -> Self {
        let mut at = payload;
        let mut fit = true;
        let mut take = |n: u64| {
            let here = at;
            if end - at < n {
                fit = false;
                return None;
            }
            at += n;
            Some(here)
        };
        let may_pad = matches!(head.kind, kind::DATA | kind::HEADERS | kind::PUSH_PROMISE);
        let pad_length = (may_pad && head.has(PADDED)).then(|| take(1)).flatten();
        let before = match head.kind {
            kind::HEADERS if head.has(HAS_PRIORITY) => take(5),
            kind::PUSH_PROMISE => take(4),
            _ => None,
        };
        let starts = fit;
        if !fit {
            at = end;
        }
        let pad = pad_length.map_or(Some(0), |p| space.read(p, 1).first().copied());
        let pad = u64::from(pad.unwrap_or(0));
        let whole_end = end.max(payload.saturating_add(head.length));
        fit &= pad <= whole_end - at;
        Self {
            pad_length,
            before,
            body: at,
            body_end: if fit { end.min(whole_end - pad) } else { end },
            end,
            starts,
            fit,
        }
    }
}
