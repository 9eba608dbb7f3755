//! Which format an input is of, and what the settings say.

use binq_core::codec::Raw;
use binq_core::{
    Confidence, Format, Kind, Lost, Node, Options, Probe, Registry, Remarks, Scalar, Setting, Space,
};
use std::ffi::OsString;
use std::sync::Arc;

/// A format that is this sure, if the input begins with its name.
struct Named {
    name: &'static str,
    sure: Confidence,
    alone: bool,
}

impl Format for Named {
    fn name(&self) -> &'static str {
        self.name
    }
    fn description(&self) -> &'static str {
        "a test"
    }
    fn probe(&self, probe: &Probe<'_>) -> Confidence {
        match probe.bytes.starts_with(self.name.as_bytes()) {
            true => self.sure,
            false => Confidence::No,
        }
    }
    fn stands_alone(&self) -> bool {
        self.alone
    }
    fn is_described(&self, options: &Options) -> bool {
        options.text("as") == Some(self.name)
    }
    fn settings(&self) -> &'static [Setting] {
        const ALL: &[Setting] = &[Setting::one("as", "one"), Setting::many("files", "many")];
        ALL
    }
    fn check(&self, options: &Options) -> Result<(), String> {
        options.ports("as").map(|_| ())
    }
    fn media_types(&self) -> &'static [&'static str] {
        &["text/plain"]
    }
    fn decode(&self, space: Space, options: &Options) -> Node {
        assert!(options.registry.is_some());
        let span = space.span();
        Node::root_of(self.name, Kind::leaf(&Raw::ANY), space, span)
    }
}

const fn named(name: &'static str, sure: Confidence) -> Named {
    Named {
        name,
        sure,
        alone: true,
    }
}

static A: Named = named("a", Confidence::Likely);
static AB: Named = named("ab", Confidence::Likely);
static ABC: Named = named("abc", Confidence::Certain);
static INNER: Named = Named {
    name: "inner",
    sure: Confidence::Certain,
    alone: false,
};

fn registry() -> Registry {
    Registry::new(vec![&A, &AB, &ABC, &INNER])
}

#[test]
fn the_surest_format_is_taken_and_of_equals_the_first() {
    let of = |bytes: &'static [u8]| {
        let node = registry().decode(None, Space::source(bytes), &Options::default());
        node.map(|node| node.format().to_owned())
            .map_err(|e| e.to_string())
    };
    assert_eq!(of(b"abx").as_deref(), Ok("a"));
    assert_eq!(of(b"abc").as_deref(), Ok("abc"));
    assert_eq!(of(b"ax").as_deref(), Ok("a"));
    let unknown = of(b"x").unwrap_err();
    assert!(unknown.contains("78 (1 bytes in all)"), "{unknown}");
    assert!(
        unknown.contains("the beginning of a or ab or abc"),
        "{unknown}"
    );
    assert!(of(b"").unwrap_err().contains("no bytes"));
    let long = of(b"0123456789").unwrap_err();
    assert!(
        long.contains("30 31 32 33 34 35 36 37 (10 bytes in all)"),
        "{long}"
    );
    for (packed, tool) in [
        (&b"\x1f\x8bx"[..], "zcat"),
        (b"\x28\xb5\x2f\xfdx", "zstdcat"),
        (b"\xfd7zXZ\0", "xzcat"),
        (b"BZh9", "bzcat"),
    ] {
        let said = of(packed).unwrap_err();
        assert!(said.contains(&format!("`{tool} FILE | binq`")), "{said}");
    }
    assert!(!of(b"\x1f").unwrap_err().contains("zcat"));
    let fault = registry().decode(None, Space::source(&b"x"[..]), &Options::default());
    assert_eq!(fault.unwrap_err().offset, Some(0));
    // a setting says what no format knows
    let options = Options::default().with("as", "ab".into());
    let node = registry()
        .decode(None, Space::source(&b"x"[..]), &options)
        .unwrap();
    assert_eq!(node.format(), "ab");
}

