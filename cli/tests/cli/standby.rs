//! A real server replays what binq wrote.
//!
//! For each major that the machine has: a primary archives a segment, binq rewrites a record of it, and a standby that is
//! fed with it by `restore_command` says what it made of that. The servers listen on a socket in a temporary directory and
//! nowhere else.

use crate::common::{Said, binq_ok, run};
use crate::oracle::{psql, server, skip};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(60);

/// Who runs the servers: Postgres refuses to be root.
#[derive(Clone, Copy)]
struct User {
    /// `None`: whoever runs the tests.
    ids: Option<(u32, u32)>,
}

impl User {
    /// A user who is not root and can write to a directory of ours, or why there is none.
    fn find(dir: &Path) -> Result<Self, String> {
        let we = fs::metadata(dir).map_err(|e| e.to_string())?;
        if we.uid() != 0 {
            return Ok(Self { ids: None });
        }
        let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
        for name in ["postgres", "nobody"] {
            let line = users.lines().find(|l| l.split(':').next() == Some(name));
            let mut cells = line.into_iter().flat_map(|l| l.split(':')).skip(2);
            let mut id = || cells.next().and_then(|c| c.parse::<u32>().ok());
            let Some(ids) = id().zip(id()) else {
                continue;
            };
            let user = Self { ids: Some(ids) };
            let file = dir.join("can-write");
            let _ = user.own(dir);
            let mut touch = user.command(Path::new("touch"));
            let can = touch.arg(&file).output().is_ok_and(|o| o.status.success());
            if can {
                return Ok(user);
            }
        }
        Err(format!(
            "we are root, and neither postgres nor nobody can write to {}",
            dir.display()
        ))
    }

    /// Give a file to this user.
    fn own(self, path: &Path) -> std::io::Result<()> {
        match self.ids {
            Some((uid, gid)) => chown(path, Some(uid), Some(gid)),
            None => Ok(()),
        }
    }

    fn command(self, program: &Path) -> Command {
        let mut command = Command::new(program);
        if let Some((uid, gid)) = self.ids {
            // this drops the groups of root as well
            command.uid(uid).gid(gid);
        }
        command
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("LC_ALL", "C")
            .current_dir("/");
        command
    }
}

#[track_caller]
fn succeed(command: &mut Command) -> String {
    let said = run(command);
    assert_eq!(
        said.code,
        0,
        "{command:?}: {}{}",
        String::from_utf8_lossy(&said.out),
        said.err
    );
    String::from_utf8(said.out).unwrap()
}

/// A place with a server's programs, a user, and a directory for all files.
struct Place {
    major: u32,
    bin: &'static Path,
    psql: &'static Path,
    user: User,
    dir: TempDir,
}

impl Place {
    fn find(major: u32) -> Result<Self, String> {
        let bin = server(major).ok_or_else(|| format!("no server of major {major}"))?;
        let psql = psql().ok_or("no psql")?;
        // $TMPDIR may be somewhere that only we can reach; and the path of a socket must be short
        let mut why = String::new();
        for parent in [std::env::temp_dir(), PathBuf::from("/tmp")] {
            let made = tempfile::Builder::new()
                .prefix("binq-pg-")
                .tempdir_in(parent);
            let dir = made.map_err(|e| e.to_string())?;
            fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
            match User::find(dir.path()) {
                Ok(user) => {
                    return Ok(Self {
                        major,
                        bin,
                        psql,
                        user,
                        dir,
                    });
                }
                Err(e) => why = e,
            }
        }
        Err(why)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn make_dir(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir(&path).unwrap();
        self.user.own(&path).unwrap();
        path
    }

    fn write(&self, path: &Path, bytes: &[u8]) {
        fs::write(path, bytes).unwrap();
        self.user.own(path).unwrap();
    }

    fn copy_tree(&self, from: &Path, to: &Path) {
        succeed(
            self.user
                .command(Path::new("cp"))
                .arg("-R")
                .arg("-p")
                .arg(from)
                .arg(to),
        );
    }
}

/// A running server. It is stopped when this is dropped.
struct Server<'a> {
    place: &'a Place,
    data: PathBuf,
    log: PathBuf,
    socket: PathBuf,
}

