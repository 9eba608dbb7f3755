//! Nothing is quadratic: four times as much takes little more than four times as long, in time of the processor.
#![cfg(target_os = "linux")]
use binq_query::{Context, Query, Settings, V, json};

/// Nanoseconds that this thread ran for.
fn ran() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// What a program takes with this `$n`.
fn cost(code: &str, n: usize) -> u64 {
    let vars = ["n".to_owned()];
    let settings = Settings {
        vars: &vars,
        ..Settings::default()
    };
    let started = ran();
    let query = Query::compile(code, &settings).unwrap_or_else(|e| panic!("{e}"));
    let cx = Context::new(binq_core::Registry::new(vec![])).with_stack(200 << 20);
    for out in query.run(&cx, V::Null, vec![V::size(n)]) {
        drop(out.unwrap_or_else(|e| panic!("{code}: {}", e.message())));
    }
    ran() - started
}

/// Quadratic is 16; the caches of the processor make some of what is linear more than 4.
const MOST: f64 = 9.0;

fn linear(code: &str, n: usize, program: impl Fn(usize) -> String) {
    let best = |n: usize| (0..3).map(|_| cost(&program(n), n)).min().unwrap();
    let (small, large) = (best(n), best(4 * n));
    let factor = large as f64 / small as f64;
    println!("{factor:5.1}  {:6} us  {code}", small / 1000);
    assert!(
        factor < MOST,
        "{code}: {n} take {small} ns, four times as many {large} ns"
    );
}

/// Programs, and an `$n` for which they take some milliseconds.
const PROGRAMS: &[(&str, usize)] = &[
    ("[range($n) | tostring] | add", 20_000),
    ("reduce range($n) as $i (\"\"; . + \"x\")", 20_000),
    ("reduce range($n) as $i (\"é\"; . + \"é\")", 20_000),
    ("reduce range($n) as $i ({s: \"\"}; .s += \"x\")", 10_000),
    ("reduce range($n) as $i ([]; . + [$i])", 20_000),
    ("reduce range($n) as $i ([]; .[$i] = $i)", 10_000),
    ("reduce range($n) as $i ([]; setpath([$i]; $i))", 5_000),
    ("reduce range($n) as $i ({}; .\"k\\($i)\" = $i)", 5_000),
    ("reduce range($n) as $i ({}; . + {\"k\\($i)\": $i})", 5_000),
    ("reduce range($n) as $_ (1; [.]) | [..] | length", 20_000),
    (
        "reduce range($n) as $_ (1; [.]) | [recurse(.[]?)] | length",
        20_000,
    ),
    ("(\"9\" * $n) | tonumber | tostring", 200_000),
    ("(\"9\" * $n) | tonumber | . == . and . < . + 1", 200_000),
    ("(\"[\" * $n + \"]\" * $n) | fromjson | tojson", 2_000),
    ("(\"a\" * $n) | [match(\"a\"; \"g\")]", 5_000),
    ("(\"aé\" * $n) | [match(\"(a)(é)\"; \"g\")]", 5_000),
    ("(\"aé\" * $n) | [match(\"(?<=(a))(é)\"; \"g\")]", 2_000),
    (
        "(\"aé\" * $n) | [splits(\"é\")], gsub(\"é\"; \"x\"), split(\"é\"), indices(\"é\")",
        5_000,
    ),
    (
        "(\"ab\" * $n) | [scan(\"b\")], ascii_upcase, explode, ascii_downcase, ltrimstr(\"a\"), test(\"c\")",
        5_000,
    ),
    ("(\"a\" * $n) | indices(\"a\" * ($n / 2))", 50_000),
    ("[range($n) | 1] | indices([range($n / 2) | 1])", 20_000),
    ("(\"a\" * $n) | until(length == 0; .[1:])", 5_000),
    ("(\"a\" * $n) | until(length == 0; ltrimstr(\"a\"))", 5_000),
    ("(\"abc\" * $n) as $s | [range($n) | $s[.:. + 2]]", 10_000),
    ("[range($n)] | until(length == 0; .[1:])", 5_000),
    (
        "[range($n)] | def sum: if length == 0 then 0 else .[0] + (.[1:] | sum) end; sum",
        500,
    ),
    ("[range($n)] | until(length == 0; .[1:-1])", 5_000),
    ("reduce range($n) as $i ([1, 2]; .[1:] + [$i])", 10_000),
    ("[range($n)] | del(.[range(0; $n; 2)])", 10_000),
    ("[range($n)] | (.[] | select(. % 2 == 0)) |= empty", 10_000),
    ("[range($n)] | (.[0], .[range($n)]) |= . + 1", 5_000),
    ("[range($n)] | .[] += 1", 50_000),
    (
        "[range($n) | {key: \"k\\(.)\", value: .}] | from_entries | to_entries, with_entries(.value += 1)",
        3_000,
    ),
    ("[range($n) | {\"k\\(.)\": .}] | add", 5_000),
    (
        "[range($n) | . % 100] | unique, group_by(.), sort, min, max, flatten, add, reverse, any(. > 100)",
        10_000,
    ),
    (
        "[range($n)] | . - [range($n / 2)], index($n - 1), bsearch(5), join(\",\"), @csv, @json",
        10_000,
    ),
    ("[foreach range($n) as $x (0; (. + $x, 1); .)]", 3_000),
    (
        "reduce range($n) as $x (0; if $x > 3 then . + 1, 2 else . + 1 end)",
        10_000,
    ),
    (
        "last(recurse(if . < $n then . + 1 else empty end; true)?)",
        5_000,
    ),
    (
        "[limit($n; repeat(1))], first(range($n)), last(range($n)), [skip($n / 2; range($n))]",
        10_000,
    ),
    ("[range($n)] | [tostream] | fromstream(.[])", 2_000),
    (
        "[range($n)] | [paths], walk(.), transpose?, ([.[] | [.]] | transpose)",
        2_000,
    ),
    (
        "[range($n) | tostring] | INDEX(.), (map({(.): 1}) | add | keys, length)",
        3_000,
    ),
];

