//! The registry: which formats there are, and which of them fits an input.

use crate::dialogue::{Conversation, Dialogue};
use crate::green::Ref;
use crate::{Fault, Lost, Node, Plain, Scalar, Severity, Space};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::sync::{Arc, Mutex, PoisonError};

/// How sure a format is that an input is its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confidence {
    /// It is not.
    No,
    /// It could be: nothing speaks against it.
    Maybe,
    /// Several independent marks fit.
    Likely,
    /// A magic number and what follows it fit.
    Certain,
}

/// What a format may look at to tell whether an input is its own.
pub struct Probe<'a> {
    /// The whole input; look at its first pages only.
    pub bytes: &'a [u8],
}

impl Probe<'_> {
    /// The little-endian number in `len` bytes, at most 8, from a byte on; nothing if they are not there.
    pub fn uint_le(&self, at: u64, len: usize) -> Option<u64> {
        let bytes = self.bytes.get(usize::try_from(at).ok()?..)?.get(..len)?;
        Some(bytes.iter().rev().fold(0, |n, b| n << 8 | u64::from(*b)))
    }
}

/// Settings of decoders, from `-o NAME=VALUE`.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The settings, by name.
    pub values: BTreeMap<String, Scalar>,
    /// Settings that can be given more than once, such as files that describe a format; names of files are not always text.
    pub lists: BTreeMap<String, Vec<OsString>>,
    /// What the format around this one says of it: the parameters of its media type, by name. Which there are says the format
    /// that reads the media type.
    pub parameters: BTreeMap<&'static str, Arc<str>>,
    /// The formats that what lies inside may be decoded in.
    pub registry: Option<Registry>,
    /// Name of the file that is decoded, without its folders; what lies inside a file keeps the file's name. A format may hold
    /// it against what the bytes say, and decodes the bytes as it does without a name.
    pub input_name: Option<Arc<str>>,
    /// Whether to make edits that a format refuses because it does not know the input well enough: `--force`.
    pub force: bool,
    /// What is to be said of the settings.
    pub remarks: Remarks,
}

impl Options {
    /// Decode what lies inside a format in the one that reads this media type; nothing if none does.
    pub fn inside(&self, media_type: &str, space: &Space) -> Option<Node> {
        let mut formats = self.registry.as_ref()?.formats().iter();
        let format = formats.find(|f| f.media_types().contains(&media_type))?;
        Some(format.decode(space.clone(), self))
    }

    /// These settings and one more.
    #[must_use]
    pub fn with(&self, name: &str, value: Scalar) -> Self {
        let mut out = self.clone();
        out.values.insert(name.to_owned(), value);
        out
    }

    /// These settings, for what lies inside a format, and one parameter of its media type more.
    #[must_use]
    pub fn with_parameter(mut self, name: &'static str, value: impl Into<Arc<str>>) -> Self {
        self.parameters.insert(name, value.into());
        self
    }

    /// Whether a setting is on: true, or any text but `false`, `no` and `0`.
    pub fn is_on(&self, name: &str) -> bool {
        match self.values.get(name) {
            None | Some(Scalar::Null) => false,
            Some(Scalar::Bool(b)) => *b,
            Some(Scalar::Int(i)) => *i != 0,
            Some(other) => !matches!(other.as_str(), Some("false" | "no" | "0" | "")),
        }
    }

    /// The text of a setting.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.values.get(name)?.as_str()
    }

    /// What stands for bytes that the input does not hold: the setting `lost`.
    ///
    /// # Errors
    /// A value that is none of `refuse`, `zeros`, `skip`.
    pub fn lost(&self) -> Result<Lost, Fault> {
        let wrong = |found: String| Fault {
            format: "-o lost".into(),
            path: String::new(),
            offset: None,
            expected: "refuse, zeros or skip".to_owned(),
            found,
            severity: Severity::Stops,
            lost: false,
        };
        match self.values.get(LOST) {
            None => Ok(Lost::Refuse),
            Some(value) => match value.as_str() {
                Some("refuse") => Ok(Lost::Refuse),
                Some("zeros") => Ok(Lost::Zeros),
                Some("skip") => Ok(Lost::Skip),
                _ => Err(wrong(value.to_string())),
            },
        }
    }

    /// The ports that a setting lists: `80,8080`. Nothing if it is not given.
    ///
    /// # Errors
    /// What is no port.
    pub fn ports(&self, name: &str) -> Result<Vec<u16>, String> {
        let given = match self.values.get(name) {
            None | Some(Scalar::Null) => return Ok(Vec::new()),
            Some(value) => match value.as_str() {
                Some(text) => text.to_owned(),
                None => value.to_string(),
            },
        };
        let port = |text: &str| {
            let port = text.trim().parse();
            port.map_err(|_| {
                format!("the option {name:?} takes ports, such as 80,8080, not {text:?}")
            })
        };
        given.split(',').map(port).collect()
    }

    /// All values of a setting that can be given more than once.
    pub fn list(&self, name: &str) -> &[OsString] {
        self.lists.get(name).map_or(&[], Vec::as_slice)
    }
}