#[test]
fn a_format_is_named_if_it_stands_alone() {
    let of = |name: &str| {
        let node = registry().decode(Some(name), Space::source(&b"x"[..]), &Options::default());
        node.map(|node| node.format().to_owned())
            .map_err(|e| (e.expected, e.found))
    };
    assert_eq!(of("ab").as_deref(), Ok("ab"));
    let unknown = ("one of a, ab, abc".to_owned(), "\"inner\"".to_owned());
    assert_eq!(of("inner"), Err(unknown));
    assert_eq!(registry().names(), ["a", "ab", "abc"]);
    assert_eq!(format!("{:?}", registry()), r#"["a", "ab", "abc"]"#);
    // one that was made at run time comes first
    let with = registry().with(Arc::new(named("abx", Confidence::Likely)));
    let node = with.decode(None, Space::source(&b"abx"[..]), &Options::default());
    assert_eq!(node.unwrap().format(), "abx");
    assert_eq!(with.formats().len(), 5);
}

#[test]
fn settings_are_known_and_taken_as_they_are_given() {
    let mut options = Options::default();
    assert_eq!(registry().knows(&options), Ok(()));
    options.values.insert("as".to_owned(), "ab".into());
    options
        .lists
        .insert("files".to_owned(), vec![OsString::from("x")]);
    options.values.insert("lost".to_owned(), "skip".into());
    assert_eq!(registry().knows(&options), Ok(()));
    assert_eq!(options.list("files"), [OsString::from("x")]);
    assert!(options.list("other").is_empty());
    let one = Options::default().with("files", "x".into());
    assert_eq!(
        registry().knows(&one).unwrap_err(),
        "the option \"files\" takes a list of strings"
    );
    let mut many = Options::default();
    many.lists.insert("as".to_owned(), Vec::new());
    assert_eq!(
        registry().knows(&many).unwrap_err(),
        "the option \"as\" takes one value, not a list"
    );
    let other = Options::default().with("az", "x".into());
    let said = registry().knows(&other).unwrap_err();
    assert!(
        said.starts_with("there is no option \"az\"; formats have lost, as, files"),
        "{said}"
    );
    // checked by each format, after that which all have
    let wrong = Options::default().with("lost", "maybe".into());
    assert!(
        registry()
            .check(&wrong)
            .unwrap_err()
            .contains("refuse, zeros or skip")
    );
    let wrong = Options::default().with("as", "x".into());
    assert_eq!(
        registry().check(&wrong).unwrap_err(),
        "the option \"as\" takes ports, such as 80,8080, not \"x\""
    );
    assert_eq!(
        registry().check(&Options::default().with("as", "80".into())),
        Ok(())
    );
}

#[test]
fn what_a_setting_means() {
    let with = |value: Scalar| Options::default().with("x", value);
    assert!(!Options::default().is_on("x"));
    for (value, on) in [
        (Scalar::Null, false),
        (Scalar::Bool(false), false),
        (Scalar::Bool(true), true),
        (Scalar::Int(0), false),
        (Scalar::Int(2), true),
        ("".into(), false),
        ("0".into(), false),
        ("no".into(), false),
        ("false".into(), false),
        ("nothing".into(), true),
    ] {
        assert_eq!(with(value.clone()).is_on("x"), on, "{value}");
    }
    for (value, ports) in [
        (Scalar::Null, Ok(vec![])),
        (Scalar::Int(80), Ok(vec![80])),
        ("80, 65535".into(), Ok(vec![80, 65_535])),
        ("0".into(), Ok(vec![0])),
        (
            "65536".into(),
            Err("the option \"x\" takes ports, such as 80,8080, not \"65536\"".to_owned()),
        ),
        (
            "".into(),
            Err("the option \"x\" takes ports, such as 80,8080, not \"\"".to_owned()),
        ),
    ] {
        assert_eq!(with(value).ports("x"), ports);
    }
    assert_eq!(Options::default().ports("x"), Ok(vec![]));
    let lost = |value: &str| Options::default().with("lost", value.into()).lost();
    assert_eq!(Options::default().lost().ok(), Some(Lost::Refuse));
    assert_eq!(lost("refuse").ok(), Some(Lost::Refuse));
    assert_eq!(lost("zeros").ok(), Some(Lost::Zeros));
    assert_eq!(lost("skip").ok(), Some(Lost::Skip));
    assert_eq!(lost("none").unwrap_err().found, "\"none\"");
    // it is the input's
    let space = Space::source(&b"a"[..]);
    let options = Options::default().with("lost", "skip".into());
    let _ = registry().decode(None, space.clone(), &options).unwrap();
    assert_eq!(space.lost(), Lost::Skip);
    let inner = Options {
        registry: Some(registry()),
        ..Options::default()
    };
    assert_eq!(inner.inside("text/plain", &space).unwrap().format(), "a");
    assert!(inner.inside("text/html", &space).is_none());
    let named = inner.with_parameter("charset", "utf-8");
    assert_eq!(named.parameters.get("charset").map(|v| &**v), Some("utf-8"));
}

#[test]
fn numbers_at_the_beginning() {
    let probe = Probe {
        bytes: &[1, 2, 3, 4, 5, 6, 7, 8, 9],
    };
    assert_eq!(probe.uint_le(0, 1), Some(1));
    assert_eq!(probe.uint_le(1, 2), Some(0x0302));
    assert_eq!(probe.uint_le(0, 8), Some(0x0807_0605_0403_0201));
    assert_eq!(probe.uint_le(5, 4), Some(0x0908_0706));
    assert_eq!(probe.uint_le(6, 4), None);
    assert_eq!(probe.uint_le(9, 0), Some(0));
    assert_eq!(probe.uint_le(10, 0), None);
}

#[test]
fn values_are_shown_short() {
    let show = |value: Scalar| value.to_string();
    let text = |n: usize| "x".repeat(n);
    assert_eq!(show((*text(40)).into()), format!("{:?}", text(40)));
    assert_eq!(
        show((*text(41)).into()),
        format!("{:?}… (41 bytes)", text(40))
    );
    let bytes = |n: usize| Scalar::Bytes(vec![0xab; n].into());
    assert_eq!(show(bytes(0)), " (0 bytes)");
    assert_eq!(show(bytes(20)), format!("{} (20 bytes)", "ab".repeat(20)));
    assert_eq!(show(bytes(21)), format!("{}… (21 bytes)", "ab".repeat(20)));
    assert_eq!(show(Scalar::Float(0.5)), "0.5");
    assert_eq!(show(Scalar::Null), "null");
    // a float without a fraction is an integer, as long as that is exact
    assert_eq!(Scalar::Float(3.0).as_int(), Some(3));
    assert_eq!(Scalar::Float(-3.0).as_int(), Some(-3));
    assert_eq!(Scalar::Float(3.5).as_int(), None);
    assert_eq!(Scalar::Float(9.2e18).as_int(), None);
    assert_eq!(Scalar::Float(f64::NAN).as_int(), None);
    assert_eq!(
        Scalar::Float(9e18).as_int(),
        Some(9_000_000_000_000_000_000)
    );
}

#[test]
fn a_remark_is_given_once() {
    // nobody takes them
    let none = Remarks::default();
    none.add(|| unreachable!("it is not made"));
    assert!(none.take().is_empty());
    let kept = Remarks::kept();
    let same = kept.clone();
    for text in ["a", "b", "a"] {
        same.add(|| text.to_owned());
    }
    assert_eq!(kept.take(), ["a", "b"]);
    assert!(kept.take().is_empty());
    kept.add(|| "a".to_owned());
    assert!(kept.take().is_empty());
    for i in 0..20 {
        kept.add(|| i.to_string());
    }
    assert_eq!(kept.take().len(), 6);
}
