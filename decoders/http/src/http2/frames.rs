//! `.frames[]`: the walk over the frames of one direction.

use crate::http2::payload::{Frame, Lost};
use crate::http2::respell::respell;
use crate::http2::side::{Look, Side, look};
use binq_core::sequence::{Arrange, Label, SeqAt, Sequence, State, Step};
use binq_core::{Kind, Reject, Span};
use std::sync::Arc;

static LABEL: Label = Label("frames");

/// By what changes of frames are known.
pub const FRAMES: &Label = &LABEL;

/// The frames of one direction.
pub struct Frames(pub Arc<Side>);

impl Sequence for Frames {
    fn name(&self) -> &'static str {
        "frame"
    }

    fn label(&self) -> &'static Label {
        FRAMES
    }

    fn step(&self, at: &SeqAt<'_>, state: &State) -> Option<Step> {
        let start = state.at / 8;
        let (kind, end) = match look(at.space, start, self.0.begin.who) {
            Look::Frame(head, end) => {
                let side = self.0.clone();
                (Kind::shared(Arc::new(Frame { side, head })), end)
            }
            Look::Lost(until) => (Kind::fixed(&Lost), until),
            Look::End => return None,
        };
        Some(Step {
            kind,
            span: Span::bytes(start, end - start),
            next: State::new(end * 8),
        })
    }

    fn resizable(&self) -> bool {
        true
    }

    fn follows_place(&self) -> bool {
        true
    }

    fn arrange(&self, cx: &mut Arrange<'_>) -> Result<(), Reject> {
        if cx.fix {
            respell(&self.0, cx)?;
        }
        cx.in_place()
    }
}