/// The setting that all formats have: what stands for bytes that the input does not hold.
const LOST: &str = "lost";

/// How a setting is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// Once: in [`Options::values`].
    One,
    /// Any number of times: in [`Options::lists`].
    Many,
}

/// A setting, for `-o NAME=VALUE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its name.
    pub name: &'static str,
    /// How it is given.
    pub takes: Takes,
    /// One line for the list of settings: the values that it takes, and what they do.
    pub help: &'static str,
}

impl Setting {
    /// One that is given once.
    pub const fn one(name: &'static str, help: &'static str) -> Self {
        let takes = Takes::One;
        Self { name, takes, help }
    }

    /// One that may be given more than once.
    pub const fn many(name: &'static str, help: &'static str) -> Self {
        let takes = Takes::Many;
        Self { name, takes, help }
    }
}

/// What formats have to say of the settings while they decode, such as that a schema lacks what was looked for in it. Each remark is
/// given once, to whoever takes it.
#[derive(Clone, Debug, Default)]
pub struct Remarks(Option<Arc<Mutex<Remarked>>>);

#[derive(Debug, Default)]
struct Remarked {
    known: BTreeSet<String>,
    new: Vec<String>,
}

impl Remarks {
    /// More remarks than this are not kept: each of them would be another case of the same.
    const MOST: usize = 8;

    /// Remarks that somebody takes.
    pub fn kept() -> Self {
        Self(Some(Arc::default()))
    }

    /// Make a remark, if somebody takes them and did not get it before.
    pub fn add(&self, remark: impl FnOnce() -> String) {
        let Some(all) = &self.0 else { return };
        let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
        if all.known.len() < Self::MOST {
            let remark = remark();
            if all.known.insert(remark.clone()) {
                all.new.push(remark);
            }
        }
    }

    /// Those that came since this was asked last.
    pub fn take(&self) -> Vec<String> {
        let Some(all) = &self.0 else {
            return Vec::new();
        };
        let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut all.new)
    }
}

/// A function of one scalar that a format adds to the query language, such as `pg_lsn`.
pub type ScalarFn = (&'static str, fn(&Scalar) -> Result<Scalar, String>);

/// What a [`NodeFn`] may use beyond its input and arguments.
pub struct FnCx<'a> {
    /// The formats.
    pub registry: &'a Registry,
    /// The settings that decoders get.
    pub options: &'a Options,
}

/// A function of any values that a format adds to the query language, such as `as("string")`.
#[derive(Clone, Copy)]
pub struct NodeFn {
    /// Name.
    pub name: &'static str,
    /// Number of arguments.
    pub arity: usize,
    /// What it does with its input and its arguments; an error is a message.
    pub run: fn(&FnCx<'_>, &Plain, &[Plain]) -> Result<Plain, String>,
}

/// A format.
pub trait Format: Send + Sync + 'static {
    /// Name, as `-d` takes it.
    fn name(&self) -> &str;

    /// One line for the list of formats.
    fn description(&self) -> &str;

    /// How sure the format is that this input is its own.
    fn probe(&self, probe: &Probe<'_>) -> Confidence;

    /// Whether the settings are for this format, so that it takes an input that no format knows by its first bytes: a schema
    /// says what an input without a mark is.
    fn is_described(&self, _options: &Options) -> bool {
        false
    }

    /// The media types (RFC 2046) that this format reads, where another format carries them.
    fn media_types(&self) -> &'static [&'static str] {
        &[]
    }

