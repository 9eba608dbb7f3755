//! Fields, found by name however many there are.

use super::{int, root};
use binq_core::codec::{Codec, Int, Raw};
use binq_core::shape::{At, Cx, Lazy, Shape};
use binq_core::{Kind, Malformed, Scalar, Span};
use std::sync::{Arc, Mutex};

/// A struct of many fields, some hidden, one computed, one found late.
struct Many {
    count: u64,
    expanded: Mutex<u32>,
}

impl Shape for Many {
    fn name(&self) -> &'static str {
        "many"
    }
    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        *self.expanded.lock().unwrap() += 1;
        let at = cx.at.span.first_byte();
        for i in 0..self.count {
            let field = cx.leaf(format!("f{i}"), Span::bytes(at + i, 1), &Int::U8);
            if i % 5 == 4 {
                field.hidden();
            }
        }
        // a name twice: the first one is found
        cx.leaf("f0", Span::bytes(at, 0), &Raw::ANY);
        let space = cx.at.space.clone();
        cx.gap(&space, Span::bytes(at + self.count, 1));
        Ok(())
    }
    fn lazy(&self) -> Option<&dyn Lazy> {
        Some(self)
    }
}

impl Lazy for Many {
    fn computed(&self) -> &'static [(&'static str, &'static dyn Codec)] {
        &[("size", &Int::U8)]
    }
    fn compute(&self, _name: &str, at: &At<'_>) -> Scalar {
        at.span.byte_len().into()
    }
    fn finish(&self, cx: &mut Cx<'_>) {
        let space = cx.at.space.clone();
        let end = cx.at.span.end_byte();
        cx.gap(&space, Span::bytes(end - 1, 1));
        cx.leaf("late", Span::bytes(end - 1, 1), &Int::U8);
    }
}

#[test]
fn fields_are_found_by_name_however_many_there_are() {
    for count in [0, 1, 14, 15, 16, 17, 40] {
        let data: Vec<u8> = (100..102 + count as u8).collect();
        let shape = Arc::new(Many {
            count,
            expanded: Mutex::new(0),
        });
        let node = root(Kind::shared(shape.clone()), &data);
        for _ in 0..3 {
            for i in 0..count {
                let field = node.field(&format!("f{i}")).expect("a field");
                assert_eq!(
                    (field.scalar(), field.span()),
                    (int(100 + i128::from(i)), Span::bytes(i, 1))
                );
            }
            assert!(node.field(&format!("f{}", count.max(1))).is_none());
            assert_eq!(
                node.field("late").unwrap().scalar(),
                int(101 + i128::from(count))
            );
            assert_eq!(
                node.field("size").unwrap().scalar(),
                int(2 + i128::from(count))
            );
            // the gaps of what is found late are counted after the others
            assert_eq!(node.field("gap0").unwrap().span(), Span::bytes(count, 1));
            assert_eq!(
                node.field("gap1").unwrap().span(),
                Span::bytes(count + 1, 1)
            );
        }
        assert_eq!(*shape.expanded.lock().unwrap(), 1, "expanded once");
        let names: Vec<String> = node
            .fields()
            .into_iter()
            .map(|(name, _)| name.to_string())
            .collect();
        let mut expected = vec!["size".to_owned()];
        expected.extend((0..count).filter(|i| i % 5 != 4).map(|i| format!("f{i}")));
        expected.extend(["f0", "gap0", "gap1", "late"].map(str::to_owned));
        assert_eq!(names, expected);
        assert_eq!(node.len(), expected.len() as u64);
    }
}

/// Finds its fields one by one, without an expansion, and all at once when it is asked often.
struct Found(Mutex<[u32; 2]>);

impl Shape for Found {
    fn name(&self) -> &'static str {
        "found"
    }
    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        cx.leaf("listed", Span::bytes(0, 1), &Int::U8);
        Ok(())
    }
    fn lazy(&self) -> Option<&dyn Lazy> {
        Some(self)
    }
}

impl Lazy for Found {
    fn find(&self, name: &str, cx: &mut Cx<'_>) -> bool {
        self.0.lock().unwrap()[0] += 1;
        if name == "unlisted" {
            cx.leaf("unlisted", Span::bytes(1, 1), &Int::U8);
        }
        name != "listed"
    }
    fn find_all(&self, cx: &mut Cx<'_>) -> bool {
        self.0.lock().unwrap()[1] += 1;
        cx.leaf("listed", Span::bytes(0, 1), &Int::U8);
        cx.leaf("unlisted", Span::bytes(1, 1), &Int::U8);
        true
    }
}

#[test]
fn fields_that_are_asked_for_often_are_indexed() {
    let shape = Arc::new(Found(Mutex::default()));
    let node = root(Kind::shared(shape.clone()), &[7, 8]);
    for i in 0..40u32 {
        assert_eq!(node.field("unlisted").unwrap().scalar(), int(8));
        let [one, all] = *shape.0.lock().unwrap();
        assert_eq!((one, all), if i < 16 { (i + 1, 0) } else { (16, 1) }, "{i}");
    }
    assert!(node.field("other").is_none());
    assert_eq!(node.field("listed").unwrap().scalar(), int(7));
    let shape = Arc::new(Found(Mutex::default()));
    let node = root(Kind::shared(shape), &[7, 8]);
    // what `find` does not decide is looked for in the list
    assert_eq!(node.field("listed").unwrap().scalar(), int(7));
    assert!(node.field("other").is_none());
}
