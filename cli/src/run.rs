//! A run: compile the filter, run it over the inputs, write the results.

use crate::args::{Args, Positional};
use crate::failure::{COMPILE, FALSE, NO_OUTPUT, RUNTIME, USAGE, complain, is_closed, tell};
use crate::inplace;
use crate::input::{Decoder, sources};
use crate::output::{NotWritten, Output};
use binq_query::{Context, Query, Settings, Stop, V, json};
use clap::CommandFactory;
use std::cell::RefCell;
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
        tell(Args::command().render_help());
        return Err(USAGE);
    }
    let (bits, options) = split_options(&args.option).map_err(usage)?;
    let (names, values) = variables(args).map_err(usage)?;
    let decoder = Rc::new(Decoder::new(args, options).map_err(usage)?);
    let code = match &args.from_file {
        Some(path) => {
            let text = std::fs::read_to_string(path);
            text.map_err(|e| usage(format!("{}: {e}", path.display())))?
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
        tell(format_args!("binq: {e}\n"));
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
    };
    let mut runner = Runner {
        query: Rc::new(query),
        values,
        output: Output::new(args, bits, decoder.current.clone())
            .map_err(|e| usage(format!("standard output: {e}")))?,
        code: 0,
        last: None,
    };
    let result = runner.all(args, &decoder, inputs);
    let code = match result.and_then(|()| runner.output.flush().map_err(NotWritten::Io)) {
        Ok(()) => runner.code,
        Err(NotWritten::Io(e)) if is_closed(&e) => return Ok(0),
        Err(NotWritten::Io(e)) => {
            complain(format_args!("writing output: {e}"));
            return Err(USAGE);
        }
        Err(NotWritten::Value(_)) => RUNTIME,
    };
    let failed = *failed.borrow();
    Ok(match (code, failed, runner.last) {
        (0, 0, last) if args.exit_status => match last {
            None => NO_OUTPUT,
            Some(false) => FALSE,
            Some(true) => 0,
        },
        (0, failed, _) => failed,
        (code, _, _) => code,
    })
}

/// Inputs, as the filter asks for them. One that cannot be read is told of, and the next one is taken.
struct Inputs {
    decoder: Rc<Decoder>,
    rest: std::vec::IntoIter<Option<PathBuf>>,
    failed: Rc<RefCell<u8>>,
}

impl Inputs {
    fn next_named(&mut self) -> Option<(Option<PathBuf>, V)> {
        loop {
            let path = self.rest.next()?;
            let node = match &path {
                Some(path) => self.decoder.file(path),
                None => self.decoder.stdin(),
            };
            match node {
                Ok(node) => {
                    // a format that was named shows all bytes as a gap: that is told, and the run goes on
                    if let Some(fault) = node.undecodable() {
                        let name = name_of(path.as_deref());
                        let name = name.as_deref().unwrap_or("<stdin>");
                        complain(format_args!("{name}: {fault}"));
                        *self.failed.borrow_mut() = USAGE;
                    }
                    return Some((path, V::Node(node)));
                }
                Err(e) => {
                    complain(e);
                    *self.failed.borrow_mut() = USAGE;
                }
            }
        }
    }
}

fn name_of(path: Option<&Path>) -> Option<String> {
    path.map(|p| p.display().to_string())
}

/// What the filter runs in; `input` reads on from `next`, and `input_filename` then tells of that input.
fn context(
    decoder: &Decoder,
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
            .with_inputs(inputs)
    })
}

