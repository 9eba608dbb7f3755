//! Messages as text, and back.

pub mod json;
pub mod protoscope;
