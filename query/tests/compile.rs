//! What is wrong with programs, and how that is shown; running compiled queries.
mod common;
use binq_query::{Context, Message, Query, Settings, Stop, V, json};
use common::{node, registry};
use std::cell::RefCell;
use std::rc::Rc;

fn errors(code: &str) -> String {
    match Query::compile(code, &Settings::default()) {
        Ok(_) => panic!("{code} compiles"),
        Err(e) => e.to_string(),
    }
}

#[test]
fn undefined_names() {
    assert_eq!(
        errors(".foo | bar(.)"),
        "error: bar/1 is not defined\n  1 | .foo | bar(.)\n    |        ^^^"
    );
    assert_eq!(errors("$x"), "error: $x is not defined\n  1 | $x\n    | ^^");
    assert_eq!(
        errors("break $x"),
        "error: label $x is not defined\n  1 | break $x\n    |       ^^"
    );
    // all of them
    assert_eq!(errors("a | b").matches("error:").count(), 2);
}

#[test]
fn undefined_names_after_rewriting() {
    assert_eq!(
        errors("(.a?) |= nope"),
        "error: nope/0 is not defined\n  1 | (.a?) |= nope\n    |          ^^^^"
    );
}

#[test]
fn syntax() {
    assert_eq!(
        errors("1 +"),
        "error: expected a term, found the end\n  1 | 1 +\n    |    ^"
    );
    assert_eq!(
        errors("if 1 then 2"),
        "error: expected else or end, found the end\n  1 | if 1 then 2\n    |            ^"
    );
    assert_eq!(
        errors(". as x | 1"),
        "error: expected pattern, found `x`\n  1 | . as x | 1\n    |      ^"
    );
    assert_eq!(
        errors("1 2"),
        "error: expected the end of the program, found `2`\n  1 | 1 2\n    |   ^"
    );
    assert_eq!(
        errors("{(1): 2}"),
        "error: cannot use number (1) as object key\n  1 | {(1): 2}\n    |   ^"
    );
}

#[test]
fn tokens() {
    assert_eq!(
        errors(".foo | bar("),
        "error: expected a closing parenthesis, found the end\n  1 | .foo | bar(\n    |           ^"
    );
    assert_eq!(
        errors("\"abc"),
        "error: expected a closing quote, found the end\n  1 | \"abc\n    | ^"
    );
    assert_eq!(
        errors(". & 1"),
        "error: unexpected character `&`\n  1 | . & 1\n    |   ^"
    );
    assert_eq!(
        errors("\"a\\q\""),
        "error: invalid escape in a string: found `\\q`\n  1 | \"a\\q\"\n    |   ^^"
    );
}

#[test]
fn lines() {
    assert_eq!(
        errors(".a\n| \tfoo\n| .b"),
        "error: foo/0 is not defined\n  2 | |  foo\n    |    ^^^"
    );
    let long = format!("{} | nope", vec!["."; 200].join(" | "));
    let shown = errors(&long);
    assert!(shown.lines().all(|l| l.chars().count() < 120), "{shown}");
    assert!(shown.contains("^^^^"));
}

#[test]
fn spans() {
    let Err(e) = Query::compile("é | nope", &Settings::default()) else {
        panic!()
    };
    assert!(!e.errors.is_empty());
    let Err(e) = Query::compile("1 | nope", &Settings::default()) else {
        panic!()
    };
    assert_eq!(e.errors[0].span, 4..8);
}

fn run_all(code: &str, cx: &Context, input: V) -> Vec<String> {
    let query = Query::compile(code, &Settings::default()).unwrap();
    query
        .run(cx, input, vec![])
        .map(|r| match r {
            Ok(v) => json::to_text(&v),
            Err(Stop::Error(v)) => format!("error {}", json::to_text(&v)),
            Err(Stop::Halt(code, v)) => format!(
                "halt {code} {}",
                v.map_or(String::new(), |v| json::to_text(&v))
            ),
        })
        .collect()
}

