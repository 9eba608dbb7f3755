//! `-i`, and what else there is beside the bytes: other processes, signals, attributes, links.

use crate::common::{BINQ, Said, Waiting, binq, binq_ok, run, sample, with_copy};
use rustix::fs::{FlockOperation, XattrFlags, flock, getxattr, setxattr};
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

const EDIT: &str = ".records[3].xl_xid = 7";

fn original() -> Vec<u8> {
    fs::read(sample("pg15.wal")).unwrap()
}

fn xid(file: &Path) -> String {
    let said = binq([".records[3].xl_xid".as_ref(), file.as_os_str()]);
    said.text().trim_end().to_owned()
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name());
    let mut all: Vec<_> = entries.map(|n| n.into_string().unwrap()).collect();
    all.sort();
    all
}

/// An edit of `SEG` in place that waits, with the file opened and locked, for a pipe.
fn waiting(dir: &Path) -> Waiting {
    let filter = format!("(try input catch empty | empty), ({EDIT})");
    let mut binq = Command::new(BINQ);
    binq.args(["-i", &filter, "SEG", "pipe"]).current_dir(dir);
    Waiting::start(&mut binq, &dir.join("pipe"))
}

#[track_caller]
fn refused(said: &Said, why: &str, file: &Path) {
    assert!(said.err.contains(why), "{}", said.err);
    assert!(
        said.err.contains("; the file is unchanged\n"),
        "{}",
        said.err
    );
    assert_ne!(said.code, 0);
    assert_ne!(xid(file), "7");
}

#[test]
fn two_at_a_time() {
    let (dir, seg) = with_copy("pg15.wal");
    let first = waiting(dir.path());
    let said = binq(["-i".as_ref(), EDIT.as_ref(), seg.as_os_str()]);
    assert_eq!(said.code, 5);
    refused(&said, "locked", &seg);
    let said = first.go_on();
    // there was nothing in the pipe
    assert_eq!(said.code, 6, "{}", said.err);
    assert_eq!(xid(&seg), "7");
    // the lock is gone with the process, and with the file
    let said = binq([
        "-i".as_ref(),
        ".records[3].xl_xid = 8".as_ref(),
        seg.as_os_str(),
        seg.as_os_str(),
    ]);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
}

#[test]
fn a_lock_of_another_program() {
    let (dir, seg) = with_copy("pg15.wal");
    let file = File::open(&seg).unwrap();
    flock(&file, FlockOperation::NonBlockingLockExclusive).unwrap();
    let said = binq(["-i".as_ref(), EDIT.as_ref(), seg.as_os_str()]);
    assert_eq!(said.code, 5);
    refused(&said, "locked", &seg);
    drop(file);
    let said = binq(["-i".as_ref(), EDIT.as_ref(), seg.as_os_str()]);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    assert_eq!(names(dir.path()), ["SEG"]);
}

