//! The Internet checksum, RFC 1071, over IPv4 headers and over TCP and UDP with their pseudo header.

use binq_core::{Space, Span};

/// A running sum of 16-bit words.
#[derive(Clone, Copy, Default)]
pub struct Sum {
    sum: u64,
    odd: bool,
}

impl Sum {
    /// Add bytes.
    pub fn add(&mut self, mut bytes: &[u8]) {
        if let (true, Some((first, rest))) = (self.odd, bytes.split_first()) {
            self.sum += u64::from(*first);
            self.odd = false;
            bytes = rest;
        }
        let mut words = bytes.chunks_exact(2);
        let word = |w: &[u8]| u64::from(u16::from_be_bytes([w[0], w[1]]));
        self.sum += words.by_ref().map(word).sum::<u64>();
        if let [last] = words.remainder() {
            self.sum += u64::from(*last) << 8;
            self.odd = true;
        }
    }

    /// Take out a word at an even place.
    pub fn remove(&mut self, word: u16) {
        // minus is plus the complement
        self.sum += u64::from(!word);
    }

    /// Folded to 16 bits, not yet complemented.
    pub fn fold(self) -> u16 {
        let mut n = self.sum;
        while n >> 16 != 0 {
            n = (n & 0xffff) + (n >> 16);
        }
        n as u16
    }
}

/// Which checksums are wrong throughout a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Like {
    /// Those of who sent it.
    Sender,
    /// Those of its protocol, where its sender is not seen often enough.
    Protocol,
    /// All, where there are few of its protocol, too.
    All,
}

/// What a checksum says of the bytes it covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It fits.
    Valid,
    /// It was left for the network card to compute.
    Offloaded,
    /// It does not fit, but neither do others like it; this would.
    Throughout(Like, u16),
    /// It does not fit; this would.
    Invalid(u16),
}

/// A checksum in a packet, and what it covers.
#[derive(Clone, Debug)]
pub struct Covered {
    /// The bytes that are there of what it covers.
    pub span: Span,
    /// Bytes of the pseudo header, if there is one.
    pub pseudo: Vec<u8>,
    /// Where the checksum itself is among the bytes of `span`: it counts as zero.
    pub at: u64,
    /// Whether all bytes are there.
    pub complete: bool,
    /// Whether it is that of UDP, where zero stands for none and is sent as 0xffff.
    pub udp: bool,
    /// Whether the network card was to make it in any case, whatever is there.
    pub card: bool,
}

impl Covered {
    /// Where the checksum itself is.
    pub fn place(&self) -> u64 {
        self.span.first_byte() + self.at
    }

    /// What is stored.
    pub fn stored(&self, space: &Space) -> Option<u16> {
        let bytes: [u8; 2] = space.read(self.place(), 2)[..].try_into().ok()?;
        Some(u16::from_be_bytes(bytes))
    }

    /// What is stored, judged; nothing where bytes are missing.
    pub fn judge(&self, space: &Space, stored: u16) -> Option<Verdict> {
        // UDP sends zero for a checksum that it did not make
        if !self.complete || self.udp && stored == 0 {
            return None;
        }
        let bytes = space.read(self.span.first_byte(), self.span.byte_len());
        let verdict = judge(&bytes, &self.pseudo, self.at, self.udp, stored);
        Some(match verdict {
            Verdict::Invalid(_) if self.card => Verdict::Offloaded,
            verdict => verdict,
        })
    }
}

/// The checksum that fits.
pub fn right(bytes: &[u8], pseudo: &[u8], at: u64, udp: bool) -> u16 {
    let mut sum = Sum::default();
    sum.add(pseudo);
    let at = (at as usize).min(bytes.len());
    sum.add(&bytes[..at]);
    sum.add(&[0, 0]);
    sum.add(bytes.get(at + 2..).unwrap_or(&[]));
    match !sum.fold() {
        0 if udp => 0xffff,
        n => n,
    }
}

/// What a network card is given to add to: the sum of the pseudo header.
pub fn partial(pseudo: &[u8]) -> u16 {
    let mut sum = Sum::default();
    sum.add(pseudo);
    sum.fold()
}

/// Judge a stored checksum.
pub fn judge(bytes: &[u8], pseudo: &[u8], at: u64, udp: bool, stored: u16) -> Verdict {
    let right = right(bytes, pseudo, at, udp);
    if stored == right {
        Verdict::Valid
    } else if stored == 0 || !pseudo.is_empty() && stored == partial(pseudo) {
        Verdict::Offloaded
    } else {
        Verdict::Invalid(right)
    }
}

/// The pseudo header of RFC 9293 section 3.1 and RFC 8200 section 8.1.
pub fn pseudo(source: &[u8], destination: &[u8], protocol: u8, len: u64) -> Vec<u8> {
    let mut out = [source, destination].concat();
    if source.len() == 4 {
        out.extend([0, protocol]);
        out.extend((len as u16).to_be_bytes());
    } else {
        out.extend((len as u32).to_be_bytes());
        out.extend([0, 0, 0, protocol]);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_of_rfc_1071() {
        let bytes = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        let mut sum = Sum::default();
        sum.add(&bytes);
        assert_eq!(sum.fold(), 0xddf2);
        // in pieces of odd length
        let mut parts = Sum::default();
        parts.add(&bytes[..3]);
        parts.add(&bytes[3..3]);
        parts.add(&bytes[3..]);
        assert_eq!(parts.fold(), 0xddf2);
    }

    #[test]
    fn a_sum_left_to_the_card_is_recognised() {
        let pseudo = pseudo(&[127, 0, 0, 1], &[127, 0, 0, 1], 6, 20);
        let bytes = [0u8; 20];
        assert_eq!(
            judge(&bytes, &pseudo, 16, false, 0xfe1c),
            Verdict::Offloaded
        );
        let right = right(&bytes, &pseudo, 16, false);
        assert_eq!(judge(&bytes, &pseudo, 16, false, right), Verdict::Valid);
        assert_eq!(
            judge(&bytes, &pseudo, 16, false, 7),
            Verdict::Invalid(right)
        );
    }
}
