//! The command line.

use binq_query::json::BITS_FORMATS;
use clap::{ArgAction, ArgMatches, CommandFactory, FromArgMatches, Parser};
use std::ffi::OsString;
use std::path::PathBuf;

/// jq for binary formats that can also write.
///
/// Decodes each FILE (standard input if there is none), runs the jq FILTER over it, and prints the results as JSON, or as
/// bytes with -b. Assigning a field and writing bytes gives the input back with that field changed, the lengths and
/// checksums over it recomputed, and every other byte as it was.
#[derive(Debug, Parser)]
#[command(
    name = "binq",
    version,
    override_usage = "binq [OPTIONS] [FILTER] [FILE...]",
    args_override_self = true,
    disable_help_flag = true,
    disable_version_flag = true
)]
pub struct Args {
    /// Format of the inputs, see below; without it, the format is told from the first bytes
    #[arg(short, long, value_name = "NAME")]
    pub decode: Option<String>,
    /// Run the filter once, with null as its input; read inputs with `input` and `inputs`
    #[arg(short, long)]
    pub null_input: bool,
    /// Run the filter once, with an array of all inputs
    #[arg(short, long)]
    pub slurp: bool,
    /// Print each result on one line
    #[arg(short, long, overrides_with_all = ["indent", "tab"])]
    pub compact_output: bool,
    /// Print strings and bytes as they are, without quotes
    ///
    /// On a terminal, characters that it would obey are written as escapes, but for line breaks and tabulators.
    #[arg(short, long)]
    pub raw_output: bool,
    /// Like -r, but without line breaks after results
    #[arg(short, long)]
    pub join_output: bool,
    /// Like -r, but with a byte 0 after each result instead of a line break, for `xargs -0`; a string that holds one is an error
    #[arg(long)]
    pub raw_output0: bool,
    /// Write each result as soon as it is there, where no terminal waits for it, too
    #[arg(long)]
    pub unbuffered: bool,
    /// Print the keys of objects in sorted order
    #[arg(short = 'S', long)]
    pub sort_keys: bool,
    /// Print everything that is not ASCII as `\u` escapes
    #[arg(short, long)]
    pub ascii_output: bool,
    /// Indent by this many spaces, 0 to 7; -1 is --tab
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i8).range(-1..=7), allow_hyphen_values = true, overrides_with_all = ["tab", "compact_output"])]
    pub indent: Option<i8>,
    /// Indent by tabulators
    #[arg(long, overrides_with_all = ["indent", "compact_output"])]
    pub tab: bool,
    /// Colour the output, even where it is no terminal
    #[arg(short = 'C', long, overrides_with = "monochrome_output")]
    pub color_output: bool,
    /// Do not colour the output
    #[arg(short = 'M', long, overrides_with = "color_output")]
    pub monochrome_output: bool,
    /// Read the filter from a file
    #[arg(short, long, value_name = "FILE")]
    pub from_file: Option<PathBuf>,
    /// Look for modules in a directory; may be given more than once
    #[arg(short = 'L', long, value_name = "DIR", action = ArgAction::Append)]
    pub library_path: Vec<PathBuf>,
    /// Exit with 1 if the last result is false or null, with 4 if there is none
    #[arg(short, long)]
    pub exit_status: bool,
    /// Set $NAME to a string; of a name that is given twice, the first one counts
    #[arg(long, num_args = 2, value_names = ["NAME", "VALUE"], action = ArgAction::Append)]
    arg: Vec<OsString>,
    /// Set $NAME to a JSON value
    #[arg(long, num_args = 2, value_names = ["NAME", "JSON"], action = ArgAction::Append)]
    argjson: Vec<OsString>,
    /// Set $NAME to an array of the JSON values in a file
    #[arg(long, num_args = 2, value_names = ["NAME", "FILE"], action = ArgAction::Append)]
    slurpfile: Vec<OsString>,
    /// Set $NAME to the content of a file: a string, or bytes if it is no text
    #[arg(long, num_args = 2, value_names = ["NAME", "FILE"], action = ArgAction::Append)]
    rawfile: Vec<OsString>,
    /// Take the arguments after this as strings, in $ARGS.positional, not as files
    #[arg(long, num_args = 0, default_missing_value = "true", action = ArgAction::Append)]
    args: Vec<bool>,
    /// Take the arguments after this as JSON values, in $ARGS.positional, not as files
    #[arg(long, num_args = 0, default_missing_value = "true", action = ArgAction::Append)]
    jsonargs: Vec<bool>,
    /// Write the bytes of each result: a decoded value with its edits, a string as it is; short for `--to bytes`
    #[arg(short, long, overrides_with = "to")]
    pub bytes: bool,
    /// Write each result as JSON, or as its bytes: those of a decoded value are its own, a message's inflated and unframed
    #[arg(long, value_name = "json|bytes", overrides_with = "bytes")]
    pub to: Option<Form>,
    /// Write the result back to its file; with a suffix, as in -i.orig, keep the original under that name
    ///
    /// A `*` in the suffix stands for the name of the file. Letters behind -i are flags if all of them are, as in -ic, and else
    /// the suffix, as in -ibak.
    #[arg(short, long, value_name = "SUFFIX", num_args = 0..=1, require_equals = true, default_missing_value = "", conflicts_with_all = ["null_input", "slurp", "bytes", "to"])]
    pub in_place: Option<OsString>,
    /// Recompute no lengths and checksums: write what was assigned, and only that
    #[arg(long)]
    pub no_fix: bool,
    /// Run no filter, but list what is wrong with each input, one finding a line; -c lists them as JSON. Exit with 1 if there
    /// are faults: bytes that are wrong, or where the format's own reader stops. Notes that are alike are told once
    #[arg(long, conflicts_with_all = ["null_input", "slurp", "bytes", "in_place", "from_file", "exit_status"])]
    pub verify: bool,
    /// Look through each input before the filter runs, and exit with 6 instead if it has faults
    #[arg(long, conflicts_with = "verify")]
    pub strict: bool,
    /// Make edits of inputs that the format does not know well, such as a log of an unknown version
    #[arg(long)]
    pub force: bool,
    /// Tell on standard error what was recomputed, what was left wrong on purpose, and which comparison is with another
    /// spelling of a value than the one that it shows
    #[arg(long)]
    pub verbose: bool,
    /// Set an option, see below
    #[arg(short, long, value_name = "NAME=VALUE", action = ArgAction::Append)]
    pub option: Vec<OsString>,
    /// Describe messages by a .proto file; may be given more than once
    #[arg(long, value_name = "FILE", action = ArgAction::Append)]
    pub proto: Vec<OsString>,
    /// Look for imported .proto files in a directory; may be given more than once
    #[arg(short = 'I', long, value_name = "DIR", action = ArgAction::Append)]
    pub proto_path: Vec<OsString>,
    /// Describe messages by a compiled FileDescriptorSet or a buf image; may be given more than once
    #[arg(long, value_name = "FILE", action = ArgAction::Append)]
    pub descriptor_set: Vec<OsString>,
    /// Type of the message, with its package if several have that name
    #[arg(long, value_name = "NAME")]
    pub message: Option<String>,
    /// Read inputs as text of their bytes: base64 or hex
    #[arg(long, value_name = "base64|hex", conflicts_with = "in_place")]
    pub from_text: Option<TextForm>,
    /// Print help
    #[arg(short, long, action = ArgAction::Help)]
    help: Option<bool>,
    /// Print the version
    #[arg(short = 'V', long, action = ArgAction::Version)]
    version: Option<bool>,
    /// The jq filter, and the files
    #[arg(value_name = "FILTER|FILE")]
    rest: Vec<OsString>,
    /// What of `rest` is the filter.
    #[arg(skip)]
    pub filter: Option<String>,
    /// What of `rest` is files.
    #[arg(skip)]
    pub files: Vec<PathBuf>,
    /// What of `rest` came after `--args` or `--jsonargs`.
    #[arg(skip)]
    pub positional: Vec<Positional>,
    /// What `--arg` and its like set, in the order of the command line.
    #[arg(skip)]
    pub named: Vec<Named>,
}

