//! Colours of written JSON.

/// The escape sequences for each kind of value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Colors {
    pub(super) null: String,
    pub(super) no: String,
    pub(super) yes: String,
    pub(super) num: String,
    pub(super) str: String,
    pub(super) arr: String,
    pub(super) obj: String,
    pub(super) key: String,
}

/// Ends a colour.
pub(super) const RESET: &str = "\x1b[0m";

impl Default for Colors {
    /// jq's own colours.
    fn default() -> Self {
        let seq = |s: &str| format!("\x1b[{s}m");
        Self {
            null: seq("0;90"),
            no: seq("0;39"),
            yes: seq("0;39"),
            num: seq("0;39"),
            str: seq("0;32"),
            arr: seq("1;39"),
            obj: seq("1;39"),
            key: seq("34;1"),
        }
    }
}

impl Colors {
    /// jq's colours, changed as `JQ_COLORS` says: colours of null, false, true, numbers, strings, arrays, objects and
    /// keys, separated by colons. What is not a list of such colours changes nothing.
    pub fn from_jq_colors(spec: &str) -> Self {
        let mut c = Self::default();
        if !spec
            .bytes()
            .all(|b| b.is_ascii_digit() || matches!(b, b';' | b':'))
        {
            return c;
        }
        let slots = [
            &mut c.null,
            &mut c.no,
            &mut c.yes,
            &mut c.num,
            &mut c.str,
            &mut c.arr,
            &mut c.obj,
            &mut c.key,
        ];
        for (slot, s) in slots.into_iter().zip(spec.split(':')) {
            *slot = format!("\x1b[{s}m");
        }
        c
    }

    /// The colours that the environment asks for.
    pub fn from_env() -> Self {
        std::env::var("JQ_COLORS").map_or_else(|_| Self::default(), |s| Self::from_jq_colors(&s))
    }

    pub(super) fn array(&self) -> &str {
        &self.arr
    }

    pub(super) fn object(&self) -> &str {
        &self.obj
    }
}
