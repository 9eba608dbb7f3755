//! Law 9: bytes that the input does not hold never come out as bytes.

use crate::samples::{SAMPLES, are_all, decode_as};
use binq_core::{Lost, Node, NodeKind, Options, Reject, Scalar};
use binq_laws::wire::{HEADERS, Wire};
use binq_laws::{Rng, follow, parse};
use bytes::Bytes;

/// A stream of text of which segments were lost, or cut by the snaplen: the capture, what was sent (nothing where it was lost).
fn stream_with_holes(rng: &mut Rng) -> (Bytes, Vec<Option<u8>>) {
    let mut wire = Wire::new(9, true);
    let mut sent = Vec::new();
    let mut kept = vec![Some(usize::MAX); 3];
    let segments = 2 + rng.below(8);
    for i in 0..segments {
        let len = 1 + rng.below(300) as usize;
        // no zeros, so that no zero can come from anywhere else
        let bytes: Vec<u8> = (0..len).map(|_| b'a' + rng.below(20) as u8).collect();
        wire.send(0, &bytes);
        let keep = match rng.below(4) {
            // the last segment says how long the stream is
            _ if i + 1 == segments => Some(usize::MAX),
            0 => None,
            1 => Some(HEADERS + rng.below(len as u64) as usize),
            _ => Some(usize::MAX),
        };
        let there = keep.map_or(0, |k| k.min(HEADERS + len) - HEADERS);
        sent.extend(
            bytes
                .iter()
                .enumerate()
                .map(|(k, b)| (k < there).then_some(*b)),
        );
        kept.push(keep);
    }
    let pcap = wire.pcap(|i, len| kept[i].map(|k| k.min(len)));
    (pcap.into(), sent)
}

fn decode_with(format: &'static str, bytes: &Bytes, options: &Options, lost: Lost) -> Node {
    let word = match lost {
        Lost::Refuse => "refuse",
        Lost::Zeros => "zeros",
        Lost::Skip => "skip",
    };
    decode_as(format, bytes, &options.with("lost", word.into()))
}

#[test]
fn a_stream_with_holes_gives_only_what_was_captured() {
    let (mut lost_ones, mut parts) = (0, 0);
    for seed in 0..400 {
        let rng = &mut Rng::new(seed);
        let (pcap, sent) = stream_with_holes(rng);
        let stream = |lost| {
            let root = decode_with("pcap", &pcap, &Options::default(), lost);
            let stream = follow(&root, &parse(".tcp_connections[0].client.stream"));
            stream.unwrap_or_else(|| panic!("seed {seed}: no stream"))
        };
        let missing = sent.iter().filter(|b| b.is_none()).count() as u64;
        let first = sent.iter().position(Option::is_none);
        let node = stream(Lost::Refuse);
        match (node.bytes(), first) {
            (Ok(bytes), None) => assert!(bytes.iter().copied().map(Some).eq(sent.iter().copied())),
            (
                Err(Reject::Lost {
                    at, missing: m, of, ..
                }),
                Some(first),
            ) => {
                assert_eq!(
                    (at, m, of),
                    (first as u64, missing, sent.len() as u64),
                    "seed {seed}"
                );
                lost_ones += 1;
            }
            (other, _) => {
                panic!("seed {seed}: {missing} bytes are missing, and there is {other:?}")
            }
        }
        let zeros: Vec<u8> = sent.iter().map(|b| b.unwrap_or(0)).collect();
        assert_eq!(stream(Lost::Zeros).bytes().unwrap(), zeros, "seed {seed}");
        let skip: Vec<u8> = sent.iter().flatten().copied().collect();
        assert_eq!(stream(Lost::Skip).bytes().unwrap(), skip, "seed {seed}");
        // each part of it, and each slice of one, is there or is missing
        let mut pieces = vec![node.clone()];
        pieces.extend(node.fields().into_iter().map(|(_, part)| part));
        for piece in pieces {
            let start = piece.span().first_byte();
            for _ in 0..8 {
                let Some(len) = piece.byte_len().filter(|len| *len > 0) else {
                    break;
                };
                let from = rng.below(len);
                let to = from + rng.below(len - from + 1);
                let wanted = sent[(start + from) as usize..(start + to) as usize]
                    .iter()
                    .copied();
                let part = piece
                    .byte_part(|_| from..to)
                    .expect("bytes")
                    .map(|b| b.to_vec());
                assert_eq!(
                    part.ok(),
                    wanted.collect::<Option<Vec<u8>>>(),
                    "seed {seed}"
                );
                parts += 1;
            }
            let wanted = sent[start as usize..piece.span().end_byte() as usize]
                .iter()
                .copied();
            let there = piece.bytes().ok().map(|b| b.to_vec());
            assert_eq!(there, wanted.collect::<Option<Vec<u8>>>(), "seed {seed}");
        }
    }
    assert!(
        lost_ones > 200 && parts > 500,
        "{lost_ones} streams with holes, {parts} parts"
    );
}

/// Visit every node, of long arrays the first ones.
fn visit(node: &Node, f: &mut impl FnMut(&Node)) {
    f(node);
    match node.kind() {
        NodeKind::Scalar => {}
        NodeKind::Object => node.fields().iter().for_each(|(_, child)| visit(child, f)),
        NodeKind::Array => node.items().take(200).for_each(|child| visit(&child, f)),
    }
}

