//! The laws of the design, for every format, every sample, and random damage.
//!
//! A case is a sample, damaged or not, and a seed for what is done with it; a failing one says how to run it alone.

mod absent;
mod assigned;
mod claims;
mod columns;
mod edits;
mod faults;
mod guesses;
mod identity;
mod kept;
mod locality;
mod no_panic;
mod protobuf;
mod represented;
mod runner;
mod samples;
mod shaping;
