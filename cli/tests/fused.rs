//! Programs that run without making a node of every item give what the same programs give as jq runs them.
#![cfg(unix)]

use std::path::Path;
use std::process::Command;

fn run(args: &[&str]) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let output = Command::new(env!("CARGO_BIN_EXE_binq"))
        .args(args)
        .current_dir(root)
        .output()
        .unwrap();
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

#[test]
fn select_on_a_field_of_items() {
    let schema = [
        "-d",
        "protobuf_delimited",
        "--descriptor-set",
        "samples/protobuf/types.desc",
        "--message",
    ];
    let mut found = 0;
    for (of, file, field, literal) in [
        ("all3.All", "all3", "f_int32", "-1"),
        ("all3.All", "all3", "f_enum", "\"RED\""),
        ("all3.All", "all3", "f_string", "\"Grüße\""),
        ("all3.All", "all3", "f_float", "0.1"),
        ("all3.All", "all3", "c_int32", "1"),
        ("all3.All", "all3", "w_int64", "1"),
        ("all3.All", "all3", "f_message", "1"),
        ("all3.All", "all3", "nope", "1"),
        ("all2.All", "all2", "id", "1"),
        ("ed.All", "edition", "closed", "\"C_TWO\""),
    ] {
        let input = format!("samples/protobuf/{file}.delimited");
        for rest in ["", " | topath", " | ., 1"] {
            let fused = format!(".messages[] | select(.{field} == {literal}){rest}");
            let plain = format!(".messages[] | . as $m | select($m.{field} == {literal}){rest}");
            let args = |filter: &str| {
                let with = [schema.as_slice(), &[of, "-c", filter, &input]].concat();
                run(&with)
            };
            let ours = args(&fused);
            assert_eq!(ours, args(&plain), "{fused}");
            found += ours.lines().count();
        }
        // after an edit, and as a path
        let fused =
            format!(".messages[0] = .messages[1] | .messages[] | select(.{field} == {literal})");
        let plain = format!(
            ".messages[0] = .messages[1] | .messages[] | . as $m | select($m.{field} == {literal})"
        );
        let args = |filter: &str| run(&[schema.as_slice(), &[of, "-c", filter, &input]].concat());
        assert_eq!(args(&fused), args(&plain));
    }
    assert!(found > 30, "{found}");
    for (fused, plain) in [
        (
            r#".records[] | select(.xl_rmid == "Heap") | .lsn"#,
            r#".records[] | . as $r | select($r.xl_rmid == "Heap") | .lsn"#,
        ),
        (
            r#".records[] | select(.rmgr == "Heap") | .lsn"#,
            r#".records[] | . as $r | select($r.rmgr == "Heap") | .lsn"#,
        ),
        (
            ".records[] | select(.xl_tot_len == 0)",
            ".records[] | . as $r | select($r.xl_tot_len == 0)",
        ),
    ] {
        let sample = "samples/pg_wal/pg15-aborted-head.wal";
        assert_eq!(
            run(&["-c", fused, sample]),
            run(&["-c", plain, sample]),
            "{fused}"
        );
    }
    // not of items at all
    assert_eq!(
        run(&[
            "-n",
            "-c",
            r#"[{"a": 1}, {"a": 2}] | .[] | select(.a == 2)"#
        ]),
        "{\"a\":2}\n"
    );
    assert!(run(&["-n", r#"5 | .[] | select(.a == 2)"#]).contains("Cannot iterate over number"));
}
