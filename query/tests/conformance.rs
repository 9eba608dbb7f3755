//! Runs jq's own tests. Those that are known to come out differently are listed with the reason in `jq.differences`; a
//! listed one that passes fails this test, as does an unlisted one that does not.
use binq_query::{Context, Query, Settings, json};
use std::collections::BTreeMap;
use std::path::Path;

struct Case {
    line: usize,
    program: String,
    /// `None` where the program must not compile.
    io: Option<(String, Vec<String>)>,
}

fn cases(text: &str) -> Vec<Case> {
    let mut lines = text.lines().enumerate().map(|(i, l)| (i + 1, l)).peekable();
    let mut cases = Vec::new();
    while let Some((line, l)) = lines.next() {
        if l.trim().is_empty() || l.trim_start().starts_with('#') {
            continue;
        }
        let must_fail = l.starts_with("%%FAIL");
        let (line, program) = if must_fail {
            lines.next().expect("a program")
        } else {
            (line, l)
        };
        let mut block = Vec::new();
        while let Some((_, l)) = lines.next_if(|(_, l)| !l.trim().is_empty()) {
            if !l.starts_with('#') {
                block.push(l.to_string());
            }
        }
        let io = (!must_fail).then(|| {
            let input = block.remove(0);
            (input, block)
        });
        cases.push(Case {
            line,
            program: program.into(),
            io,
        });
    }
    cases
}

fn run(case: &Case) -> Result<(), String> {
    let library = [Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/modules")];
    let settings = Settings {
        library: &library,
        ..Settings::default()
    };
    let query = Query::compile(&case.program, &settings);
    let Some((input, expected)) = &case.io else {
        return query.map_or(Ok(()), |_| Err("compiles".into()));
    };
    let query = query.map_err(|e| e.to_string())?;
    let cx = Context::new(binq_core::Registry::new(vec![]))
        .with_messages(|_| ())
        .with_stack(200 << 20);
    let input = json::parse(input.as_bytes()).map_err(|e| format!("input: {e}"))?;
    let mut out = query.run(&cx, input, Vec::new());
    for e in expected {
        let want =
            json::parse(e.as_bytes()).map_err(|err| format!("expected output {e}: {err}"))?;
        match out.next() {
            Some(Ok(v)) if v == want => (),
            Some(Ok(v)) => return Err(format!("gives {} instead of {e}", json::to_text(&v))),
            Some(Err(s)) => return Err(format!("fails: {}", s.message())),
            None => return Err(format!("gives nothing instead of {e}")),
        }
    }
    match out.next() {
        // an error at the end is not part of what jq's tests compare
        None | Some(Err(_)) => Ok(()),
        Some(Ok(v)) => Err(format!("gives {} at the end", json::to_text(&v))),
    }
}

/// Lines of `jq.differences`: `[reason]` begins a group, the other lines are programs.
fn differences(text: &str) -> BTreeMap<String, String> {
    let mut reason = String::new();
    let mut out = BTreeMap::new();
    for l in text
        .lines()
        .filter(|l| !l.is_empty() && !l.starts_with("# "))
    {
        match l.strip_prefix("[[").and_then(|l| l.strip_suffix("]]")) {
            Some(r) => reason = r.into(),
            None => _ = out.insert(l.to_string(), reason.clone()),
        }
    }
    out
}

#[test]
fn jq() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let read = |name: &str| std::fs::read_to_string(dir.join(name)).expect(name);
    let (tests, known) = (read("jq.test"), read("jq.differences"));
    // jq nests values ten thousand deep
    binq_query::on_stack(1 << 30, move || {
        let known = differences(&known);
        let cases = cases(&tests);
        let (mut passed, mut problems) = (0, Vec::new());
        let mut differing = 0;
        for case in &cases {
            match (run(case), known.get(&case.program)) {
                (Ok(()), None) => passed += 1,
                (Err(_), Some(_)) => differing += 1,
                (Ok(()), Some(why)) => {
                    problems.push(format!("passes, but is listed ({why}): {}", case.program))
                }
                (Err(e), None) => problems.push(format!(
                    "line {}: {}\n    {}",
                    case.line,
                    case.program,
                    e.chars().take(300).collect::<String>()
                )),
            }
        }
        println!(
            "{passed} of {} pass, {differing} are known to differ",
            cases.len()
        );
        assert!(
            problems.is_empty(),
            "{} problems:\n{}",
            problems.len(),
            problems.join("\n")
        );
    });
}
