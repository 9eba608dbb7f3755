//! Loading a schema: `.proto` files, descriptor sets, buf images.

use super::editions::{Sources, google_file};
use super::features::Table;
use super::types::Schema;
use binq_core::{Options, Setting};
use prost_reflect::DescriptorPool;
use protox::file::File;
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// `--proto`, `-I`/`--proto-path`, `--descriptor-set`: lists of the options.
pub const PROTO: &str = "proto";
/// Directories that imports are looked up in.
pub const PROTO_PATH: &str = "proto_path";
/// Files with a `FileDescriptorSet`.
pub const DESCRIPTOR_SET: &str = "descriptor_set";
/// `--message`: name of the type of the input.
pub const MESSAGE: &str = "message";
/// `-o json_names=true`: fields are called as in JSON.
pub const JSON_NAMES: &str = "json_names";
/// `-o defaults=true`: fields that are not there are shown with their defaults.
pub const DEFAULTS: &str = "defaults";

/// `-o ignore_unknown=true`: `from_protojson` leaves out fields and enum names that the schema does not have.
pub const IGNORE_UNKNOWN: &str = "ignore_unknown";

/// All of these.
pub const SETTINGS: &[Setting] = &[
    Setting::one(JSON_NAMES, "true: fields of messages are called as in JSON"),
    Setting::one(
        DEFAULTS,
        "true: fields that are not there are shown with their defaults",
    ),
    Setting::one(
        IGNORE_UNKNOWN,
        "true: from_protojson leaves out what the schema does not have",
    ),
    Setting::one(MESSAGE, "as --message"),
    Setting::many(PROTO, "as --proto"),
    Setting::many(PROTO_PATH, "as --proto-path"),
    Setting::many(DESCRIPTOR_SET, "as --descriptor-set"),
];

/// Schemas are kept for as long as the program runs: nodes point into them. That of each choice of options is loaded once, for
/// better or worse: its files are not looked at again. A program that runs long with ever new options would grow.
static LOADED: Mutex<Option<HashMap<String, Loaded>>> = Mutex::new(None);

type Loaded = Result<&'static Schema, String>;

/// The schema that the options name; `None` if they name none.
///
/// # Errors
/// A file that cannot be read or compiled; the message says which and why.
pub fn schema(options: &Options) -> Result<Option<&'static Schema>, String> {
    let protos = options.list(PROTO);
    let sets = options.list(DESCRIPTOR_SET);
    if protos.is_empty() && sets.is_empty() {
        return Ok(None);
    }
    let paths = options.list(PROTO_PATH);
    let json_names = options.is_on(JSON_NAMES);
    let defaults = options.is_on(DEFAULTS);
    let key = format!("{protos:?} {sets:?} {paths:?} {json_names} {defaults}");
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    let loaded = loaded.get_or_insert_default();
    let schema = loaded.entry(key).or_insert_with(|| {
        let mut files = Files::default();
        for set in sets {
            files.set(set)?;
        }
        if !protos.is_empty() {
            files.protos(protos, paths)?;
        }
        Ok(files.schema(json_names, defaults))
    });
    schema.clone().map(Some)
}

/// The schema of a `FileDescriptorSet`.
///
/// # Errors
/// What is wrong with it.
pub fn from_set(set: &[u8], json_names: bool, defaults: bool) -> Result<&'static Schema, String> {
    let mut files = Files::default();
    files.add(set, &[])?;
    Ok(files.schema(json_names, defaults))
}

#[derive(Default)]
struct Files {
    pool: DescriptorPool,
    features: Table,
    /// Files that were named, not just imported.
    named: Vec<String>,
}

