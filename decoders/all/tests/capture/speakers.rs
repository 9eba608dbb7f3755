//! What the peers of a connection speak: proven by their bytes, or said by the user.

use crate::craft::{CLIENT, Ip, SERVER, Wire};
use crate::{at, decode, decode_with};
use binq_core::{Node, NodeKind, Options, Scalar};
use bytes::Bytes;

const SETTINGS: &[u8] = b"\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0\x64";
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";

fn talk(client: &[u8], server: &[u8]) -> Bytes {
    let mut wire = Wire::new(Ip::V4, [1000, 5000]);
    wire.open();
    wire.send(SERVER, server);
    wire.send(CLIENT, client);
    wire.pcap()
}

/// What each peer speaks: the name of the format, or nothing for bytes.
fn speak(root: &Node) -> [Option<&'static str>; 2] {
    ["client", "server"].map(|who| {
        let stream = at(root, &format!(".tcp_connections[0].{who}.stream"));
        let names = ["http1", "http2"].into_iter();
        let name = { names }.find(|name| *name == stream.format());
        (stream.kind() == NodeKind::Object).then(|| name.unwrap_or("another"))
    })
}

#[test]
fn each_direction_is_looked_at_for_itself() {
    let root = decode(&talk(REQUEST, SETTINGS));
    assert_eq!(speak(&root), [Some("http1"), Some("http2")]);
    let request = at(&root, ".streams[0].request.target");
    assert_eq!(request.scalar(), Scalar::from("/"));
    assert_eq!(root.field("streams").unwrap().len(), 1);
    assert_eq!(
        speak(&decode(&talk(REQUEST, b"\x15\x03\x01\0\x02\x02\x46"))),
        [Some("http1"), None]
    );
    let ssh = b"SSH-2.0-OpenSSH_9.6\r\n\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x01\0";
    assert_eq!(speak(&decode(&talk(ssh, ssh))), [None, None]);
}

#[test]
fn ports_overrule() {
    let bytes = talk(REQUEST, SETTINGS);
    let with = |settings: &[(&str, Scalar)]| {
        let mut options = Options::default();
        for (name, value) in settings {
            options.values.insert((*name).to_owned(), value.clone());
        }
        speak(&decode_with(&bytes, &options))
    };
    let http = [Some("http1"), Some("http2")];
    // the server's is 80, the client's 40000
    assert_eq!(with(&[("bytes", "8,80".into())]), [None, None]);
    assert_eq!(with(&[("bytes", 40000u64.into())]), [None, None]);
    assert_eq!(with(&[("bytes", "8".into())]), http);
    assert_eq!(with(&[("http2", "80".into())]), [Some("http2"); 2]);
    assert_eq!(with(&[("http1", "1, 80".into())]), [Some("http1"); 2]);
    assert_eq!(
        with(&[("http1", "80".into()), ("bytes", "7".into())]),
        [Some("http1"); 2]
    );
}

#[test]
fn ports_are_checked() {
    let check = |settings: &[(&str, &str)]| {
        let mut options = Options::default();
        for (name, value) in settings {
            options.values.insert((*name).to_owned(), (*value).into());
        }
        crate::formats().check(&options)
    };
    assert_eq!(check(&[("http1", "80,8080"), ("http2", "50051")]), Ok(()));
    for wrong in ["x", "80,", "70000", "-1", "1-5"] {
        let told = check(&[("http2", wrong)]).unwrap_err();
        assert!(told.contains("http2") && told.contains("ports"), "{told}");
    }
    let told = check(&[("http1", "80"), ("bytes", "9,80")]).unwrap_err();
    assert!(
        told.contains("80") && told.contains("http1") && told.contains("bytes"),
        "{told}"
    );
}
