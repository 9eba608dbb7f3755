//! Frames that are longer than the peer takes, in several.

use crate::http2::frame::{END_HEADERS, END_STREAM, HAS_PRIORITY, HEAD, PADDED, kind};

/// Cut a DATA frame in several; a HEADERS, PUSH_PROMISE or CONTINUATION frame goes on in CONTINUATION frames (RFC 9113
/// sections 4.2 and 6.10). `frame` has its header, whose length is not looked at.
pub fn split(frame: &[u8], most: u64) -> Vec<u8> {
    let most = most as usize;
    let (head, payload) = frame.split_at(HEAD as usize);
    let (is, flags) = (head[3], head[4]);
    let padded = flags & PADDED != 0 && is != kind::CONTINUATION && !payload.is_empty();
    let pad = if padded { usize::from(payload[0]) } else { 0 };
    let before = usize::from(padded)
        + match is {
            kind::HEADERS if flags & HAS_PRIORITY != 0 => 5,
            kind::PUSH_PROMISE => 4,
            _ => 0,
        };
    let end = payload.len().saturating_sub(pad).max(before);
    let body = &payload[before..end];
    // padding and priority stay in the first frame
    let around = before + (payload.len() - end);
    let first = most.saturating_sub(around).min(body.len());
    let last_flag = if is == kind::DATA {
        END_STREAM
    } else {
        END_HEADERS
    };
    let mut out = Vec::with_capacity(frame.len() + 64);
    let mut write = |is: u8, flags: u8, parts: &[&[u8]]| {
        let len: usize = parts.iter().map(|p| p.len()).sum();
        out.extend_from_slice(&(len as u32).to_be_bytes()[1..]);
        out.extend([is, flags]);
        out.extend_from_slice(&head[5..]);
        parts.iter().for_each(|p| out.extend_from_slice(p));
    };
    let rest: Vec<&[u8]> = body[first..].chunks(most.max(1)).collect();
    let own = if rest.is_empty() {
        flags
    } else {
        flags & !last_flag
    };
    write(
        is,
        own,
        &[&payload[..before], &body[..first], &payload[end..]],
    );
    let next = if is == kind::DATA {
        is
    } else {
        kind::CONTINUATION
    };
    for (i, part) in rest.iter().enumerate() {
        let last = i + 1 == rest.len();
        write(next, if last { flags & last_flag } else { 0 }, &[part]);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http2::frame::Head;

    fn heads(mut bytes: &[u8]) -> Vec<(u64, u8, u8)> {
        let mut out = Vec::new();
        while let Some(head) = Head::of(bytes) {
            out.push((head.length, head.kind, head.flags));
            bytes = &bytes[(HEAD + head.length) as usize..];
        }
        assert!(bytes.is_empty());
        out
    }

    #[test]
    fn data_keeps_its_end_for_the_last() {
        let mut frame = vec![0, 0, 0, kind::DATA, END_STREAM | PADDED, 0, 0, 0, 1, 2];
        frame.extend([7; 25]);
        frame.extend([0; 2]);
        assert_eq!(
            heads(&split(&frame, 10)),
            [(10, 0, PADDED), (10, 0, 0), (8, 0, END_STREAM)]
        );
    }

    #[test]
    fn headers_go_on_in_continuations() {
        let mut frame = vec![0, 0, 0, kind::HEADERS, END_STREAM | END_HEADERS, 0, 0, 0, 1];
        frame.extend([7; 25]);
        assert_eq!(
            heads(&split(&frame, 10)),
            [(10, 1, END_STREAM), (10, 9, 0), (5, 9, END_HEADERS)]
        );
    }
}