    /// Whether an input can be of this format. One that is only found above others, as calls are in HTTP, has no bytes of its own.
    fn stands_alone(&self) -> bool {
        true
    }

    /// The settings that this format knows.
    fn settings(&self) -> &'static [Setting] {
        &[]
    }

    /// What is wrong with the settings of this format, before any input is read.
    ///
    /// # Errors
    /// In words, such as a file that cannot be read.
    fn check(&self, _options: &Options) -> Result<(), String> {
        Ok(())
    }

    /// Decode an input. Never fails: what is wrong is a fault on a node, what is not understood is a gap.
    fn decode(&self, space: Space, options: &Options) -> Node;

    /// The names of the lists that this format makes of a connection, such as `streams`.
    fn lists(&self) -> &'static [&'static str] {
        &[]
    }

    /// What this format makes of a connection; nothing if no direction of it is its own. A direction is its own where the bytes
    /// prove it, by marks that its standard makes mandatory.
    ///
    /// A setting with the name of the format, if it is one of [`Self::settings`], lists ports whose connections are its own.
    fn converse(&self, _with: &Conversation, _options: &Options) -> Option<Arc<dyn Dialogue>> {
        None
    }

    /// What this format makes of a connection that another one speaks: lists of its own, such as calls. It knows the other one
    /// by what that [says of itself](Dialogue::carries).
    fn carried(&self, _by: &dyn Dialogue, _options: &Options) -> Option<Arc<dyn Dialogue>> {
        None
    }

    /// Functions for the query language.
    fn functions(&self) -> &'static [ScalarFn] {
        &[]
    }

    /// Functions of nodes and any other values for the query language.
    fn node_functions(&self) -> &'static [NodeFn] {
        &[]
    }

    /// Functions for the query language that are best said in it: definitions in jq, which may call those of
    /// [`Self::functions`] and [`Self::node_functions`]. Names that begin with `_` are their own helpers.
    fn definitions(&self) -> &'static str {
        ""
    }
}

/// What a whole file was packed with, by its first bytes, and what unpacks it.
fn compression(bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    let known: [(&[u8], _, _); 4] = [
        (b"\x1f\x8b", "a gzip file", "zcat"),
        (b"\x28\xb5\x2f\xfd", "a zstd file", "zstdcat"),
        (b"\xfd7zXZ\0", "an xz file", "xzcat"),
        (b"BZh", "a bzip2 file", "bzcat"),
    ];
    let found = known.iter().find(|(mark, ..)| bytes.starts_with(mark));
    found.map(|(_, name, tool)| (*name, *tool))
}

/// The formats that a program knows.
#[derive(Clone)]
pub struct Registry(Arc<Vec<Ref<dyn Format>>>);

impl Registry {
    /// A registry of these formats; of two that are equally sure, the one named first is taken.
    pub fn new(formats: Vec<&'static dyn Format>) -> Self {
        Self(Arc::new(formats.into_iter().map(Ref::Static).collect()))
    }

    /// The same registry and a format that was made at run time, which is taken before the others.
    #[must_use]
    pub fn with(&self, format: Arc<dyn Format>) -> Self {
        let own = std::iter::once(Ref::Shared(format));
        Self(Arc::new(own.chain(self.0.iter().cloned()).collect()))
    }

    /// Decode an input in the named format, or in the one that is the most sure of them.
    ///
    /// # Errors
    /// A name that there is none of, or bytes that no format takes for its own.
    pub fn decode(
        &self,
        name: Option<&str>,
        input: impl Into<Space>,
        options: &Options,
    ) -> Result<Node, Fault> {
        let input = input.into();
        input.stand_in(options.lost()?);
        let format = match name {
            Some(name) => self.named(name)?,
            None => self.probe(&input.to_probe(), options)?,
        };
        let options = Options {
            registry: Some(self.clone()),
            ..options.clone()
        };
        Ok(format.decode(input, &options))
    }

    /// The settings of all formats.
    pub fn settings(&self) -> impl Iterator<Item = Setting> {
        const LOST_BYTES: Setting = Setting::one(
            LOST,
            "refuse, zeros or skip: what stands for bytes that the input lost",
        );
        let own = self.0.iter().flat_map(|format| format.settings());
        std::iter::once(LOST_BYTES).chain(own.copied())
    }

