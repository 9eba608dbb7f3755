//! A run: compile the filter, run it over the inputs, write the results.

use crate::args::{Args, Form, Named, NamedKind, Positional};
use crate::failure::{
    COMPILE, FALSE, NO_OUTPUT, RUNTIME, UNDECODED, USAGE, complain, is_closed, pass_on, tell,
};
use crate::inplace::{self, Failed, Source};
use crate::input::{Decoder, Unread, sources};
use crate::output::{NotWritten, Output};
use crate::text::shown;
use crate::verify::{self, Listed, Told};
use binq_mapped::Shrunk;
use binq_query::{Context, Message, Query, Settings, Stop, V, json};
use std::cell::RefCell;
use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::rc::{Rc, Weak};

/// Run, and give the exit code.
pub fn run(args: &Args) -> u8 {
    match try_run(args) {
        Ok(code) | Err(code) => code,
    }
}

/// A run that cannot go on gives its exit code as an error.
fn try_run(args: &Args) -> Result<u8, u8> {
    let usage = |e: String| {
        complain(e);
        USAGE
    };
    if args.is_empty() && io::stdin().is_terminal() {
        // nobody types what binq reads
        tell(Args::described().render_help());
        return Err(USAGE);
    }
    let (bits, options) = split_options(&args.option).map_err(usage)?;
    let (names, values) = variables(args).map_err(usage)?;
    let decoder = Rc::new(Decoder::new(args, options).map_err(usage)?);
    let code = match &args.from_file {
        Some(path) => {
            let text = std::fs::read_to_string(path);
            text.map_err(|e| usage(format!("{}: {e}", shown(path))))?
        }
        None => args.filter.clone().unwrap_or_default(),
    };
    let extras = decoder.registry.functions();
    let functions = decoder.registry.node_functions();
    let definitions = decoder.registry.definitions();
    let settings = Settings {
        vars: &names,
        extras: &extras,
        functions: &functions,
        definitions: &definitions,
        library: &args.library_path,
    };
    let query = Query::compile(&code, &settings).map_err(|e| {
        for error in e.each() {
            tell(format_args!("binq: {error}\n"));
        }
        if args.from_file.is_none() && Path::new(&code).is_file() {
            tell(format_args!(
                "binq: {code} is a file; the filter comes first, as in: binq . {code}\n"
            ));
        }
        COMPILE
    })?;
    let sources = sources(&args.files);
    if args.in_place.is_some() && sources.contains(&None) {
        let what = if args.files.is_empty() {
            ""
        } else {
            ", not standard input"
        };
        return Err(usage(format!("-i needs a FILE to write back to{what}")));
    }
    let failed = Rc::new(RefCell::new(0));
    let inputs = Inputs {
        decoder: decoder.clone(),
        rest: sources.into_iter(),
        failed: failed.clone(),
        skips_nothing: args.null_input,
        strict: args.strict,
        verify: args.verify,
        edits: false,
    };
    let mut runner = Runner {
        query: Rc::new(query),
        values,
        output: Output::new(args, bits, decoder.current.clone())
            .map_err(|e| usage(format!("standard output: {e}")))?,
        code: 0,
        verbose: args.verbose,
        last: None,
    };
    let remarks = decoder.options.remarks.clone();
    let result = match args.verify {
        true => runner.verify(args, inputs),
        false => runner.all(args, &decoder, inputs),
    };
    for remark in remarks.take() {
        tell(format_args!("binq: {remark}\n"));
    }
    let code = match result.and_then(|()| runner.output.flush().map_err(NotWritten::Io)) {
        Ok(()) => runner.code,
        // a reader that leaves has seen enough
        Err(NotWritten::Io(e)) if is_closed(&e) => {
            runner.last = Some(true);
            runner.code
        }
        Err(NotWritten::Io(e)) => {
            match Shrunk::of(&e) {
                Some(shrunk) => complain(shrunk),
                None => complain(format_args!("writing output: {e}")),
            }
            return Err(USAGE);
        }
        Err(NotWritten::Value(_) | NotWritten::Last(_)) => RUNTIME,
    };
    let failed = *failed.borrow();
    Ok(match (failed, code, runner.last) {
        (0, 0, last) if args.exit_status => match last {
            None => NO_OUTPUT,
            Some(false) => FALSE,
            Some(true) => 0,
        },
        // as in jq, a file that cannot be read counts for more than what went wrong with others
        (0, code, _) => code,
        (failed, ..) => failed,
    })
}

