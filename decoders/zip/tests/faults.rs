//! What readers of ZIP stop at is a fault, on the field that they read.

mod common;

use common::{decode, field, sample, samples};

/// The paths of all findings.
fn faults(bytes: &[u8]) -> Vec<String> {
    decode(bytes)
        .findings()
        .map(|fault| fault.to_string())
        .collect()
}

/// Change a byte of a field; where a fault is said to be then.
fn changed(path: &[&str], byte: u64) -> Vec<String> {
    let mut bytes = sample("info-zip.zip");
    let at = field(&decode(&bytes), path).offset() + byte;
    bytes[at as usize] ^= 1;
    faults(&bytes)
}

#[test]
fn sound_archives_have_none() {
    for (name, bytes) in samples() {
        assert!(faults(&bytes).is_empty(), "{name}: {:?}", faults(&bytes));
    }
}

#[test]
fn what_a_reader_compares_with_the_file() {
    for (name, byte) in [
        ("file_name", 0),
        ("compression_method", 0),
        ("crc32", 0),
        ("relative_offset_of_local_header", 3),
    ] {
        let found = changed(&["central_directory", "1", name], byte);
        let path = format!(".central_directory[1].{name} at");
        assert!(
            found.iter().any(|fault| fault.contains(&path)),
            "{name}: {found:?}"
        );
    }
    let found = changed(&["local_files", "1", "compressed_size"], 0);
    assert!(
        found
            .iter()
            .any(|f| f.contains(".local_files[1].compressed_size at")),
        "{found:?}"
    );
}

#[test]
fn a_directory_that_does_not_hold_what_its_end_says() {
    let wrong = |found: Vec<String>| {
        assert!(
            found
                .iter()
                .any(|f| f.contains(".end_of_central_directory at")),
            "{found:?}"
        );
    };
    wrong(changed(&["end_of_central_directory", "entries"], 0));
    wrong(changed(
        &["end_of_central_directory", "size_of_central_directory"],
        0,
    ));
    wrong(changed(
        &["end_of_central_directory", "offset_of_central_directory"],
        0,
    ));
    wrong(changed(&["end_of_central_directory", "disk_number"], 0));
    wrong(changed(&["central_directory", "2", "signature"], 1));
    wrong(changed(
        &["central_directory", "1", "file_comment_length"],
        0,
    ));
}

#[test]
fn places_behind_bytes_that_the_archive_was_not_told_of() {
    let (alone, behind) = (
        decode(&sample("info-zip.zip")),
        decode(&sample("behind-a-script.zip")),
    );
    for list in ["local_files", "central_directory"] {
        assert_eq!(
            field(&alone, &[list]).bytes().unwrap(),
            field(&behind, &[list]).bytes().unwrap()
        );
    }
    let offset = ["central_directory", "3", "relative_offset_of_local_header"];
    let offset = field(&behind, &offset);
    assert_eq!(offset.right(), offset.actual());
    assert_eq!(field(&behind, &["gap0"]).bytes().unwrap().len(), 24);
}

#[test]
fn sizes_behind_the_data_have_eight_bytes_in_zip64() {
    let root = decode(&sample("python-64-streamed.zip"));
    for (file, size) in [("0", 516), ("1", 5)] {
        let descriptor = field(&root, &["local_files", file, "data_descriptor"]);
        assert_eq!(descriptor.bytes().unwrap().len(), 24);
        assert_eq!(
            field(&descriptor, &["uncompressed_size"]).actual(),
            Some(binq_core::Scalar::Int(size))
        );
        assert!(field(&root, &["local_files", file]).field("gap0").is_none());
    }
}

/// A method that is assigned compresses nothing anew: that is told at once, and found in what is written; the entry follows.
#[test]
fn a_method_that_the_data_was_not_compressed_by() {
    use binq_core::encode::{Did, EncodeOptions, encode};
    for (name, bytes) in samples() {
        let root = decode(&bytes);
        let files = root.field("local_files").unwrap();
        for (i, file) in (0..).zip(files.items()) {
            let is = file.field("compression_method").unwrap().scalar();
            let empty = file.field("data").unwrap().span().len == 0;
            for method in ["stored", "deflated", "bzip2", "lzma", "zstd", "xz"] {
                // nothing is nothing by most methods
                if is == method.into() || empty {
                    continue;
                }
                let mut edited = root.clone();
                let path = ["local_files", &i.to_string(), "compression_method"].map(str::to_owned);
                let path: Vec<&str> = path.iter().map(String::as_str).collect();
                common::text(&mut edited, &path, method);
                let out = encode(&edited, &EncodeOptions::default()).unwrap();
                let warned = |n: &binq_core::encode::Note| matches!(n.did, Did::Warning(_));
                let here = format!("{name}: {i} as {method}");
                assert!(out.report.notes.iter().any(warned), "{here}");
                let found = faults(&out.to_bytes());
                assert!(
                    found
                        .iter()
                        .any(|f| f.contains(&format!(".local_files[{i}]"))),
                    "{here}: {found:?}"
                );
                assert!(
                    !found.iter().any(|f| f.contains("compression_method")),
                    "{here}: {found:?}"
                );
            }
        }
    }
}

/// What the header and the entry say of the data, against the data.
#[test]
fn what_is_said_of_the_data() {
    let found = changed(&["local_files", "0", "uncompressed_size"], 0);
    assert!(
        found
            .iter()
            .any(|f| f.contains(".local_files[0].uncompressed_size at")),
        "{found:?}"
    );
    let mut bytes = sample("info-zip-streamed.zip");
    let root = decode(&bytes);
    let sum = field(&root, &["local_files", "0", "data_descriptor", "crc32"]).offset() as usize;
    bytes[sum] ^= 1;
    let found = faults(&bytes);
    for path in [
        ".local_files[0].data_descriptor at",
        ".central_directory[0].crc32 at",
    ] {
        assert!(found.iter().any(|f| f.contains(path)), "{path}: {found:?}");
    }
}

/// Bytes that are no entries at the end of the directory count to its size.
#[test]
fn a_directory_with_more_than_entries() {
    for (name, bytes) in samples()
        .into_iter()
        .filter(|(name, _)| !name.contains("64"))
    {
        let end = field(&decode(&bytes), &["end_of_central_directory"]).offset() as usize;
        let mut padded = bytes[..end].to_vec();
        padded.extend([7; 5]);
        padded.extend(&bytes[end..]);
        let size = u32::from_le_bytes(padded[end + 17..end + 21].try_into().unwrap()) + 5;
        padded[end + 17..end + 21].copy_from_slice(&size.to_le_bytes());
        let mut root = decode(&padded);
        common::text(
            &mut root,
            &["central_directory", "0", "file_comment"],
            "four",
        );
        let read = decode(&root.bytes().unwrap());
        let is = field(
            &read,
            &["end_of_central_directory", "size_of_central_directory"],
        )
        .actual();
        assert_eq!(
            is,
            Some(binq_core::Scalar::Int(i128::from(size) + 4)),
            "{name}"
        );
        assert_eq!(
            read.field("central_directory").unwrap().len(),
            root.field("central_directory").unwrap().len()
        );
    }
}
