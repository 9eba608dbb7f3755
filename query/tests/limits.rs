//! How deep things may lie in each other: what is still taken, and what is said of one more.
mod common;
use binq_query::{Context, Query, Settings, json};

/// The output of a program, or its error, on a stack that is no limit.
fn last(program: String) -> String {
    last_of("null", program)
}

/// The same over a decoded document.
fn last_of(doc: &str, program: String) -> String {
    let run = || {
        let query = match Query::compile(&program, &Settings::default()) {
            Ok(query) => query,
            Err(e) => return e.to_string(),
        };
        let cx = Context::new(common::registry()).with_stack(1 << 30);
        let out = query.run(&cx, common::node(doc), Vec::new()).last();
        match out.expect("an output") {
            Ok(v) => json::to_text(&v),
            Err(e) => format!("error: {}", e.message()),
        }
    };
    let mut out = String::new();
    binq_query::on_stack(2 << 30, || out = run());
    out
}

const DEEPEST: usize = 10_000;

#[test]
fn programs() {
    let nested = |n: usize| last(format!("{}1{}", "(".repeat(n), ")".repeat(n)));
    // a bracket and the term in it are two levels
    assert_eq!(nested(DEEPEST / 2 - 1), "1");
    let told = nested(DEEPEST / 2);
    assert!(
        told.starts_with("error: the program nests too deep\n"),
        "{told}"
    );
    assert_eq!(told.matches('^').count(), 1);
}

/// Arrays in each other: `n` around a value.
fn nested(n: usize, value: &str) -> String {
    format!("reduce range({n}) as $i ({value}; [.])")
}

#[test]
fn containment() {
    let contains = |n| last(format!("{} | contains(.)", nested(n, "1")));
    assert_eq!(contains(DEEPEST), "true");
    assert_eq!(contains(DEEPEST + 1), "error: Containment check too deep");
}

#[test]
fn merging() {
    let merge = |n| {
        let objects = format!("(reduce range({n}) as $i ({{}}; {{a: .}}))");
        last(format!("{objects} | . * . | type"))
    };
    assert_eq!(merge(DEEPEST), r#""object""#);
    assert_eq!(merge(DEEPEST + 1), "error: Object merge too deep");
}

#[test]
fn paths() {
    let path = |n: usize| format!("[range({n}) | 0]");
    for (program, at_most) in [
        ("setpath(P; 1) | type", r#""array""#),
        ("delpaths([P]) | type", r#""null""#),
        ("getpath(P) |= 1 | type", r#""array""#),
        ("(getpath(P), getpath(P)) |= 1 | type", r#""array""#),
    ] {
        let run = |n| last(program.replace('P', &path(n)));
        assert_eq!(run(DEEPEST), at_most, "{program}");
        assert_eq!(run(DEEPEST + 1), "error: Path too deep", "{program}");
    }
}

#[test]
fn plain_copies() {
    let copied = |n| {
        let around = nested(n, ".a");
        let inside = r#"until(isnumber; .[0]) | try topath catch "a plain number""#;
        last_of(r#"{"a":1}"#, format!("{around} | tovalue | {inside}"))
    };
    assert_eq!(copied(DEEPEST), r#""a plain number""#);
    // what lies deeper is left as it is
    assert_eq!(copied(DEEPEST + 1), r#"["a"]"#);
}
