//! What is read behind an edit, in one filter: a field that follows shows what will be written.

use crate::common::{binq, binq_ok, samples_dir};
use std::ffi::OsStr;
use std::path::Path;

fn read(filter: &str, file: &Path) -> String {
    let args = [OsStr::new("-c"), OsStr::new(filter), file.as_os_str()];
    let out = binq_ok(args);
    String::from_utf8(out).unwrap().trim().to_owned()
}

/// The same edit, and what is read of it: at once, and once it is written.
const EDITS: &[(&str, &str, &str, &str)] = &[
    (
        "pg_wal",
        "pg_wal/pg15.wal",
        ".records[0].xl_xid = 7",
        "[.records[0] | .xl_xid, .xl_crc, (.xl_crc | todescription, tobytes), tovalue, [.[] | tovalue]]",
    ),
    (
        "pg_wal",
        "pg_wal/pg15.wal",
        ".records[1].main_data = \"xy\"",
        "[.records[1] | .xl_tot_len, .main_data_length, .xl_crc, (.xl_crc | todescription), (to_entries | map(.value | tovalue))]",
    ),
    (
        "pg_wal",
        "pg_wal/pg18.wal",
        ".records[3:6][].xl_info |= bxor(.; 1)",
        "[.records[3:6][] | .xl_crc, (.xl_crc | todescription), {xl_crc}, .[\"xl_crc\"]]",
    ),
    (
        "png",
        "png/palette.png",
        ".chunks[0].data.width = 5",
        "[.chunks[0] | .length, .crc, (.crc | todescription)], .chunks[0]",
    ),
    (
        "png",
        "png/rgb.png",
        ".chunks[0].type = \"XYZW\"",
        "[.chunks[] | .crc, (.crc | todescription)]",
    ),
    (
        "zip",
        "zip/info-zip.zip",
        ".local_files[0].data = \"x\"",
        "[.local_files[0] | .crc32, .compressed_size, .uncompressed_size, (.crc32 | todescription)], .central_directory, .end_of_central_directory",
    ),
    (
        "zip",
        "zip/python-64-streamed.zip",
        ".local_files[0].data = \"x\"",
        "[.local_files[0].data_descriptor | .[]], .central_directory, .zip64_end_of_central_directory, .zip64_locator",
    ),
    (
        "zip",
        "zip/info-zip.zip",
        "del(.local_files[1], .central_directory[1])",
        ".end_of_central_directory, [.central_directory[].relative_offset_of_local_header]",
    ),
    (
        "zip",
        "zip/info-zip.zip",
        ".local_files[2].file_name = \"n\" | .local_files[0].extra_fields = []",
        "[.local_files[] | .file_name_length, .extra_field_length], [.central_directory[] | .file_name, .file_name_length]",
    ),
];

#[test]
fn what_follows_is_read_as_it_is_written() {
    for (format, file, edit, reads) in EDITS {
        let file = samples_dir().parent().unwrap().join(file);
        let at_once = read(&format!("{edit} | {reads}"), &file);
        let written = format!("{edit} | tobytes | decode(\"{format}\") | {reads}");
        assert_eq!(at_once, read(&written, &file), "{edit} | {reads}");
        assert_ne!(at_once, read(reads, &file), "{edit} changes what is read");
    }
}

/// A value that was assigned stays, whatever is read; and what is only read leaves no trace.
#[test]
fn what_was_assigned_stays() {
    let wal = samples_dir().join("pg15.wal");
    for (filter, expected) in [
        (
            ".records[0].xl_xid = 7 | .records[0].xl_crc = 5 | .records[0].xl_crc | [., todescription]",
            r#"[5,"invalid: 2252926245 would be right"]"#,
        ),
        (
            ".records[0].xl_crc = 5 | .records[0].xl_xid = 7 | .records[0].xl_crc | [., todescription]",
            r#"[5,"invalid: 2252926245 would be right"]"#,
        ),
        (
            ".records[0].xl_xid = 7 | .records[0].xl_crc |= bxor(.; 1) | .records[0].xl_crc | [., todescription]",
            r#"[2252926244,"invalid: 2252926245 would be right"]"#,
        ),
        // read and put back, it still follows from a later edit
        (
            ".records[0] |= (.xl_xid = 7 | .xl_crc |= . | .xl_crc as $crc | .xl_crc = $crc | .xl_xid = 8) | .records[0].xl_crc \
             | todescription",
            "\"valid\"",
        ),
        // one whose struct was not edited is as it was
        (
            ".records[0].xl_xid = 7 | .records[1].xl_crc | todescription",
            "\"valid\"",
        ),
    ] {
        assert_eq!(read(filter, &wal), expected, "{filter}");
    }
    // an edit that cannot be written: what follows from it is as it was, and nothing says that it is right
    let zip = samples_dir().join("../zip/info-zip.zip");
    let filter = "del(.local_files[0]) | .central_directory[0].crc32";
    assert_eq!(
        read(filter, &zip),
        read(".central_directory[0].crc32", &zip)
    );
    let said = binq([
        "-b".as_ref(),
        "del(.local_files[0])".as_ref(),
        zip.as_os_str(),
    ]);
    assert_eq!(said.code, 5, "{}", said.err);
}
