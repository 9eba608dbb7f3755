//! Why not all of a message is there.

use binq_core::codec::Text;
use binq_core::shape::Cx;
use binq_core::{Kind, Scalar, Span};

/// Find the field that says why not all of a message is there; it is not listed.
pub fn find_missing<T>(name: &str, cx: &mut Cx<'_>, why: impl FnOnce() -> Option<T>) -> bool
where
    Scalar: From<T>,
{
    let is_missing = name == "_missing";
    if is_missing {
        let why = why().map_or(Scalar::Null, Scalar::from);
        let nowhere = Span::bits(cx.at.span.start, 0);
        let field = cx.node("_missing", nowhere, Kind::computed(&Text, why));
        field.hidden();
    }
    is_missing
}
