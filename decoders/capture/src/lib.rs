//! Packet captures for binq: formats `pcap` and `pcapng`.
//!
//! * `file`: the records of a file; `pcap` and `pcapng` the structs around them.
//! * `fcs`: the check sequence that a frame ends with.
//! * `dissect`: headers found without making nodes; `link`, `ip` and `tcp` are their structs.
//! * `datagrams`: IP datagrams, put together from their fragments.
//! * `flows`: TCP connections; `half`: what one peer sent, put together again.
//! * `senders`: whose checksums are wrong throughout, and say nothing.
//! * `whole`: datagrams in fragments, found from their first one.
//! * `wire`: what follows from a change: lengths, numbers, checksums.
#![forbid(unsafe_code)]

mod capture;
mod checksum;
mod codecs;
mod connection;
mod datagrams;
mod dissect;
mod fcs;
mod file;
mod flows;
mod half;
mod hash;
mod ip;
mod link;
mod order;
mod packets;
mod pcapng;
mod senders;
mod tcp;
mod whole;
mod wire;

pub use capture::{Pcap, PcapNg};