/// Inputs, as the filter asks for them. One that cannot be read is told of, and the next one is taken.
struct Inputs {
    decoder: Rc<Decoder>,
    rest: std::vec::IntoIter<Option<PathBuf>>,
    failed: Rc<RefCell<u8>>,
    /// Whether an input without bytes is none, as in jq where the filter asks for inputs.
    skips_nothing: bool,
    /// Whether an input with faults is none.
    strict: bool,
    /// Whether faults are told elsewhere.
    verify: bool,
    /// Whether the next one is to be written back.
    edits: bool,
}

impl Inputs {
    /// One cannot be read, or not be decoded; a file that is not there counts for more.
    fn fail(&self, code: u8) {
        let mut failed = self.failed.borrow_mut();
        if *failed != USAGE {
            *failed = code;
        }
    }

    fn next_named(&mut self) -> Option<(Option<PathBuf>, V)> {
        loop {
            let path = self.rest.next()?;
            let node = match &path {
                Some(path) if self.edits && is_other(path) => Err(Unread {
                    code: RUNTIME,
                    message: format!("{}: not a regular file", shown(path)),
                }),
                Some(path) => self.decoder.file(path),
                None => self.decoder.stdin(),
            };
            match node {
                Ok(node) => {
                    // a format that was named shows all bytes as a gap: that is told, and the run goes on
                    let fault = node.undecodable();
                    let name = || path.as_deref().map_or("<stdin>".to_owned(), shown);
                    if fault.is_some() {
                        self.fail(UNDECODED);
                    }
                    if let Some(fault) = fault.filter(|_| !self.verify) {
                        complain(format_args!("{}: {fault}", name()));
                    }
                    if self.strict {
                        let name = name();
                        let mut told = Told::default();
                        told.add(&name, node.findings()).iter().for_each(complain);
                        if let Some(rest) = told.rest() {
                            complain(rest);
                        }
                        if !told.is_empty() {
                            self.fail(UNDECODED);
                            continue;
                        }
                    }
                    return Some((path, V::node(node)));
                }
                Err(e)
                    if e.code == UNDECODED && self.skips_nothing && self.decoder.is_nothing() => {}
                Err(e) => {
                    let like_filter =
                        path.is_some_and(|p| p.as_os_str().as_encoded_bytes().starts_with(b"."));
                    match self.verify && e.code == USAGE && like_filter {
                        true => complain(format_args!("{}; --verify takes no filter", e.message)),
                        false => complain(e.message),
                    }
                    self.fail(e.code);
                }
            }
        }
    }
}

/// Whether a path leads to a pipe or a device, which cannot be written back: to open a pipe that nobody writes to would wait for
/// ever. Of a folder is told by who reads it.
fn is_other(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|meta| !meta.is_file() && !meta.is_dir())
}

/// The name of an input for the filter, byte for byte.
fn name_of(path: Option<&Path>) -> V {
    path.map_or(V::Null, |path| V::text(path.as_os_str().as_encoded_bytes()))
}

/// What `debug` and `stderr` write.
fn show(message: Message) {
    match message {
        Message::Debug(v) => pass_on(format!("[\"DEBUG:\",{}]\n", json::to_text(&v)).as_bytes()),
        Message::Stderr(V::Text(s)) => pass_on(&s),
        Message::Stderr(v) => pass_on(json::to_text(&v).as_bytes()),
        Message::Hint(hint) => tell(format_args!("binq: note: {hint}\n")),
    }
}