#[test]
fn programs() {
    binq_query::on_stack(512 << 20, || {
        for (code, n) in PROGRAMS {
            linear(code, *n, |_| (*code).to_owned());
        }
    });
}

/// Programs that are long themselves.
#[test]
fn long_programs() {
    binq_query::on_stack(512 << 20, || {
        let many = |part: &str, between: &str, n: usize| vec![part; n].join(between);
        for (name, part, between) in [
            ("a sum", "1", " + "),
            ("a sum of fields", ".a", " + "),
            ("a sum of texts", "\"x\"", " + "),
            ("a product", "2", " * "),
            ("a difference", "2", " - "),
            ("a pipe", ".", " | "),
            ("a list", "1", ", "),
            ("a conjunction", "true", " and "),
            ("alternatives", "null", " // "),
        ] {
            linear(name, 2_000, |n| many(part, between, n));
        }
        linear("an array", 2_000, |n| format!("[{}]", many("1", ",", n)));
        linear("a string", 1_000, |n| {
            format!("\"{}\"", many("x\\(1)", "", n))
        });
        linear("an object", 1_000, |n| {
            let fields: Vec<String> = (0..n).map(|i| format!("k{i}: {i}")).collect();
            format!("{{{}}}", fields.join(","))
        });
        linear("updates", 500, |n| many(".a = 1", " | ", n));
    });
    // the sum is right
    let query = Query::compile(&vec!["1"; 50_000].join("+"), &Settings::default()).unwrap();
    let cx = Context::new(binq_core::Registry::new(vec![]));
    let out: Vec<String> = query
        .run(&cx, V::Null, vec![])
        .map(|v| json::to_text(&v.unwrap()))
        .collect();
    assert_eq!(out, ["50000"]);
}
