//! `-i`: the file is the old one or the new one, whole.

use crate::common::{BINQ, Said, binq, binq_ok, run, sample, with_copy};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;
use std::process::Command;

const EDIT: &str = ".records[3].xl_xid = 7";

fn original() -> Vec<u8> {
    fs::read(sample("pg15.wal")).unwrap()
}

/// What `EDIT` makes of the sample.
fn changed() -> Vec<u8> {
    let bytes = binq_ok(["-b".as_ref(), EDIT.as_ref(), sample("pg15.wal").as_os_str()]);
    assert_ne!(bytes, original());
    bytes
}

fn in_place(flag: &str, filter: &str, file: &Path) -> Said {
    binq([flag.as_ref(), filter.as_ref(), file.as_os_str()])
}

#[track_caller]
fn quiet(said: &Said) {
    assert_eq!(
        (said.code, said.out.as_slice(), said.err.as_str()),
        (0, &b""[..], "")
    );
}

/// The names in a directory.
fn names(dir: &Path) -> Vec<String> {
    let mut all: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    all.sort();
    all
}

/// Whether we are root, whom no file mode stops.
fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|m| m.uid() == 0)
}

#[test]
fn the_file_is_replaced() {
    let (dir, seg) = with_copy("pg15.wal");
    quiet(&in_place("-i", EDIT, &seg));
    assert!(fs::read(&seg).unwrap() == changed());
    assert_eq!(names(dir.path()), ["SEG"]);
}

#[test]
fn the_long_option() {
    let (dir, seg) = with_copy("pg15.wal");
    quiet(&in_place("--in-place", EDIT, &seg));
    assert!(fs::read(&seg).unwrap() == changed());
    quiet(&in_place("--in-place=.old", ".records[3].xl_xid = 8", &seg));
    assert_eq!(names(dir.path()), ["SEG", "SEG.old"]);
}

#[test]
fn the_original_is_kept_under_a_suffix() {
    for flag in ["-i.orig", "-i=.orig", "--in-place=.orig", "-i=*.orig"] {
        let (dir, seg) = with_copy("pg15.wal");
        let before = fs::metadata(&seg).unwrap().ino();
        quiet(&in_place(flag, EDIT, &seg));
        assert!(fs::read(&seg).unwrap() == changed(), "{flag}");
        let kept = dir.path().join("SEG.orig");
        assert!(fs::read(&kept).unwrap() == original(), "{flag}");
        assert_eq!(
            fs::metadata(&kept).unwrap().ino(),
            before,
            "{flag}: it is the file itself"
        );
        assert_eq!(names(dir.path()), ["SEG", "SEG.orig"], "{flag}");
    }
}

#[test]
fn a_suffix_without_a_dot() {
    let (dir, seg) = with_copy("pg15.wal");
    quiet(&in_place("-i=bak", EDIT, &seg));
    assert_eq!(names(dir.path()), ["SEG", "SEGbak"]);
    assert!(fs::read(dir.path().join("SEGbak")).unwrap() == original());
}

#[test]
fn a_file_of_the_kept_name_is_replaced() {
    let (dir, seg) = with_copy("pg15.wal");
    fs::write(dir.path().join("SEG.orig"), "older").unwrap();
    quiet(&in_place("-i.orig", EDIT, &seg));
    assert!(fs::read(dir.path().join("SEG.orig")).unwrap() == original());
}

/// A name for the original that is its own: to make room for it would remove it.
#[test]
fn a_suffix_that_names_the_file_itself() {
    for flag in ["-i=*", "-i=./*", "-i=../DIR/*"] {
        let (dir, seg) = with_copy("pg15.wal");
        let name = dir.path().file_name().unwrap().to_str().unwrap();
        let said = in_place(&flag.replace("DIR", name), EDIT, &seg);
        assert_eq!(said.code, 5, "{flag}: {}", said.err);
        assert!(said.err.contains("names the file itself"), "{}", said.err);
        assert_eq!(names(dir.path()), ["SEG"], "{flag}");
        assert!(fs::read(&seg).unwrap() == original(), "{flag}");
    }
}