impl Files {
    fn schema(self, json_names: bool, defaults: bool) -> &'static Schema {
        let Self {
            pool,
            features,
            named,
        } = self;
        let schema = Schema::new(pool, features, named, json_names, defaults);
        Box::leak(Box::new(schema))
    }

    fn set(&mut self, path: &OsStr) -> Result<(), String> {
        let (file, path) = (Path::new(path), path.display());
        let bytes = std::fs::read(file).map_err(|e| format!("{path}: {e}"))?;
        let before = self.named.len();
        let added = self.add(&bytes, &[]);
        added.map_err(|e| format!("{path}: {e}"))?;
        if self.named.len() == before && !bytes.is_empty() {
            return Err(format!(
                "{path}: not a FileDescriptorSet, as there is no file in it; --proto takes .proto files"
            ));
        }
        Ok(())
    }

    fn add(&mut self, set: &[u8], editions: &[String]) -> Result<(), String> {
        let set = self.features.read(set, editions)?;
        self.well_known(&set);
        let before = self.pool.files().len();
        let added = self.pool.decode_file_descriptor_set(set.as_slice());
        added.map_err(|e| format!("not a FileDescriptorSet that holds together: {e}"))?;
        let new = self.pool.files().skip(before);
        let named: Vec<_> = new.map(|file| file.name().to_owned()).collect();
        self.named.extend(named);
        Ok(())
    }

    /// Add the files of Google's that a set imports but leaves out.
    fn well_known(&mut self, set: &[u8]) {
        use crate::wire::record::parts;
        let files = || {
            parts(set)
                .filter(|(r, _)| r.number == 1)
                .map(|(_, file)| file)
        };
        let strings = |file: &[u8], number| {
            let matching = parts(file).filter(|(r, _)| r.number == number);
            let text = matching.map(|(_, body)| String::from_utf8_lossy(body).into_owned());
            text.collect::<Vec<_>>()
        };
        let there: Vec<String> = files().flat_map(|file| strings(file, 1)).collect();
        let mut wanted: Vec<String> = files().flat_map(|file| strings(file, 3)).collect();
        wanted.retain(|name| !there.contains(name));
        wanted.sort();
        wanted.dedup();
        // what they import themselves comes first
        let mut todo: Vec<File> = Vec::new();
        while let Some(name) = wanted.pop() {
            if let Ok(file) = google_file(&name) {
                wanted.extend(file.file_descriptor_proto().dependency.iter().cloned());
                todo.push(file);
            }
        }
        for file in todo.into_iter().rev() {
            let proto = file.file_descriptor_proto().clone();
            if self.pool.get_file_by_name(file.name()).is_none() {
                // one that does not fit is missed, and then named, by the set that imports it
                let _ = self.pool.add_file_descriptor_proto(proto);
            }
        }
    }

    fn protos(&mut self, protos: &[OsString], paths: &[OsString]) -> Result<(), String> {
        let compiled = compile(protos, paths)?;
        self.add(&compiled.set, &compiled.editions)?;
        self.named = compiled.names;
        Ok(())
    }
}

/// What was compiled from `.proto` files.
pub struct Compiled {
    /// A `FileDescriptorSet`, with all files that were imported.
    pub set: Vec<u8>,
    /// The names of the files themselves.
    pub names: Vec<String>,
    /// The names of files of an edition, which are in the set as proto2.
    pub editions: Vec<String>,
}

/// Compile `.proto` files, with the directories that imports are looked up in.
///
/// # Errors
/// The first file that cannot be read or compiled, and why.
pub fn compile(protos: &[OsString], paths: &[OsString]) -> Result<Compiled, String> {
    let sources = Sources::new(protos, paths);
    let editions = sources.editions();
    let name = |path: &OsString| sources.name_of(Path::new(path));
    let names: Vec<String> = protos.iter().map(name).collect();
    let mut compiler = protox::Compiler::with_file_resolver(sources);
    compiler.include_imports(true);
    for (path, name) in protos.iter().zip(&names) {
        let path = path.display();
        let opened = compiler.open_file(name);
        opened.map_err(|e| {
            let hint = match e.is_file_not_found() {
                true => "; -I/--proto-path says where to look",
                false => "",
            };
            // an error that has a place says it in its other form, with the file: FILE:LINE:COLUMN: …
            let placed = format!("{e:?}");
            let own = placed.strip_prefix(&format!("{name}:"));
            match e.file() {
                Some(_) if own.is_some() => format!("{path}:{}{hint}", own.unwrap_or_default()),
                Some(file) if placed.starts_with(&format!("{file}:")) => {
                    format!("{path}: {placed}{hint}")
                }
                Some(file) if file != name => format!("{path}: {file}: {}{hint}", chain(&e)),
                _ => format!("{path}: {}{hint}", chain(&e)),
            }
        })?;
    }
    let editions = editions.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(Compiled {
        set: compiler.encode_file_descriptor_set(),
        names,
        editions: editions.clone(),
    })
}

/// An error with its causes, on one line.
fn chain(e: &dyn std::error::Error) -> String {
    let mut out = e.to_string();
    let mut source = e.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        if !out.contains(&text) {
            out.push_str(": ");
            out.push_str(&text);
        }
        source = cause.source();
    }
    out
}