/// A variable of the command line.
#[derive(Clone, Debug)]
pub struct Named {
    /// Its name.
    pub name: String,
    /// What follows the name.
    pub value: OsString,
    /// What that is.
    pub kind: NamedKind,
}

/// What a variable of the command line is set to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamedKind {
    /// `--arg`: a string.
    Text,
    /// `--argjson`: a JSON value.
    Json,
    /// `--slurpfile`: the JSON values in a file.
    Values,
    /// `--rawfile`: the content of a file.
    Content,
}

/// An argument that is no file.
#[derive(Clone, Debug)]
pub enum Positional {
    /// After `--args`: a string.
    Text(String),
    /// After `--jsonargs`: a JSON value.
    Json(String),
}

/// How results are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Form {
    /// As JSON.
    Json,
    /// As bytes.
    Bytes,
}

/// How bytes are written as text.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum TextForm {
    /// Base64, with either alphabet, padded or not.
    Base64,
    /// Hexadecimal digits.
    Hex,
}

const EXAMPLES: &str = "\
Examples:
  binq '.records | length' SEGMENT
  binq -c '.records[] | select(.rmgr == \"Heap\") | {lsn, record_type, xl_xid}' SEGMENT
  binq -b '.records[3].xl_tot_len = 0' SEGMENT > BROKEN
  binq -i.orig '.records[3].xl_xid = 7' SEGMENT
  binq -c --proto API.proto '.grpc_calls[] | {path, status_name, requests}' CAPTURE
  binq --verify SEGMENT CAPTURE
  binq -b '.grpc_calls[].metadata[].value = \"-\"' CAPTURE > REDACTED

