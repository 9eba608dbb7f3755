//! Typed main data: one table for each struct and version.

mod heap;
pub mod xlog;

use binq_core::shape::Shape;

/// The struct that the main data of a record holds, if it is known; by `xl_rmid` and `xl_info`.
pub fn main_data(major: u8, rmid: u8, info: u8) -> Option<&'static dyn Shape> {
    match rmid {
        xlog::RMID => xlog::main_data(major, info),
        heap::RMID => heap::main_data(major, info),
        _ => None,
    }
}
