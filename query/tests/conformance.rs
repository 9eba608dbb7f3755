//! Runs the tests of jq itself, all of its files. What comes out differently is listed with the reason in `jq/differences`;
//! a listed program that passes fails this test, as does an unlisted one that does not.
use binq_query::{Context, Query, Settings, V, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

struct Case {
    file: &'static str,
    line: usize,
    program: String,
    /// `None` where the program must not compile.
    io: Option<(String, Vec<String>)>,
}

const FILES: [&str; 7] = [
    "jq.test",
    "man.test",
    "manonig.test",
    "onig.test",
    "base64.test",
    "uri.test",
    "optional.test",
];

/// At least so many of a thousand pass, not counting the wording of errors.
const PER_MILLE: usize = 995;

fn dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/jq")
}

fn read(name: &str) -> String {
    std::fs::read_to_string(dir().join(name)).expect(name)
}

fn cases(file: &'static str, text: &str) -> Vec<Case> {
    let skipped = |l: &str| l.trim().is_empty() || l.trim_start().starts_with('#');
    let mut lines = text.lines().enumerate().map(|(i, l)| (i + 1, l)).peekable();
    let mut cases = Vec::new();
    while let Some((line, l)) = lines.next() {
        if skipped(l) {
            continue;
        }
        let must_fail = l.starts_with("%%FAIL");
        let (line, program) = if must_fail {
            lines.next().expect("a program")
        } else {
            (line, l)
        };
        let mut block = Vec::new();
        while let Some((_, l)) = lines.next_if(|(_, l)| !skipped(l)) {
            block.push(l.to_string());
        }
        let io = (!must_fail).then(|| {
            let input = block.remove(0);
            (input, block)
        });
        cases.push(Case {
            file,
            line,
            program: program.into(),
            io,
        });
    }
    cases
}

/// Whether two values are equal but for what texts say: for where a program shows the text of an error.
fn alike(x: &V, y: &V) -> bool {
    match (x, y) {
        (V::Text(_), V::Text(_)) => true,
        (V::Arr(x), V::Arr(y)) => {
            x.len() == y.len() && x.iter().zip(y.iter()).all(|(x, y)| alike(x, y))
        }
        (x, y) => x == y,
    }
}

fn run(case: &Case, equal: fn(&V, &V) -> bool) -> Result<(), String> {
    let library = [dir().join("modules")];
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
        .with_env([("PAGER".to_owned(), "less".to_owned())])
        .with_stack(200 << 20);
    let input = json::parse(input.as_bytes()).map_err(|e| format!("input: {e}"))?;
    let mut out = query.run(&cx, input, Vec::new());
    for e in expected {
        let want =
            json::parse(e.as_bytes()).map_err(|err| format!("expected output {e}: {err}"))?;
        match out.next() {
            Some(Ok(v)) if equal(&v, &want) => (),
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

/// Lines of `differences`: `[[reason]]` begins a group, the other lines are programs.
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
    // jq nests values ten thousand deep
    binq_query::on_stack(1 << 30, move || {
        let known = differences(&read("differences"));
        let mut seen = 0;
        let cases: Vec<Case> = FILES.iter().flat_map(|f| cases(f, &read(f))).collect();
        let (mut passed, mut worded, mut problems) = (0, 0, Vec::new());
        for case in &cases {
            let why = known.get(&case.program);
            seen += usize::from(why.is_some());
            match (run(case, |x, y| x == y), why) {
                (Ok(()), None) => passed += 1,
                (Ok(()), Some(why)) => {
                    problems.push(format!("passes, but is listed ({why}): {}", case.program))
                }
                (Err(e), Some(why)) => match why.starts_with("wording") {
                    true if run(case, alike).is_ok() => worded += 1,
                    true => {
                        problems.push(format!("differs in more than words: {}: {e}", case.program))
                    }
                    false => (),
                },
                (Err(e), None) => problems.push(format!(
                    "{} line {}: {}\n    {}",
                    case.file,
                    case.line,
                    case.program,
                    e.chars().take(300).collect::<String>()
                )),
            }
        }
        println!(
            "{passed} of {} pass, {worded} more but for the wording of an error",
            cases.len()
        );
        assert!(
            problems.is_empty(),
            "{} problems:\n{}",
            problems.len(),
            problems.join("\n")
        );
        assert!(seen >= known.len(), "a listed program is no test");
        assert!(cases.len() >= 870, "{} cases", cases.len());
        assert!((passed + worded) * 1000 >= cases.len() * PER_MILLE);
    });
}
