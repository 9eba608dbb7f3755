//! Values that show as texts and are numbers, such as log positions: what the operators say of them, and in what order they
//! are sorted.
mod common;
use binq_query::V;
use common::{node, run_values};
use std::cmp::Ordering;

const DOC: &str = r#"{
    "a": {"$place": 9}, "b": {"$place": 16}, "c": {"$place": 256}, "items": [
        {"at": {"$place": 256}, "x": 1}, {"at": {"$place": 9}, "x": 2}, {"at": {"$place": 16}, "x": 3},
        {"at": {"$place": 9}, "x": 4}
    ]
}"#;

node_yields!(
    operators_take_texts,
    DOC,
    r#"(.b > "0/9", .b >= "0/10", .b < "0/10", .b <= "0/0010", "0/9" < .b, .b == "0/010", .b != "0/10", .c > "0/FF")"#,
    [
        "true", "true", "false", "true", "true", "true", "false", "true"
    ]
);
node_yields!(
    operators_take_numbers,
    DOC,
    "(.b > 9, .b >= 16, .b < 15.5, .b == 16, 16 == .b, .b != 16, 300 > .c)",
    ["true", "true", "false", "true", "true", "false", "true"]
);
node_yields!(
    operators_take_each_other,
    DOC,
    "(.a < .b, .b < .c, .c < .a, .b == .b, .c - .b, .c - \"0/10\", .c - 1, \"1/0\" - .b, 1000 - .c)",
    [
        "true", "true", "false", "true", "240", "240", "255", "240", "744"
    ]
);
node_yields!(
    others_compare_as_texts,
    DOC,
    r#"(.a == "x", .a == null, .a == [], .a < "x", .a > null, .a > 5, .a < [], ("0/9" < "0/10"), (.a|type))"#,
    [
        "false",
        "false",
        "false",
        "true",
        "true",
        "true",
        "true",
        "false",
        "\"string\""
    ]
);
node_yields!(
    inside_of_containers,
    DOC,
    r#"([.b] == ["0/10"], [.b] < ["0/9"], {x: .b} == {x: 16}, [.b, 1] < [.c, 0])"#,
    ["true", "false", "true", "true"]
);
node_yields!(
    sorting,
    DOC,
    "([.c, .a, .b] | sort | map(tovalue)), ([.items[].at] | unique, min, max | [.. | tostring]), \
     ([.items | sort_by(.at)[].x]), ([.items | group_by(.at)[] | map(.x)]), ([.items | unique_by(.at)[].x])",
    [
        r#"["0/9","0/10","1/0"]"#,
        r#"["[\"0/9\",\"0/10\",\"1/0\"]","0/9","0/10","1/0"]"#,
        r#"["0/9"]"#,
        r#"["1/0"]"#,
        "[2,4,3,1]",
        "[[2,4],[3],[1]]",
        "[2,3,1]"
    ]
);
node_yields!(
    taking_away,
    DOC,
    r#"([.a, .b, .c] - ["0/0010"] | map(tovalue)), ([.a, .b] - ["0/9x", 16.0] | map(tovalue)), (["0/0010", "0/10", 16, "x", 9] - [.b]), (["0/10"] - ["0/010"]), ([16] - ["0/10"])"#,
    [
        r#"["0/9","1/0"]"#,
        r#"["0/9"]"#,
        r#"["x",9]"#,
        r#"["0/10"]"#,
        "[16]"
    ]
);
node_yields!(
    finding,
    DOC,
    r#"([.items[].at] | index("0/10"), index(16), (sort | bsearch("0/10"))), ([.a, .b, 9, "0/9"] - [9]), any(.items[].at; . == 256)"#,
    ["2", "2", "2", r#"["0/10","0/9"]"#, "true"]
);

/// Values of every kind, alone and in containers.
fn values() -> Vec<V> {
    let doc = r#"[null, false, true, 0, 9, 16, 15.5, 256, "", "0/9", "0/10", "1/0", "a", "0/A", [], {}, {"$bytes": "302f39"},
        {"$place": 9}, {"$place": 16}, {"$place": 256}, {"$place": 10},
        [{"$place": 9}], ["0/9"], [9], [{"$place": 16}, 1], {"x": {"$place": 9}}, {"x": 9}, {"x": "0/9"}, {"y": {"$place": 9}}]"#;
    let decoded = run_values(node(doc), ".[]");
    let plain = run_values(node(doc), ".[] | tovalue");
    let all: Result<Vec<V>, String> = decoded.into_iter().chain(plain).collect();
    all.unwrap()
}

#[test]
fn the_order_is_total() {
    let all = values();
    assert!(all.len() > 50, "{}", all.len());
    let mut equal = 0;
    for x in &all {
        for y in &all {
            let xy = x.cmp(y);
            assert_eq!(xy, y.cmp(x).reverse(), "{x:?} {y:?}");
            // kinds come first, whatever is in the values
            assert!(
                x.kind() == y.kind() || xy == x.kind().cmp(&y.kind()),
                "{x:?} {y:?}"
            );
            equal += usize::from(xy == Ordering::Equal);
            for z in &all {
                if xy.is_le() && y.cmp(z).is_le() {
                    let strict = xy.is_lt() || y.cmp(z).is_lt();
                    let right = if strict {
                        x.cmp(z).is_lt()
                    } else {
                        x.cmp(z).is_eq()
                    };
                    assert!(right, "{x:?} {y:?} {z:?}");
                }
            }
        }
    }
    assert!(equal > all.len() && equal < all.len() * 3, "{equal}");
}

/// What `-` takes away is what `==` calls equal, however deep it lies; and so it is with `index` and `IN`.
#[test]
fn taking_away_is_equality() {
    let all = values();
    let (mut equal, mut nested) = (0, 0);
    for x in &all {
        for y in &all {
            let pair = V::arr(vec![x.clone(), y.clone()]);
            let code = ". as [$x, $y] | [$x] - [$y] == [], ([$x] | index([$y]) != null), ($x | IN($y)), \
                        ([$x, 1, $x] - [2, $y] | index([$x]) == null)";
            let out = run_values(pair, code);
            let right = x == y;
            let holds = |i: usize| out[i].as_ref().unwrap() == &V::Bool(right);
            assert!((0..3).all(holds), "{x:?} {y:?}: {out:?}");
            assert!(!right || holds(3), "{x:?} {y:?}: {out:?}");
            equal += usize::from(right);
            nested += usize::from(right && x.cmp(y).is_ne() && x.is_container());
        }
    }
    assert!(equal > all.len() && nested > 3, "{equal}, {nested}");
}

#[test]
fn one_of_three_operators_holds() {
    let all = values();
    for x in &all {
        for y in &all {
            let holds = [x < y, x == y, x > y].map(usize::from);
            // an empty container is told from others by its kind alone
            assert_eq!(holds.iter().sum::<usize>(), 1, "{x:?} {y:?} {holds:?}");
            let strict = [x > y, x < y].map(|holds| !holds);
            assert_eq!([x <= y, x >= y], strict, "{x:?} {y:?}");
        }
    }
}