impl<'a> Server<'a> {
    fn start(place: &'a Place, name: &str, data: &Path) -> Self {
        let socket = place.make_dir(&format!("{name}.s"));
        let log = place.path(&format!("{name}.log"));
        // dropped, and so stopped, also if the start fails half-way
        let server = Self {
            place,
            data: data.to_owned(),
            log: log.clone(),
            socket: socket.clone(),
        };
        let mut start = place.user.command(&place.bin.join("pg_ctl"));
        start
            .args(["-w", "-t", "60", "-D"])
            .arg(data)
            .arg("-l")
            .arg(&log);
        start.arg("-o").arg(format!("-k {}", socket.display()));
        let said = run(start.arg("start"));
        assert_eq!(
            said.code,
            0,
            "{name} does not start: {}\n{}",
            said.err,
            server.log()
        );
        server
    }

    fn log(&self) -> String {
        fs::read(&self.log).map_or_else(
            |e| e.to_string(),
            |b| String::from_utf8_lossy(&b).into_owned(),
        )
    }

    fn stop(&self, how: &str) -> Said {
        let mut stop = self.place.user.command(&self.place.bin.join("pg_ctl"));
        run(stop
            .args(["-w", "-t", "60", "-m", how, "-D"])
            .arg(&self.data)
            .arg("stop"))
    }

    /// Each statement in its own transaction; the rows of all of them.
    fn sql(&self, statements: &[&str]) -> String {
        let mut psql = self.place.user.command(self.place.psql);
        psql.args([
            "-XAtq",
            "-v",
            "ON_ERROR_STOP=1",
            "-U",
            "postgres",
            "-d",
            "postgres",
            "-h",
        ]);
        psql.arg(&self.socket);
        for statement in statements {
            psql.args(["-c", statement]);
        }
        succeed(&mut psql)
    }