#[test]
fn a_suffix_with_a_folder() {
    let (dir, seg) = with_copy("pg15.wal");
    let said = in_place("-i=old/*", EDIT, &seg);
    assert_eq!(said.code, 5, "{}", said.err);
    assert!(said.err.contains("old/SEG: No such file"), "{}", said.err);
    assert!(fs::read(&seg).unwrap() == original());
    assert_eq!(names(dir.path()), ["SEG"]);
    fs::create_dir(dir.path().join("old")).unwrap();
    quiet(&in_place("-i=old/*", EDIT, &seg));
    assert!(fs::read(dir.path().join("old/SEG")).unwrap() == original());
    assert!(fs::read(&seg).unwrap() == changed());
}

/// What is written to a pipe cannot be put back into it, and a file must not take its place.
#[test]
fn what_is_no_regular_file() {
    let (dir, seg) = with_copy("pg15.wal");
    let pipe = dir.path().join("pipe");
    let made = Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    // nobody writes to the pipe: it is not even opened
    for path in [&pipe, Path::new("/dev/null")] {
        let said = in_place("-i", EDIT, path);
        assert_eq!(said.code, 5, "{}", said.err);
        assert!(said.err.contains("not a regular file"), "{}", said.err);
    }
    // the others are edited
    let said = binq([
        "-i".as_ref(),
        EDIT.as_ref(),
        pipe.as_os_str(),
        seg.as_os_str(),
    ]);
    assert_eq!(said.code, 5, "{}", said.err);
    assert!(fs::read(&seg).unwrap() == changed());
    assert_eq!(names(dir.path()), ["SEG", "pipe"]);
    assert!(!fs::metadata(&pipe).unwrap().is_file());
}

#[test]
fn the_mode_is_kept() {
    for mode in [0o600, 0o640, 0o644, 0o755, 0o444] {
        let (_dir, seg) = with_copy("pg15.wal");
        fs::set_permissions(&seg, fs::Permissions::from_mode(mode)).unwrap();
        quiet(&in_place("-i.orig", EDIT, &seg));
        let is = fs::metadata(&seg).unwrap().mode() & 0o7777;
        assert_eq!(is, mode, "{is:o}, {mode:o}");
        let kept = fs::metadata(seg.with_extension("orig")).unwrap().mode() & 0o7777;
        assert_eq!(kept, mode, "{kept:o}, {mode:o}");
    }
}

#[test]
fn the_owner_is_kept() {
    if !is_root() {
        return binq_laws::skip_anyway("only root can give files away");
    }
    let (_dir, seg) = with_copy("pg15.wal");
    fs::set_permissions(&seg, fs::Permissions::from_mode(0o640)).unwrap();
    chown(&seg, Some(12_345), Some(23_456)).unwrap();
    quiet(&in_place("-i", EDIT, &seg));
    let meta = fs::metadata(&seg).unwrap();
    assert_eq!(
        (meta.uid(), meta.gid(), meta.mode() & 0o7777),
        (12_345, 23_456, 0o640)
    );
    assert!(fs::read(&seg).unwrap() == changed());
}

#[test]
fn a_symbolic_link_stays_one() {
    let (dir, seg) = with_copy("pg15.wal");
    let (near, far) = (dir.path().join("near"), dir.path().join("far"));
    fs::create_dir(&far).unwrap();
    let real = far.join("real");
    fs::rename(&seg, &real).unwrap();
    symlink("far/real", &near).unwrap();
    quiet(&in_place("-i.orig", EDIT, &near));
    assert_eq!(fs::read_link(&near).unwrap(), Path::new("far/real"));
    assert!(fs::read(&real).unwrap() == changed());
    assert_eq!(names(&far), ["real", "real.orig"]);
    assert_eq!(names(dir.path()), ["far", "near"]);
}

#[test]
fn nothing_changed_nothing_touched() {
    for filter in [
        ".",
        ".records[3].xl_xid |= .",
        ".records[3].xl_xid = 9 | .records[3].xl_xid = 32745",
        ".records |= map(select(.xl_tot_len > 0))",
    ] {
        let (dir, seg) = with_copy("pg15.wal");
        let before = fs::metadata(&seg).unwrap();
        quiet(&in_place("-i.orig", filter, &seg));
        let after = fs::metadata(&seg).unwrap();
        let stamp = |m: &fs::Metadata| (m.ino(), m.mtime(), m.mtime_nsec(), m.ctime_nsec());
        assert_eq!(stamp(&before), stamp(&after), "{filter}");
        assert_eq!(
            names(dir.path()),
            ["SEG"],
            "{filter}: no copy of what did not change"
        );
    }
}

