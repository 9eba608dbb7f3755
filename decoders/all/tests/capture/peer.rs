//! The client's half of a connection, as a real HTTP/2 server reads it: the `h2` crate, over a pipe in memory.

use crate::{at, capture, captures, decode, delete_item, encoded, insert_item, int, set, text};
use binq_core::{Node, Scalar};
use bytes::Bytes;
use std::collections::BTreeMap;
use tokio::io::AsyncWriteExt;

/// What a server sees of a request: header fields by name (pseudo headers too), each with its values in order; the body; the
/// trailers.
#[derive(Debug, PartialEq)]
struct Request {
    headers: Fields,
    body: Vec<u8>,
    trailers: Fields,
}

type Fields = BTreeMap<String, Vec<Vec<u8>>>;

/// All requests that a server sees in what the client of a capture sent; it takes frames as long as the one that was captured.
fn served(root: &Node) -> Result<Vec<Request>, h2::Error> {
    let (client, count, most) = (client(root), ours(root).len(), max_frame_size(root));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    runtime.unwrap().block_on(async move {
        let all = serve(client, count, most);
        let patience = std::time::Duration::from_secs(30);
        tokio::time::timeout(patience, all)
            .await
            .expect("the server waits for more")
    })
}

async fn serve(client: Bytes, count: usize, most: u32) -> Result<Vec<Request>, h2::Error> {
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    let (mut answers, mut pipe) = tokio::io::split(ours);
    let (done, close) = tokio::sync::oneshot::channel::<()>();
    tokio::spawn(async move {
        pipe.write_all(&client).await.unwrap();
        // the server drops what it has not handed out when the pipe is closed
        let _ = close.await;
        pipe.shutdown().await.unwrap();
    });
    tokio::spawn(async move { tokio::io::copy(&mut answers, &mut tokio::io::sink()).await });
    // what the client sent, it sent without waiting for this server's windows
    let mut server = h2::server::Builder::new()
        .initial_window_size(1 << 24)
        .initial_connection_window_size(1 << 24)
        .max_header_list_size(1 << 20)
        .max_frame_size(most)
        .handshake::<_, Bytes>(theirs)
        .await?;
    let mut requests = Vec::new();
    while requests.len() < count {
        let (request, respond) = server.accept().await.expect("a request")?;
        requests.push(tokio::spawn(async move {
            let seen = read(request).await;
            drop(respond);
            seen
        }));
    }
    let rest = tokio::spawn(async move {
        let next = server.accept().await;
        assert!(
            !matches!(next, Some(Ok(_))),
            "one request more than {count}"
        );
        next.map_or(Ok(()), |e| e.map(|_| ()))
    });
    let mut out = Vec::new();
    for request in requests {
        out.push(request.await.unwrap()?);
    }
    done.send(()).unwrap();
    rest.await.unwrap()?;
    Ok(out)
}

async fn read(request: http::Request<h2::RecvStream>) -> Result<Request, h2::Error> {
    let (head, mut stream) = request.into_parts();
    let fields = |map: &http::HeaderMap| {
        let mut out = Fields::new();
        for (name, value) in map {
            let values = out.entry(name.to_string()).or_default();
            values.push(value.as_bytes().to_vec());
        }
        out
    };
    let mut headers = fields(&head.headers);
    let mut pseudo = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            headers.insert(name.to_owned(), vec![value.as_bytes().to_vec()]);
        }
    };
    pseudo(":method", Some(head.method.as_str()));
    pseudo(":path", head.uri.path_and_query().map(|p| p.as_str()));
    pseudo(":scheme", head.uri.scheme_str());
    pseudo(":authority", head.uri.authority().map(|a| a.as_str()));
    let mut body = Vec::new();
    while let Some(data) = stream.data().await {
        body.extend_from_slice(&data?);
    }
    let trailers = stream.trailers().await?;
    Ok(Request {
        headers,
        body,
        trailers: trailers.as_ref().map(fields).unwrap_or_default(),
    })
}