Exit codes: 1 and 4 with -e; 2 a file is not there, or the usage is wrong; 3 the filter does not compile; 5 an error while \
running; 6 an input cannot be decoded, or --strict met a fault; 1 with --verify if there are faults.";

/// A name and what it means, in columns as clap has them.
fn row(name: &str, what: &str) -> String {
    format!("  {name:<20} {what}\n")
}

/// What follows the options: formats, options of `-o`, examples, exit codes. The registry is asked, so that nothing is told twice.
fn after_options() -> String {
    let registry = binq_all::registry();
    let alone = registry.formats().iter().filter(|f| f.stands_alone());
    let formats: String = alone.map(|f| row(f.name(), f.description())).collect();
    let settings: String = registry.settings().map(|s| row(s.name, s.help)).collect();
    let bits = row(
        "bits_format",
        &format!("{BITS_FORMATS}: how bytes print in JSON"),
    );
    format!("Formats:\n{formats}\nOptions of -o NAME=VALUE:\n{bits}{settings}\n{EXAMPLES}")
}

impl Args {
    /// The command line: what reads it, and what help, manual and completion are made of.
    pub fn described() -> clap::Command {
        Self::command().after_help(after_options())
    }

    /// How results are written: as the last of `--to` and `-b` says.
    pub fn form(&self) -> Form {
        match self.bytes {
            true => Form::Bytes,
            false => self.to.unwrap_or(Form::Json),
        }
    }

    /// Whether nothing says what to do: no filter, and no input.
    pub fn is_empty(&self) -> bool {
        self.filter.is_none()
            && self.from_file.is_none()
            && !self.null_input
            && self.files.is_empty()
    }

    /// Read the command line.
    ///
    /// # Errors
    /// What clap says of a wrong one; help and version come this way too.
    pub fn read() -> Result<Self, clap::Error> {
        let words = || joined_suffix(std::env::args_os());
        let matches = match Self::described().try_get_matches_from(words()) {
            Err(e) if is_filter(&e) => {
                let hyphens = |rest: clap::Arg| rest.allow_hyphen_values(true);
                let command = Self::described().mut_arg("rest", hyphens);
                let matches = command.try_get_matches_from(words())?;
                known_flags(&matches)?;
                matches
            }
            matches => matches?,
        };
        let mut args = Self::from_arg_matches(&matches)?;
        let places: Vec<usize> = matches
            .indices_of("rest")
            .map_or_else(Vec::new, Iterator::collect);
        // after the last of these before it, an argument is what that says
        let switches = [
            ("args", Positional::Text as fn(String) -> Positional),
            ("jsonargs", Positional::Json),
        ];
        let switches: Vec<_> = switches
            .into_iter()
            .flat_map(|(name, kind)| {
                let places = matches.indices_of(name).into_iter().flatten();
                places.map(move |place| (place, kind))
            })
            .collect();
        let rest = std::mem::take(&mut args.rest);
        for (text, place) in rest.into_iter().zip(places) {
            let before = switches.iter().filter(|(at, _)| *at < place);
            if args.filter.is_none() && args.from_file.is_none() && !args.verify {
                args.filter = Some(text.into_string().map_err(no_text)?);
            } else if let Some((_, kind)) = before.max_by_key(|(at, _)| *at) {
                // as jq has it: what is no UTF-8 is replaced
                args.positional.push(kind(text.to_string_lossy().into()));
            } else {
                args.files.push(text.into());
            }
        }
        args.name_variables(&matches);
        Ok(args)
    }

    /// Bring the variables into the order of the command line, where the first one of a name counts.
    fn name_variables(&mut self, matches: &ArgMatches) {
        let lists = [
            ("arg", NamedKind::Text, &mut self.arg),
            ("argjson", NamedKind::Json, &mut self.argjson),
            ("slurpfile", NamedKind::Values, &mut self.slurpfile),
            ("rawfile", NamedKind::Content, &mut self.rawfile),
        ];
        let mut all = Vec::new();
        for (flag, kind, list) in lists {
            let places = matches.indices_of(flag).into_iter().flatten();
            let mut words = std::mem::take(list).into_iter();
            for place in places.step_by(2) {
                let Some((name, value)) = words.next().zip(words.next()) else {
                    continue;
                };
                let name = name.to_string_lossy().into_owned();
                all.push((place, Named { name, value, kind }));
            }
        }
        all.sort_by_key(|(place, _)| *place);
        for (_, named) in all {
            if self.named.iter().all(|n| n.name != named.name) {
                self.named.push(named);
            }
        }
    }
}