/// What the filter runs in; `input` reads on from `next`, and `input_filename` then tells of that input.
fn context(
    decoder: &Decoder,
    hints: bool,
    mut next: impl FnMut() -> Option<(Option<PathBuf>, V)> + 'static,
) -> Rc<Context> {
    Rc::new_cyclic(|cx: &Weak<Context>| {
        let cx = cx.clone();
        let inputs = std::iter::from_fn(move || {
            let (path, value) = next()?;
            if let Some(cx) = cx.upgrade() {
                cx.set_filename(name_of(path.as_deref()));
            }
            Some(Ok(value))
        });
        Context::new(decoder.registry.clone())
            .with_options(decoder.options.clone())
            .with_stack(crate::STACK / 8 * 7)
            .with_messages(show)
            .with_hints(hints)
            .with_inputs(inputs)
    })
}

struct Runner {
    query: Rc<Query>,
    values: Vec<V>,
    output: Output,
    code: u8,
    /// Whether to tell what was done.
    verbose: bool,
    /// Whether the last result was neither false nor null.
    last: Option<bool>,
}

impl Runner {
    fn all(
        &mut self,
        args: &Args,
        decoder: &Decoder,
        mut inputs: Inputs,
    ) -> Result<(), NotWritten> {
        // who looks at a terminal wants to know; in scripts, standard error is for what goes wrong
        let hints = args.verbose || io::stderr().is_terminal();
        if args.null_input || args.slurp {
            let input = match args.null_input {
                true => V::Null,
                false => {
                    let all = std::iter::from_fn(|| inputs.next_named());
                    V::arr(all.map(|(_, v)| v).collect::<Vec<_>>())
                }
            };
            let cx = context(decoder, hints, move || inputs.next_named());
            self.one(&cx, input)?;
            self.output.end_input();
            return Ok(());
        }
        let inputs = Rc::new(RefCell::new(inputs));
        let ahead = inputs.clone();
        let cx = context(decoder, hints, move || ahead.borrow_mut().next_named());
        loop {
            // results of one input come before what is wrong with the next
            self.output.flush()?;
            let next = {
                let mut inputs = inputs.borrow_mut();
                inputs.edits = args.in_place.is_some();
                let next = inputs.next_named();
                inputs.edits = false;
                next
            };
            let Some((path, input)) = next else {
                return Ok(());
            };
            cx.set_filename(name_of(path.as_deref()));
            let go_on = match (&args.in_place, path) {
                (Some(suffix), Some(path)) => self.in_place(&cx, input, &path, suffix),
                _ => self.one(&cx, input)?,
            };
            self.output.end_input();
            if !go_on {
                return Ok(());
            }
        }
    }

    /// List what is wrong with each input.
    fn verify(&mut self, args: &Args, mut inputs: Inputs) -> Result<(), NotWritten> {
        let as_json = args.compact_output || args.to == Some(Form::Json);
        while let Some((path, input)) = inputs.next_named() {
            let V::Node(node) = input else { continue };
            let node = node.into_node();
            let name = path.as_deref().map_or("<stdin>".to_owned(), shown);
            let mut listed = Listed::default();
            for finding in node.findings() {
                if verify::is_fault(&finding) {
                    self.code = FALSE;
                }
                match as_json {
                    true => {
                        let finding = verify::object(name_of(path.as_deref()), &finding);
                        self.output.write(&finding)?;
                    }
                    false if listed.is_new(&finding) => {
                        self.output.line(&verify::line(&name, &finding))?;
                    }
                    false => {}
                }
            }
            for line in listed.end(&name) {
                self.output.line(&line)?;
            }
            self.output.flush()?;
        }
        Ok(())
    }