/// The requests of a capture, as binq shows them.
fn ours(root: &Node) -> Vec<Request> {
    let fields = |list: Option<Node>| {
        let mut out = Fields::new();
        for header in list.iter().flat_map(Node::items) {
            // a size update has no name
            let get = |key: &str| Some(header.field(key)?.scalar().as_bytes()?.to_vec());
            if let (Some(name), Some(value)) = (get("name"), get("value")) {
                let name = String::from_utf8(name).unwrap();
                out.entry(name).or_default().push(value);
            }
        }
        out
    };
    let streams = root.field("streams").unwrap();
    // those that the server pushed, and those that only have a priority, are no requests of the client
    let asked = streams
        .items()
        .filter(|s| text(&s.field("pushed").unwrap()) == "false")
        .filter(|s| at(s, ".request").field("headers").is_some());
    asked
        .map(|stream| {
            let request = at(&stream, ".request");
            let body = request.field("body");
            Request {
                headers: fields(request.field("headers")),
                body: body.map_or_else(Vec::new, |b| b.bytes().unwrap().to_vec()),
                trailers: fields(request.field("trailers")),
            }
        })
        .collect()
}

/// SETTINGS_MAX_FRAME_SIZE of the server.
fn max_frame_size(root: &Node) -> u32 {
    let frames = at(root, ".tcp_connections[0].server.stream.frames");
    let settings = frames
        .items()
        .filter_map(|f| f.field("payload")?.field("settings"));
    let all: Vec<Node> = settings
        .flat_map(|s| s.items().collect::<Vec<_>>())
        .collect();
    let is_size = |s: &&Node| text(&at(s, ".identifier")) == "MAX_FRAME_SIZE";
    let found = all.iter().find(is_size);
    found.map_or(1 << 14, |s| int(&at(s, ".value")) as u32)
}

fn client(root: &Node) -> Bytes {
    at(root, ".tcp_connections[0].client.stream")
        .bytes()
        .unwrap()
}

/// The edited connection is what the peer sees, read from the edited nodes and from the new file, which tshark accepts.
fn seen(root: &Node, edited: &Node) -> Vec<Request> {
    let new = encoded(edited).to_bytes();
    crate::edits::accepted("peer", &encoded(root).to_bytes(), &new);
    let again = decode(&new);
    let theirs = served(&again).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(theirs, ours(&again));
    theirs
}

#[test]
fn every_client_is_understood() {
    let mut requests = 0;
    for (name, bytes) in captures() {
        let root = decode(&bytes);
        let stream = at(&root, ".tcp_connections[0].client.stream");
        // only those with all bytes from the preface on, no upgrade before it
        let whole = stream.field("preface").is_some()
            && stream.field("upgrade").is_none()
            && text(&at(&root, ".tcp_connections[0].client.skipped_bytes")) == "0";
        if !whole {
            continue;
        }
        // gRPC's C core sends itself raw bytes, NUL among them, which are no header value to others
        let raw = ours(&root).iter().any(|r| {
            let mut values = r.headers.values().flatten();
            values.any(|v| v.contains(&0))
        });
        if raw {
            continue;
        }
        let theirs = served(&root).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(theirs, ours(&root), "{name}");
        requests += theirs.len();
    }
    assert!(requests >= 15, "{requests} requests were compared");
}

fn noise(len: u32) -> Vec<u8> {
    let mut rng = binq_laws::Rng::new(7);
    (0..len).map(|_| rng.random() as u8).collect()
}