#[test]
fn several_files() {
    let (dir, seg) = with_copy("pg15.wal");
    let other = dir.path().join("OTHER");
    fs::copy(sample("pg16.wal"), &other).unwrap();
    let missing = dir.path().join("missing");
    let files = [seg.as_os_str(), missing.as_os_str(), other.as_os_str()];
    let said = binq(["-i".as_ref(), EDIT.as_ref()].into_iter().chain(files));
    assert_eq!(said.code, 2);
    assert_eq!(said.err.lines().count(), 1, "{}", said.err);
    assert!(said.err.contains("missing: No such file"), "{}", said.err);
    assert!(fs::read(&seg).unwrap() == changed());
    let xid = binq_ok([".records[3].xl_xid".as_ref(), other.as_os_str()]);
    assert_eq!(xid, b"7\n");
    assert_eq!(names(dir.path()), ["OTHER", "SEG"]);
}

#[test]
fn one_file_fails_the_others_are_written() {
    let (dir, seg) = with_copy("pg15.wal");
    let other = dir.path().join("OTHER");
    fs::copy(sample("pg15-switch.wal"), &other).unwrap();
    // there are 26 records in the one, and 5782 in the other
    let filter =
        "if (.records | length) < 100 then error(\"short\") else .records[3].xl_xid = 7 end";
    let said = binq([
        "-i".as_ref(),
        filter.as_ref(),
        other.as_os_str(),
        seg.as_os_str(),
    ]);
    assert_eq!(said.code, 5);
    let complaint = &*format!(
        "binq: error: {}: short; the file is unchanged\n",
        other.display()
    );
    assert_eq!(said.err, complaint);
    assert!(fs::read(&seg).unwrap() == changed());
    assert!(fs::read(&other).unwrap() == fs::read(sample("pg15-switch.wal")).unwrap());
}

#[test]
fn what_fails_leaves_the_original_whole() {
    for (filter, code, part) in [
        ("error(\"no\")", 5, "no; the file is unchanged"),
        (".records[3].xl_xid = 7 | error(\"late\")", 5, "late"),
        (
            ".records[3].xl_xid = \"many\"",
            5,
            "takes an integer from 0 to 4294967295",
        ),
        ("empty", 5, "no result"),
        (
            "(.records[3].xl_xid = 7), (.records[3].xl_xid = 8)",
            5,
            "more than one result",
        ),
        (".records[3]", 5, ".records[3]"),
        ("1", 5, "must be the decoded file"),
        ("{pages: .pages}", 5, "must be the decoded file"),
        (".records += [.records[3]]", 5, "by 64 bytes"),
        (".records[", 3, "error"),
        ("nosuch", 3, "nosuch"),
    ] {
        let (dir, seg) = with_copy("pg15.wal");
        let before = fs::metadata(&seg).unwrap();
        let said = in_place("-i.orig", filter, &seg);
        assert_eq!(said.code, code, "{filter}: {}", said.err);
        assert!(said.err.contains(part), "{filter}: {}", said.err);
        assert!(said.out.is_empty(), "{filter}");
        let after = fs::metadata(&seg).unwrap();
        assert_eq!(
            (before.ino(), before.mtime_nsec()),
            (after.ino(), after.mtime_nsec()),
            "{filter}"
        );
        assert!(fs::read(&seg).unwrap() == original(), "{filter}");
        assert_eq!(
            names(dir.path()),
            ["SEG"],
            "{filter}: no file is left behind"
        );
    }
}