struct Runner {
    query: Rc<Query>,
    values: Vec<V>,
    output: Output,
    code: u8,
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
        if args.null_input || args.slurp {
            let input = match args.null_input {
                true => V::Null,
                false => {
                    let all = std::iter::from_fn(|| inputs.next_named());
                    V::arr(all.map(|(_, v)| v).collect::<Vec<_>>())
                }
            };
            let cx = context(decoder, move || inputs.next_named());
            self.one(&cx, input)?;
            return Ok(());
        }
        let inputs = Rc::new(RefCell::new(inputs));
        let ahead = inputs.clone();
        let cx = context(decoder, move || ahead.borrow_mut().next_named());
        loop {
            // results of one input come before what is wrong with the next
            self.output.flush()?;
            let next = inputs.borrow_mut().next_named();
            let Some((path, input)) = next else {
                return Ok(());
            };
            cx.set_filename(name_of(path.as_deref()));
            let go_on = match (&args.in_place, path) {
                (Some(suffix), Some(path)) => {
                    self.in_place(&cx, input, &path, suffix);
                    true
                }
                _ => self.one(&cx, input)?,
            };
            if !go_on {
                return Ok(());
            }
        }
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
                tell(stop.message());
                self.code = *code as u8;
                self.last = Some(true);
                false
            }
        }
    }

    /// Run the filter over a file and write its one result back.
    fn in_place(&mut self, cx: &Context, input: V, path: &Path, suffix: &str) {
        if let Err(e) = self.try_in_place(cx, input, path, suffix) {
            complain(format_args!(
                "{}: {e}; the file is unchanged",
                path.display()
            ));
            self.code = RUNTIME;
        }
    }

    fn try_in_place(
        &mut self,
        cx: &Context,
        input: V,
        path: &Path,
        suffix: &str,
    ) -> Result<(), String> {
        let query = self.query.clone();
        let mut results = query.run(cx, input.clone(), self.values.clone());
        let value = match results.next() {
            Some(Ok(value)) => value,
            Some(Err(stop)) => return Err(stop.message()),
            None => return Err("the filter gave no result to write back".to_owned()),
        };
        if results.next().is_some() {
            return Err("the filter gave more than one result to write back".to_owned());
        }
        let (V::Node(old), V::Node(new)) = (&input, &value) else {
            return Err(format!(
                "the result to write back must be the decoded file, and is {value}"
            ));
        };
        if !new.same_place(old) {
            return Err(format!(
                "the result to write back must be the whole file, and is only {}",
                new.path_text()
            ));
        }
        self.last = Some(true);
        let encoded = self.output.encoded(new).map_err(|e| match e {
            NotWritten::Value(e) => e,
            NotWritten::Io(e) => e.to_string(),
        })?;
        if encoded.is_clean() {
            return Ok(());
        }
        inplace::replace(path, &encoded, &self.output.input, suffix).map_err(|e| e.to_string())
    }
}

/// Options for printing, and those for the decoders.
fn split_options(options: &[String]) -> Result<(json::BitsFormat, Vec<(String, String)>), String> {
    let mut bits = json::BitsFormat::default();
    let mut rest = Vec::new();
    for option in options {
        let (name, value) = option
            .split_once('=')
            .ok_or_else(|| format!("-o takes NAME=VALUE, not {option:?}"))?;
        match name {
            "bits_format" => bits = value.parse()?,
            _ => rest.push((name.to_owned(), value.to_owned())),
        }
    }
    Ok((bits, rest))
}

/// A JSON value of the command line.
fn json_value(flag: &str, text: &str) -> Result<V, String> {
    json::parse(text.as_bytes()).map_err(|e| format!("{flag} takes JSON, not {text:?}: {e}"))
}

/// A file of `--slurpfile` or `--rawfile`.
fn content(path: &str) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|e| format!("{path}: {e}"))
}

/// The variables of `--arg`, `--argjson`, `--slurpfile` and `--rawfile`, and `$ARGS` with all of them and the positional ones.
fn variables(args: &Args) -> Result<(Vec<String>, Vec<V>), String> {
    let mut named: Vec<(String, V)> = Vec::new();
    for pair in args.arg.chunks_exact(2) {
        named.push((pair[0].clone(), V::text(pair[1].clone())));
    }
    for pair in args.argjson.chunks_exact(2) {
        let value = json_value(&format!("--argjson {}", pair[0]), &pair[1])?;
        named.push((pair[0].clone(), value));
    }
    for pair in args.slurpfile.chunks_exact(2) {
        let values: Result<V, _> = json::Reader::new(&content(&pair[1])?).collect();
        let values = values.map_err(|e| format!("--slurpfile {}: {}: {e}", pair[0], pair[1]))?;
        named.push((pair[0].clone(), values));
    }
    for pair in args.rawfile.chunks_exact(2) {
        let value = match String::from_utf8(content(&pair[1])?) {
            Ok(text) => V::text(text),
            Err(e) => V::bytes(e.into_bytes()),
        };
        named.push((pair[0].clone(), value));
    }
    let positional = args.positional.iter().map(|p| match p {
        Positional::Text(text) => Ok(V::text(text.clone())),
        Positional::Json(text) => json_value("--jsonargs", text),
    });
    let all = V::fields([
        ("positional", positional.collect::<Result<V, String>>()?),
        (
            "named",
            V::obj(
                named
                    .iter()
                    .map(|(k, v)| (k.clone().into(), v.clone()))
                    .collect(),
            ),
        ),
    ]);
    let (mut names, mut values): (Vec<_>, Vec<_>) = named.into_iter().unzip();
    names.push("ARGS".to_owned());
    values.push(all);
    Ok((names, values))
}
