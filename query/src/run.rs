//! Running a compiled query.
use crate::constants::Constants;
use crate::stack;
use crate::value::{Str, V, ValX, hint, too_deep};
use binq_core::{NodeFn, Options, Registry, ScalarFn};
use jaq_core::data::{DataT, HasLut};
use std::cell::{Cell, OnceCell, RefCell};
use std::io::Write;

/// What a query writes besides its outputs.
#[derive(Clone, Debug)]
pub enum Message {
    /// From `debug`: to be shown as `["DEBUG:",…]`.
    Debug(V),
    /// From `stderr`: to be shown as compact JSON, strings as they are, without a line break.
    Stderr(V),
    /// That a comparison may not be what was meant: see [`Context::with_hints`].
    Hint(String),
}

type Inputs = Box<dyn Iterator<Item = Result<V, String>>>;
type Sink = Box<dyn FnMut(Message)>;

/// What a run needs besides its input: more inputs, the formats, the place for messages.
pub struct Context {
    pub(crate) registry: Registry,
    pub(crate) extras: Vec<ScalarFn>,
    pub(crate) functions: Vec<NodeFn>,
    pub(crate) options: Options,
    inputs: RefCell<Inputs>,
    messages: RefCell<Sink>,
    filename: RefCell<V>,
    env: OnceCell<V>,
    /// Set by `halt_error`, to be handed over with the exit code.
    halting: RefCell<Option<V>>,
    stack: usize,
    /// Whether a hint is wanted, and none was given.
    hints: Cell<bool>,
}

/// How much stack a query may use unless [`Context::with_stack`] says otherwise; the main thread has 8 MiB.
const STACK: usize = 4 << 20;

impl Context {
    /// A context without further inputs, with messages going to standard error.
    pub fn new(registry: Registry) -> Self {
        Self {
            extras: registry.functions(),
            functions: registry.node_functions(),
            options: Options::default(),
            registry,
            inputs: RefCell::new(Box::new(std::iter::empty())),
            messages: RefCell::new(Box::new(to_stderr)),
            filename: RefCell::new(V::Null),
            env: OnceCell::new(),
            halting: RefCell::default(),
            stack: STACK,
            hints: Cell::new(false),
        }
    }

    /// Whether to tell, once, where a field is compared with another way to say what it shows, such as a symbol with its number.
    pub fn with_hints(self, hints: bool) -> Self {
        let hints = Cell::new(hints);
        Self { hints, ..self }
    }

    /// Tells the first hint.
    fn hint(&self) {
        if let Some(hint) = hint::take() {
            self.hints.set(false);
            self.tell(Message::Hint(hint));
        }
    }

    /// What `input` and `inputs` read from.
    pub fn with_inputs(self, inputs: impl Iterator<Item = Result<V, String>> + 'static) -> Self {
        Self {
            inputs: RefCell::new(Box::new(inputs)),
            ..self
        }
    }

    /// The settings of decoders, for `decode` and the functions of formats.
    pub fn with_options(self, options: Options) -> Self {
        Self { options, ..self }
    }

    /// Where the messages of `debug` and `stderr` go.
    pub fn with_messages(self, sink: impl FnMut(Message) + 'static) -> Self {
        Self {
            messages: RefCell::new(Box::new(sink)),
            ..self
        }
    }

    /// What `env` and `$ENV` give, instead of the environment of the process.
    pub fn with_env(self, vars: impl IntoIterator<Item = (String, String)>) -> Self {
        let vars = vars.into_iter();
        let env = V::obj(vars.map(|(k, v)| (k.into(), V::text(v))).collect());
        Self {
            env: OnceCell::from(env),
            ..self
        }
    }

    /// How much stack recursion in a query may use, in bytes. It should be well below what the thread has.
    pub fn with_stack(self, bytes: usize) -> Self {
        Self {
            stack: bytes,
            ..self
        }
    }

    /// Sets what `input_filename` gives: a string, or null. The iterator of inputs may call this through a shared context.
    pub fn set_filename(&self, name: V) {
        *self.filename.borrow_mut() = name;
    }

    pub(crate) fn filename(&self) -> V {
        self.filename.borrow().clone()
    }

    /// The environment variables as an object.
    pub(crate) fn env(&self) -> V {
        let read = || {
            V::obj(
                std::env::vars_os()
                    .map(|(k, v)| (to_str(k), V::Text(to_str(v))))
                    .collect(),
            )
        };
        self.env.get_or_init(read).clone()
    }

