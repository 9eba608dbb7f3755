//! Inputs: files and standard input, mapped and decoded.

use crate::args::Args;
use binq_core::{Node, Options, Registry, Scalar};
use bytes::Bytes;
use std::fs::File;
use std::path::{Path, PathBuf};

/// What decodes the inputs of a run.
pub struct Decoder {
    pub registry: Registry,
    format: Option<String>,
    options: Options,
}

impl Decoder {
    /// As the command line says.
    ///
    /// # Errors
    /// A format that there is none of.
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
        let values = options
            .into_iter()
            .map(|(k, v)| (k, Scalar::from(v)))
            .collect();
        Ok(Self {
            registry,
            format: args.decode.clone(),
            options: Options { values },
        })
    }

    /// Decode the bytes of one input.
    ///
    /// # Errors
    /// Bytes that no format takes for its own.
    pub fn decode(&self, name: &str, bytes: Bytes) -> Result<Node, String> {
        let decoded = self
            .registry
            .decode(self.format.as_deref(), bytes, &self.options);
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
        let bytes = File::open(path).and_then(binq_mapped::bytes_of);
        self.decode(&name, bytes.map_err(|e| format!("{name}: {e}"))?)
    }

    /// Decode standard input.
    ///
    /// # Errors
    /// As for a file.
    pub fn stdin(&self) -> Result<Node, String> {
        let name = "<stdin>";
        // a file that was redirected is mapped, anything else is read
        let bytes = stdin_file().and_then(binq_mapped::bytes_of);
        self.decode(name, bytes.map_err(|e| format!("{name}: {e}"))?)
    }
}

#[cfg(unix)]
fn stdin_file() -> std::io::Result<File> {
    use std::os::fd::AsFd;
    Ok(std::io::stdin().as_fd().try_clone_to_owned()?.into())
}

#[cfg(not(unix))]
fn stdin_file() -> std::io::Result<File> {
    File::open("CONIN$")
}

/// The inputs of a run, one after the other: files, or standard input where there are none.
pub fn sources(files: &[PathBuf]) -> Vec<Option<PathBuf>> {
    match files {
        [] => vec![None],
        files => files.iter().cloned().map(Some).collect(),
    }
}
