//! A selection on one field looks at that field, and makes no nodes of the items that do not fit.

use binq_core::codec::Int;
use binq_core::sequence::{SeqAt, Sequence, State, Step};
use binq_core::shape::{At, Cx, Lazy, Shape};
use binq_core::{Kind, Malformed, Node, Registry, Scalar, Space, Span};
use binq_query::{Context, Query, Settings, V};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How often an item was looked into.
static OPENED: AtomicUsize = AtomicUsize::new(0);

struct Item;

impl Shape for Item {
    fn name(&self) -> &'static str {
        "item"
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        OPENED.fetch_add(1, Ordering::Relaxed);
        cx.leaf("a", cx.at.span, &Int::U8);
        Ok(())
    }

    fn lazy(&self) -> Option<&dyn Lazy> {
        Some(self)
    }
}

impl Lazy for Item {
    fn peek(&self, name: &str, at: &At<'_>) -> Option<Scalar> {
        let byte = *at.read(0, 1).first()?;
        Some(match name {
            "a" => Scalar::Int(byte.into()),
            _ => Scalar::Null,
        })
    }
}

struct Items;

impl Sequence for Items {
    fn name(&self) -> &'static str {
        "item"
    }

    fn step(&self, at: &SeqAt<'_>, state: &State) -> Option<Step> {
        let span = Span::bits(state.at, 8);
        (span.end() <= at.span.end()).then(|| Step {
            kind: Kind::fixed(&Item),
            span,
            next: State::new(span.end()),
        })
    }
}

struct Root;

impl Shape for Root {
    fn name(&self) -> &'static str {
        "root"
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        cx.node("items", cx.at.span, Kind::array(Arc::new(Items)));
        Ok(())
    }
}

/// The results of a program, and how many items were looked into.
fn run(code: &str) -> (Vec<String>, usize) {
    let space = Space::source((0..100).collect::<Vec<u8>>());
    let span = space.span();
    let root = Node::root_of("items", Kind::fixed(&Root), space, span);
    let query = Query::compile(code, &Settings::default()).expect("a program");
    let cx = Context::new(Registry::new(Vec::new()));
    OPENED.store(0, Ordering::Relaxed);
    let results = query.run(&cx, V::node(root), Vec::new());
    let shown = results.map(|v| v.map_or_else(|stop| stop.message(), |v| v.to_string()));
    (shown.collect(), OPENED.load(Ordering::Relaxed))
}

#[test]
fn only_what_fits_is_opened() {
    for code in [
        ".items[] | select(.a == 42) | .a",
        ".items | .[] | select(.a == 42) | .a",
        "first(.items[] | select(.a == 42)) | .a",
    ] {
        assert_eq!(run(code).0, ["42"], "{code}");
    }
    assert_eq!(
        run(".items[] | select(.a == 42) | .a"),
        (vec!["42".to_owned()], 1)
    );
    // what is written otherwise is run as it is written
    let (shown, opened) = run(".items[] | . as $item | select($item.a == 42) | .a");
    assert_eq!((shown, opened), (vec!["42".to_owned()], 100));
}
