//! Codings of what HTTP carries (RFC 9110, 8.4.1), and those that gRPC adds: gzip, deflate, snappy, zstd.

use binq_core::layer::{MOST_SHOWN, Recoding};
use binq_core::{Malformed, Severity};
use flate2::Compression;
use flate2::read::{GzDecoder, ZlibDecoder};
use flate2::write::{GzEncoder, ZlibEncoder};
use std::io::{Read, Write};

/// A coding, as `content-encoding` and `grpc-encoding` name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// RFC 1952.
    Gzip,
    /// RFC 1950: zlib, not raw deflate.
    Deflate,
    /// The framing format of snappy, as Go's gRPC sends it; or one block, as some others do.
    Snappy,
    /// RFC 8878.
    Zstd,
}

impl Coding {
    /// By its name.
    pub fn named(name: &[u8]) -> Option<Self> {
        match name {
            b"gzip" | b"x-gzip" => Some(Self::Gzip),
            b"deflate" => Some(Self::Deflate),
            b"snappy" | b"x-snappy-framed" => Some(Self::Snappy),
            b"zstd" => Some(Self::Zstd),
            _ => None,
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Snappy => "snappy",
            Self::Zstd => "zstd",
        }
    }

    /// Inflate.
    ///
    /// # Errors
    /// In words, what is wrong.
    pub fn inflate(self, bytes: &[u8]) -> Result<Vec<u8>, String> {
        match self {
            Self::Gzip => bounded(GzDecoder::new(bytes)),
            Self::Deflate => bounded(ZlibDecoder::new(bytes)),
            Self::Snappy if is_framed(bytes) => bounded(snap::read::FrameDecoder::new(bytes)),
            Self::Snappy => {
                let len = snap::raw::decompress_len(bytes).map_err(|e| e.to_string())?;
                if len as u64 > MOST_SHOWN {
                    return Err(too_much());
                }
                let decoded = snap::raw::Decoder::new().decompress_vec(bytes);
                decoded.map_err(|e| e.to_string())
            }
            Self::Zstd => {
                let decoder = ruzstd::decoding::StreamingDecoder::new(bytes);
                bounded(decoder.map_err(|e| e.to_string())?)
            }
        }
    }

    /// Deflate, in the way that the old bytes were.
    ///
    /// # Errors
    /// In words, what is wrong.
    pub fn deflate(self, bytes: &[u8], like: &[u8]) -> Result<Vec<u8>, String> {
        let written = |r: std::io::Result<Vec<u8>>| r.map_err(|e| e.to_string());
        match self {
            Self::Gzip => {
                let mut w = GzEncoder::new(Vec::new(), Compression::default());
                written(w.write_all(bytes).and_then(|()| w.finish()))
            }
            Self::Deflate => {
                let mut w = ZlibEncoder::new(Vec::new(), Compression::default());
                written(w.write_all(bytes).and_then(|()| w.finish()))
            }
            Self::Snappy if is_framed(like) => {
                let mut w = snap::write::FrameEncoder::new(Vec::new());
                w.write_all(bytes).map_err(|e| e.to_string())?;
                let out = w.into_inner().map_err(|e| e.to_string())?;
                // the encoder writes nothing at all for nothing; the mark of the format says what it is
                Ok(if out.is_empty() { FRAMED.to_vec() } else { out })
            }
            Self::Snappy => {
                let encoded = snap::raw::Encoder::new().compress_vec(bytes);
                encoded.map_err(|e| e.to_string())
            }
            Self::Zstd => {
                let level = ruzstd::encoding::CompressionLevel::Fastest;
                Ok(ruzstd::encoding::compress_to_vec(bytes, level))
            }
        }
    }
}

/// The first chunk of the framing format of snappy.
const FRAMED: &[u8] = b"\xff\x06\x00\x00sNaPpY";

fn is_framed(bytes: &[u8]) -> bool {
    bytes.starts_with(FRAMED)
}

const TOO_MUCH: &str = "more than 64 MiB when it is inflated, the most that binq inflates";

fn too_much() -> String {
    debug_assert_eq!(MOST_SHOWN, 64 << 20);
    TOO_MUCH.to_owned()
}

impl Recoding for Coding {
    fn decode(&self, stored: &[u8]) -> Result<Vec<u8>, Malformed> {
        self.inflate(stored).map_err(|found| {
            // a limit of this program is no fault of the bytes
            let severity = match found == TOO_MUCH {
                true => Severity::Odd,
                false => Severity::Damage,
            };
            Malformed::new(0, format!("bytes in {}", self.name()), found).with(severity)
        })
    }

    fn encode(&self, shown: &[u8], old: &[u8]) -> Result<Vec<u8>, String> {
        self.deflate(shown, old)
    }
}

fn bounded(reader: impl Read) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    let mut reader = reader.take(MOST_SHOWN + 1);
    reader.read_to_end(&mut out).map_err(|e| e.to_string())?;
    if out.len() as u64 > MOST_SHOWN {
        return Err(too_much());
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_encoding_comes_back() {
        let text: Vec<u8> = (0..5000u32).flat_map(|i| (i % 77).to_le_bytes()).collect();
        for (encoding, like) in [
            (Coding::Gzip, &b""[..]),
            (Coding::Deflate, b""),
            (Coding::Snappy, b""),
            (Coding::Snappy, FRAMED),
            (Coding::Zstd, b""),
        ] {
            for text in [&text[..], b""] {
                let small = encoding.deflate(text, like).unwrap();
                assert_eq!(is_framed(&small), is_framed(like), "{encoding:?}");
                assert_eq!(encoding.inflate(&small).unwrap(), text, "{encoding:?}");
            }
        }
    }

    #[test]
    fn noise_is_refused() {
        for encoding in [Coding::Gzip, Coding::Deflate, Coding::Snappy, Coding::Zstd] {
            assert!(
                encoding.inflate(b"\xff\xfe\xfd not compressed").is_err(),
                "{encoding:?}"
            );
        }
    }

    #[test]
    fn expansion_is_bounded() {
        let bomb = Coding::Gzip
            .deflate(&vec![0; MOST_SHOWN as usize + 1], b"")
            .unwrap();
        assert!(bomb.len() < 100_000);
        assert_eq!(Coding::Gzip.inflate(&bomb), Err(too_much()));
    }
}
