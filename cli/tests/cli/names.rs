//! Names that are no UTF-8, and texts that a terminal would obey.

use crate::common::{BINQ, Said, binq, run, sample, samples_dir};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::process::Command;

/// No UTF-8, with a colour and a mark that turns the direction around.
const NAME: &[u8] = b"a\xff\x1b[31m\xe2\x80\xae";
/// The same in a message.
const SHOWN: &str = r"a\xff\u001b[31m\u202e";

fn named(dir: &Path, suffix: &[u8]) -> PathBuf {
    dir.join(OsString::from_vec([NAME, suffix].concat()))
}

fn in_dir(dir: &Path, args: &[&OsStr]) -> Said {
    run(Command::new(BINQ).args(args).current_dir(dir))
}

fn os(text: &str) -> &OsStr {
    OsStr::new(text)
}

#[test]
fn files() {
    let dir = tempfile::tempdir().unwrap();
    let seg = named(dir.path(), b"");
    fs::copy(sample("pg15.wal"), &seg).unwrap();
    let name = seg.file_name().unwrap();
    let said = in_dir(
        dir.path(),
        &[os("-r"), os(".records[0].lsn, input_filename"), name],
    );
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    assert_eq!(said.out, [b"0/B02158\n", NAME, b"\n"].concat());
    let said = in_dir(dir.path(), &[os("-c"), os("input_filename"), name]);
    assert_eq!(said.text(), "\"a\u{fffd}\\u001b[31m\u{202e}\"\n");
    // in place, with a name for the original
    let suffix = OsString::from_vec(b"-i.\xfe".to_vec());
    let said = in_dir(dir.path(), &[&suffix, os(".records[3].xl_xid = 7"), name]);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    assert!(
        fs::read(named(dir.path(), b".\xfe")).unwrap() == fs::read(sample("pg15.wal")).unwrap()
    );
    assert!(fs::read(&seg).unwrap() != fs::read(sample("pg15.wal")).unwrap());
    let suffix = OsString::from_vec(b"--in-place=\xfe*".to_vec());
    let said = in_dir(dir.path(), &[&suffix, os(".records[3].xl_xid = 8"), name]);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    let kept = OsString::from_vec([b"\xfe", NAME].concat());
    assert!(dir.path().join(kept).exists());
}

#[test]
fn files_of_options() {
    let dir = tempfile::tempdir().unwrap();
    let file = named(dir.path(), b"");
    let name = file.file_name().unwrap();
    fs::write(&file, "1").unwrap();
    let said = in_dir(
        dir.path(),
        &[
            os("-nc"),
            os("--rawfile"),
            os("a"),
            name,
            os("--slurpfile"),
            os("b"),
            name,
            os("$a, $b"),
        ],
    );
    assert_eq!(
        (said.code, said.text()),
        (0, "\"1\"\n[1]\n"),
        "{}",
        said.err
    );
    fs::write(&file, ". + 1").unwrap();
    let said = in_dir(dir.path(), &[os("-n"), os("-f"), name]);
    assert_eq!((said.code, said.text()), (0, "1\n"), "{}", said.err);
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    fs::write(file.join("m.jq"), "def one: 1;").unwrap();
    let said = in_dir(
        dir.path(),
        &[os("-n"), os("-L"), name, os("include \"m\"; one")],
    );
    assert_eq!((said.code, said.text()), (0, "1\n"), "{}", said.err);
    let said = in_dir(
        dir.path(),
        &[
            os("-n"),
            os("$ARGS.positional[0]"),
            os("--args"),
            OsStr::from_bytes(b"\xff"),
        ],
    );
    assert_eq!(
        (said.code, said.text()),
        (0, "\"\u{fffd}\"\n"),
        "{}",
        said.err
    );
}

#[test]
fn messages() {
    let dir = tempfile::tempdir().unwrap();
    let file = named(dir.path(), b"\n");
    let name = file.file_name().unwrap();
    let missing = format!("binq: error: {SHOWN}\\u000a: No such file or directory (os error 2)\n");
    for args in [
        &[os("."), name][..],
        &[os("-f"), name],
        &[os("-n"), os("--rawfile"), os("a"), name, os(".")],
        &[os("-i"), os("."), name],
    ] {
        let said = in_dir(dir.path(), args);
        assert_eq!(
            (said.code, said.err.as_str()),
            (2, missing.as_str()),
            "{args:?}"
        );
    }
    fs::write(&file, "root").unwrap();
    let said = in_dir(dir.path(), &[os("."), name]);
    assert_eq!(said.code, 6, "{}", said.err);
    assert!(
        said.err
            .starts_with(&format!("binq: error: {SHOWN}\\u000a: probe:")),
        "{}",
        said.err
    );
    fs::copy(sample("pg15.wal"), &file).unwrap();
    let said = in_dir(
        dir.path(),
        &[os("-i"), os("error(\"\\u009b\\u2066\")"), name],
    );
    let told = format!("binq: error: {SHOWN}\\u000a: \\u009b\\u2066; the file is unchanged\n");
    assert_eq!((said.code, said.err.as_str()), (5, told.as_str()));
    // no file has it, and so the shell may have made it of `*`
    let said = in_dir(dir.path(), &[OsStr::from_bytes(b"--\x1b[31m")]);
    assert_eq!(said.code, 2);
    assert!(
        said.err.contains(r"--\u001b[31m") && !said.err.contains('\x1b'),
        "{}",
        said.err
    );
    let said = in_dir(dir.path(), &[OsStr::from_bytes(b".\xff")]);
    assert_eq!(said.code, 2);
    assert!(
        said.err.contains("the filter must be UTF-8"),
        "{}",
        said.err
    );
}

