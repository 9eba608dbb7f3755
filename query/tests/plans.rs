//! An update goes down into the value where its path is simple, and by collected paths elsewhere: both come to the same.
mod common;
use binq_query::V;
use common::outputs;

/// Values that are updated: places that are there, are null, are absent, or are of another kind.
const VALUES: [&str; 14] = [
    "null",
    "{}",
    "[]",
    "{a: 1}",
    "{a: null}",
    "{a: {}}",
    "{a: []}",
    "{a: {b: null}}",
    "{a: {b: {c: 1}}, b: [1, 2, 3]}",
    "{a: [1, 2, {b: 3}, null], c: {d: 4}}",
    "[null, {a: 1}, {b: 2}]",
    "[1, [2, 3], [], null]",
    "3",
    "\"abc\"",
];

/// Paths that an update goes down along, or may.
const PATHS: [&str; 39] = [
    ".a",
    ".a.b",
    ".a.b.c",
    ".[0]",
    ".[1]",
    ".[-1]",
    ".[5]",
    ".[0][0]",
    ".a[0]",
    ".a[1].b",
    ".[0].a",
    ".[]",
    ".[].a",
    ".[][0]",
    ".[].a.b",
    ".a[]",
    ".a[].b",
    ".a[].b.c",
    ".a?",
    ".a?.b",
    ".a.b?",
    ".[]?",
    ".a[]?",
    ".[0]?",
    ".[1:]",
    ".a[1:]",
    ".[:2][0]",
    ".a | .b",
    ".[] | .a",
    ".a | select(.)",
    ".[]? | select(. != null)",
    ".a | .b | values",
    "if . then .a else .b end",
    ".a | if . == null then .b else .c end",
    "getpath([\"a\", \"b\"])",
    ".a | getpath([\"b\", 0])",
    "getpath([\"a\"]) | .b",
    "getpath([]) | .a",
    ".a | empty",
];

/// What is done there.
const UPDATES: [&str; 21] = [
    "|= .",
    "|= 1",
    "|= null",
    "|= {}",
    "|= empty",
    "|= (1, 2)",
    "|= (empty, 3)",
    "|= select(.)",
    "|= select(. == null)",
    "|= (.[]? // empty)",
    "|= (.a? |= empty)",
    "|= (null | .x |= empty)",
    "|= [.]",
    "|= error(\"no\")",
    "= 7",
    "= (8, 9)",
    "= empty",
    "+= 1",
    "+= (1, 2)",
    "//= 5",
    "-= empty",
];

#[test]
fn both_plans_of_an_update_agree() {
    let mut differ = Vec::new();
    let mut results = 0;
    for path in PATHS {
        for update in UPDATES {
            let run = |path: &str| {
                let values = VALUES.join(", ");
                let each = format!("[try (({path}) {update}) catch \"error: \\(.)\"]");
                outputs(V::Null, &format!("{values} | {each}"))
            };
            // of two paths, an update collects them
            let (down, collected) = (run(path), run(&format!("({path}), empty")));
            assert_eq!(down.len(), VALUES.len(), "({path}) {update}: {down:?}");
            results += down.iter().filter(|out| !out.contains("error: ")).count();
            for ((value, down), collected) in VALUES.iter().zip(down).zip(collected) {
                if down != collected {
                    differ.push(format!(
                        "{value} | ({path}) {update}\n  {down}\n  {collected}"
                    ));
                }
            }
        }
    }
    assert!(results > 4000, "{results}");
    let shown = &differ[..differ.len().min(4000)];
    assert!(
        differ.is_empty(),
        "{} differ:\n{}",
        differ.len(),
        shown.join("\n")
    );
}