    /// Wait until it is so.
    #[track_caller]
    fn wait(&self, what: &str, mut until: impl FnMut(&Self) -> bool) {
        let start = Instant::now();
        while !until(self) {
            assert!(
                start.elapsed() < PATIENCE,
                "waited {PATIENCE:?} for {what}; the log of the server:\n{}",
                self.log()
            );
            sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Server<'_> {
    fn drop(&mut self) {
        // only while it runs, and only this one: pg_ctl reads its id from the data directory
        if self.data.join("postmaster.pid").exists() {
            self.stop("immediate");
        }
    }
}

/// What a primary left behind.
struct Archived {
    /// A copy of its data directory, from before the segments.
    base: PathBuf,
    archive: PathBuf,
    /// A segment's name; it holds two INSERTs, a logical message between them, and a SWITCH.
    segment: String,
    /// The one after it: full, of records of several pages, the last of which goes on in the next.
    full: String,
}

fn archived(place: &Place) -> Archived {
    let (data, base, archive) = (
        place.path("primary"),
        place.path("base"),
        place.make_dir("archive"),
    );
    let mut initdb = place.user.command(&place.bin.join("initdb"));
    initdb.args(["--wal-segsize=1", "-N", "-A", "trust", "-U", "postgres"]);
    initdb.args(["-E", "UTF8", "--no-locale", "-D"]).arg(&data);
    if place.major >= 18 {
        // with checksums, images of pages are written for hint bits as well, and would bring the old values back
        initdb.arg("--no-data-checksums");
    }
    succeed(&mut initdb);
    let conf = data.join("postgresql.conf");
    let more = format!(
        "\nlisten_addresses = ''\nwal_level = replica\nfull_page_writes = off\nfsync = off\nautovacuum = off\n\
         checkpoint_timeout = 1h\nshared_buffers = 16MB\nmax_connections = 10\nhot_standby = on\n\
         archive_mode = on\n\
         archive_command = 'cp \"%p\" \"{0}/%f.part\" && mv \"{0}/%f.part\" \"{0}/%f\"'\n",
        archive.display()
    );
    let text = fs::read_to_string(&conf).unwrap() + &more;
    place.write(&conf, text.as_bytes());

    let primary = Server::start(place, "primary-1", &data);
    primary.sql(&[
        "CREATE TABLE fruit (id int, name text)",
        "CREATE TABLE filler (id int, name text)",
    ]);
    assert_eq!(primary.stop("fast").code, 0);
    drop(primary);
    place.copy_tree(&data, &base);

    let primary = Server::start(place, "primary-2", &data);
    let segment = primary.sql(&[
        // what follows is in one segment, whatever came before
        "SELECT FROM pg_switch_wal()",
        "INSERT INTO fruit VALUES (1, 'apple')",
        "SELECT FROM pg_logical_emit_message(false, 'binq', 'remove me')",
        "INSERT INTO fruit VALUES (2, 'cherry')",
        "SELECT pg_walfile_name(pg_current_wal_lsn())",
        "SELECT FROM pg_switch_wal()",
    ]);
    let big = |n: u32| {
        let message = "pg_logical_emit_message(false, 'big', repeat('of several pages', 2000))";
        format!("DO $$ BEGIN PERFORM {message} FROM generate_series(1, {n}); END $$")
    };
    let last = primary.sql(&[
        "SELECT FROM pg_logical_emit_message(false, 'binq', 'the first one')",
        "SELECT pg_walfile_name(pg_current_wal_insert_lsn())",
        &big(10),
        "INSERT INTO filler SELECT n, repeat('some more', 10) FROM generate_series(1, 1000) n",
        &big(40),
        "INSERT INTO fruit VALUES (3, 'plum')",
        "SELECT pg_walfile_name(pg_current_wal_lsn())",
        "SELECT FROM pg_switch_wal()",
    ]);
    let names: Vec<&str> = last.lines().collect();
    let [full, last] = names[..] else {
        panic!("two names: {last}");
    };
    let file = archive.join(last);
    primary.wait("the archived segments", |_| file.exists());
    Archived {
        base,
        archive,
        segment: segment.trim().to_owned(),
        full: full.to_owned(),
    }
}

impl Archived {
    fn file(&self) -> PathBuf {
        self.archive.join(&self.segment)
    }

    /// A segment as it becomes by a filter.
    fn edited(&self, segment: &str, options: &[&str], filter: &str) -> Vec<u8> {
        let original = self.archive.join(segment);
        let mut args = options.to_vec();
        args.extend(["-b", filter, original.to_str().unwrap()]);
        let bytes = binq_ok(args);
        let old = fs::read(&original).unwrap();
        assert!(bytes != old, "{filter} changes the segment");
        assert_eq!(bytes.len(), old.len(), "{filter}");
        bytes
    }

    /// The one result of a filter over the archived segment.
    fn ask(&self, filter: &str) -> String {
        let out = binq_ok(["-r".as_ref(), filter.as_ref(), self.file().as_os_str()]);
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text.lines().count(), 1, "{filter}: {text}");
        text.trim_end().to_owned()
    }

    /// The number of the only record that a condition holds for.
    fn number(&self, condition: &str) -> String {
        self.ask(&format!(
            ".records as $r | range($r | length) | select($r[.] | {condition})"
        ))
    }

    /// A standby that gets the segment as it became by a filter.
    fn standby<'a>(
        &self,
        place: &'a Place,
        name: &str,
        options: &[&str],
        filter: &str,
    ) -> Server<'a> {
        let bytes = self.edited(&self.segment, options, filter);
        self.standby_with(place, name, &[(&self.segment, bytes)])
    }

    /// A standby that gets some segments as they are here.
    fn standby_with<'a>(
        &self,
        place: &'a Place,
        name: &str,
        segments: &[(&str, Vec<u8>)],
    ) -> Server<'a> {
        let restore = place.path(&format!("{name}.restore"));
        place.copy_tree(&self.archive, &restore);
        for (segment, bytes) in segments {
            place.write(&restore.join(segment), bytes);
        }

        let data = place.path(name);
        place.copy_tree(&self.base, &data);
        // the log comes from the archive, and from nowhere else
        for entry in fs::read_dir(data.join("pg_wal")).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                fs::remove_file(path).unwrap();
            }
        }
        let conf = data.join("postgresql.conf");
        let more = format!(
            "\narchive_mode = off\nrestore_command = 'cp \"{}/%f\" \"%p\"'\n",
            restore.display()
        );
        let text = fs::read_to_string(&conf).unwrap() + &more;
        place.write(&conf, text.as_bytes());
        place.write(&data.join("standby.signal"), b"");
        Server::start(place, name, &data)
    }
}

const ROWS: &str = "SELECT string_agg(id || ' ' || name, ', ' ORDER BY id) FROM fruit";
const INSERT: &str = r#".rmgr == "Heap" and .record_type[:6] == "INSERT""#;

/// Lines of a log that tell of a log that cannot be read on.
fn complaints(log: &str) -> Vec<&str> {
    let wrong = [
        "invalid record length",
        "incorrect",
        "unexpected pageaddr",
        "FATAL",
        "PANIC",
    ];
    let bad = |l: &&str| wrong.iter().any(|w| l.contains(w));
    log.lines().filter(bad).collect()
}