#[test]
fn variables() {
    let names = ["a".to_string(), "$b".to_string()];
    let query = Query::compile(
        "[$a, $b, $ENV == env]",
        &Settings {
            vars: &names,
            ..Settings::default()
        },
    )
    .unwrap();
    let cx = Context::new(registry());
    let out: Vec<_> = query
        .run(&cx, V::Null, vec![V::size(1), V::text("x")])
        .map(|r| json::to_text(&r.unwrap()))
        .collect();
    assert_eq!(out, [r#"[1,"x",true]"#]);
}

/// A filter runs once, also where there is nothing yet and null comes out.
#[test]
fn an_assignment_runs_its_filter_once() {
    for code in [
        "(try (.nums[3] |= input) catch .), [inputs]",
        "(try (.absent |= input) catch .), [inputs]",
        "(try (.nums[3] |= (. as $old | input)) catch .), [inputs]",
    ] {
        let more = [V::Null, V::size(1), V::size(2)];
        let cx = Context::new(registry()).with_inputs(more.into_iter().map(Ok));
        let out = run_all(code, &cx, node(r#"{"nums": [1, 2, 3]}"#));
        assert_eq!(out.last().unwrap(), "[1,2]", "{code}: {out:?}");
    }
}

#[test]
fn inputs() {
    let more = ["2", "3"].map(|s| Ok(json::parse(s.as_bytes()).unwrap()));
    let cx =
        Context::new(registry()).with_inputs(more.into_iter().chain([Err("broken".to_string())]));
    cx.set_filename(V::text("f.wal"));
    assert_eq!(
        run_all(
            "., input, input_filename, [limit(1; inputs)], (try input catch .)",
            &cx,
            V::size(1)
        ),
        ["1", "2", "\"f.wal\"", "[3]", "\"broken\""]
    );
}

#[test]
fn halting_is_told() {
    let cx = Context::new(registry());
    assert_eq!(run_all("1, halt, 2", &cx, V::Null), ["1", "halt 0 "]);
    assert_eq!(
        run_all("{a: 1} | halt_error", &cx, V::Null),
        ["halt 5 {\"a\":1}"]
    );
    assert_eq!(
        run_all("try (\"x\" | halt_error(3)) catch 1", &cx, V::Null),
        ["halt 3 \"x\""]
    );
    assert_eq!(Stop::Halt(5, Some(V::text("bye"))).message(), "bye");
    assert_eq!(Stop::Halt(5, Some(V::size(1))).message(), "1\n");
}

#[test]
fn errors_are_told() {
    let cx = Context::new(registry());
    assert_eq!(
        run_all("1, error(\"x\"), 2", &cx, V::Null),
        ["1", "error \"x\""]
    );
    assert_eq!(run_all("error(null)", &cx, V::Null), ["error null"]);
    assert_eq!(Stop::Error(V::text("x")).message(), "x");
}

#[test]
fn messages() {
    let told = Rc::new(RefCell::new(Vec::new()));
    let sink = told.clone();
    let cx = Context::new(registry()).with_messages(move |m| {
        sink.borrow_mut().push(match m {
            Message::Debug(v) => format!("debug {}", json::to_text(&v)),
            Message::Stderr(v) => format!("stderr {}", json::to_text(&v)),
            Message::Hint(hint) => format!("hint {hint}"),
        });
    });
    assert_eq!(
        run_all("debug, debug(\"m\\(.)\"), stderr", &cx, V::size(1)),
        ["1", "1", "1"]
    );
    assert_eq!(*told.borrow(), ["debug 1", "debug \"m1\"", "stderr 1"]);
}

#[test]
fn queries_are_shared_between_threads() {
    fn shared<T: Send + Sync>(_: &T) {}
    shared(&Query::compile(".", &Settings::default()).unwrap());
}

#[test]
fn all_of_our_functions_compile() {
    // a name that nothing defines would be an error of every program
    let cx = Context::new(registry());
    let n: usize = run_all("builtins | length", &cx, V::Null)[0]
        .parse()
        .unwrap();
    assert!(n > 200, "{n}");
}

#[test]
fn modules() {
    let library = [std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/jq/modules")];
    let settings = Settings {
        library: &library,
        ..Settings::default()
    };
    assert!(Query::compile("import \"a\" as foo; foo::a", &settings).is_ok());
    let Err(e) = Query::compile("import \"syntaxerror\" as e; .", &settings) else {
        panic!()
    };
    assert!(e.to_string().contains("syntaxerror.jq"), "{e}");
    let Err(e) = Query::compile("import \"nope\" as e; .", &settings) else {
        panic!()
    };
    assert!(e.to_string().contains("nope: file not found"), "{e}");
}

#[test]
fn definitions_that_formats_supply() {
    let settings = |definitions| Settings {
        definitions,
        ..Settings::default()
    };
    let compiled = Query::compile(
        "twice(1)",
        &settings("# a remark\ndef one: 1;\ndef twice($x): $x + one;"),
    );
    let cx = Context::new(registry());
    let outputs: Vec<_> = compiled.unwrap().run(&cx, V::Null, vec![]).collect();
    assert!(matches!(&outputs[..], [Ok(v)] if v.to_string() == "2"));
    // what the program defines itself is its own
    assert!(Query::compile("def twice(f): f; twice(.)", &settings("def twice($x): $x;")).is_ok());
    let Err(e) = Query::compile(".", &settings("not a definition")) else {
        panic!()
    };
    assert!(e.to_string().contains("what a format supplies"), "{e}");
}
