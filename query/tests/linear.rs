//! Nothing is quadratic: four times as much costs at most six times as much (law 12).
//!
//! What is counted is what a machine counts the same each time: calls and bytes of the allocator. `.ci/extended.d/linear` counts
//! the instructions of the same programs, with `LINEAR` set.

use binq_query::{Context, Query, Settings, V};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const FACTOR: f64 = 6.0;

/// The sizes that `.ci/extended.d/linear` asks for are parts of this.
const WHOLE: usize = 64;

/// What a program takes with this `$n`: calls of the allocator, and its bytes.
fn cost(code: &str, n: usize) -> [u64; 2] {
    let vars = ["n".to_owned()];
    let settings = Settings {
        vars: &vars,
        ..Settings::default()
    };
    let region = Region::new(ALLOCATOR);
    let query = Query::compile(code, &settings).unwrap_or_else(|e| panic!("{e}"));
    let cx = Context::new(binq_core::Registry::new(vec![])).with_stack(200 << 20);
    for out in query.run(&cx, V::Null, vec![V::size(n)]) {
        drop(out.unwrap_or_else(|e| panic!("{code}: {}", e.message())));
    }
    let stats = region.change();
    let calls = stats.allocations + stats.reallocations;
    let bytes = stats.bytes_allocated as i64 + stats.bytes_reallocated.max(0) as i64;
    [calls as u64, bytes as u64]
}

/// What is measured: a name, its `$n`, and the program for an `$n`.
struct Scenario {
    name: &'static str,
    n: usize,
    program: Box<dyn Fn(usize) -> String>,
}

fn scenario(name: &'static str, n: usize, program: impl Fn(usize) -> String + 'static) -> Scenario {
    Scenario {
        name,
        n,
        program: Box::new(program),
    }
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
        "(\"aé\" * $n) | [match(\"\"; \"g\")], gsub(\"x*\"; \"-\"), [match(\"(?=a)\"; \"g\")]",
        5_000,
    ),
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
    (
        "(\"a\" * $n) | contains(\"a\" * ($n / 2) + \"b\"), inside(. + \"b\"), index(\"aab\"), rindex(\"aab\")",
        50_000,
    ),
    (
        "(\"é\" * $n) | indices(\"é\" * ($n / 2)), contains(\"éa\")",
        20_000,
    ),
    ("[range($n)] | contains(reverse), inside(reverse)", 5_000),
    (
        "[range($n) | tostring] | contains(reverse), inside(reverse)",
        3_000,
    ),
    (
        "[range($n) | tostring + \"x\"] | contains(map(.[1:]))",
        3_000,
    ),
    ("[range($n) | {\"k\\(.)\": .}] | contains(reverse)", 2_000),
    (
        "[range($n) | {\"k\\(.)\": [., {a: .}]}] | add | contains(.), inside(. + {z: 1})",
        3_000,
    ),
    (
        "[range($n) | . % 2] | indices(1), index(1), indices([1, 0, 0])",
        5_000,
    ),
    ("(\"a\" * $n) | until(length == 0; .[1:])", 5_000),
    ("(\"a\" * $n) | until(length == 0; ltrimstr(\"a\"))", 5_000),
    ("(\"abc\" * $n) as $s | [range($n) | $s[.:. + 2]]", 10_000),
    ("(\"aé\" * $n) as $s | [range($n) | $s[.:. + 1]]", 10_000),
    ("(\"é\" * $n) | until(length == 0; .[1:])", 5_000),
    ("(\"aé\" * $n) | until(length == 0; .[:-1])", 5_000),
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

/// Programs that are long themselves.
fn long_programs() -> Vec<Scenario> {
    fn many(part: &str, between: &str, n: usize) -> String {
        vec![part; n].join(between)
    }
    let repeated = [
        ("a sum", "1", " + "),
        ("a sum of fields", ".a", " + "),
        ("a sum of texts", "\"x\"", " + "),
        ("a product", "2", " * "),
        ("a difference", "2", " - "),
        ("a pipe", ".", " | "),
        ("a list", "1", ", "),
        ("a conjunction", "true", " and "),
        ("alternatives", "null", " // "),
    ];
    let mut out: Vec<Scenario> = repeated
        .into_iter()
        .map(|(name, part, between)| scenario(name, 2_000, move |n| many(part, between, n)))
        .collect();
    out.push(scenario("an array", 2_000, |n| {
        format!("[{}]", many("1", ",", n))
    }));
    out.push(scenario("a string", 1_000, |n| {
        format!("\"{}\"", many("x\\(1)", "", n))
    }));
    out.push(scenario("an object", 1_000, |n| {
        let fields: Vec<String> = (0..n).map(|i| format!("k{i}: {i}")).collect();
        format!("{{{}}}", fields.join(","))
    }));
    out.push(scenario("updates", 500, |n| many(".a = 1", " | ", n)));
    out
}

fn scenarios() -> Vec<Scenario> {
    let programs = PROGRAMS
        .iter()
        .map(|&(code, n)| scenario(code, n, move |_| code.to_owned()));
    programs.chain(long_programs()).collect()
}

#[test]
fn four_times_as_much_costs_no_more_than_six_times_as_much() {
    // one scenario alone, for a tool that counts its instructions: its name and the size; or the names of all of them
    let one = std::env::var("LINEAR").ok();
    binq_query::on_stack(512 << 20, || {
        if let Some(one) = one {
            let found = one.rsplit_once('/').and_then(|(name, size)| {
                let scenario = scenarios().into_iter().find(|s| s.name == name)?;
                Some((scenario, size.parse::<usize>().ok()?))
            });
            match found {
                Some((s, size)) => {
                    let n = (s.n * size / WHOLE).max(1);
                    cost(&(s.program)(n), n);
                }
                None => scenarios()
                    .iter()
                    .for_each(|s| println!("LINEAR {}", s.name)),
            }
            return;
        }
        let mut wrong = Vec::new();
        for Scenario { name, n, program } in scenarios() {
            // less what any program needs
            let [none, small, large] = [1, n, 4 * n].map(|n| cost(&program(n), n));
            let factor = |i: usize, least: u64| {
                (large[i] - none[i]) as f64 / (small[i] - none[i]).max(least) as f64
            };
            let factors = [factor(0, 100), factor(1, 10_000)];
            println!("{factors:.1?} {small:?}  {name}");
            if factors.iter().any(|f| *f > FACTOR) {
                wrong.push(format!("{name}: {factors:.1?}"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    });
}
