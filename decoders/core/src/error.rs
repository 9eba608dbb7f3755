//! Faults, which decoding keeps as values, and rejects, which refuse an edit.

use crate::Name;
use std::fmt;

/// How bad a finding is, for the reader that the format is made for: a server, `pg_waldump`, `protoc`, `tshark`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth to know, and nothing wrong: the ordinary end of a log, a checksum that the network card fills in. No fault.
    Note,
    /// Legal, but suspect; bytes that the input does not hold.
    Odd,
    /// Bytes are wrong, and the reader goes on: a checksum, a back pointer.
    Damage,
    /// The reader gives up here.
    #[default]
    Stops,
}

impl Severity {
    /// The word for it: `note`, `odd`, `damage`, `stops`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Odd => "odd",
            Self::Damage => "damage",
            Self::Stops => "stops",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a decoder found wrong: it knows where and what, but not yet under which path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// Byte offset in the space being decoded.
    pub at: u64,
    /// What should have been there.
    pub expected: String,
    /// What was there.
    pub found: String,
    /// How bad it is.
    pub severity: Severity,
    /// Whether it tells of bytes that the input does not hold, the first of them at `at`: whatever several views say of them, they
    /// are told once.
    pub lost: bool,
}

impl Malformed {
    /// What the reader of the format gives up at, at byte `at` of the space being decoded.
    pub fn new(at: u64, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self {
            at,
            expected: expected.into(),
            found: found.into(),
            severity: Severity::Stops,
            lost: false,
        }
    }

    /// That bytes from byte `at` on are missing from the input: which is odd, and nobody's fault.
    pub fn lost(at: u64, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self {
            severity: Severity::Odd,
            lost: true,
            ..Self::new(at, expected, found)
        }
    }

    /// The same, so bad.
    pub fn with(self, severity: Severity) -> Self {
        Self { severity, ..self }
    }
}

/// A decode error, kept as a value on the node where it happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Name of the format.
    pub format: Name,
    /// Path of the node, as one would type it; empty when nothing was decoded.
    pub path: String,
    /// Byte offset in the input, where there is one.
    pub offset: Option<u64>,
    /// What should have been there.
    pub expected: String,
    /// What was there.
    pub found: String,
    /// How bad it is.
    pub severity: Severity,
    /// Whether it tells of bytes that the input does not hold.
    pub lost: bool,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.format)?;
        if !self.path.is_empty() {
            write!(f, "{} ", self.path)?;
        }
        if let Some(offset) = self.offset {
            write!(f, "at byte {offset}: ")?;
        }
        write!(f, "expected {}, found {}", self.expected, self.found)
    }
}

impl std::error::Error for Fault {}

/// Why a value does not fit a codec: what fits, and what came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// Type and range that the codec takes.
    pub expected: String,
    /// The value that came.
    pub found: String,
}

impl Misfit {
    /// A value that does not fit.
    pub fn new(expected: impl Into<String>, found: impl fmt::Display) -> Self {
        Self {
            expected: expected.into(),
            found: found.to_string(),
        }
    }
}

/// Why an edit, or the encoding of edits, is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reject {
    /// The value does not fit the field.
    #[error("{path} at byte {offset}: takes {expected}, not {found}")]
    Misfit {
        /// Path of the field.
        path: String,
        /// Byte offset of the field in the input.
        offset: u64,
        /// Type and range that fit.
        expected: String,
        /// The value that came.
        found: String,
    },
    /// The object has no such field.
    #[error("{path} has no field {key:?}; it has {allowed}")]
    UnknownField {
        /// Path of the object.
        path: String,
        /// The key that came.
        key: String,
        /// The keys that there are.
        allowed: String,
    },
    /// The field is computed, not stored.
    #[error("{path} is computed, not stored in the file: it is {is} and cannot become {wanted}")]
    ReadOnly {
        /// Path of the field.
        path: String,
        /// Its value.
        is: String,
        /// The value that came.
        wanted: String,
    },
    /// A field or item cannot be removed, added or moved here.
    #[error("{path}: {why}")]
    Structure {
        /// Path of the container.
        path: String,
        /// Why not.
        why: String,
    },
    /// Two edits want different bytes in one place.
    #[error(
        "{one} and {other} both cover byte {offset} of the input, with different values; assign only one"
    )]
    Conflict {
        /// One path.
        one: String,
        /// The other path.
        other: String,
        /// Byte offset that both cover.
        offset: u64,
    },
    /// Bytes that are asked for are missing from the input.
    #[error(
        "{path}: {missing} of its {of} bytes are missing from the input, the first at byte {at} of it; take a part \
         that has none of them, or say -o lost=zeros or -o lost=skip"
    )]
    Lost {
        /// Path of the node.
        path: String,
        /// The first missing byte, counted from the start of the node.
        at: u64,
        /// How many bytes are missing.
        missing: u64,
        /// How many bytes the node has.
        of: u64,
    },
    /// The new content does not fit.
    #[error("{path}: {what} by {by} bytes")]
    NoRoom {
        /// Path of the container.
        path: String,
        /// What outgrew what.
        what: String,
        /// How many bytes too many.
        by: u64,
    },
}