/// A pcap of which packets are left out or cut.
fn with_loss(bytes: &[u8], rng: &mut Rng) -> Option<Bytes> {
    let (head, mut rest) = bytes.split_at_checked(24)?;
    let is_big = head[0] == 0xa1;
    let read = |b: &[u8]| {
        let b: [u8; 4] = b.try_into().expect("four bytes");
        (if is_big {
            u32::from_be_bytes(b)
        } else {
            u32::from_le_bytes(b)
        }) as usize
    };
    let mut out = head.to_vec();
    while let Some((record, after)) = rest.split_at_checked(16) {
        let len = read(&record[8..12]);
        let (packet, after) = after.split_at_checked(len)?;
        rest = after;
        let kept = match rng.below(10) {
            0 => continue,
            1 => rng.below(len as u64 + 1) as usize,
            _ => len,
        };
        let kept_len = kept as u32;
        let kept_len = if is_big {
            kept_len.to_be_bytes()
        } else {
            kept_len.to_le_bytes()
        };
        out.extend([&record[..8], &kept_len, &record[12..], &packet[..kept]].concat());
    }
    Some(out.into())
}

/// In every sample, and in captures of which packets were lost or cut: what a node gives is there, or it says what is missing.
#[test]
fn no_node_gives_what_is_not_there() {
    let (mut nodes, mut refused) = (0u64, 0u64);
    let mut wrong = Vec::new();
    for (i, sample) in SAMPLES.iter().enumerate() {
        if sample.bytes.len() > 100_000 {
            // a log of a server: its records are looked at elsewhere, and none is lost in a whole one
            continue;
        }
        let rng = &mut Rng::new(i as u64);
        let mut inputs = vec![sample.bytes.clone()];
        if sample.format == "pcap" {
            inputs.extend((0..2).filter_map(|_| with_loss(&sample.bytes, rng)));
        }
        for (k, bytes) in inputs.iter().enumerate() {
            let node_of = |lost| decode_with(sample.format, bytes, &sample.options, lost);
            let (root, zeros, skip) = (
                node_of(Lost::Refuse),
                node_of(Lost::Zeros),
                node_of(Lost::Skip),
            );
            visit(&root, &mut |node| {
                nodes += 1;
                let path = node.path();
                let text = || format!("{} {k}: {}", sample.name, node.path_text());
                match node.bytes() {
                    // what is computed has no bytes
                    Err(Reject::Structure { .. }) => {}
                    Err(Reject::Lost {
                        at, missing, of, ..
                    }) => {
                        refused += 1;
                        if node.kind() == NodeKind::Scalar && node.actual().is_some() {
                            wrong.push(format!(
                                "{}: has a value, though {missing} bytes are missing",
                                text()
                            ));
                        }
                        let [zeros, skip] = [&zeros, &skip]
                            .map(|root| follow(root, &path).and_then(|n| n.bytes().ok()));
                        let (Some(zeros), Some(skip)) = (zeros, skip) else {
                            return wrong.push(format!(
                                "{}: nothing stands in for {missing} bytes",
                                text()
                            ));
                        };
                        if missing == 0
                            || zeros.len() as u64 != of
                            || skip.len() as u64 + missing != of
                            || zeros.get(at as usize) != Some(&0)
                        {
                            let sizes = (zeros.len(), skip.len());
                            wrong.push(format!(
                                "{}: {missing} of {of} missing, at {at}: {sizes:?}",
                                text()
                            ));
                        }
                    }
                    Err(e) => wrong.push(format!("{}: {e}", text())),
                    Ok(bytes) => {
                        let same = |root| follow(root, &path).and_then(|n| n.bytes().ok());
                        if same(&zeros).as_ref() != Some(&bytes)
                            || same(&skip).as_ref() != Some(&bytes)
                        {
                            wrong.push(format!("{}: other bytes, if something stands in", text()));
                        }
                    }
                }
            });
        }
    }
    println!("{nodes} nodes, {refused} that miss bytes");
    assert!(
        wrong.is_empty(),
        "{} wrong: {:#?}",
        wrong.len(),
        &wrong[..wrong.len().min(20)]
    );
    assert!(
        refused > 300 || !are_all(),
        "only {refused} of {nodes} nodes miss bytes"
    );
}

/// A hole costs no memory, whatever its size, and no value is made of it.
#[test]
fn a_large_hole_is_no_bytes() {
    for distance in [1 << 12, 1 << 20, 1 << 29] {
        let mut wire = Wire::new(9, true);
        wire.send(0, b"hello");
        wire.skip(0, distance);
        wire.send(0, b"world");
        let pcap = wire.pcap(|_, len| Some(len));
        let root = decode_as("pcap", &pcap.into(), &Options::default());
        let stream = follow(&root, &parse(".tcp_connections[0].client.stream")).expect("a stream");
        let value = stream.actual();
        assert!(
            matches!(value, None | Some(Scalar::Null)),
            "{distance}: {value:?}"
        );
        let bytes = stream.bytes();
        let is_lost = |missing| missing == u64::from(distance);
        assert!(
            matches!(bytes, Err(Reject::Lost { missing, .. }) if is_lost(missing)),
            "{distance}: {bytes:?}"
        );
        let part = |from, to| stream.byte_part(|_| from..to);
        assert!(part(4, 6).is_none_or(|p| p.is_err()));
        if let Some(part) = part(0, 5) {
            assert_eq!(part.unwrap(), &b"hello"[..]);
        }
    }
}
