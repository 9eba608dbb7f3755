//! Guards of the command and the language that nothing else would miss.
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

/// As in jq: the first one of a name wins, of whatever kind it is.
#[test]
fn the_first_argument_of_a_name_wins() {
    assert_eq!(
        run(&["-nc", "--argjson", "a", "1", "--arg", "a", "x", "$a"]),
        "1\n"
    );
    assert_eq!(
        run(&["-nc", "--arg", "a", "x", "--argjson", "a", "1", "$a"]),
        "\"x\"\n"
    );
    let file = "samples/protobuf/README.md";
    let other = run(&[
        "-nc",
        "--rawfile",
        "a",
        file,
        "--arg",
        "a",
        "x",
        "$a|length > 100",
    ]);
    assert_eq!(other, "true\n");
}

/// An option that can be given more than once is a list, another one a value: of these the last one counts.
#[test]
fn options_are_lists_or_values() {
    let typed = |options: &[&str]| {
        let mut args = vec!["-d", "protobuf_delimited"];
        options.iter().for_each(|o| args.extend(["-o", o]));
        args.extend([
            "-c",
            "[.messages[]|has(\"f_int32\")]|any, format",
            "samples/protobuf/all3.delimited",
        ]);
        run(&args)
    };
    let set = "descriptor_set=samples/protobuf/types.desc";
    let found = typed(&[set, "message=all3.All"]);
    assert!(found.starts_with("true\n"), "{found}");
    assert_eq!(typed(&[set, "message=all2.All", "message=all3.All"]), found);
}

/// A comparison is looked up in the bytes only if it is of a field of the item with a literal.
#[test]
fn select_is_fused_with_literals_only() {
    let log = "samples/pg_wal/pg15-lz4-zstd.wal";
    for (fused, plain) in [
        (
            ".xl_tot_len == .xl_xid",
            ". as $r | $r.xl_tot_len == $r.xl_xid",
        ),
        (".xl_xid == .xl_xid", "true"),
        (".xl_xid == (.xl_xid)", "true"),
        (
            ".xl_rmid == \"Hea\\(\"p\")\"",
            ". as $r | $r.xl_rmid == \"Heap\"",
        ),
        (".[\"xl_\" + \"xid\"] == 0", ". as $r | $r.xl_xid == 0"),
        (".[\"xl_\\(\"xid\")\"] == 0", ". as $r | $r.xl_xid == 0"),
        (".xl_xid? == 0", ". as $r | $r.xl_xid == 0"),
        (".xl_xid == null", "false"),
        (".xl_xid == -1", "false"),
    ] {
        let count = |test: &str| {
            run(&[
                "-c",
                &format!("[.records[] | select({test})] | length"),
                log,
            ])
        };
        let counted = count(fused);
        assert!(counted.trim().parse::<u64>().is_ok(), "{fused}: {counted}");
        assert_eq!(counted, count(plain), "{fused}");
    }
    assert_ne!(
        run(&[
            "-c",
            "[.records[] | select(.xl_xid == .xl_xid)] | length",
            log
        ]),
        "0\n"
    );
}

/// Each end on its own, of text and of bytes that are none.
#[test]
fn spaces_are_trimmed_at_the_end_that_was_asked_for() {
    let given = |program: &str| run(&["-nc", program]);
    assert_eq!(
        given("\" a \" | ltrim, rtrim, trim"),
        "\"a \"\n\" a\"\n\"a\"\n"
    );
}
