//! `.packets[]` of pcap, and the walk of `.packets[]` of both.

use crate::capture::Shared;
use crate::dissect::Record;
use crate::file::{File, Place, beyond};
use crate::link;
use crate::order::Order;
use binq_core::codec::{Codec, Int, Text};
use binq_core::sequence::{Label, SeqAt, Sequence, State, Step};
use binq_core::shape::{At, Cx, Field, Lazy, Shape};
use binq_core::{Kind, Malformed, Scalar, Span};
use std::sync::Arc;

/// The packets of a file.
pub struct Packets(pub Arc<Shared>);

static LABEL: Label = Label("packets");

/// What whole packets are known by that come and go.
pub const PACKET: &Label = &LABEL;

impl Sequence for Packets {
    fn name(&self) -> &'static str {
        "packet"
    }

    fn label(&self) -> &'static Label {
        PACKET
    }

    /// Records come and go as they are: to TCP, one that is gone is one that the capture lost.
    fn resizable(&self) -> bool {
        true
    }

    fn start(&self, _at: &SeqAt<'_>) -> State {
        State::new(self.0.file.start().at * 8)
    }

    fn step(&self, at: &SeqAt<'_>, state: &State) -> Option<Step> {
        let section = state.more.as_ref().and_then(|m| m.clone().downcast().ok());
        let place = Place {
            at: state.at / 8,
            section,
        };
        let (record, next) = self.0.file.next(at.space, &place)?;
        let kind = match &self.0.file {
            File::Pcap(_) => Kind::shared(Arc::new(Packet {
                shared: self.0.clone(),
                record,
            })),
            File::PcapNg => crate::pcapng::packet_kind(&self.0.senders, at.space, &record, &next),
        };
        Some(Step {
            kind,
            span: Span::bytes(record.at, record.end - record.at),
            next: State {
                at: next.at * 8,
                memory: 0,
                more: next.section.map(|s| s as _),
            },
        })
    }
}

const fn record(order: Order, nano: bool) -> [Field; 4] {
    let int: &'static dyn Codec = match order.0 {
        binq_core::codec::Endian::Little => &Int::U32LE,
        binq_core::codec::Endian::Big => &Int::U32BE,
    };
    [
        Field::leaf("ts_sec", 0, 4, int),
        Field::leaf(if nano { "ts_nsec" } else { "ts_usec" }, 4, 4, int),
        Field::leaf("incl_len", 8, 4, int),
        Field::leaf("orig_len", 12, 4, int),
    ]
}

static LITTLE: [Field; 4] = record(Order::LITTLE, false);
static BIG: [Field; 4] = record(Order::BIG, false);
static LITTLE_NANO: [Field; 4] = record(Order::LITTLE, true);
static BIG_NANO: [Field; 4] = record(Order::BIG, true);

/// A computed time of a record.
pub fn time(record: &Record) -> Scalar {
    match record.time {
        Some(ns) => binq_core::time::rfc3339(ns.into()).into(),
        None => Scalar::Null,
    }
}

/// What every packet computes.
pub static COMPUTED: [(&str, &dyn Codec); 1] = [("time", &Text)];

/// A packet of a pcap file.
struct Packet {
    shared: Arc<Shared>,
    record: Record,
}

impl Shape for Packet {
    fn name(&self) -> &'static str {
        "packet"
    }

    fn layout(&self) -> &'static [Field] {
        match &self.shared.file {
            File::Pcap(head) => match (head.order, head.nano) {
                (Order::LITTLE, false) => &LITTLE,
                (Order::LITTLE, true) => &LITTLE_NANO,
                (_, false) => &BIG,
                (_, true) => &BIG_NANO,
            },
            File::PcapNg => &[],
        }
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        link::packet(cx, &self.record, &self.shared.senders);
        Ok(())
    }

    fn check(&self, field: &str, at: &At<'_>) -> Option<Malformed> {
        let File::Pcap(head) = &self.shared.file else {
            return None;
        };
        let r = &self.record;
        if field != "incl_len" {
            return None;
        }
        let said = head.order.u32(&at.read(8, 4));
        if u64::from(said) > r.captured {
            let expected = format!("at most {}, up to the end of the file", r.captured);
            return Some(Malformed::new(r.at + 8, expected, said.to_string()));
        }
        beyond(r.at + 8, said, head.snaplen)
    }

    fn lazy(&self) -> Option<&dyn Lazy> {
        Some(self)
    }
}

impl Lazy for Packet {
    fn computed(&self) -> &'static [(&'static str, &'static dyn Codec)] {
        &COMPUTED
    }

    fn compute(&self, _name: &str, _at: &At<'_>) -> Scalar {
        time(&self.record)
    }
}