type Change = (&'static str, fn(&Path));

#[test]
fn a_file_that_changes_meanwhile() {
    let changes: [Change; 4] = [
        ("written to", |seg| {
            let mut file = OpenOptions::new().write(true).open(seg).unwrap();
            file.write_all(&original()[..1]).unwrap();
        }),
        ("longer", |seg| {
            let mut file = OpenOptions::new().append(true).open(seg).unwrap();
            file.write_all(b"x").unwrap();
        }),
        ("shorter", |seg| {
            let file = OpenOptions::new().write(true).open(seg).unwrap();
            file.set_len(original().len() as u64 - 1).unwrap();
        }),
        ("another one", |seg| {
            let new = seg.with_file_name("new");
            fs::copy(seg, &new).unwrap();
            fs::rename(new, seg).unwrap();
        }),
    ];
    for (what, change) in changes {
        let (dir, seg) = with_copy("pg15.wal");
        // the system keeps time in steps
        sleep(Duration::from_millis(20));
        let edit = waiting(dir.path());
        change(&seg);
        let said = edit.go_on();
        let why = if what == "shorter" {
            "became shorter"
        } else {
            "was changed or replaced"
        };
        refused(&said, why, &seg);
        assert_eq!(names(dir.path()), ["SEG", "pipe"], "{what}");
    }
}

#[test]
fn attributes_and_access_control_lists() {
    let (_dir, seg) = with_copy("pg15.wal");
    // version 2; the owner, user 1234, the group, the mask, others
    let mut acl = vec![2, 0, 0, 0];
    for (tag, rights, id) in [
        (1u16, 6u16, !0u32),
        (2, 4, 1234),
        (4, 4, !0),
        (16, 4, !0),
        (32, 0, !0),
    ] {
        acl.extend(tag.to_le_bytes());
        acl.extend(rights.to_le_bytes());
        acl.extend(id.to_le_bytes());
    }
    let long = vec![b'x'; 1000];
    let mut set = vec![
        ("user.note", &b"a \xff note"[..]),
        ("user.empty", b""),
        ("user.long", &long),
    ];
    if setxattr(&seg, "user.note", b"", XattrFlags::empty()).is_err() {
        return binq_laws::skip_anyway("the file system has no extended attributes");
    }
    match setxattr(&seg, "system.posix_acl_access", &acl, XattrFlags::empty()) {
        Ok(()) => set.push(("system.posix_acl_access", &acl)),
        Err(_) => binq_laws::skip_anyway("the file system has no access control lists"),
    }
    for (name, value) in &set {
        setxattr(&seg, *name, value, XattrFlags::empty()).unwrap();
    }
    let mode = fs::metadata(&seg).unwrap().mode();
    let said = binq(["-i".as_ref(), EDIT.as_ref(), seg.as_os_str()]);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    assert_eq!(xid(&seg), "7");
    for (name, value) in &set {
        let mut buf = [0; 2000];
        let len = getxattr(&seg, *name, &mut buf[..]).unwrap();
        assert!(buf[..len] == **value, "{name}");
    }
    assert_eq!(fs::metadata(&seg).unwrap().mode(), mode);
}

/// A folder may give lists to new files: one that had none gets none.
#[test]
fn no_access_control_list_where_there_was_none() {
    let (dir, seg) = with_copy("pg15.wal");
    let mut acl = vec![2, 0, 0, 0];
    for (tag, rights, id) in [
        (1u16, 7u16, !0u32),
        (2, 7, 1234),
        (4, 7, !0),
        (16, 7, !0),
        (32, 7, !0),
    ] {
        acl.extend(tag.to_le_bytes());
        acl.extend(rights.to_le_bytes());
        acl.extend(id.to_le_bytes());
    }
    if setxattr(
        dir.path(),
        "system.posix_acl_default",
        &acl,
        XattrFlags::empty(),
    )
    .is_err()
    {
        return binq_laws::skip_anyway("the file system has no access control lists");
    }
    let has = |path: &Path| getxattr(path, "system.posix_acl_access", &mut [0u8; 200][..]).is_ok();
    fs::write(dir.path().join("new"), "").unwrap();
    assert!(has(&dir.path().join("new")), "the folder gives lists");
    assert!(!has(&seg));
    let said = binq(["-i".as_ref(), EDIT.as_ref(), seg.as_os_str()]);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    assert!(!has(&seg));
}

#[test]
fn a_hard_link_is_parted_and_that_is_told() {
    let (dir, seg) = with_copy("pg15.wal");
    let other = dir.path().join("OTHER");
    fs::hard_link(&seg, &other).unwrap();
    let said = binq(["-i".as_ref(), EDIT.as_ref(), seg.as_os_str()]);
    let name = seg.display();
    let told = format!(
        "binq: {name}: it had 1 other name (hard links), which stand for the old bytes still\n"
    );
    assert_eq!(
        (said.code, said.err.as_str()),
        (0, told.replace("stand", "stands").as_str())
    );
    assert_eq!(xid(&seg), "7");
    assert!(fs::read(&other).unwrap() == original());
    // now it has one name
    let said = binq([
        "-i".as_ref(),
        ".records[3].xl_xid = 8".as_ref(),
        seg.as_os_str(),
    ]);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
}

#[test]
fn a_backup_that_is_a_link() {
    let (dir, seg) = with_copy("pg15.wal");
    let orig = dir.path().join("SEG.orig");
    // a link to the file itself keeps nothing
    symlink("SEG", &orig).unwrap();
    let said = binq(["-i.orig".as_ref(), EDIT.as_ref(), seg.as_os_str()]);
    assert_eq!(said.code, 5);
    refused(&said, "names the file itself", &seg);
    assert!(fs::symlink_metadata(&orig).unwrap().is_symlink());
    // one to elsewhere gives way, and what it leads to stays
    fs::remove_file(&orig).unwrap();
    fs::write(dir.path().join("other"), "other").unwrap();
    symlink("other", &orig).unwrap();
    let said = binq(["-i.orig".as_ref(), EDIT.as_ref(), seg.as_os_str()]);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    assert_eq!(fs::read(dir.path().join("other")).unwrap(), b"other");
    assert!(fs::read(&orig).unwrap() == original());
    assert!(fs::symlink_metadata(&orig).unwrap().is_file());
    assert_eq!(names(dir.path()), ["SEG", "SEG.orig", "other"]);
}

/// A second name of the file has the original already.
#[test]
fn a_backup_that_is_the_same_file() {
    let (dir, seg) = with_copy("pg15.wal");
    fs::hard_link(&seg, dir.path().join("SEG.orig")).unwrap();
    let said = binq(["-i.orig".as_ref(), EDIT.as_ref(), seg.as_os_str()]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(fs::read(dir.path().join("SEG.orig")).unwrap() == original());
    assert_eq!(names(dir.path()), ["SEG", "SEG.orig"]);
}

/// A signal at any moment leaves the old file or the new one, and nothing else.
#[test]
fn signals() {
    let edit = "del(.records[0])";
    let changed = binq_ok(["-b".as_ref(), edit.as_ref(), sample("pg15.wal").as_os_str()]);
    for signal in [libc_signal("INT"), libc_signal("TERM"), libc_signal("HUP")] {
        for wait in 0..16 {
            let (dir, seg) = with_copy("pg15.wal");
            let mut child = Command::new(BINQ)
                .args(["-i".as_ref(), edit.as_ref(), seg.as_os_str()])
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            sleep(Duration::from_millis(wait * 8));
            let kill = format!("kill -{} {}", signal.0, child.id());
            let _ = Command::new("sh")
                .args(["-c", &kill])
                .stderr(Stdio::null())
                .status();
            let status = child.wait().unwrap();
            assert!(
                status.success() || status.signal() == Some(signal.1),
                "{status}"
            );
            assert_eq!(names(dir.path()), ["SEG"], "{} after {wait}", signal.0);
            let now = fs::read(&seg).unwrap();
            assert!(now == original() || now == changed);
            assert!(now != original() || !status.success());
        }
    }
}

fn libc_signal(name: &'static str) -> (&'static str, i32) {
    let number = match name {
        "HUP" => 1,
        "INT" => 2,
        _ => 15,
    };
    (name, number)
}

/// What `nohup` has ignored stays ignored.
#[test]
fn an_ignored_signal() {
    let (dir, seg) = with_copy("pg15.wal");
    let line = format!(
        "trap '' HUP; {BINQ} -i '{EDIT} | until(false; .)' SEG & sleep 0.3; kill -HUP $!; sleep 0.2; kill -0 $! && kill -TERM $!"
    );
    let mut sh = Command::new("sh");
    sh.args(["-c", &line]).current_dir(dir.path());
    assert_eq!(run(&mut sh).code, 0, "it was there after the signal");
    assert!(fs::read(&seg).unwrap() == original());
}

#[test]
fn a_file_size_limit() {
    for flag in ["-i", "-i.orig"] {
        let (dir, seg) = with_copy("pg15.wal");
        let line = format!("ulimit -f 200; exec {BINQ} {flag} '{EDIT}' SEG");
        let said = run(Command::new("sh")
            .args(["-c", &line])
            .current_dir(dir.path()));
        assert_eq!(said.code, 5, "{}", said.err);
        refused(&said, "File too large", &seg);
        assert_eq!(names(dir.path()), ["SEG"]);
    }
}

/// Few bytes are written all at once, at the end: what fails there is told, too.
#[test]
fn a_file_size_limit_of_a_small_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("F");
    fs::write(&file, [8, 1]).unwrap();
    let line = format!("ulimit -f 0; exec {BINQ} -d protobuf -i '.\"1\" = 5' F");
    let said = run(Command::new("sh")
        .args(["-c", &line])
        .current_dir(dir.path()));
    assert_eq!(said.code, 5, "{}", said.err);
    assert!(said.err.contains("File too large"), "{}", said.err);
    assert_eq!(fs::read(&file).unwrap(), [8, 1]);
    assert_eq!(names(dir.path()), ["F"]);
}

/// A folder that may be written to, but not be opened: the rename works, what comes after it does not.
#[test]
fn what_fails_after_the_rename_is_told() {
    let (dir, seg) = with_copy("pg15.wal");
    let own = tempfile::tempdir().unwrap();
    let program = own.path().join("binq");
    fs::copy(BINQ, &program).unwrap();
    for (path, mode) in [(own.path(), 0o755), (&seg, 0o666), (dir.path(), 0o1333)] {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }
    let mut command = Command::new(&program);
    command.args(["-i".as_ref(), EDIT.as_ref(), seg.as_os_str()]);
    if fs::metadata("/proc/self").is_ok_and(|m| m.uid() == 0) {
        // only its owner can replace a file in such a folder
        std::os::unix::fs::chown(&seg, Some(65_534), Some(65_534)).unwrap();
        command.uid(65_534).gid(65_534);
    }
    let said = run(&mut command);
    fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
    assert_eq!(said.code, 5, "{}", said.err);
    assert!(
        said.err.contains(
            ": the file was replaced, but its folder cannot be synced: Permission denied"
        ),
        "{}",
        said.err
    );
    assert!(!said.err.contains("unchanged"), "{}", said.err);
    assert_eq!(xid(&seg), "7");
    assert_eq!(names(dir.path()), ["SEG"]);
}
