//! A format for tests: documents are written as JSON and laid out as bytes, so that there are nodes of every kind.
//!
//! Numbers up to 255 take a byte, others eight; strings and byte strings their bytes. Special leaves are
//! `{"$int": 10, "$sym": {"10": "Heap"}, "$desc": "…"}` (one byte), `{"$bytes": "0aff"}`, `{"$place": 258}` (a number that
//! shows as `"1/2"` and compares as the number), and
//! `{"$fault": "what was expected", "$fields": {…}}`, an object that is damaged.
#![allow(dead_code)]
use binq_core::codec::{Bool, Codec, Int, Raw};
use binq_core::sequence::{SeqAt, Sequence, State, Step};
use binq_core::shape::{Cx, Shape};
use binq_core::{
    Bits, Confidence, Format, Kind, Malformed, Misfit, Node, NodeFn, Options, Plain, Probe, Ref,
    Registry, Scalar, Space, Span,
};
use binq_query::{Context, Query, Settings, Stop, V, json};
use std::sync::Arc;

struct Text;

impl Codec for Text {
    fn decode(&self, bits: &Bits) -> Result<Scalar, Misfit> {
        Ok(Scalar::Str(String::from_utf8_lossy(bits.bytes()).into()))
    }
    fn encode(&self, v: &Scalar, _: &Bits) -> Result<Bits, Misfit> {
        match v.as_bytes() {
            Some(b) => Ok(Bits::from_bytes(b.to_vec())),
            None => Err(Misfit::new("a string", v)),
        }
    }
}

struct Real;

impl Codec for Real {
    fn decode(&self, bits: &Bits) -> Result<Scalar, Misfit> {
        let bytes = bits.bytes()[..]
            .try_into()
            .map_err(|_| Misfit::new("8 bytes", bits.len()))?;
        Ok(Scalar::Float(f64::from_le_bytes(bytes)))
    }
    fn encode(&self, v: &Scalar, _: &Bits) -> Result<Bits, Misfit> {
        let f = match v {
            Scalar::Float(f) => *f,
            Scalar::Int(i) => *i as f64,
            v => return Err(Misfit::new("a number", v)),
        };
        Ok(Bits::from_bytes(f.to_le_bytes().to_vec()))
    }
}

struct Nothing;

impl Codec for Nothing {
    fn decode(&self, _: &Bits) -> Result<Scalar, Misfit> {
        Ok(Scalar::Null)
    }
    fn encode(&self, v: &Scalar, like: &Bits) -> Result<Bits, Misfit> {
        if *v == Scalar::Null {
            Ok(like.clone())
        } else {
            Err(Misfit::new("null", v))
        }
    }
}

struct Symbols {
    names: Vec<(i128, String)>,
    desc: Option<String>,
}

impl Codec for Symbols {
    fn decode(&self, bits: &Bits) -> Result<Scalar, Misfit> {
        Int::U8.decode(bits)
    }
    fn encode(&self, v: &Scalar, like: &Bits) -> Result<Bits, Misfit> {
        Int::U8.encode(v, like)
    }
    fn symbol(&self, v: &Scalar) -> Option<Scalar> {
        let found = self.names.iter().find(|(i, _)| Some(*i) == v.as_int())?;
        Some(Scalar::Str(found.1.as_str().into()))
    }
    fn actual(&self, s: &Scalar) -> Option<Scalar> {
        let found = self
            .names
            .iter()
            .find(|(_, n)| Some(n.as_str()) == s.as_str())?;
        Some(Scalar::Int(found.0))
    }
    fn description(&self, _: &Scalar) -> Option<String> {
        self.desc.clone()
    }
}

/// A number that shows as a text: its bytes in hexadecimal digits, with a slash between.
struct Place;

impl Codec for Place {
    fn decode(&self, bits: &Bits) -> Result<Scalar, Misfit> {
        Int::U16LE.decode(bits)
    }
    fn encode(&self, v: &Scalar, like: &Bits) -> Result<Bits, Misfit> {
        Int::U16LE.encode(v, like)
    }
    fn is_ordinal(&self) -> bool {
        true
    }
    fn symbol(&self, v: &Scalar) -> Option<Scalar> {
        let i = v.as_int()?;
        Some(format!("{:X}/{:X}", i >> 8, i & 0xff).into())
    }
    fn actual(&self, s: &Scalar) -> Option<Scalar> {
        let (high, low) = s.as_str()?.split_once('/')?;
        let half = |s| u8::from_str_radix(s, 16).ok().map(i128::from);
        Some(Scalar::Int(half(high)? << 8 | half(low)?))
    }
}

struct Fields {
    fields: Vec<(String, Kind, Span)>,
    fault: Option<String>,
}