    /// Whether there is a format for each setting: one that is misspelt would change nothing, without a word.
    ///
    /// # Errors
    /// The first one that no format has.
    pub fn knows(&self, options: &Options) -> Result<(), String> {
        let values = options.values.keys().map(|name| (name, Takes::One));
        let mut given = values.chain(options.lists.keys().map(|name| (name, Takes::Many)));
        given.try_for_each(|(name, how)| {
            match self.settings().find(|s| s.name == name).map(|s| s.takes) {
                Some(takes) if takes == how => Ok(()),
                Some(Takes::One) => Err(format!("the option {name:?} takes one value, not a list")),
                Some(Takes::Many) => Err(format!("the option {name:?} takes a list of strings")),
                None => {
                    let names: Vec<&str> = self.settings().map(|s| s.name).collect();
                    Err(format!(
                        "there is no option {name:?}; formats have {}",
                        names.join(", ")
                    ))
                }
            }
        })
    }

    /// Whether all formats can do with the settings.
    ///
    /// # Errors
    /// What the first one says that cannot.
    pub fn check(&self, options: &Options) -> Result<(), String> {
        options.lost().map_err(|fault| fault.to_string())?;
        let options = Options {
            registry: Some(self.clone()),
            ..options.clone()
        };
        self.0.iter().try_for_each(|format| format.check(&options))
    }

    fn named(&self, name: &str) -> Result<Ref<dyn Format>, Fault> {
        let found = self.0.iter().find(|f| f.stands_alone() && f.name() == name);
        found.cloned().ok_or_else(|| Fault {
            format: "-d".into(),
            path: String::new(),
            offset: None,
            expected: format!("one of {}", self.names().join(", ")),
            found: format!("{name:?}"),
            severity: Severity::Stops,
            lost: false,
        })
    }

    fn probe(&self, bytes: &[u8], options: &Options) -> Result<Ref<dyn Format>, Fault> {
        let probe = Probe { bytes };
        let mut best: Option<(&Ref<dyn Format>, Confidence)> = None;
        for format in self.0.iter() {
            let sure = format.probe(&probe);
            if sure > best.map_or(Confidence::No, |(_, c)| c) {
                best = Some((format, sure));
            }
        }
        let described = || self.0.iter().find(|f| f.is_described(options));
        let best = best.map(|(format, _)| format).or_else(described);
        best.cloned().ok_or_else(|| Fault {
            format: "probe".into(),
            path: String::new(),
            offset: Some(0),
            expected: format!("the beginning of {}", self.names().join(" or ")),
            found: match compression(bytes) {
                Some((name, tool)) => format!(
                    "{name}; unpack it first, as `{tool} FILE | binq` does: {}",
                    head(bytes)
                ),
                None => head(bytes),
            },
            severity: Severity::Stops,
            lost: false,
        })
    }

    /// The names of the formats that an input can be of.
    pub fn names(&self) -> Vec<&str> {
        let alone = self.0.iter().filter(|f| f.stands_alone());
        alone.map(|f| f.name()).collect()
    }

    /// The formats.
    pub fn formats(&self) -> &[Ref<dyn Format>] {
        &self.0
    }

    /// The functions of any values that the formats add to the query language.
    pub fn node_functions(&self) -> Vec<NodeFn> {
        let all = self.0.iter().flat_map(|f| f.node_functions());
        all.copied().collect()
    }

    /// The definitions in jq that the formats add to the query language.
    pub fn definitions(&self) -> String {
        let all = self.0.iter().map(|f| f.definitions());
        all.collect::<Vec<_>>().join("\n")
    }

    /// The functions that the formats add to the query language.
    pub fn functions(&self) -> Vec<ScalarFn> {
        let all = self.0.iter().flat_map(|f| f.functions());
        all.copied().collect()
    }
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

/// The first bytes of an input, as a message shows them.
fn head(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "no bytes".to_owned();
    }
    let hex: Vec<_> = bytes.iter().take(8).map(|b| format!("{b:02x}")).collect();
    format!("{} ({} bytes in all)", hex.join(" "), bytes.len())
}