#[test]
fn an_edited_client_is_understood() {
    let root = decode(&capture("grpc-streaming.pcap"));
    let before = ours(&root);
    // a path, whose entry in the header table later requests refer to
    let edited = set(&root, ".grpc_calls[0].path", "/demo.Greeter/Other");
    let theirs = seen(&root, &edited);
    assert_eq!(theirs[0].headers[":path"], [b"/demo.Greeter/Other"]);
    assert_eq!(theirs[1..], before[1..]);

    // a message that outgrows its frame, and the frame the peer's maximum
    let message = noise(90_000);
    let edited = set(
        &edited,
        ".grpc_calls[1].requests[0].message",
        Scalar::Bytes(message.clone().into()),
    );
    let theirs = seen(&root, &edited);
    assert_eq!(theirs[1].body[..5], [0, 0, 1, 0x5f, 0x90]);
    assert_eq!(theirs[1].body[5..90_005], message);
    assert_eq!(theirs[2..], before[2..]);

    // a header removed, one added, and one changed, in different requests
    let headers = ".streams[0].request.headers";
    let place = |name: &str| {
        at(&root, headers)
            .items()
            .position(|h| text(&h.field("name").unwrap()) == name)
            .unwrap() as u64
    };
    let edited = delete_item(&edited, headers, place("user-agent"));
    let edited = insert_item(
        &edited,
        ".grpc_calls[1].metadata",
        0,
        &[("name", "x-added"), ("value", "one")],
    );
    let edited = set(
        &edited,
        &format!(
            ".streams[0].request.headers[{}].value",
            place("te") - u64::from(place("te") > place("user-agent"))
        ),
        "trailers",
    );
    let theirs = seen(&root, &edited);
    assert!(!theirs[0].headers.contains_key("user-agent"));
    assert_eq!(theirs[1].headers["x-added"], [b"one"]);
    for i in 1..4 {
        // the entry of the table was that of all requests
        assert_eq!(
            theirs[i].headers["user-agent"],
            before[i].headers["user-agent"]
        );
    }
    assert_eq!(theirs[2..], before[2..]);

    // a header block that outgrows a frame
    let long = "v".repeat(40_000);
    let edited = insert_item(
        &edited,
        ".streams[2].request.headers",
        5,
        &[("name", "x-long"), ("value", &long)],
    );
    let theirs = seen(&root, &edited);
    assert_eq!(theirs[2].headers["x-long"], [long.as_bytes()]);
    assert_eq!(theirs[3], before[3]);
}

/// A peer refuses a request whose `content-length` is not that of its data.
#[test]
fn a_content_length_follows_the_body() {
    let root = decode(&capture("nghttp-post.pcap"));
    let before = ours(&root);
    let body = at(&root, ".streams[0].request.body").bytes().unwrap();
    assert_eq!(
        before[0].headers["content-length"],
        [body.len().to_string().as_bytes()]
    );
    for len in [3, 20_000] {
        let new = noise(len);
        let value = Scalar::Bytes(new.clone().into());
        let edited = set(&root, ".streams[0].request.body", value);
        let theirs = seen(&root, &edited);
        assert_eq!(
            theirs[0].headers["content-length"],
            [len.to_string().as_bytes()]
        );
        assert_eq!(theirs[0].body, new);
        assert_eq!(theirs[1..], before[1..]);
        // the value of its own that it is given stays
        let headers = at(&edited, ".streams[0].request.headers");
        let place = headers
            .items()
            .position(|h| text(&h.field("name").unwrap()) == "content-length")
            .unwrap();
        let path = format!(".streams[0].request.headers[{place}].value");
        let wrong = set(&edited, &path, "7");
        let again = decode(&encoded(&wrong).to_bytes());
        assert_eq!(text(&at(&again, &path)), "7");
    }
}

/// The same where the header block goes on in other frames: the value lies in one of them, or across two.
#[test]
fn a_content_length_in_a_continued_block_follows_the_body() {
    let root = decode(&capture("nghttp-post.pcap"));
    let headers = ".streams[0].request.headers";
    let mut across = 0;
    // not shorter in Huffman code
    for len in (16_200..16_384).step_by(2).chain([20_000, 40_000]) {
        let new = [("name", "x-long"), ("value", &*"X".repeat(len))];
        let longer = insert_item(&root, headers, 4, &new);
        let longer = decode(&encoded(&longer).to_bytes());
        let place = at(&longer, headers)
            .items()
            .position(|h| text(&h.field("name").unwrap()) == "content-length")
            .unwrap();
        let value = format!("{headers}[{place}].value");
        let runs = at(&longer, &value).ranges().len();
        across += usize::from(runs > 1);
        if runs == 1 && len < 20_000 {
            continue;
        }
        for (body, right) in [(noise(3), "3"), (noise(123_456), "123456")] {
            let value = Scalar::Bytes(body.clone().into());
            let edited = set(&longer, ".streams[0].request.body", value);
            let theirs = seen(&longer, &edited);
            assert_eq!(theirs[0].headers["content-length"], [right.as_bytes()]);
            assert_eq!(theirs[0].body, body);
        }
        let edited = set(
            &longer,
            ".streams[0].request.body",
            Scalar::Bytes(noise(3).into()),
        );
        let wrong = set(&edited, &value, "7");
        assert_eq!(text(&at(&decode(&encoded(&wrong).to_bytes()), &value)), "7");
    }
    assert!(across > 0);
}

