//! Modules: where they are found, what they export, and what is said of those that cannot be imported.
mod common;
use binq_query::{Context, Query, Settings, V, json};
use std::fs;
use std::path::PathBuf;

/// A library with these files, in a folder of its own.
fn library(name: &str, files: &[(&str, &str)]) -> PathBuf {
    let root = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&root);
    for (file, text) in files {
        let file = root.join(file);
        fs::create_dir_all(file.parent().expect("a folder")).unwrap();
        fs::write(file, text).unwrap();
    }
    root.canonicalize().unwrap()
}

/// The outputs of a program with that library, or the first line of why there are none.
fn run(library: &PathBuf, code: &str) -> String {
    let settings = Settings {
        library: std::slice::from_ref(library),
        ..Settings::default()
    };
    let at_home = |text: String| text.replace(library.to_str().expect("UTF-8"), "LIB");
    let query = match Query::compile(code, &settings) {
        Ok(query) => query,
        Err(e) => {
            let text = e.to_string();
            let messages = text.lines().filter(|l| l.starts_with("error"));
            return at_home(messages.collect::<Vec<_>>().join("; "));
        }
    };
    let cx = Context::new(common::registry()).with_stack(1 << 20);
    let out = query.run(&cx, V::Null, Vec::new());
    let shown =
        out.map(|r| r.map_or_else(|e| format!("error: {}", e.message()), |v| json::to_text(&v)));
    at_home(shown.collect::<Vec<_>>().join("  "))
}

#[test]
fn modules_are_found_and_told_of() {
    let library = library(
        "modules",
        &[
            (
                "a.jq",
                "module {version: 1, of: [1, \"x\", {b: null}, -2]}; def f: 1; def g: f + 1; def h($x): $x;",
            ),
            (
                "b/b.jq",
                "import \"a\" as a {search: \"..\"}; def f: a::g + 10;",
            ),
            ("c/jq/main.jq", "include \"a\"; def k: g + 100;"),
            (
                "dir/d.jq",
                "import \"e\" as e {search: \".\"}; def f: e::f;",
            ),
            ("dir/e.jq", "def f: \"e\";"),
            ("one.jq", "import \"two\" as t; def f: t::f;"),
            ("two.jq", "import \"one\" as o; def f: o::f;"),
            ("self.jq", "import \"self\" as s; def f: 1;"),
            ("body.jq", "def f: 1; f"),
            ("wrong.jq", "def f: ;"),
            ("undefined.jq", "def f: nope;"),
            ("numbers.json", "1 2 [3]"),
            ("bad.json", "{"),
            ("empty.json", ""),
        ],
    );
    for (code, wanted) in [
        ("import \"a\" as x; x::f, x::g, x::h(5)", "1  2  5"),
        ("include \"a\"; f, g, h(5)", "1  2  5"),
        ("import \"a\" as x; import \"a\" as y; x::f + y::g", "3"),
        ("import \"b\" as b; b::f", "12"),
        ("import \"c\" as c; c::k", "102"),
        ("import \"dir/d\" as d; d::f", "\"e\""),
        ("import \"e\" as e {search: \"LIB/dir\"}; e::f", "\"e\""),
        (
            "import \"e\" as e {search: [\"LIB/nowhere\", \"LIB/dir\"]}; e::f",
            "\"e\"",
        ),
        (
            "import \"numbers\" as $n; $n, $n::n",
            "[1,2,[3]]  [1,2,[3]]",
        ),
        ("import \"empty\" as $n; $n", "[]"),
        ("import \"a\" as x; import \"numbers\" as $n; $n[x::f]", "2"),
        ("import \"nope\" as n {optional: true}; 1", "1"),
        (
            "\"a\" | modulemeta",
            r#"{"version":1,"of":[1,"x",{"b":null},-2],"deps":[],"defs":["f/0","g/0","h/1"]}"#,
        ),
        (
            "\"b\" | modulemeta",
            r#"{"deps":[{"search":"..","as":"a","is_data":false,"relpath":"a"}],"defs":["f/0"]}"#,
        ),
    ] {
        let code = code.replace("LIB", library.to_str().unwrap());
        assert_eq!(run(&library, &code), wanted, "{code}");
    }
    for (code, wanted) in [
        ("import \"nope\" as n; 1", "error: nope: file not found"),
        (
            "import \"nope\" as n {optional: false}; 1",
            "error: nope: file not found",
        ),
        (
            "import \"nope\" as n; import \"no\" as m; 1",
            "error: nope: file not found; error: no: file not found",
        ),
        (
            "import \"one\" as o; 1",
            "error: LIB/two.jq: circular import of LIB/one.jq",
        ),
        (
            "import \"self\" as s; 1",
            "error: LIB/self.jq: circular import of LIB/self.jq",
        ),
        (
            "import \"body\" as b; 1",
            "error: LIB/body.jq: a module has definitions only, and this one does something besides",
        ),
        (
            "import \"wrong\" as w; 1",
            "error: LIB/wrong.jq: expected a term, found `;`",
        ),
        (
            "import \"bad\" as $b; 1",
            "error: LIB/bad.json: unfinished JSON value at line 1, column 2",
        ),
        (
            "import \"a/a\" as b; 1",
            "error: a/a: two parts of the path in a row are equal",
        ),
        ("import \"a\" as x; f", "error: f/0 is not defined"),
        ("import \"a\" as x; y::f", "error: y::f/0 is not defined"),
        (
            "import \"undefined\" as u; u::f",
            "error: LIB/undefined.jq: nope/0 is not defined",
        ),
        ("\"nope\" | modulemeta", "error: nope: file not found"),
        (
            "1 | modulemeta",
            "error: modulemeta input module name must be a string",
        ),
    ] {
        assert_eq!(run(&library, code), wanted, "{code}");
    }
}
