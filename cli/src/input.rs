//! Inputs: files and standard input, mapped and decoded.

use crate::args::{Args, TextForm};
use binq_core::{Holder, Node, Options, Registry, Scalar, Space, Takes};
use binq_mapped::{Mapped, Resident};
use binq_query::json;
use bytes::Bytes;
use std::cell::RefCell;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

/// The input that was opened last.
pub type Current = Rc<RefCell<Option<Mapped>>>;

/// What decodes the inputs of a run.
pub struct Decoder {
    pub registry: Registry,
    format: Option<String>,
    pub options: Options,
    text: Option<TextForm>,
    pub current: Current,
}

/// The settings of decoders, from all flags that make some.
fn options_of(args: &Args, given: Vec<(String, String)>, registry: &Registry) -> Options {
    let lists = [
        ("proto", &args.proto),
        ("proto_path", &args.proto_path),
        ("descriptor_set", &args.descriptor_set),
    ];
    let mut options = Options {
        force: args.force,
        ..Options::default()
    };
    for (name, list) in lists {
        if !list.is_empty() {
            options.lists.insert(name.to_owned(), list.clone());
        }
    }
    for (name, value) in given {
        // of an option that is given more than once, all values count, or else the last one
        if registry.settings().any(|s| s == (&*name, Takes::Many)) {
            options.lists.entry(name).or_default().push(value);
        } else {
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
    pub fn new(args: &Args, options: Vec<(String, String)>) -> Result<Self, String> {
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
    pub fn file(&self, path: &Path) -> Result<Node, String> {
        let name = path.display().to_string();
        self.opened(&name, Some(path), File::open(path))
    }

    /// Decode standard input.
    ///
    /// # Errors
    /// As for a file.
    pub fn stdin(&self) -> Result<Node, String> {
        // a file that was redirected is mapped, anything else is read
        self.opened("<stdin>", None, stdin_file())
    }

    fn opened(
        &self,
        name: &str,
        path: Option<&Path>,
        file: io::Result<File>,
    ) -> Result<Node, String> {
        let mapped = file.and_then(Mapped::new);
        let mapped = mapped.map_err(|e| format!("{name}: {e}"))?;
        let decoded = self.decode(name, path, &mapped);
        *self.current.borrow_mut() = Some(mapped);
        decoded
    }
}

#[cfg(unix)]
fn stdin_file() -> io::Result<File> {
    use std::os::fd::AsFd;
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