/// Whether what clap takes for an unknown flag is a filter that begins with `-`, such as `-5 | abs` and `-(.a)`: no flag is a
/// digit or a bracket.
fn is_filter(e: &clap::Error) -> bool {
    use clap::error::{ContextKind, ContextValue, ErrorKind};
    let Some(ContextValue::String(word)) = e.get(ContextKind::InvalidArg) else {
        return false;
    };
    let second = word.strip_prefix('-').and_then(|w| w.chars().next());
    e.kind() == ErrorKind::UnknownArgument
        && second.is_some_and(|c| c != '-' && !c.is_ascii_alphabetic())
}

/// Where hyphens are taken, too, what looks like a flag still has to be one.
fn known_flags(matches: &ArgMatches) -> Result<(), clap::Error> {
    let rest = matches.get_many::<OsString>("rest").into_iter().flatten();
    let mut unknown = rest.filter(|word| match word.as_encoded_bytes() {
        [b'-', second, ..] => *second == b'-' || second.is_ascii_alphabetic(),
        _ => false,
    });
    match unknown.next() {
        // behind `--` everything is a file
        Some(word) if std::env::args_os().all(|arg| arg != "--") => {
            let message = format!("unexpected argument '{}' found", word.display());
            Err(Args::command().error(clap::error::ErrorKind::UnknownArgument, message))
        }
        _ => Ok(()),
    }
}

/// A filter that is no text.
fn no_text(filter: OsString) -> clap::Error {
    let message = format!("the filter must be UTF-8, and is {filter:?}");
    Args::command().error(clap::error::ErrorKind::InvalidUtf8, message)
}

/// `-i.orig`, as sed takes it, for clap, which wants `-i=.orig`.
fn joined_suffix(args: impl Iterator<Item = OsString>) -> impl Iterator<Item = OsString> {
    let command = Args::command();
    let mut files_only = false;
    args.map(move |arg| {
        files_only |= arg == "--";
        match suffix_at(&command, arg.as_encoded_bytes()) {
            Some(at) if !files_only => with_equals(arg, at),
            _ => arg,
        }
    })
}

/// Where in a word of short flags the suffix of `-i` begins: behind the first `i`, unless all that follows are flags, too, as in
/// `-ic`. The last of them may take a value, which is the next word.
fn suffix_at(command: &clap::Command, word: &[u8]) -> Option<usize> {
    let takes_value = |c: u8| {
        let mut flags = command.get_arguments();
        let flag = flags.find(|flag| flag.get_short() == Some(char::from(c)))?;
        Some(flag.get_id() != "in_place" && flag.get_action().takes_values())
    };
    let flags = word.strip_prefix(b"-")?;
    let before = flags.iter().position(|c| *c == b'i')?;
    let all_are = |flags: &[u8]| flags.iter().all(|c| takes_value(*c) == Some(false));
    let (_, rest) = flags.split_at(before + 1);
    let (last, others) = rest.split_last()?;
    let flags_follow = rest[0] == b'=' || (takes_value(*last).is_some() && all_are(others));
    (all_are(&flags[..before]) && !flags_follow).then_some(before + 2)
}

/// The word with a `=` there.
#[cfg(unix)]
fn with_equals(arg: OsString, at: usize) -> OsString {
    use std::os::unix::ffi::OsStringExt;
    let mut bytes = arg.into_vec();
    bytes.insert(at, b'=');
    OsString::from_vec(bytes)
}

#[cfg(not(unix))]
fn with_equals(arg: OsString, at: usize) -> OsString {
    match arg.into_string() {
        Ok(mut text) => {
            text.insert(at, '=');
            text.into()
        }
        Err(arg) => arg,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Args::described().debug_assert();
    }

    #[test]
    fn a_suffix_is_what_is_no_flags() {
        let command = Args::command();
        let of = |word: &str| suffix_at(&command, word.as_bytes());
        for flags in [
            "-i",
            "-ic",
            "-icr",
            "-io",
            "-ico",
            "-i=x",
            "-c",
            "--in-place",
            "-",
            "-o",
            "-ri",
            "-f",
            "x",
        ] {
            assert_eq!(of(flags), None, "{flags}");
        }
        for (word, at) in [
            ("-ibak", 2),
            ("-i.orig", 2),
            ("-i~", 2),
            ("-iold", 2),
            ("-iorig", 2),
            ("-ci.bak", 3),
            ("-i5", 2),
        ] {
            assert_eq!(of(word), Some(at), "{word}");
        }
    }
}
