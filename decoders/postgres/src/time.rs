//! Times: `pg_time_t`, src/include/pgtime.h.

use binq_core::codec::{Codec, Int, Representation};
use binq_core::time::rfc3339;
use binq_core::{Bits, Misfit, Scalar};

/// Seconds since 1970, 8 bytes. The description is the time in UTC.
#[derive(Clone, Copy, Debug)]
pub struct PgTime;

impl Codec for PgTime {
    fn representation(&self) -> Representation {
        Int::I64LE.representation()
    }

    fn decode(&self, bits: &Bits) -> Result<Scalar, Misfit> {
        Int::I64LE.decode(bits)
    }

    fn encode(&self, value: &Scalar, like: &Bits) -> Result<Bits, Misfit> {
        Int::I64LE.encode(value, like)
    }

    fn description(&self, actual: &Scalar) -> Option<String> {
        let text = rfc3339(actual.as_int()? * 1_000_000_000);
        Some(text.replace(".000000000Z", "Z"))
    }
}
