//! Tables of programs and what they give, a program a line: borders of functions, of syntax and of numbers.
//!
//! A line of `tables/*.jq` is a program over `null`, ` #=> `, and its outputs as JSON, two spaces between them; an error ends
//! them as `error: …`. What jq has as well was answered by jq 1.8.2.
mod common;
use binq_query::V;
use std::path::Path;

fn check(name: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tables");
    let text = std::fs::read_to_string(folder.join(name)).expect(name);
    let mut wrong = Vec::new();
    let mut rows = 0;
    for (i, line) in text.lines().enumerate() {
        let Some((program, wanted)) = line.split_once(" #=> ") else {
            assert!(
                line.is_empty() || line.starts_with('#'),
                "{name} line {}: no ` #=> `",
                i + 1
            );
            continue;
        };
        rows += 1;
        let out = common::outputs(V::Null, program).join("  ");
        if out != wanted {
            wrong.push(format!(
                "{name} line {}: {program}\n  wanted {wanted}\n  found  {out}",
                i + 1
            ));
        }
    }
    assert!(rows > 0, "{name} has no rows");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

macro_rules! tables {
    ($($name:ident,)*) => {$(
        #[test]
        fn $name() {
            check(concat!(stringify!($name), ".jq"));
        }
    )*};
}

tables! {
    bytes,
    json,
    numbers,
    paths,
    refused,
    strings,
    syntax,
    time,
}
