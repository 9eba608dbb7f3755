//! Codecs of addresses and checksums.

use crate::checksum::Verdict;
use crate::senders::Sent;
use binq_core::codec::{Codec, Int, Representation};
use binq_core::{Bits, Misfit, Scalar, Space};
use std::net::{Ipv4Addr, Ipv6Addr};

/// A MAC address, as `02:42:ac:11:00:02`.
pub struct Mac;

impl Codec for Mac {
    fn representation(&self) -> Representation {
        Representation::Text
    }

    fn decode(&self, bits: &Bits) -> Result<Scalar, Misfit> {
        let parts: Vec<_> = bits.bytes().iter().map(|b| format!("{b:02x}")).collect();
        Ok(parts.join(":").into())
    }

    fn encode(&self, value: &Scalar, like: &Bits) -> Result<Bits, Misfit> {
        let misfit = || Misfit::new("an address such as \"02:42:ac:11:00:02\"", value);
        let text = value.as_str().ok_or_else(misfit)?;
        let byte = |digits: &str| {
            let two = digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_hexdigit());
            let byte = two.then(|| u8::from_str_radix(digits, 16).ok()).flatten();
            byte.ok_or_else(misfit)
        };
        let bytes: Vec<u8> = text.split(':').map(byte).collect::<Result<_, _>>()?;
        if bytes.len() as u64 * 8 != like.len() {
            return Err(misfit());
        }
        Ok(Bits::from_bytes(bytes))
    }
}

/// An IPv4 address.
pub struct Ip4;

impl Codec for Ip4 {
    fn representation(&self) -> Representation {
        Representation::Text
    }

    fn decode(&self, bits: &Bits) -> Result<Scalar, Misfit> {
        let bytes: [u8; 4] = bits.bytes()[..]
            .try_into()
            .map_err(|_| Misfit::new("4 bytes", format!("{} bytes", bits.bytes().len())))?;
        Ok(Ipv4Addr::from(bytes).to_string().into())
    }

    fn encode(&self, value: &Scalar, _like: &Bits) -> Result<Bits, Misfit> {
        let text = value.as_str().and_then(|s| s.parse::<Ipv4Addr>().ok());
        let ip = text.ok_or_else(|| Misfit::new("an IPv4 address", value))?;
        Ok(Bits::from_bytes(ip.octets().to_vec()))
    }
}

/// An IPv6 address.
pub struct Ip6;

impl Codec for Ip6 {
    fn representation(&self) -> Representation {
        Representation::Text
    }

    fn decode(&self, bits: &Bits) -> Result<Scalar, Misfit> {
        let bytes: [u8; 16] = bits.bytes()[..]
            .try_into()
            .map_err(|_| Misfit::new("16 bytes", format!("{} bytes", bits.bytes().len())))?;
        Ok(Ipv6Addr::from(bytes).to_string().into())
    }

    fn encode(&self, value: &Scalar, _like: &Bits) -> Result<Bits, Misfit> {
        let text = value.as_str().and_then(|s| s.parse::<Ipv6Addr>().ok());
        let ip = text.ok_or_else(|| Misfit::new("an IPv6 address", value))?;
        Ok(Bits::from_bytes(ip.octets().to_vec()))
    }
}

/// A checksum of two bytes that knows which one would be right.
pub struct Checksum {
    /// The space of the packet.
    pub space: Space,
    /// What it is of.
    pub of: Sent,
}

impl Codec for Checksum {
    fn representation(&self) -> Representation {
        Int::U16BE.representation()
    }

    fn decode(&self, bits: &Bits) -> Result<Scalar, Misfit> {
        Int::U16BE.decode(bits)
    }

    fn encode(&self, value: &Scalar, like: &Bits) -> Result<Bits, Misfit> {
        Int::U16BE.encode(value, like)
    }

    fn description(&self, actual: &Scalar) -> Option<String> {
        let stored = u16::try_from(actual.as_int()?).ok()?;
        Some(match self.of.judge(&self.space, stored)? {
            Verdict::Valid => "valid".to_owned(),
            Verdict::Offloaded => "offloaded: left to the network card".to_owned(),
            Verdict::Throughout(like, right) => {
                let all = self.of.all(like);
                format!("wrong, as nearly all {all} are: {right} would be right")
            }
            Verdict::Invalid(right) => format!("invalid: {right} would be right"),
        })
    }
}
