//! The order of numbers is total, whatever they are written as: property tests over integers, floats and long literals.
mod common;
use binq_query::{V, json};
use common::run_values;

/// Texts of numbers that lie close together around the borders of what is exact.
fn numbers() -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for base in [
        "0",
        "1",
        "9007199254740991",
        "9007199254740992",
        "9007199254740993",
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551615",
        "18446744073709551616",
        "100000000000000000000000000000",
        "1000000000000000000000000000000000",
        "1000000000000000000000000000000001",
    ] {
        for tail in [
            "",
            ".0",
            ".1",
            ".10",
            ".5",
            ".00000000000000000000000001",
            "e0",
            "e1",
            "e-1",
            "E2",
        ] {
            for sign in ["", "-"] {
                out.push(format!("{sign}{base}{tail}"));
            }
        }
    }
    out.extend(
        [
            "1e308",
            "1e309",
            "1e1000",
            "-1e1000",
            "1.7976931348623157e308",
            "5e-324",
            "1e-400",
            "0.1",
            "0.10000000000000000555",
            "0.1000000000000000055511151231257827",
            "0.3",
            "1e15",
            "1e17",
            "1e22",
            "1e23",
        ]
        .map(String::from),
    );
    out
}

#[test]
fn the_order_of_numbers_is_total() {
    let mut all: Vec<V> = numbers()
        .iter()
        .map(|n| json::parse(n.as_bytes()).unwrap())
        .collect();
    // and floats that were computed
    let computed = all.clone();
    let input = V::arr(computed);
    all.extend(
        run_values(input, ".[] | . * 1.0, . / 3, . + 0.5")
            .into_iter()
            .filter_map(Result::ok),
    );
    all.retain(|v| v == v);
    all.sort();
    // what is sorted is in order: each with each, not only neighbours
    for (i, x) in all.iter().enumerate() {
        for y in &all[i..] {
            let (to, fro) = (x.cmp(y), y.cmp(x));
            assert!(
                to.is_le(),
                "{} is sorted before {}",
                json::to_text(x),
                json::to_text(y)
            );
            assert_eq!(
                to,
                fro.reverse(),
                "{} and {}",
                json::to_text(x),
                json::to_text(y)
            );
            assert_eq!(
                to.is_eq(),
                x == y,
                "{} and {}",
                json::to_text(x),
                json::to_text(y)
            );
        }
    }
    assert!(all.len() > 500, "{} numbers", all.len());
}