/// A header block that goes on in other frames, edited, in the place of another one.
#[test]
fn a_header_block_in_another_place_is_understood() {
    let root = decode(&capture("nghttp-table.pcap"));
    let headers = ".streams[0].request.headers";
    let new = [("name", "x-long"), ("value", &*"v".repeat(40_000))];
    let edited = insert_item(&root, headers, at(&root, headers).len() as usize, &new);
    let root = decode(&encoded(&edited).to_bytes());
    let before = ours(&root);
    let frames = ".tcp_connections[0].client.stream.frames";
    let goes_on = |f: Node| text(&at(&f, ".type")) == "CONTINUATION";
    assert!(at(&root, frames).items().any(goes_on));
    let blocks: Vec<usize> = at(&root, frames)
        .items()
        .enumerate()
        .filter(|(_, f)| at(f, ".payload").field("headers").is_some())
        .map(|(i, _)| i)
        .collect();
    let (from, to) = (
        format!("{frames}[{}]", blocks[0]),
        format!("{frames}[{}]", blocks[2]),
    );
    let id = int(&at(&root, &format!("{to}.stream_id")));
    let source = set(&root, &format!("{from}.stream_id"), id);
    let last = at(&root, &format!("{from}.payload.headers")).len() - 1;
    let value = format!("{from}.payload.headers[{last}].value");
    for (source, value) in [
        (source.clone(), "v".repeat(40_000)),
        (set(&source, &value, "short"), "short".to_owned()),
    ] {
        let copy = binq_core::Plain::Node(at(&source, &from));
        let theirs = seen(&root, &crate::set_plain(&root, &to, copy));
        let mut wanted = before[0].headers.clone();
        wanted.insert("x-long".to_owned(), vec![value.into_bytes()]);
        assert_eq!(theirs[2].headers, wanted);
        assert_eq!(theirs[2].body, before[2].body);
        assert_eq!(theirs[..2], before[..2]);
        assert_eq!(theirs[3..], before[3..]);
    }
}

/// The stream of an edited connection, without writing the capture: `.client.stream | tobytes`.
#[test]
fn the_edited_stream_alone_is_what_is_written() {
    let root = decode(&capture("grpc-streaming.pcap"));
    let frames = ".tcp_connections[0].client.stream.frames";
    let mut at_headers = (0..).filter(|i| {
        at(&root, &format!("{frames}[{i}].payload"))
            .field("headers")
            .is_some()
    });
    let i = at_headers.next().unwrap();
    let headers = format!("{frames}[{i}].payload.headers");
    let path = at(&root, &headers)
        .items()
        .position(|h| text(&h.field("name").unwrap()) == ":path");
    let edited = set(
        &root,
        &format!("{headers}[{}].value", path.unwrap()),
        "/a.B/Longer",
    );
    assert_eq!(seen(&root, &edited)[0].headers[":path"], [b"/a.B/Longer"]);
    assert_eq!(
        client(&edited),
        client(&decode(&encoded(&edited).to_bytes()))
    );
    assert_ne!(client(&edited), client(&root));
}

#[test]
fn compressed_and_padded_requests_are_understood_after_an_edit() {
    for name in ["grpc-gzip.pcap", "grpc-deflate.pcap"] {
        let root = decode(&capture(name));
        let edited = set(
            &root,
            ".grpc_calls[0].requests[0].message",
            Scalar::Bytes(noise(50_000).into()),
        );
        assert!(seen(&root, &edited)[0].body.len() > 40_000);
    }
    for name in [
        "nghttp-post.pcap",
        "nghttp-padding.pcap",
        "nghttp-continuation.pcap",
    ] {
        let root = decode(&capture(name));
        let edited = set(
            &root,
            ".streams[0].request.path",
            "/a/much/longer/path/than/it/was",
        );
        assert_eq!(
            seen(&root, &edited)[0].headers[":path"],
            [b"/a/much/longer/path/than/it/was"]
        );
    }
}
