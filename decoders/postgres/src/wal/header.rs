//! The header of a page as plain numbers: `XLogPageHeaderData`, src/include/access/xlog_internal.h.

use super::rmgr;
use binq_core::Space;

/// `SizeOfXLogShortPHD`
pub const SHORT_HEADER: u64 = 24;
/// `SizeOfXLogLongPHD`
pub const LONG_HEADER: u64 = 40;
/// `XLP_FIRST_IS_CONTRECORD`: the page begins with the rest of a record from the page before.
pub const FIRST_IS_CONTRECORD: u16 = 0x0001;
/// `XLP_LONG_HEADER`
pub const LONG: u16 = 0x0002;

/// `XLP_FIRST_IS_OVERWRITE_CONTRECORD`: the record begun before was abandoned. 19 dropped `XLP_BKP_REMOVABLE` and took its bit.
pub const fn overwrite_flag(major: u8) -> u16 {
    match major {
        ..=18 => 0x0008,
        _ => 0x0004,
    }
}

/// `XLP_ALL_FLAGS`: the bits of `xlp_info` that mean something.
pub const fn all_flags(major: u8) -> u16 {
    match major {
        ..=18 => 0x000f,
        _ => 0x0007,
    }
}

/// Major version by `XLOG_PAGE_MAGIC` (src/include/access/xlog_internal.h of each branch).
pub const MAGICS: [(u16, u8); 8] = [
    (0xD101, 12),
    (0xD106, 13),
    (0xD10D, 14),
    (0xD110, 15),
    (0xD113, 16),
    (0xD116, 17),
    (0xD118, 18),
    (0xD122, 19),
];

/// The major version that a page magic stands for.
pub fn major_of(magic: u16) -> Option<u8> {
    MAGICS.iter().find(|(m, _)| *m == magic).map(|(_, v)| *v)
}

/// The magics that are known, for messages.
pub fn known_magics() -> String {
    let known = MAGICS.map(|(magic, major)| format!("{magic:04X} ({major})"));
    known.join(", ")
}

/// Which pages are those of a log: all have one magic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    /// `xlp_magic`
    pub magic: u16,
    /// The major version that it stands for, or the newest that is known: its layout is read then.
    pub major: u8,
    /// Whether the magic is one that is known.
    pub known: bool,
}

impl Version {
    /// The version of a log whose pages have this magic.
    pub fn of(magic: u16) -> Self {
        let major = major_of(magic);
        Self {
            magic,
            major: major.unwrap_or(rmgr::LAST_MAJOR),
            known: major.is_some(),
        }
    }
}

/// The header fields that all pages have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageHeader {
    /// `xlp_magic`
    pub magic: u16,
    /// `xlp_info`
    pub info: u16,
    /// `xlp_tli`
    pub tli: u32,
    /// `xlp_pageaddr`
    pub addr: u64,
    /// `xlp_rem_len`
    pub rem_len: u32,
}

impl PageHeader {
    /// Read the header at a byte of the input; `None` where it is cut off.
    pub fn read(file: &Space, at: u64) -> Option<Self> {
        let b = file.read(at, 20);
        let b = b.first_chunk::<20>()?;
        let word = |i: usize| u32::from_le_bytes([b[i], b[i + 1], b[i + 2], b[i + 3]]);
        Some(Self {
            magic: u16::from_le_bytes([b[0], b[1]]),
            info: u16::from_le_bytes([b[2], b[3]]),
            tli: word(4),
            addr: u64::from(word(8)) | u64::from(word(12)) << 32,
            rem_len: word(16),
        })
    }

    /// Whether nothing was ever written here.
    pub fn is_blank(&self) -> bool {
        (self.magic, self.info, self.tli, self.addr, self.rem_len) == (0, 0, 0, 0, 0)
    }

    /// Bytes of the header, as it says itself.
    pub fn stated_len(&self) -> u64 {
        match self.info & LONG {
            0 => SHORT_HEADER,
            _ => LONG_HEADER,
        }
    }

    /// Whether the page begins anew, because the record that ran into it was abandoned.
    pub fn overwrites(&self, major: u8) -> bool {
        self.info & overwrite_flag(major) != 0 && !self.continues()
    }

    /// Whether the page begins with the rest of a record.
    pub fn continues(&self) -> bool {
        self.info & FIRST_IS_CONTRECORD != 0
    }
}

/// What only the first page of a segment has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LongHeader {
    /// `xlp_sysid`
    pub sysid: u64,
    /// `xlp_seg_size`
    pub seg_size: u64,
    /// `xlp_xlog_blcksz`
    pub blcksz: u64,
}

impl LongHeader {
    /// Read it at a byte of the input, if the header there says that it is long.
    pub fn read(file: &Space, at: u64) -> Option<Self> {
        let header = PageHeader::read(file, at)?;
        Self::read_any(file, at).filter(|_| header.info & LONG != 0)
    }

    /// Read it at a byte of the input, whatever the header there says.
    pub fn read_any(file: &Space, at: u64) -> Option<Self> {
        let b = file.read(at + SHORT_HEADER, 16);
        let b = b.first_chunk::<16>()?;
        let word = |i: usize| u64::from(u32::from_le_bytes([b[i], b[i + 1], b[i + 2], b[i + 3]]));
        Some(Self {
            sysid: word(0) | word(4) << 32,
            seg_size: word(8),
            blcksz: word(12),
        })
    }
}
