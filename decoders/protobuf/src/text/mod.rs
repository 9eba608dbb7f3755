//! Messages as text, and back.

pub mod from_json;
pub mod json;
pub mod protoscope;
