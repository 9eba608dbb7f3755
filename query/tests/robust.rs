//! jq's test programs over inputs they were not made for: anything may come out, but nothing may panic.
//!
//! Every fourth program is run, all of them if the environment has `BINQ_ROBUST`.
mod common;
use binq_query::{Context, Query, Settings, V};
use common::{node, registry};

/// Programs that have no end over some of these inputs, in jq as well, or that take long.
const SKIPPED: [&str; 6] = ["while(", "until(", "1000", "65540", "365", "-99"];

fn inputs() -> Vec<V> {
    let doc = r#"{"a":[1,{"b":"x"},{"$bytes":"00ff61"}],"b":{"c":null},"n":{"$int":1,"$sym":{"1":"one"}},
        "bad":{"$fault":"more","$fields":{"x":1.5}},"foo":"bar"}"#;
    let nodes = [
        doc,
        "[1,[2,[3]],\"a,b\",{\"a\":1}]",
        "\"1 a,b\"",
        "12",
        "{\"$bytes\":\"616200ff\"}",
        "[]",
        "{}",
    ];
    let plain = [
        V::Bool(true),
        V::from(f64::NAN),
        V::bytes(vec![0xff, 0x61]),
        V::int(-77),
    ];
    nodes.into_iter().map(node).chain(plain).collect()
}

#[test]
fn no_program_panics() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/jq/jq.test");
    let text = std::fs::read_to_string(path).expect("jq.test");
    binq_query::on_stack(1 << 30, move || {
        let library = [std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/jq/modules")];
        let settings = Settings {
            library: &library,
            ..Settings::default()
        };
        let cx = Context::new(registry()).with_messages(|_| ());
        let every = match std::env::var_os("BINQ_ROBUST") {
            Some(_) => 1,
            None => 4,
        };
        let mut ran = 0;
        // inputs and outputs are programs, too; so are halves of programs
        let lines = text
            .lines()
            .filter(|l| !l.starts_with('#') && SKIPPED.iter().all(|e| !l.contains(e)))
            .step_by(every);
        for line in lines {
            let half = line
                .char_indices()
                .nth(line.chars().count() / 2)
                .map_or(0, |(i, _)| i);
            for code in [line, &line[..half], &line[half..]] {
                match Query::compile(code, &settings) {
                    Ok(query) => {
                        for input in inputs() {
                            for v in query.run(&cx, input, vec![]).take(20).flatten() {
                                ran += binq_query::json::to_text(&v).len().min(1);
                            }
                        }
                    }
                    Err(e) => assert!(e.to_string().starts_with("error: "), "{code}"),
                }
            }
        }
        assert!(ran > 5_000 / every, "{ran}");
    });
}
