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
    // the entry has what the data has
    only(&bytes, ".local_files[0].data_descriptor at");
}

/// There is one fault, and it is there.
fn only(bytes: &[u8], path: &str) {
    let found = faults(bytes);
    assert!(
        found.len() == 1 && found[0].contains(path),
        "{path}: {found:?}"
    );
}

/// Of two that say something of the data, the one that is wrong is told, once.
#[test]
fn who_is_wrong_about_the_data() {
    for (_, bytes) in samples() {
        let root = decode(&bytes);
        let files = root.field("local_files").unwrap();
        for (i, file) in files.items().enumerate() {
            let flip = |path: &[&str]| {
                let mut bytes = bytes.clone();
                let at = field(&root, path).offset();
                bytes[at as usize] ^= 1;
                bytes
            };
            if file.field("compression_method").unwrap().scalar() == "bzip2".into() {
                continue;
            }
            let n = i.to_string();
            let streamed = file.field("data_descriptor").is_some();
            let at = |path: &str| format!("{path} at");
            for what in ["crc32", "uncompressed_size"] {
                let said = field(&root, &["central_directory", &n, what])
                    .actual()
                    .unwrap();
                if said == 0xffff_ffff_u64.into() {
                    continue;
                }
                let entry = format!(".central_directory[{i}].{what}");
                only(&flip(&["central_directory", &n, what]), &at(&entry));
                if streamed {
                    let descriptor = format!(".local_files[{i}].data_descriptor");
                    let wrong = flip(&["local_files", &n, "data_descriptor", what]);
                    only(&wrong, &at(&descriptor));
                } else if file.field(what).unwrap().actual() != Some(0xffff_ffff_u64.into()) {
                    let header = format!(".local_files[{i}].{what}");
                    only(&flip(&["local_files", &n, what]), &at(&header));
                }
            }
            if streamed {
                let wrong = flip(&["local_files", &n, "data_descriptor", "compressed_size"]);
                only(&wrong, &format!(".local_files[{i}] at"));
            }
        }
    }
}

/// An archive whose end is in ZIP64 alone.
fn wide() -> Vec<u8> {
    let bytes = sample("info-zip.zip");
    let end = field(&decode(&bytes), &["end_of_central_directory"]).offset() as usize;
    let number = |at: usize, len: usize| {
        let bytes = bytes[end + at..end + at + len].iter().rev();
        bytes.fold(0u64, |n, b| n << 8 | u64::from(*b))
    };
    let (count, size, place) = (number(10, 2), number(12, 4), number(16, 4));
    let mut out = bytes[..end].to_vec();
    out.extend(b"PK\x06\x06");
    out.extend(44u64.to_le_bytes());
    out.extend([45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    out.extend(
        [count, count, size, place]
            .iter()
            .flat_map(|n| n.to_le_bytes()),
    );
    out.extend(b"PK\x06\x07\0\0\0\0");
    out.extend((end as u64).to_le_bytes());
    out.extend(1u32.to_le_bytes());
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend([0xff; 12]);
    out.extend([0, 0]);
    out
}

#[test]
fn the_end_of_zip64() {
    let bytes = wide();
    let root = decode(&bytes);
    assert!(faults(&bytes).is_empty(), "{:?}", faults(&bytes));
    let (record, locator) = ("zip64_end_of_central_directory", "zip64_locator");
    for (part, name) in [
        (record, "disk_number"),
        (record, "disk_of_central_directory"),
        (record, "entries_on_disk"),
        (record, "entries"),
        (record, "size_of_central_directory"),
        (record, "offset_of_central_directory"),
        (locator, "disk_of_zip64_end"),
        (locator, "offset_of_zip64_end"),
    ] {
        let at = field(&root, &[part, name]).offset() as usize;
        for step in [1u8, 0xff] {
            let mut bytes = bytes.clone();
            bytes[at] = bytes[at].wrapping_add(step);
            let found = faults(&bytes);
            let is = |f: &String| f.contains(&format!(".{part} at"));
            assert!(found.iter().any(is), "{part}.{name}: {found:?}");
        }
    }
    // without one of the two, nothing leads to the directory
    for part in [record, locator] {
        let mut bytes = bytes.clone();
        bytes[field(&root, &[part, "signature"]).offset() as usize] ^= 1;
        let found = faults(&bytes);
        let told = |f: &String| f.contains(".end_of_central_directory at");
        assert!(found.iter().any(told), "{part}: {found:?}");
    }
}

/// zipalign fills up extra fields with zeros.
#[test]
fn bytes_that_begin_no_extra_field() {
    for fill in 1..4usize {
        let bytes = sample("info-zip.zip");
        let root = decode(&bytes);
        let file = &["local_files", "0", "extra_fields"];
        let end = field(&root, file).span().end_byte() as usize;
        let mut padded = bytes[..end].to_vec();
        padded.extend(vec![0; fill]);
        padded.extend(&bytes[end..]);
        let mut add = |path: &[&str], moved: usize| {
            let at = field(&root, path).offset() as usize + moved;
            padded[at] += fill as u8;
        };
        add(&["local_files", "0", "extra_field_length"], 0);
        add(
            &["end_of_central_directory", "offset_of_central_directory"],
            fill,
        );
        for i in 1..4 {
            let place = "relative_offset_of_local_header";
            add(&["central_directory", &i.to_string(), place], fill);
        }
        let read = decode(&padded);
        assert!(faults(&padded).is_empty(), "{fill}: {:?}", faults(&padded));
        let last = field(&read, file).items().last().unwrap();
        assert_eq!(last.bytes().unwrap(), vec![0; fill]);
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