fn replays(major: u32) {
    let place = match Place::find(major) {
        Ok(place) => place,
        Err(why) => return skip(major, &why),
    };
    let archived = archived(&place);
    let find = |text: &str| {
        archived.number(&format!(
            r#"{INSERT} and (.blocks[0].data | tostring | contains("{text}"))"#
        ))
    };
    let (apple, cherry) = (find("apple"), find("cherry"));

    // a length of zero: the server's own complaint, at the place that binq names
    let lsn = archived.ask(&format!(".records[{cherry}].lsn"));
    let wanted = match major {
        ..=15 => "wanted 24, got 0",
        _ => "expected at least 24, got 0",
    };
    let line = format!("invalid record length at {lsn}: {wanted}");
    for (name, options) in [("fixed", &[][..]), ("no-fix", &["--no-fix"])] {
        let filter = format!(".records[{cherry}].xl_tot_len = 0");
        let standby = archived.standby(&place, name, options, &filter);
        standby.wait(&line, |s| s.log().lines().any(|l| l.ends_with(&line)));
        assert_eq!(
            standby.sql(&[ROWS]),
            "1 apple\n",
            "{name}: the record before, and not this one"
        );
    }

    // another value, with the checksum that goes with it
    let filter = format!(r#".records[{apple}].blocks[0].data |= sub("apple"; "grape")"#);
    let standby = archived.standby(&place, "value", &[], &filter);
    standby.wait("the rows", |s| s.sql(&[ROWS]).contains("plum"));
    assert_eq!(standby.sql(&[ROWS]), "1 grape, 2 cherry, 3 plum\n");
    assert_eq!(complaints(&standby.log()), [""; 0]);
    drop(standby);

    // without the checksum, the server does not take it
    let standby = archived.standby(&place, "bad-sum", &["--no-fix"], &filter);
    let lsn = archived.ask(&format!(".records[{apple}].lsn"));
    let line = format!("incorrect resource manager data checksum in record at {lsn}");
    standby.wait(&line, |s| s.log().lines().any(|l| l.ends_with(&line)));
    assert_eq!(standby.sql(&[ROWS]), "\n");
    drop(standby);

    // a record less: those after it moved up, and are read through
    let message = archived.number(r#".rmgr == "LogicalMessage""#);
    let filter = format!("del(.records[{message}])");
    let standby = archived.standby(&place, "deleted", &[], &filter);
    standby.wait("the rows", |s| s.sql(&[ROWS]).contains("plum"));
    assert_eq!(standby.sql(&[ROWS]), "1 apple, 2 cherry, 3 plum\n");
    assert_eq!(complaints(&standby.log()), [""; 0]);
    drop(standby);

    // a longer value: growth inside the log
    let filter = format!(
        r#".records[{message}].main_data |= . + "and more of it, so that the next one moves""#
    );
    let standby = archived.standby(&place, "grown", &[], &filter);
    standby.wait("the rows", |s| s.sql(&[ROWS]).contains("cherry"));
    drop(standby);

    full_segments(&place, &archived);
}

/// Edits that move the records of a full segment: the next one, which nobody edited, goes on from it.
fn full_segments(place: &Place, archived: &Archived) {
    const BIG: &str = r#"(.rmgr == "LogicalMessage" and .xl_tot_len > 8192)"#;
    for (name, filter) in [
        ("first", "del(.records[0])".to_owned()),
        ("big", format!("del(first(.records[] | select({BIG})))")),
        ("last", "del(.records[-1])".to_owned()),
        ("all", format!(".records |= map(select({BIG} | not))")),
        (
            // a big record less makes room for copies of others, and for more of them
            "inserted",
            format!(
                r#"first(.records[] | select({BIG})) |= (.main_data |= .[:9000])
                   | first(.records[] | select({BIG})) as $shorter
                   | .records |= .[:2] + [$shorter, $shorter] + .[2:]"#
            ),
        ),
    ] {
        let bytes = archived.edited(&archived.full, &[], &filter);
        let standby = archived.standby_with(place, name, &[(&archived.full, bytes)]);
        standby.wait(&format!("the rows after {filter}"), |s| {
            s.sql(&[ROWS]).contains("plum")
        });
        assert_eq!(
            standby.sql(&[ROWS, "SELECT count(*) FROM filler"]),
            "1 apple, 2 cherry, 3 plum\n1000\n",
            "{filter}"
        );
        assert_eq!(complaints(&standby.log()), [""; 0], "{filter}");
    }
}

macro_rules! majors {
    ($($name:ident $major:literal)*) => {
        $(#[test] fn $name() { replays($major) })*
    };
}

majors! {
    major_12 12
    major_13 13
    major_14 14
    major_15 15
    major_16 16
    major_17 17
    major_18 18
}
