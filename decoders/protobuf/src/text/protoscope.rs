//! Protoscope, the text form of the wire format in which every spelling can be written
//! (<https://github.com/protocolbuffers/protoscope/blob/main/language.txt>).

mod read;
mod write;

pub use read::read;
pub use write::write;
