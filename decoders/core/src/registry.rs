//! The registry: which formats there are, and which of them fits an input.

use crate::dialogue::{Conversation, Dialogue};
use crate::{Fault, Node, Scalar, Space};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Arc;

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

/// Settings of decoders, from `-o NAME=VALUE`.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The settings, by name.
    pub values: BTreeMap<String, Scalar>,
    /// The formats that what lies inside may be decoded in.
    pub registry: Option<Registry>,
}

impl Options {
    /// Decode what lies inside a format in another one; nothing if that one is not known.
    pub fn inside(&self, format: &str, space: &Space) -> Option<Node> {
        let format = self.registry.as_ref()?.named(format).ok()?;
        Some(format.decode(space.clone(), self))
    }

    /// These settings and one more.
    pub fn with(&self, name: &str, value: Scalar) -> Self {
        let mut out = self.clone();
        out.values.insert(name.to_owned(), value);
        out
    }
}

/// A function of one scalar that a format adds to the query language, such as `pg_lsn`.
pub type ScalarFn = (&'static str, fn(&Scalar) -> Result<Scalar, String>);

/// A format.
pub trait Format: Send + Sync + 'static {
    /// Name, as `-d` takes it.
    fn name(&self) -> &'static str;

    /// One line for the list of formats.
    fn description(&self) -> &'static str;

    /// How sure the format is that this input is its own.
    fn probe(&self, probe: &Probe<'_>) -> Confidence;

    /// Decode an input. Never fails: what is wrong is a fault on a node, what is not understood is a gap.
    fn decode(&self, space: Space, options: &Options) -> Node;

    /// The names of the lists that this format makes of a connection, such as `streams`.
    fn lists(&self) -> &'static [&'static str] {
        &[]
    }

    /// What this format makes of a connection; nothing if it is not its own.
    fn converse(&self, _with: &Conversation, _options: &Options) -> Option<Arc<dyn Dialogue>> {
        None
    }

    /// Functions for the query language.
    fn functions(&self) -> &'static [ScalarFn] {
        &[]
    }
}

/// The formats that a program knows.
#[derive(Clone)]
pub struct Registry(Arc<Vec<&'static dyn Format>>);

impl Registry {
    /// A registry of these formats; of two that are equally sure, the one named first is taken.
    pub fn new(formats: Vec<&'static dyn Format>) -> Self {
        Self(Arc::new(formats))
    }

    /// Decode bytes in the named format, or in the one that is the most sure of them.
    ///
    /// # Errors
    /// A name that there is none of, or bytes that no format takes for its own.
    pub fn decode(
        &self,
        name: Option<&str>,
        bytes: Bytes,
        options: &Options,
    ) -> Result<Node, Fault> {
        let format = match name {
            Some(name) => self.named(name)?,
            None => self.probe(&bytes)?,
        };
        let options = Options {
            registry: Some(self.clone()),
            ..options.clone()
        };
        Ok(format.decode(Space::source(bytes), &options))
    }

    fn named(&self, name: &str) -> Result<&'static dyn Format, Fault> {
        let found = self.0.iter().copied().find(|f| f.name() == name);
        found.ok_or_else(|| Fault {
            format: "-d",
            path: String::new(),
            offset: None,
            expected: format!("one of {}", self.names().join(", ")),
            found: format!("{name:?}"),
        })
    }

    fn probe(&self, bytes: &[u8]) -> Result<&'static dyn Format, Fault> {
        let probe = Probe { bytes };
        let mut best: Option<(&'static dyn Format, Confidence)> = None;
        for format in self.0.iter() {
            let sure = format.probe(&probe);
            if sure > best.map_or(Confidence::No, |(_, c)| c) {
                best = Some((*format, sure));
            }
        }
        best.map(|(format, _)| format).ok_or_else(|| Fault {
            format: "probe",
            path: String::new(),
            offset: Some(0),
            expected: format!("the beginning of {}", self.names().join(" or ")),
            found: head(bytes),
        })
    }

    /// The names of the formats.
    pub fn names(&self) -> Vec<&'static str> {
        self.0.iter().map(|f| f.name()).collect()
    }

    /// The formats.
    pub fn formats(&self) -> &[&'static dyn Format] {
        &self.0
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