/// A program's text, its values and its messages are shown without what a terminal obeys.
#[test]
fn errors_of_a_filter() {
    for (filter, told) in [
        (
            "error(\"a\u{1b}]0;x\u{7}\u{85}\")",
            r"a\u001b]0;x\u0007\u0085",
        ),
        (
            "{a: \"\u{202e}\"} | error",
            r#"{"a":"\u202e"} (not a string)"#,
        ),
        ("\"\u{9b}\" | nosuch", r#"  1 | "\u009b" | nosuch"#),
    ] {
        let said = binq(["-n", filter]);
        assert!(said.err.contains(told), "{}", said.err);
        let obeyed = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
        assert!(!said.err.contains(obeyed), "{}", said.err);
    }
}

/// What binq prints to a terminal, by way of `script`; `\r` is what that adds.
fn on_terminal(args: &str) -> String {
    let line = format!("{BINQ} -M {args} 2>&1");
    let said = run(Command::new("script").args(["-qec", &line, "/dev/null"]));
    String::from_utf8(said.out).unwrap().replace('\r', "")
}

#[test]
fn a_terminal() {
    if Command::new("script").arg("--version").output().is_err() {
        return binq_laws::skip("no script(1)");
    }
    let text = r#""a\u001b[31m\u009b\u202e\u2066\tü\n\u007f""#;
    assert_eq!(on_terminal(&format!("-n '{text}'")), format!("{text}\n"));
    assert_eq!(
        on_terminal(&format!("-n '{{({text}): 1}} | keys[0]'")),
        format!("{text}\n")
    );
    // without quotes, lines stay lines
    let raw = "a\\u001b[31m\\u009b\\u202e\\u2066\tü\n\\u007f";
    assert_eq!(on_terminal(&format!("-nr '{text}'")), format!("{raw}\n"));
    assert_eq!(on_terminal(&format!("-nj '{text}'")), raw);
    assert_eq!(on_terminal(&format!("-n '{text} | stderr | empty'")), raw);
    assert_eq!(on_terminal(&format!("-n '{text} | halt_error'")), raw);
    assert_eq!(
        on_terminal("-nr '[155, 27] | tobytes'"),
        "\u{fffd}\\u001b\n"
    );
    // elsewhere all is as it is
    let said = binq(["-nr", text]);
    assert_eq!(
        said.text(),
        "a\u{1b}[31m\u{9b}\u{202e}\u{2066}\tü\n\u{7f}\n"
    );
    let said = binq(["-n", &format!("{text} | stderr | empty")]);
    assert_eq!(said.err, "a\u{1b}[31m\u{9b}\u{202e}\u{2066}\tü\n\u{7f}");
    let said = binq(["-n", text]);
    assert_eq!(
        said.text(),
        "\"a\\u001b[31m\u{9b}\u{202e}\u{2066}\\tü\\n\\u007f\"\n"
    );
}

/// Files and directories that describe messages.
#[test]
fn schemas() {
    let dir = tempfile::tempdir().unwrap();
    let folder = named(dir.path(), b".d");
    fs::create_dir(&folder).unwrap();
    let proto = named(&folder, b".proto");
    let text =
        "syntax = \"proto3\"; package q; import \"other.proto\"; message M { Other of = 1; }";
    fs::write(&proto, text).unwrap();
    let other = "syntax = \"proto3\"; package q; message Other { int32 i = 1; }";
    fs::write(folder.join("other.proto"), other).unwrap();
    let set = named(dir.path(), b".desc");
    fs::copy(samples_dir().join("../protobuf/types.desc"), &set).unwrap();
    let message = dir.path().join("message");
    fs::write(&message, b"\x0a\x02\x08\x05").unwrap();
    let ask = |args: &[&OsStr]| {
        let rest = [
            os("-d"),
            os("protobuf"),
            os("-c"),
            os("--message"),
            os("q.M"),
            os(".of.i"),
            message.as_os_str(),
        ];
        in_dir(dir.path(), &[args, &rest].concat())
    };
    let joined = |prefix: &str, path: &Path| {
        OsString::from_vec([prefix.as_bytes(), path.as_os_str().as_bytes()].concat())
    };
    for args in [
        &[os("--proto"), proto.as_os_str()][..],
        // as protoc does: a name in the directory
        &[
            os("-I"),
            folder.as_os_str(),
            os("--proto"),
            proto.file_name().unwrap(),
        ],
        &[&joined("--proto=", &proto)],
        &[os("-o"), &joined("proto=", &proto)],
        &[
            &joined("-oproto=", Path::new(proto.file_name().unwrap())),
            &joined("-oproto_path=", &folder),
        ],
    ] {
        let said = ask(args);
        let told = (said.code, said.text(), said.err.as_str());
        assert_eq!(told, (0, "5\n", ""), "{args:?}");
    }
    let said = ask(&[
        os("--descriptor-set"),
        set.as_os_str(),
        os("--proto"),
        proto.as_os_str(),
    ]);
    assert_eq!((said.text(), said.err.as_str()), ("5\n", ""));
    // in the language, too: the bytes of the name
    let name = proto.as_os_str().as_bytes();
    let code = format!(
        "tobytes | decode(\"protobuf\"; {{message: \"q.M\", proto: [{name:?} | tobytes]}}) | .of.i"
    );
    let said = in_dir(
        dir.path(),
        &[os("-d"), os("protobuf"), os(&code), message.as_os_str()],
    );
    assert_eq!((said.text(), said.err.as_str()), ("5\n", ""));
    // what is not there is told, with its name
    let gone = named(dir.path(), b".gone");
    let said = ask(&[os("--descriptor-set"), gone.as_os_str()]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("a\u{fffd}"), "{}", said.err);
}