    /// Run the filter over one input; false if it said `halt`.
    fn one(&mut self, cx: &Context, input: V) -> Result<bool, NotWritten> {
        let query = self.query.clone();
        for result in query.run(cx, input, self.values.clone()) {
            match result {
                Ok(value) => {
                    self.last = Some(value.truth());
                    match self.output.write(&value) {
                        Err(NotWritten::Value(e)) => {
                            complain(e);
                            self.code = RUNTIME;
                        }
                        Err(NotWritten::Last(e)) => {
                            let _ = self.output.flush();
                            complain(e);
                            self.code = RUNTIME;
                            return Ok(true);
                        }
                        result => result?,
                    }
                }
                Err(stop) => return Ok(self.stopped(stop)),
            }
        }
        Ok(true)
    }

    /// An error ends the run over one input, `halt` all of them.
    fn stopped(&mut self, stop: Stop) -> bool {
        match &stop {
            Stop::Error(_) => {
                // results before the error come before it
                let _ = self.output.flush();
                complain(stop.message());
                self.code = RUNTIME;
                true
            }
            Stop::Halt(code, _) => {
                let _ = self.output.flush();
                pass_on(stop.message().as_bytes());
                self.code = *code as u8;
                self.last = Some(true);
                false
            }
        }
    }

    /// Run the filter over a file and write its one result back; false if it said `halt`.
    fn in_place(&mut self, cx: &Context, input: V, path: &Path, suffix: &OsStr) -> bool {
        let name = shown(path);
        let inputs = self.output.input.clone();
        let source = match Source::lock(&inputs) {
            Ok(source) => source,
            Err(e) => return self.not_written(&name, e),
        };
        let query = self.query.clone();
        let mut results = query.run(cx, input.clone(), self.values.clone());
        let (value, end) = match results.next() {
            Some(Ok(value)) => (Some(value), results.next()),
            end => (None, end),
        };
        let halted = match end {
            Some(Err(stop @ Stop::Halt(..))) => Some(stop),
            Some(Err(stop)) => return self.not_written(&name, stop.message().into()),
            Some(Ok(_)) => {
                let e = "the filter gave more than one result to write back";
                return self.not_written(&name, e.into());
            }
            None => None,
        };
        let well = halted
            .as_ref()
            .is_none_or(|stop| matches!(stop, Stop::Halt(0, _)));
        match value {
            // what the filter gave before it said that it failed is not written
            Some(value) if well => match self.write_back(&input, &value, path, &source, suffix) {
                Ok(remark) => {
                    if let Some(remark) = remark {
                        tell(format_args!("binq: {name}: {remark}\n"));
                    }
                }
                Err(e) => return self.not_written(&name, e),
            },
            None if halted.is_none() => {
                return self.not_written(&name, "the filter gave no result to write back".into());
            }
            _ => {}
        }
        halted.is_none_or(|stop| self.stopped(stop))
    }

    /// Tell why a file was not written as it should be. The next one is edited nevertheless.
    fn not_written(&mut self, name: &str, why: Failed) -> bool {
        match why {
            Failed::Unchanged(e) => {
                complain(format_args!("{name}: {e}; the file is unchanged"));
            }
            Failed::Replaced(e) => {
                complain(format_args!("{name}: the file was replaced, but {e}"));
            }
        }
        self.code = RUNTIME;
        true
    }

    /// Write a result back; what is to be remarked of the file.
    fn write_back(
        &mut self,
        input: &V,
        value: &V,
        path: &Path,
        source: &Source,
        suffix: &OsStr,
    ) -> Result<Option<String>, Failed> {
        let inputs = self.output.input.clone();
        let (V::Node(old), V::Node(new)) = (input, value) else {
            return Err(format!(
                "the result to write back must be the decoded file, and is {value}"
            )
            .into());
        };
        let (old, new) = (old.node(), new.node());
        if !new.same_place(&old) && new.parent().is_none() {
            return Err(
                "the result to write back must be the file that is edited, and is another input"
                    .into(),
            );
        }
        if !new.same_place(&old) {
            return Err(format!(
                "the result to write back must be the whole file, and is only {}",
                new.path_text()
            )
            .into());
        }
        self.last = Some(true);
        let encoded = self.output.encoded(&new).map_err(|e| match e {
            NotWritten::Value(e) | NotWritten::Last(e) => e,
            NotWritten::Io(e) => e.to_string(),
        })?;
        if encoded.is_clean() {
            inputs.check().map_err(|e| e.to_string())?;
            let remark = "nothing was changed, so the file was not written";
            return Ok(self.verbose.then(|| remark.to_owned()));
        }
        inplace::replace(path, source, &encoded, &inputs, suffix)
    }
}

