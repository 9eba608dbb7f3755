//! Compressed by deflate (RFC 1951), bare or in a stream of zlib (RFC 1950).

use super::recode::{Recoding, read_bounded};
use crate::Malformed;
use flate2::Compression;
use flate2::bufread::{DeflateDecoder, DeflateEncoder, ZlibDecoder, ZlibEncoder};

/// Deflate.
#[derive(Clone, Copy, Debug)]
pub struct Deflate;

/// Deflate in a stream of zlib.
#[derive(Clone, Copy, Debug)]
pub struct Zlib;

/// What follows the stream would be lost when it is encoded anew.
fn all_used(shown: Vec<u8>, used: u64, stored: &[u8]) -> Result<Vec<u8>, Malformed> {
    match stored.len() as u64 - used {
        0 => Ok(shown),
        more => Err(Malformed::new(
            used,
            "the end of the compressed stream",
            format!("{more} more bytes"),
        )),
    }
}

impl Recoding for Deflate {
    fn decode(&self, stored: &[u8]) -> Result<Vec<u8>, Malformed> {
        let mut stream = DeflateDecoder::new(stored);
        let shown = read_bounded(&mut stream)?;
        all_used(shown, stream.total_in(), stored)
    }

    fn encode(&self, shown: &[u8], _old: &[u8]) -> Result<Vec<u8>, String> {
        read_bounded(DeflateEncoder::new(shown, Compression::default())).map_err(|e| e.found)
    }
}

impl Recoding for Zlib {
    fn decode(&self, stored: &[u8]) -> Result<Vec<u8>, Malformed> {
        let mut stream = ZlibDecoder::new(stored);
        let shown = read_bounded(&mut stream)?;
        all_used(shown, stream.total_in(), stored)
    }

    fn encode(&self, shown: &[u8], _old: &[u8]) -> Result<Vec<u8>, String> {
        read_bounded(ZlibEncoder::new(shown, Compression::default())).map_err(|e| e.found)
    }
}
