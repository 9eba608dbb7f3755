//! A file on its way to its name.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use tempfile::TempPath;

/// What names of files on their way begin with.
const PREFIX: &str = ".binq-";

/// A new file beside the one that it is going to replace. It is gone if it never gets there.
pub struct Staged {
    file: File,
    /// Its name for the time being, where it has one.
    temporary: Option<TempPath>,
    dir: PathBuf,
}

impl Staged {
    /// An empty file in this folder: one without a name, which vanishes with the process, where the file system has such.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn new(dir: &Path) -> io::Result<Self> {
        #[cfg(target_os = "linux")]
        if let Some(file) = nameless(dir) {
            return Ok(Self {
                file,
                temporary: None,
                dir: dir.to_owned(),
            });
        }
        Self::named(dir.to_owned())
    }

    /// One with a name for the time being, which a signal removes.
    fn named(dir: PathBuf) -> io::Result<Self> {
        let (file, temporary) = held(|names| {
            let new = tempfile::Builder::new().prefix(PREFIX).tempfile_in(&dir)?;
            names.push(new.path().to_owned());
            io::Result::Ok(new.into_parts())
        })?;
        Ok(Self {
            file,
            temporary: Some(temporary),
            dir,
        })
    }

    /// The file.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Give it this name, in place of what has it.
    ///
    /// # Errors
    /// Those of the file system; the name then stands for what it stood for.
    pub fn put(self, path: &Path) -> io::Result<()> {
        held(|names| {
            let temporary = match self.temporary {
                Some(temporary) => temporary,
                None => temporary_name(&self.dir, |name| link(&self.file, name))?,
            };
            let put = temporary.persist(path);
            names.clear();
            put.map_err(|e| e.error)
        })
    }
}

/// Give a file a second name, in place of what has it.
///
/// # Errors
/// Those of the file system.
pub fn linked(path: &Path, name: &Path) -> io::Result<()> {
    let dir = name.parent().unwrap_or(Path::new("/"));
    held(|_| {
        let temporary = temporary_name(dir, |at| fs::hard_link(path, at))?;
        temporary.persist(name).map_err(|e| e.error)
    })
}

/// A name that nothing has, for what `make` makes under it.
fn temporary_name(dir: &Path, make: impl FnMut(&Path) -> io::Result<()>) -> io::Result<TempPath> {
    let made = tempfile::Builder::new().prefix(PREFIX).make_in(dir, make)?;
    Ok(made.into_temp_path())
}

/// Do something with the list of names that must not outlive the process; a signal that ends it waits meanwhile.
#[cfg(unix)]
fn held<T>(f: impl FnOnce(&mut Vec<PathBuf>) -> T) -> T {
    super::signals::held(f)
}

#[cfg(not(unix))]
fn held<T>(f: impl FnOnce(&mut Vec<PathBuf>) -> T) -> T {
    f(&mut Vec::new())
}

/// A file without a name in this folder, if it can get one later.
#[cfg(target_os = "linux")]
fn nameless(dir: &Path) -> Option<File> {
    use rustix::fs::{Mode, OFlags};
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    let file: File = rustix::fs::open(dir, flags, Mode::RUSR | Mode::WUSR)
        .ok()?
        .into();
    // without /proc it stays without a name
    fs::metadata(way_to(&file)).is_ok().then_some(file)
}

#[cfg(target_os = "linux")]
fn way_to(file: &File) -> String {
    use std::os::fd::AsRawFd;
    format!("/proc/self/fd/{}", file.as_raw_fd())
}

#[cfg(target_os = "linux")]
fn link(file: &File, name: &Path) -> io::Result<()> {
    use rustix::fs::{AtFlags, CWD, linkat};
    linkat(CWD, way_to(file), CWD, name, AtFlags::SYMLINK_FOLLOW)?;
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn link(_: &File, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    /// Both kinds, one of which the file system of the tests may not have.
    #[test]
    fn with_a_name_and_without() {
        for new in [Staged::new, |dir: &Path| Staged::named(dir.to_owned())] {
            let dir = tempfile::tempdir().unwrap();
            let names = || fs::read_dir(dir.path()).unwrap().count();
            drop(new(dir.path()).unwrap());
            assert_eq!(names(), 0);
            let to = dir.path().join("to");
            fs::write(&to, "old").unwrap();
            let staged = new(dir.path()).unwrap();
            staged.file().write_all(b"new").unwrap();
            assert_eq!(fs::read(&to).unwrap(), b"old");
            staged.put(&to).unwrap();
            assert_eq!((fs::read(&to).unwrap(), names()), (b"new".to_vec(), 1));
            // a folder does not give way
            let folder = dir.path().join("folder");
            fs::create_dir_all(folder.join("inner")).unwrap();
            assert!(new(dir.path()).unwrap().put(&folder).is_err());
            assert!(linked(&to, &folder).is_err());
            assert_eq!(names(), 2);
            linked(&to, &dir.path().join("second")).unwrap();
            assert_eq!(names(), 3);
        }
    }
}