impl Shape for Fields {
    fn name(&self) -> &'static str {
        "Toy"
    }
    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        for (name, kind, span) in &self.fields {
            cx.node(name.clone(), *span, kind.clone());
        }
        Ok(())
    }
    fn fault(&self) -> Option<Malformed> {
        self.fault.as_ref().map(|f| Malformed {
            at: 0,
            expected: f.clone(),
            found: "end of input".into(),
            severity: binq_core::Severity::Stops,
            lost: false,
        })
    }
}

struct Items(Vec<(Kind, Span)>);

impl Sequence for Items {
    fn name(&self) -> &'static str {
        "item"
    }
    fn step(&self, _: &SeqAt<'_>, state: &State) -> Option<Step> {
        let (kind, span) = self.0.get(state.memory as usize)?;
        let mut next = State::new(span.end());
        next.memory = state.memory + 1;
        Some(Step {
            kind: kind.clone(),
            span: *span,
            next,
        })
    }
    fn resizable(&self) -> bool {
        true
    }
    fn build(&self, v: &Plain) -> Result<Node, String> {
        let v = match v {
            Plain::Scalar(Scalar::Int(i)) => serde(i.to_string()),
            Plain::Scalar(Scalar::Str(s)) => V::text(&**s),
            _ => return Err("takes numbers and strings".into()),
        };
        Ok(root(&v))
    }
}

fn serde(s: String) -> V {
    json::parse(s.as_bytes()).unwrap()
}

/// Lays a value out from byte `out.len()` on.
fn layout(v: &V, out: &mut Vec<u8>) -> (Kind, Span) {
    let start = out.len() as u64;
    let kind = match v {
        V::Null => leaf(&Nothing),
        V::Bool(b) => {
            out.push(u8::from(*b));
            leaf(&Bool)
        }
        V::Num(_) => match json::to_text(v).parse::<i128>() {
            Ok(i @ 0..=255) => {
                out.push(i as u8);
                leaf(&Int::U8)
            }
            Ok(i) => {
                out.extend(&i.to_le_bytes()[..8]);
                leaf(if i < 0 { &Int::I64LE } else { &Int::U64LE })
            }
            Err(_) => {
                out.extend(json::to_text(v).parse::<f64>().unwrap().to_le_bytes());
                leaf(&Real)
            }
        },
        V::Text(s) => {
            out.extend(&s[..]);
            leaf(&Text)
        }
        V::Arr(a) => Kind::array(Arc::new(Items(a.iter().map(|v| layout(v, out)).collect()))),
        V::Obj(o) if o.get(&b"$place"[..]).is_some() => {
            let place = o.get(&b"$place"[..]).map(json::to_text);
            let place: u16 = place.unwrap().parse().unwrap();
            out.extend(place.to_le_bytes());
            leaf(&Place)
        }
        // so many low bits of a byte
        V::Obj(o) if o.get(&b"$low"[..]).is_some() => {
            let number = |key: &[u8]| -> u64 {
                let text = o.get(key).map(json::to_text);
                text.unwrap().parse().unwrap()
            };
            let low = number(b"$low");
            out.push(number(b"$of") as u8);
            return (leaf(&Raw::ANY), Span::bits(start * 8 + 8 - low, low));
        }
        V::Obj(o) => match (
            o.get(&b"$int"[..]),
            o.get(&b"$bytes"[..]),
            o.get(&b"$fault"[..]),
        ) {
            (Some(i), _, _) => {
                out.push(json::to_text(i).parse().unwrap());
                let names = o
                    .get(&b"$sym"[..])
                    .cloned()
                    .and_then(|s| s.into_fields().ok())
                    .unwrap_or_default();
                let names = names
                    .into_iter()
                    .map(|(k, v)| (k.lossy().parse().unwrap(), string(&v)));
                let desc = o.get(&b"$desc"[..]).map(string);
                Kind::Leaf(Ref::Shared(Arc::new(Symbols {
                    names: names.collect(),
                    desc,
                })))
            }
            (_, Some(b), _) => {
                out.extend(json::from_hex(&b.str().unwrap()).unwrap());
                leaf(&Raw::ANY)
            }
            (_, _, Some(f)) => fields(o.get(b"$fields").expect("fields"), Some(string(f)), out),
            _ => fields(v, None, out),
        },
        _ => unreachable!(),
    };
    (kind, Span::bytes(start, out.len() as u64 - start))
}

fn string(v: &V) -> String {
    v.str().unwrap().lossy().into_owned()
}

fn leaf<C: Codec>(codec: &'static C) -> Kind {
    Kind::Leaf(codec.into())
}

