//! Fields that are not there: what stands for them, and what is added once they are edited.

use super::build;
use super::types::{FieldType, Label};
use super::view::root;
use crate::wire::record::Run;
use crate::wire::view as wire;
use binq_core::shape::{Cx, Shape};
use binq_core::{Kind, Malformed, Plain, Ref, Space, Span};

impl FieldType {
    /// The kind of node that the items or entries of a repeated field are in.
    fn many(&'static self) -> Kind {
        self.map().map_or_else(|| self.items(), |map| map.kind())
    }

    /// A repeated field without items: it can be walked over, and gets items like any other.
    pub fn add_empty(&'static self, cx: &mut Cx<'_>) {
        let donor = wire::root(Vec::new(), self.alone());
        let space = Space::source(Vec::new());
        let child = cx.node_in(self.name, &space, space.span(), self.many());
        child.absent(donor);
    }

    /// The default of a field that is not there. An absent message or member of a oneof has none.
    pub fn add_default(&'static self, cx: &mut Cx<'_>) {
        if self.label == Label::Repeated {
            return self.add_empty(cx);
        }
        let (Some(codec), None) = (self.value.codec(), self.oneof) else {
            return;
        };
        let default = Plain::Scalar(self.default.clone());
        let Ok(bytes) = build::field(self, &default) else {
            return;
        };
        let Some(of) = self.schema().message(self.owner) else {
            return;
        };
        let donor = root(of, bytes.clone());
        let space = Space::source(bytes);
        let record = Run::new(&space, space.span()).records().next();
        if let Some(record) = record {
            let kind = Kind::Leaf(Ref::Static(codec));
            let child = cx.node_in(self.name, &space, record.body(), kind);
            child.absent(donor);
        }
    }
}

/// A message that has only one field, which is repeated.
pub struct Alone(pub &'static FieldType);

impl Shape for Alone {
    fn name(&self) -> &'static str {
        // that of the message, not of its field
        let Self(field) = self;
        field.owner
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let span: Span = cx.at.span;
        cx.node(self.0.name, span, self.0.many());
        Ok(())
    }
}
