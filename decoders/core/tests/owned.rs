//! A format that is made at run time, and dropped again: names, fields, rules and relations are owned.

use binq_core::codec::{Int, Raw};
use binq_core::rule::{Edge, Path, Relation, Rule};
use binq_core::shape::{Cx, Shape};
use binq_core::{
    Confidence, Format, Kind, Malformed, Name, Node, Options, Plain, Probe, Registry, Space,
};
use std::sync::{Arc, Weak};

/// A struct whose fields were read from a description: names and sizes in bytes, the last one takes the rest.
struct Described {
    name: String,
    fields: Vec<(String, u64)>,
    relations: Vec<Relation>,
}

impl Shape for Described {
    fn name(&self) -> &str {
        &self.name
    }
    fn relations(&self) -> &[Relation] {
        &self.relations
    }
    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let mut fields = cx.reader(0);
        for (name, bytes) in &self.fields {
            match bytes {
                0 => fields.leaf(name.clone(), fields.left(), &Raw::ANY)?,
                _ => fields.leaf(name.clone(), *bytes, &Int::U8)?,
            };
        }
        Ok(())
    }
}

struct AtRunTime {
    name: String,
    root: Arc<Described>,
}

impl Format for AtRunTime {
    fn name(&self) -> &str {
        &self.name
    }
    fn description(&self) -> &str {
        "made by a test"
    }
    fn probe(&self, _probe: &Probe<'_>) -> Confidence {
        Confidence::Certain
    }
    fn decode(&self, space: Space, _options: &Options) -> Node {
        let span = space.span();
        Node::root_of(
            self.name.clone(),
            Kind::shared(self.root.clone()),
            space,
            span,
        )
    }
}

fn way(name: &str) -> Path {
    Path::Owned([Name::from(name.to_owned())].into())
}

fn format(name: &str) -> AtRunTime {
    let own = |part: &str| format!("{name}_{part}");
    let root = Described {
        name: name.to_owned(),
        fields: vec![(own("at"), 1), (own("copy"), 1), (own("text"), 0)],
        relations: vec![
            Relation::One {
                field: way(&own("at")),
                rule: Rule::Offset {
                    of: Edge::End(way(&own("text"))),
                    unit: 1,
                    bias: 0,
                },
            },
            Relation::One {
                field: way(&own("copy")),
                rule: Rule::Copy(way(&own("at"))),
            },
        ],
    };
    AtRunTime {
        name: name.to_owned(),
        root: Arc::new(root),
    }
}

#[test]
fn formats_come_and_go() {
    let registry = Registry::new(Vec::new());
    let mut gone: Vec<Weak<Described>> = Vec::new();
    for i in 0..3 {
        let name = format!("format{i}");
        let made = format(&name);
        gone.push(Arc::downgrade(&made.root));
        let with = registry.with(Arc::new(made));
        let space = Space::source(&b"\x05\x05abc"[..]);
        let mut root = with.decode(None, space, &Options::default()).unwrap();
        assert_eq!(root.format(), name);
        assert_eq!(root.shape_name(), Some(&*name));
        let text = root.take_field(&format!("{name}_text")).unwrap();
        assert_eq!(text.path_text(), format!(".{name}_text"));
        root.put_field(text.assign(Plain::Scalar("longer".into())).unwrap());
        // the copy follows what follows the text
        assert_eq!(root.bytes().unwrap(), &b"\x08\x08longer"[..]);
        let other = registry.decode(Some(&name), Space::source(&b""[..]), &Options::default());
        assert!(
            other.is_err(),
            "the registry that it was added to is another one"
        );
    }
    assert!(gone.iter().all(|shape| shape.upgrade().is_none()));
}
