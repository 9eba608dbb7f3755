//! Inputs: files and standard input, mapped and decoded.

use crate::args::{Args, TextForm};
use crate::failure::{UNDECODED, USAGE};
use crate::text::shown;
use binq_core::{Holder, Node, Options, Registry, Remarks, Scalar, Space, Takes};
use binq_mapped::{Mapped, Resident, Shrunk, Standard, was_closed};
use binq_query::json;
use bytes::Bytes;
use std::cell::RefCell;
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

/// The inputs that are open: the last one, and those before it that values are still of.
#[derive(Default)]
pub struct Opened {
    all: RefCell<Vec<Mapped>>,
    /// One that became shorter before it was done with.
    shrunk: RefCell<Option<Shrunk>>,
}

/// The inputs that are open.
pub type Current = Rc<Opened>;

/// So many files stay open behind the one that was opened last. Of more, the oldest are closed; what [`Opened::check`] finds is
/// then found of whole pages only.
const OPEN: usize = 64;

impl Opened {
    /// Another input is opened.
    fn enter(&self, input: Mapped) {
        let mut all = self.all.borrow_mut();
        let close = (all.len() + 1).saturating_sub(OPEN);
        let mut i = 0;
        all.retain_mut(|old| {
            old.let_go();
            i += 1;
            let stays = i > close && !old.is_done();
            if !stays && let Err(e) = old.check() {
                let told = Shrunk::of(&e).cloned();
                *self.shrunk.borrow_mut() = told;
            }
            stays
        });
        all.push(input);
    }

    /// Whether all inputs still have the bytes that they had when they were opened: else what was made of them is not true.
    ///
    /// # Errors
    /// One that is shorter.
    pub fn check(&self) -> io::Result<()> {
        match &*self.shrunk.borrow() {
            Some(e) => Err(e.clone().into()),
            None => self.all.borrow().iter().try_for_each(Mapped::check),
        }
    }

    /// Do something with a run of a file, if these bytes are one.
    pub fn with_run<T>(&self, piece: &[u8], f: impl FnOnce(&Mapped, Range<u64>) -> T) -> Option<T> {
        let all = self.all.borrow();
        let found = all
            .iter()
            .rev()
            .find_map(|input| Some((input, input.run(piece)?)));
        found.map(|(input, run)| f(input, run))
    }

    /// Name of the input that was opened last, as messages show it.
    pub fn name(&self) -> String {
        self.with_last(|input| input.name().to_owned())
            .unwrap_or_default()
    }

    /// Do something with the input that was opened last.
    pub fn with_last<T>(&self, f: impl FnOnce(&Mapped) -> T) -> Option<T> {
        self.all.borrow().last().map(f)
    }
}

/// Why there is no input.
#[derive(Debug)]
pub struct Unread {
    /// The exit code that it means.
    pub code: u8,
    /// Why.
    pub message: String,
}

/// What decodes the inputs of a run.
pub struct Decoder {
    pub registry: Registry,
    format: Option<String>,
    pub options: Options,
    text: Option<TextForm>,
    pub current: Current,
}

/// The settings of decoders, from all flags that make some.
fn options_of(args: &Args, given: Vec<(String, OsString)>, registry: &Registry) -> Options {
    let lists = [
        ("proto", &args.proto),
        ("proto_path", &args.proto_path),
        ("descriptor_set", &args.descriptor_set),
    ];
    let mut options = Options {
        force: args.force,
        remarks: Remarks::kept(),
        ..Options::default()
    };
    for (name, list) in lists {
        if !list.is_empty() {
            options.lists.insert(name.to_owned(), list.clone());
        }
    }
    for (name, value) in given {
        // of an option that is given more than once, all values count, or else the last one
        if registry
            .settings()
            .any(|s| s.name == name && s.takes == Takes::Many)
        {
            options.lists.entry(name).or_default().push(value);
        } else {
            // none of them is the name of a file: what is no text is no value of any
            let value = value.to_string_lossy().into_owned();
            options.values.insert(name, Scalar::from(value));
        }
    }
    if let Some(name) = &args.message {
        let name = Scalar::from(name.as_str());
        options.values.insert("message".to_owned(), name);
    }
    options
}

