//! When an exchange was said: what streams and calls tell of it, and how long each part took.

use binq_core::codec::{Codec, Text};
use binq_core::shape::{At, Cx, Lazy, Shape};
use binq_core::{Kind, Scalar, Span};
use std::sync::Arc;

/// When an exchange was said, in nanoseconds since 1970; each with its begin and its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// All of it.
    pub all: Option<(i128, i128)>,
    /// The header fields and the body of the request.
    pub request: Option<(i128, i128)>,
    /// Those of the response, without what is interim.
    pub response: Option<(i128, i128)>,
}

impl Times {
    /// Of spans that may be missing: the earliest and the latest moment. A capture of several interfaces need not be in order of
    /// time, so the end of a span may be stamped before its begin.
    pub fn around(parts: impl IntoIterator<Item = Option<(i128, i128)>>) -> Option<(i128, i128)> {
        let moments = parts.into_iter().flatten().flat_map(|(a, b)| [a, b]);
        moments
            .map(|at| (at, at))
            .reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
    }

    /// `time` and `duration`.
    pub fn compute(&self, name: &str) -> Scalar {
        match (name, self.all) {
            ("time", Some((first, _))) => binq_core::time::rfc3339(first).into(),
            ("duration", Some((first, last))) => seconds(last - first),
            _ => Scalar::Null,
        }
    }

    /// The parts that HAR 1.2 has: how long the request took, how long nothing came back, and the rest. A request that goes on
    /// after the response began was sent up to there.
    ///
    /// A response that was stamped before its request tells how long the request took, and nothing else. What ends before it
    /// begins tells nothing.
    fn parts(&self) -> Option<[Option<i128>; 3]> {
        let (first, last) = self.all?;
        let is_backwards = |span: &Option<(i128, i128)>| span.is_some_and(|(a, b)| b < a);
        if first > last || [self.request, self.response].iter().any(is_backwards) {
            let sent = self.request.filter(|(begin, end)| begin <= end);
            return Some([sent.map(|(begin, end)| end - begin), None, None]);
        }
        if let (Some(sent), Some(got)) = (self.request, self.response)
            && got.0 < sent.0
        {
            return Some([Some(sent.1 - sent.0), None, None]);
        }
        let answered = self.response.map_or(last, |r| r.0).clamp(first, last);
        let sent = self.request.map_or(first, |r| r.1).clamp(first, answered);
        Some([sent - first, answered - sent, last - answered].map(Some))
    }

    /// Add them as the field `timings`, which is found by its name and not listed.
    pub fn add(self, cx: &mut Cx<'_>) {
        let nowhere = Span::bits(cx.at.span.start, 0);
        let timings = Kind::shared(Arc::new(Timings(self)));
        cx.node("timings", nowhere, timings).hidden();
    }
}

/// Nanoseconds as seconds: those of a connection are far below 2^53.
fn seconds(ns: i128) -> Scalar {
    Scalar::Float(ns as f64 / 1e9)
}

struct Timings(Times);

impl Shape for Timings {
    fn name(&self) -> &'static str {
        "timings"
    }

    fn lazy(&self) -> Option<&dyn Lazy> {
        Some(self)
    }
}

impl Lazy for Timings {
    fn computed(&self) -> &'static [(&'static str, &'static dyn Codec)] {
        static COMPUTED: [(&str, &dyn Codec); 3] =
            [("send", &Text), ("wait", &Text), ("receive", &Text)];
        &COMPUTED
    }

    fn compute(&self, name: &str, _at: &At<'_>) -> Scalar {
        let i = ["send", "wait", "receive"].iter().position(|n| *n == name);
        let parts = self.0.parts().zip(i);
        let part = parts.and_then(|(parts, i)| parts[i]);
        part.map_or(Scalar::Null, seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_are_all_of_the_time() {
        let times = |request, response, all| {
            let times = Times {
                all: Some(all),
                request,
                response,
            };
            times.parts().unwrap().map(|part| part.unwrap_or(-1))
        };
        assert_eq!(times(Some((5, 7)), Some((10, 14)), (5, 14)), [2, 3, 4]);
        // an answer in the moment in which the request begins
        assert_eq!(times(Some((5, 7)), Some((5, 9)), (5, 9)), [0, 0, 4]);
        // both at a time
        assert_eq!(times(Some((5, 12)), Some((10, 14)), (5, 14)), [5, 0, 4]);
        assert_eq!(times(Some((5, 7)), None, (5, 20)), [2, 13, 0]);
        assert_eq!(times(None, Some((10, 14)), (9, 14)), [0, 1, 4]);
        // an answer that was stamped before what it answers
        assert_eq!(times(Some((12, 13)), Some((10, 14)), (10, 14)), [1, -1, -1]);
        // what was stamped backwards
        assert_eq!(times(Some((3, 1)), Some((4, 2)), (1, 4)), [-1, -1, -1]);
        assert_eq!(times(Some((1, 2)), Some((4, 3)), (1, 4)), [1, -1, -1]);
        assert_eq!(Times::default().parts(), None);
        assert_eq!(Times::around([Some((3, 1)), Some((4, 2))]), Some((1, 4)));
        assert_eq!(
            Times::around([None, Some((3, 4)), Some((1, 2))]),
            Some((1, 4))
        );
    }
}
