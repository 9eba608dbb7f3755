//! What is no regular file: pipes, sockets, terminals.

use std::fs::File;
use std::io::{self, Read, Seek, Write};

/// So much is kept in memory; what is longer goes to a temporary file, which is mapped.
const KEPT: u64 = 8 << 20;

/// All that a stream gives.
pub(crate) enum All {
    /// In memory.
    Bytes(Vec<u8>),
    /// In a file without a name, which is gone when it is closed.
    File(File),
}

/// Read a stream to its end. Where there is no room for a temporary file, all is kept in memory.
///
/// # Errors
/// Those of the stream.
pub(crate) fn read(
    stream: &mut impl Read,
    spill: impl FnOnce() -> io::Result<File>,
) -> io::Result<All> {
    let mut bytes = Vec::new();
    stream.by_ref().take(KEPT).read_to_end(&mut bytes)?;
    if (bytes.len() as u64) < KEPT {
        return Ok(All::Bytes(bytes));
    }
    match spill() {
        Ok(file) => spilled(stream, bytes, file),
        Err(_) => rest(stream, bytes),
    }
}

/// Write what was read, and what comes, to a file.
fn spilled(stream: &mut impl Read, mut bytes: Vec<u8>, mut file: File) -> io::Result<All> {
    let mut written = 0;
    loop {
        if bytes.is_empty() {
            return Ok(All::File(file));
        }
        if file.write_all(&bytes).is_err() {
            // it is full: what is in it comes back, and the rest stays in memory, too
            let mut all = Vec::new();
            file.rewind()?;
            file.take(written).read_to_end(&mut all)?;
            all.append(&mut bytes);
            return rest(stream, all);
        }
        written += bytes.len() as u64;
        bytes.clear();
        bytes.shrink_to(1 << 17);
        stream.by_ref().take(1 << 17).read_to_end(&mut bytes)?;
    }
}

fn rest(stream: &mut impl Read, mut bytes: Vec<u8>) -> io::Result<All> {
    stream.read_to_end(&mut bytes)?;
    Ok(All::Bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(len: u64) -> Vec<u8> {
        (0..len).map(|i| (i / 251) as u8 ^ i as u8).collect()
    }

    fn content(all: All) -> (bool, Vec<u8>) {
        match all {
            All::Bytes(bytes) => (false, bytes),
            All::File(mut file) => {
                let mut bytes = Vec::new();
                file.rewind().unwrap();
                file.read_to_end(&mut bytes).unwrap();
                (true, bytes)
            }
        }
    }

    #[test]
    fn short_ones_stay_in_memory_long_ones_do_not() {
        for (len, is_file) in [
            (0, false),
            (KEPT - 1, false),
            (KEPT, true),
            (KEPT + 300_000, true),
        ] {
            let bytes = pattern(len);
            let read = read(&mut &bytes[..], tempfile::tempfile).unwrap();
            assert!(content(read) == (is_file, bytes), "{len}");
        }
    }

    #[test]
    fn without_room_all_is_kept() {
        let bytes = pattern(KEPT + 1_000_000);
        let none = || Err(io::ErrorKind::StorageFull.into());
        assert!(content(read(&mut &bytes[..], none).unwrap()) == (false, bytes.clone()));
        // every write to it fails
        #[cfg(target_os = "linux")]
        {
            let full = || File::options().read(true).write(true).open("/dev/full");
            assert!(content(read(&mut &bytes[..], full).unwrap()) == (false, bytes));
        }
    }
}