/// The bytes that a text stands for; white space in it means nothing.
fn from_text(form: TextForm, text: &[u8]) -> Result<Bytes, String> {
    let text: Vec<u8> = text
        .iter()
        .copied()
        .filter(|b| !b.is_ascii_whitespace())
        .collect();
    let (read, what) = match form {
        TextForm::Base64 => (json::from_base64(&text), "base64"),
        TextForm::Hex => (json::from_hex(&text), "hexadecimal digits"),
    };
    read.map(Bytes::from).ok_or_else(|| {
        format!(
            "--from-text: expected {what}, found {} bytes of something else",
            text.len()
        )
    })
}

/// A mapped file, as the decoders know it.
struct Held(Arc<Resident>);

impl Holder for Held {
    fn touch(&self, at: u64, len: u64) {
        self.0.touch(at, len);
    }
}

impl Decoder {
    /// As the command line says.
    ///
    /// # Errors
    /// A format that there is none of, or settings that a format cannot do with.
    pub fn new(args: &Args, options: Vec<(String, OsString)>) -> Result<Self, String> {
        let registry = binq_all::registry();
        let names = registry.names();
        if let Some(name) = &args.decode
            && !names.contains(&name.as_str())
        {
            return Err(format!(
                "there is no format {name:?}; there are: {}",
                names.join(", ")
            ));
        }
        let options = options_of(args, options, &registry);
        let known = registry.knows(&options);
        known.map_err(|e| format!("{e}, and binq itself has bits_format"))?;
        registry.check(&options)?;
        Ok(Self {
            registry,
            format: args.decode.clone(),
            options,
            text: args.from_text,
            current: Current::default(),
        })
    }

    /// Decode the bytes of one input.
    ///
    /// # Errors
    /// Bytes that no format takes for its own.
    fn decode(&self, name: &str, path: Option<&Path>, input: &Mapped) -> Result<Node, String> {
        let input = match self.text {
            Some(form) => {
                let bytes = from_text(form, input.bytes());
                Space::source(bytes.map_err(|e| format!("{name}: {e}"))?)
            }
            None => {
                let held = |r: &Arc<Resident>| Arc::new(Held(r.clone())) as Arc<dyn Holder>;
                Space::held(input.bytes().clone(), input.resident().map(held))
            }
        };
        let last = path.and_then(Path::file_name);
        let options = Options {
            input_name: last.map(|n| n.to_string_lossy().into()),
            ..self.options.clone()
        };
        let decoded = self
            .registry
            .decode(self.format.as_deref(), input, &options);
        decoded.map_err(|fault| match self.format {
            Some(_) => format!("{name}: {fault}"),
            None => format!("{name}: {fault}; -d NAME says which format it is"),
        })
    }

    /// Open and decode a file.
    ///
    /// # Errors
    /// What the file system says, or bytes that no format takes for its own.
    pub fn file(&self, path: &Path) -> Result<Node, Unread> {
        self.opened(&shown(path), Some(path), File::open(path))
    }

    /// Decode standard input.
    ///
    /// # Errors
    /// As for a file.
    pub fn stdin(&self) -> Result<Node, Unread> {
        // a file that was redirected is mapped, anything else is read
        self.opened("<stdin>", None, stdin_file())
    }

    fn opened(
        &self,
        name: &str,
        path: Option<&Path>,
        file: io::Result<File>,
    ) -> Result<Node, Unread> {
        let mapped = file
            .and_then(|file| Mapped::new(file, name))
            .map_err(|e| Unread {
                code: USAGE,
                message: format!("{name}: {e}"),
            })?;
        let decoded = self.decode(name, path, &mapped);
        self.current.enter(mapped);
        decoded.map_err(|message| Unread {
            code: UNDECODED,
            message,
        })
    }

    /// Whether the input that was opened last has no bytes, and no format was named that would make something of that.
    pub fn is_nothing(&self) -> bool {
        let is_empty = self.current.with_last(|input| input.bytes().is_empty());
        self.format.is_none() && is_empty == Some(true)
    }
}

#[cfg(unix)]
fn stdin_file() -> io::Result<File> {
    use std::os::fd::AsFd;
    if was_closed(Standard::Input) {
        return Err(io::Error::other("standard input is closed"));
    }
    Ok(std::io::stdin().as_fd().try_clone_to_owned()?.into())
}

#[cfg(not(unix))]
fn stdin_file() -> io::Result<File> {
    File::open("CONIN$")
}

/// The inputs of a run, one after the other: files, or standard input where there are none. It is called `-`, too.
pub fn sources(files: &[PathBuf]) -> Vec<Option<PathBuf>> {
    let named = |file: &PathBuf| Some(file.clone()).filter(|f| f.as_os_str() != "-");
    match files {
        [] => vec![None],
        files => files.iter().map(named).collect(),
    }
}