/// Options for printing, and those for the decoders.
fn split_options(
    options: &[OsString],
) -> Result<(json::BitsFormat, Vec<(String, OsString)>), String> {
    let mut bits = json::BitsFormat::default();
    let mut rest = Vec::new();
    for option in options {
        let (name, value) =
            split(option).ok_or_else(|| format!("-o takes NAME=VALUE, not {option:?}"))?;
        match &*name {
            "bits_format" => bits = value.to_string_lossy().parse()?,
            _ => rest.push((name, value)),
        }
    }
    Ok((bits, rest))
}

/// The two sides of the first `=`; the value may be no text, as names of files may not.
#[cfg(unix)]
fn split(option: &OsStr) -> Option<(String, OsString)> {
    use std::os::unix::ffi::OsStrExt;
    let bytes = option.as_bytes();
    let at = bytes.iter().position(|b| *b == b'=')?;
    let name = std::str::from_utf8(&bytes[..at]).ok()?;
    Some((
        name.to_owned(),
        OsStr::from_bytes(&bytes[at + 1..]).to_owned(),
    ))
}

#[cfg(not(unix))]
fn split(option: &OsStr) -> Option<(String, OsString)> {
    let (name, value) = option.to_str()?.split_once('=')?;
    Some((name.to_owned(), value.into()))
}

/// A JSON value of the command line.
fn json_value(flag: &str, text: &str) -> Result<V, String> {
    json::parse(text.as_bytes()).map_err(|e| format!("{flag} takes JSON, not {text:?}: {e}"))
}

/// A file of `--slurpfile` or `--rawfile`.
fn content(path: &OsStr) -> Result<Vec<u8>, String> {
    let path = Path::new(path);
    std::fs::read(path).map_err(|e| format!("{}: {e}", shown(path)))
}

/// What a variable of the command line is set to.
fn variable(named: &Named) -> Result<V, String> {
    let Named { name, value, kind } = named;
    Ok(match kind {
        NamedKind::Text => V::text(value.to_string_lossy().into_owned()),
        NamedKind::Json => json_value(&format!("--argjson {name}"), &value.to_string_lossy())?,
        NamedKind::Values => {
            let values: Result<V, _> = json::Reader::new(&content(value)?).collect();
            let path = shown(Path::new(value));
            values.map_err(|e| format!("--slurpfile {name}: {path}: {e}"))?
        }
        NamedKind::Content => match String::from_utf8(content(value)?) {
            Ok(text) => V::text(text),
            Err(e) => V::bytes(e.into_bytes()),
        },
    })
}

/// The variables of `--arg`, `--argjson`, `--slurpfile` and `--rawfile`, and `$ARGS` with all of them and the positional ones.
fn variables(args: &Args) -> Result<(Vec<String>, Vec<V>), String> {
    let mut names = Vec::new();
    let mut values = Vec::new();
    for named in &args.named {
        names.push(named.name.clone());
        values.push(variable(named)?);
    }
    let positional = args.positional.iter().map(|p| match p {
        Positional::Text(text) => Ok(V::text(text.clone())),
        Positional::Json(text) => json_value("--jsonargs", text),
    });
    let named = names.iter().zip(&values);
    let all = V::fields([
        ("positional", positional.collect::<Result<V, String>>()?),
        (
            "named",
            V::obj(named.map(|(k, v)| (k.clone().into(), v.clone())).collect()),
        ),
    ]);
    // a variable of the name ARGS is jq's own
    if let Some(i) = names.iter().position(|n| n == "ARGS") {
        names.remove(i);
        values.remove(i);
    }
    names.push("ARGS".to_owned());
    values.push(all);
    Ok((names, values))
}
