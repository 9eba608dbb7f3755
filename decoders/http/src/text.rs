//! Text as HTTP has it: mostly ASCII, and any bytes.

use binq_core::{Misfit, Scalar};
use bytes::Bytes;

/// Text as a scalar: a string, or bytes where it is not UTF-8.
pub fn scalar(text: &Bytes) -> Scalar {
    match std::str::from_utf8(text) {
        Ok(s) => s.into(),
        Err(_) => Scalar::Bytes(text.clone()),
    }
}

/// The bytes of a value that was assigned.
///
/// # Errors
/// A value that is no text.
pub fn bytes_of(value: &Scalar) -> Result<&[u8], Misfit> {
    value
        .as_bytes()
        .ok_or_else(|| Misfit::new("a string", value))
}