fn fields(v: &V, fault: Option<String>, out: &mut Vec<u8>) -> Kind {
    let fields = v.clone().into_fields().unwrap_or_default();
    let field = |(k, v): (binq_query::value::Str, V)| {
        let (kind, span) = layout(&v, out);
        (k.lossy().into_owned(), kind, span)
    };
    let fields = fields.into_iter().map(field).collect();
    Kind::shared(Arc::new(Fields { fields, fault }))
}

fn root(v: &V) -> Node {
    let mut bytes = Vec::new();
    let (kind, span) = layout(v, &mut bytes);
    Node::root_of("toy", kind, Space::source(bytes), span)
}

struct Toy;

impl Format for Toy {
    fn name(&self) -> &'static str {
        "toy"
    }
    fn description(&self) -> &'static str {
        "documents for tests"
    }
    fn probe(&self, _: &Probe<'_>) -> Confidence {
        Confidence::Maybe
    }
    fn decode(&self, space: Space, _: &Options) -> Node {
        root(&json::parse(&space.read(0, space.len())).unwrap())
    }
    fn node_functions(&self) -> &'static [NodeFn] {
        &[
            NodeFn {
                name: "toy_none",
                arity: 0,
                run: |_, _, args| named("none", args),
            },
            NodeFn {
                name: "toy_two",
                arity: 2,
                run: |_, _, args| named("two", args),
            },
            NodeFn {
                name: "as",
                arity: 1,
                run: |_, _, args| named("as", args),
            },
        ]
    }
    fn functions(&self) -> &'static [binq_core::ScalarFn] {
        &[("toy_double", |s| match s {
            Scalar::Int(i) => Ok(Scalar::Int(2 * i)),
            s => Err(format!("toy_double takes a number, not {s}")),
        })]
    }
}

/// The name of a function, and how many arguments it was given.
fn named(name: &str, args: &[Plain]) -> Result<Plain, String> {
    let name = Plain::Scalar(Scalar::Str(name.into()));
    let count = Plain::Scalar(Scalar::Int(args.len() as i128));
    Ok(Plain::Array(vec![name, count]))
}

/// A registry with the format of this file.
pub fn registry() -> Registry {
    Registry::new(vec![&Toy])
}

/// A decoded document.
pub fn node(doc: &str) -> V {
    V::node(root(&json::parse(doc.as_bytes()).unwrap()))
}

/// Outputs as JSON; an error ends them as `error: …`.
pub fn run(input: V, code: &str) -> Vec<String> {
    run_values(input, code)
        .into_iter()
        .map(|r| r.map_or_else(|e| format!("error: {e}"), |v| json::to_text(&v)))
        .collect()
}

/// Like `run`; of a program that is none, it tells what is wrong, and after an `@` the column and the length of where.
pub fn outputs(input: V, code: &str) -> Vec<String> {
    let Err(e) = Query::compile(code, &Settings::default()) else {
        return run(input, code);
    };
    let text = e.to_string();
    let mut lines = text.lines();
    let what = lines.next().unwrap_or_default();
    let marks = lines.nth(1).and_then(|l| l.split_once("| "));
    let place = marks.map_or(String::new(), |(_, marks)| {
        let column = marks.len() - marks.trim_start().len() + 1;
        format!(" @{column}+{}", marks.matches('^').count())
    });
    vec![format!("{what}{place}")]
}

/// Outputs and errors.
pub fn run_values(input: V, code: &str) -> Vec<Result<V, String>> {
    let registry = registry();
    let query = Query::compile(
        code,
        &Settings {
            extras: &registry.functions(),
            functions: &registry.node_functions(),
            ..Settings::default()
        },
    );
    let query = query.unwrap_or_else(|e| panic!("{e}"));
    // the threads of tests have 2 MiB
    let cx = Context::new(registry)
        .with_messages(|_| ())
        .with_stack(1 << 20);
    let fail = |s: Stop| s.message();
    query
        .run(&cx, input, vec![])
        .map(|r| r.map_err(fail))
        .collect()
}

/// Defines a test that runs a query over JSON and compares the outputs, given as JSON.
#[macro_export]
macro_rules! yields {
    ($name:ident, $input:expr, $code:expr, [$($out:expr),* $(,)?]) => {
        #[test]
        fn $name() {
            let input = binq_query::json::parse($input.as_bytes()).expect("input");
            let out: Vec<String> = vec![$($out.to_string()),*];
            assert_eq!($crate::common::run(input, $code), out);
        }
    };
}

/// Like `yields`, over a decoded document.
#[macro_export]
macro_rules! node_yields {
    ($name:ident, $doc:expr, $code:expr, [$($out:expr),* $(,)?]) => {
        #[test]
        fn $name() {
            let out: Vec<String> = vec![$($out.to_string()),*];
            assert_eq!($crate::common::run($crate::common::node($doc), $code), out);
        }
    };
}