    pub(crate) fn next_input(&self) -> Option<Result<V, String>> {
        // a query cannot run inside of the iterator, but a careless iterator might ask for itself
        self.inputs.try_borrow_mut().ok()?.next()
    }

    pub(crate) fn tell(&self, m: Message) {
        if let Ok(mut sink) = self.messages.try_borrow_mut() {
            sink(m);
        }
    }

    pub(crate) fn halt_with(&self, v: V) {
        *self.halting.borrow_mut() = Some(v);
    }

    /// Takes the stack to begin here.
    pub(crate) fn begin(&self) {
        stack::begin(self.stack);
        hint::want(self.hints.get());
    }
}

fn to_str(s: std::ffi::OsString) -> Str {
    s.to_string_lossy().into_owned().into()
}

fn to_stderr(m: Message) {
    let mut err = std::io::stderr();
    // `eprint!` would panic where nobody reads it
    let _ = match m {
        Message::Debug(v) => writeln!(err, "[\"DEBUG:\",{}]", crate::json::to_text(&v)),
        Message::Stderr(V::Text(s)) => write!(err, "{}", s.lossy()),
        Message::Stderr(v) => write!(err, "{}", crate::json::to_text(&v)),
        Message::Hint(hint) => writeln!(err, "{hint}"),
    };
}

/// Runs `f` on a thread with a stack of the given size, for queries over deeply nested values.
///
/// Pages of the stack are only taken from memory when they are used.
///
/// # Panics
///
/// If `f` does, or if no thread can be made.
pub fn on_stack<T: Send>(bytes: usize, f: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|s| {
        let thread = std::thread::Builder::new()
            .stack_size(bytes)
            .spawn_scoped(s, f);
        match thread.expect("a thread").join() {
            Ok(t) => t,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// The types that jaq runs our queries with.
pub struct Types;

impl DataT for Types {
    type V<'a> = V;
    type Data<'a> = Data<'a>;
}

/// What native functions can reach.
#[derive(Clone, Copy)]
pub struct Data<'a> {
    pub(crate) lut: &'a jaq_core::Lut<Types>,
    pub(crate) cx: &'a Context,
    pub(crate) constants: &'a Constants,
    pub(crate) library: &'a [std::path::PathBuf],
}

impl<'a> HasLut<'a, Types> for Data<'a> {
    fn lut(&self) -> &'a jaq_core::Lut<Types> {
        self.lut
    }
}

/// Why a run ends before its time.
#[derive(Clone, Debug)]
pub enum Stop {
    /// An error that nothing caught.
    Error(V),
    /// `halt` or `halt_error`. The program should end with the exit code; the message goes to standard error, a string
    /// as it is, null not at all, anything else as JSON with a line break.
    Halt(i32, Option<V>),
}

impl Stop {
    /// The message as jq shows it, without what comes before it.
    pub fn message(&self) -> String {
        match self {
            Self::Error(v) => match v.clone().settle() {
                V::Text(s) => s.lossy().into_owned(),
                v => format!("{v} (not a string)"),
            },
            Self::Halt(_, Some(V::Text(s))) => s.lossy().into_owned(),
            Self::Halt(_, None | Some(V::Null)) => String::new(),
            Self::Halt(_, Some(v)) => crate::json::to_text(v) + "\n",
        }
    }
}

/// The outputs of a run, computed as they are asked for.
pub struct Outputs<'a> {
    inner: Box<dyn Iterator<Item = ValX<'a>> + 'a>,
    cx: &'a Context,
    done: bool,
}

impl<'a> Outputs<'a> {
    pub(crate) fn new(inner: Box<dyn Iterator<Item = ValX<'a>> + 'a>, cx: &'a Context) -> Self {
        Self {
            inner,
            cx,
            done: false,
        }
    }
}

impl Iterator for Outputs<'_> {
    type Item = Result<V, Stop>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        self.cx.begin();
        let next = self.inner.next();
        self.cx.hint();
        // what went wrong where nothing could fail
        if let Some(e) = stack::hit().or_else(|| too_deep().then_some("Equality check too deep")) {
            self.done = true;
            return Some(Err(Stop::Error(V::text(e))));
        }
        let exn = match next? {
            Ok(v) => return Some(Ok(v)),
            Err(exn) => exn,
        };
        self.done = true;
        Some(Err(match exn.get_err() {
            Ok(e) => Stop::Error(e.into_val()),
            Err(exn) => match exn.get_halt() {
                Ok(code) => Stop::Halt(code, self.cx.halting.take()),
                Err(_) => Stop::Error(V::text("break")),
            },
        }))
    }
}