/// `halt` ends the program: what came before it is written, and the files after it are left as they are.
#[test]
fn halting() {
    let bye = "bye\n";
    for (filter, code, err, written) in [
        ("halt", 0, "", false),
        (".records[0] | halt", 0, "", false),
        (&*format!("{EDIT}, halt"), 0, "", true),
        (
            &*format!("{EDIT}, (\"bye\\n\" | halt_error)"),
            5,
            bye,
            false,
        ),
        ("\"bye\\n\" | halt_error(3)", 3, bye, false),
        ("\"bye\\n\" | halt_error(0)", 0, bye, false),
    ] {
        let (dir, seg) = with_copy("pg15.wal");
        let second = dir.path().join("second");
        fs::copy(&seg, &second).unwrap();
        let said = binq([
            "-i".as_ref(),
            filter.as_ref(),
            seg.as_os_str(),
            second.as_os_str(),
        ]);
        assert_eq!((said.code, &*said.err), (code, err), "{filter}");
        assert!(said.out.is_empty(), "{filter}");
        let expected = if written { changed() } else { original() };
        assert!(fs::read(&seg).unwrap() == expected, "{filter}");
        assert!(fs::read(&second).unwrap() == original(), "{filter}");
    }
    // an error after the result is told as what it is
    let (_dir, seg) = with_copy("pg15.wal");
    let said = in_place("-i", &format!("{EDIT}, error(\"x\")"), &seg);
    assert_eq!(said.code, 5);
    assert!(
        said.err.ends_with(": x; the file is unchanged\n"),
        "{}",
        said.err
    );
    assert!(fs::read(&seg).unwrap() == original());
}

#[test]
fn a_directory_that_cannot_be_written_to() {
    let (dir, seg) = with_copy("pg15.wal");
    let kept = binq_ok(["-b".as_ref(), ".".as_ref(), seg.as_os_str()]);
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o555)).unwrap();
    let mut command = Command::new(BINQ);
    command.args(["-i.orig".as_ref(), EDIT.as_ref(), seg.as_os_str()]);
    if is_root() {
        use std::os::unix::process::CommandExt;
        // nobody has no way into the directory of the build: give them a binary of their own
        let own = tempfile::tempdir().unwrap();
        let program = own.path().join("binq");
        fs::copy(BINQ, &program).unwrap();
        fs::set_permissions(own.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let mut command = Command::new(&program);
        command.args(["-i.orig".as_ref(), EDIT.as_ref(), seg.as_os_str()]);
        let said = run(command.uid(65_534).gid(65_534));
        whole_after_refusal(&said, dir.path(), &seg, &kept);
    } else {
        whole_after_refusal(&run(&mut command), dir.path(), &seg, &kept);
    }
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
}

#[track_caller]
fn whole_after_refusal(said: &Said, dir: &Path, seg: &Path, kept: &[u8]) {
    assert_eq!(said.code, 5, "{}", said.err);
    assert!(said.err.contains("ermission denied"), "{}", said.err);
    assert!(said.err.contains("the file is unchanged"), "{}", said.err);
    assert_eq!(names(dir), ["SEG"]);
    assert!(fs::read(seg).unwrap() == kept);
}

#[test]
fn what_does_not_go_with_it() {
    let (_dir, seg) = with_copy("pg15.wal");
    for flag in ["-n", "-s", "-b"] {
        let said = binq(["-i".as_ref(), flag.as_ref(), ".".as_ref(), seg.as_os_str()]);
        assert_eq!(said.code, 2, "-i {flag}: {}", said.err);
        assert!(
            said.err.contains("cannot be used with"),
            "-i {flag}: {}",
            said.err
        );
    }
    let said = binq(["-i", "."]);
    assert_eq!(
        (said.code, said.err.as_str()),
        (2, "binq: error: -i needs a FILE to write back to\n")
    );
    let said = binq(["-i", ".", "-"]);
    assert_eq!(
        (said.code, said.err.as_str()),
        (
            2,
            "binq: error: -i needs a FILE to write back to, not standard input\n"
        )
    );
}

#[test]
fn only_what_was_assigned() {
    let (_dir, seg) = with_copy("pg15.wal");
    let said = binq([
        "-i".as_ref(),
        "--no-fix".as_ref(),
        ".records[3].xl_tot_len = 0".as_ref(),
        seg.as_os_str(),
    ]);
    quiet(&said);
    let (old, new) = (original(), fs::read(&seg).unwrap());
    let differ: Vec<_> = (0..old.len()).filter(|i| old[*i] != new[*i]).collect();
    assert_eq!(differ, [8760]);
}
