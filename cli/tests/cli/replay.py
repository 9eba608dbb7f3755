"""What binq writes for other tools, in the hands of these tools: replay.py har|grpcurl BINQ SAMPLES

`har`: HAR files are valid by har-schema ($BINQ_CACHE), and haralyzer and mitmproxy read them.
`grpcurl`: the commands are run in a shell, against the server that the samples were captured from."""
import base64, importlib.machinery, importlib.util, json, os, re, subprocess, sys, tempfile
from pathlib import Path

BINQ, SAMPLES = sys.argv[2], Path(sys.argv[3]).resolve()
CAPTURES = sorted(p for p in (SAMPLES / "capture").iterdir() if p.suffix in (".pcap", ".pcapng"))
SCHEMA = ["--proto", str(SAMPLES / "capture/greeter.proto")]


def binq(*args, stdin=None):
    done = subprocess.run([BINQ, *map(str, args)], input=stdin, capture_output=True)
    assert done.returncode == 0, (args, done.stderr.decode())
    return done.stdout


def quoted(text):
    """A string of jq; without \\ud83d\\ude00 and the like, which jaq does not read."""
    return json.dumps(text, ensure_ascii=False)


# ---- HAR

def har():
    from haralyzer.assets import HarEntry
    from jsonschema import Draft6Validator
    from mitmproxy.io.har import request_to_flow
    from referencing import Registry, Resource
    from referencing.jsonschema import DRAFT6
    cache = Path(os.environ.get("BINQ_CACHE") or Path.home() / ".cache/binq")
    schemas = {f.name: json.loads(f.read_text()) for f in (cache / "har-schema/lib").glob("*.json")}
    registry = Registry().with_resources((s["$id"], Resource(s, DRAFT6)) for s in schemas.values())
    checker = Draft6Validator.FORMAT_CHECKER
    assert {"uri", "date-time", "ipv4"} <= checker.checkers.keys()
    validator = Draft6Validator(schemas["har.json"], registry=registry, format_checker=checker)

    archives = [(p.name, binq("to_har", p)) for p in CAPTURES]
    archives.append(("a gzip body", binq("to_har", stdin=inflated_page())))
    count = 0
    for name, text in archives:
        archive = json.loads(text)
        wrong = [f"{list(e.absolute_path)}: {e.message}" for e in validator.iter_errors(archive)]
        assert not wrong, (name, wrong)
        for entry in archive["log"]["entries"]:
            read(HarEntry(entry))
            flow = request_to_flow(entry)
            compare(name, entry, flow)
            # HAR 1.2: the timings are all of the time, and a body is its text or its params
            timings = [entry["timings"][part] for part in ("send", "wait", "receive")]
            assert min(timings) >= 0 and abs(sum(timings) - entry["time"]) < 1e-6, (name, timings, entry["time"])
            assert "params" not in entry["request"].get("postData", {}), name
            count += 1
    assert count > 100, count
    entry = json.loads(archives[-1][1])["log"]["entries"][0]
    assert base64.b64decode(entry["response"]["content"]["text"]) == PAGE
    assert entry["response"]["bodySize"] + entry["response"]["content"]["compression"] == len(PAGE)
    assert entry["request"]["url"] == "http://a.example/page?q=1&r", entry["request"]["url"]
    assert [(c.get("name"), c.get("value")) for c in HarEntry(entry).request.cookies] == [("a", "b")]
    cookies = entry["response"]["cookies"]
    assert cookies == [{"name": "s", "value": "1", "path": "/", "expires": "2030-01-02T03:04:05Z", "httpOnly": True}], cookies
    assert entry["timings"]["wait"] == 0.001, entry["timings"]


def read(entry):
    """All that haralyzer tells of an entry."""
    entry.startTime, entry.port, entry.serverAddress, entry.url, entry.time, entry.timings, entry.cache
    request, response = entry.request, entry.response
    request.method, request.url, request.host, request.headers, request.queryString, request.bodySize, request.httpVersion
    response.status, response.text, response.headers, response.contentSize, response.mimeType, response.bodySize
    if request.bodySize:
        request.text, request.mimeType


def compare(name, entry, flow):
    """What mitmproxy would send again is what was sent."""
    request, response = entry["request"], entry["response"]
    assert flow.request.method == request["method"], name
    # to mitmproxy, a lost path is "/", and an IPv6 address has no brackets
    assert flow.request.url.rstrip("/") == re.sub("[][]", "", request["url"]).rstrip("/"), (name, flow.request.url)
    assert (flow.request.http_version == "HTTP/2") == ("_stream_id" in entry), name
    posted = request.get("postData", {})
    # mitmproxy knows no encoding of requests
    if posted.get("encoding") != "base64" and request["bodySize"] >= 0:
        assert len(flow.request.raw_content) == request["bodySize"], name
    text = posted.get("text", "")
    # HAR 1.2: -1 where the size is not known; then it says why
    if request["bodySize"] < 0:
        assert request["comment"], name
    else:
        assert len(base64.b64decode(text) if "encoding" in posted else text.encode()) == request["bodySize"], name
    assert flow.response.status_code == response["status"], name
    if response["content"]["size"] < 0:
        assert response["content"]["comment"], (name, response["content"])
        return
    content = base64.b64decode(response["content"]["text"])
    assert len(content) == response["content"]["size"], name
    assert flow.response.get_content(strict=True) == content, name


PAGE = b"<p>a page with \xc3\xa9</p>\n" * 30


def inflated_page():
    """A capture of an HTTP/1.1 exchange whose body has a content coding."""
    import gzip, socket, struct
    body = gzip.compress(PAGE, mtime=0)
    said = [(0, b"GET /page?q=1&r HTTP/1.1\r\nHost: a.example\r\nCookie: a=b\r\n\r\n"),
            (1, b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\n"
             b"Set-Cookie: s=1; Path=/; HttpOnly; Expires=Wed, 02 Jan 2030 03:04:05 GMT\r\n"
             b"Content-Length: %d\r\n\r\n" % len(body) + body)]
    out = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)
    ends, ports, seq = [socket.inet_aton("10.0.0.1"), socket.inet_aton("10.0.0.2")], [40000, 80], [100, 900]
    for n, (who, flags, text) in enumerate([(0, 2, b""), (1, 18, b""), *((w, 24, t) for w, t in said)]):
        tcp = struct.pack(">HHIIBBHHH", ports[who], ports[1 - who], seq[who], seq[1 - who], 80, flags, 65535, 0, 0) + text
        ip = struct.pack(">BBHHHBBH", 69, 0, 20 + len(tcp), n, 0, 64, 6, 0) + ends[who] + ends[1 - who] + tcp
        out += struct.pack("<IIII", 1700000000, n, len(ip), len(ip)) + ip
        seq[who] += len(text) or 1
    return out


# ---- grpcurl

def grpcurl():
    import grpc
    from google.protobuf import json_format
    loader = importlib.machinery.SourceFileLoader("captures", str(SAMPLES / "make-captures"))
    captures = importlib.util.module_from_spec(importlib.util.spec_from_loader("captures", loader))
    loader.exec_module(captures)
    pb, pbg = captures.grpc_code()

    class Record(grpc.ServerInterceptor):
        """What each call brought."""
        calls = []

        def intercept_service(self, go_on, details):
            call = {"path": details.method, "metadata": [tuple(m) for m in details.invocation_metadata], "requests": []}
            self.calls.append(call)
            handler = go_on(details)
            def taken(data):
                call["requests"].append(data)
                return pb.Hello.FromString(data)
            return handler and handler._replace(request_deserializer=taken)

    record = Record()
    server, port = captures.serve(pb, pbg, "127.0.0.1:0", [record])
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

    def again(file, i, folder):
        """Make a call again: what came back, what the server was told."""
        command = binq("-r", *SCHEMA, f".grpc_calls[{i}] | to_grpcurl", file).decode()
        server_is = r"(?:[0-9.]+|'?\[[0-9a-f:]+\]):[0-9]+'?(?= [^ ]+(?: <<'END'\n.*)?\n$)"
        here, n = re.subn(server_is, f"127.0.0.1:{port}", command, flags=re.S)
        assert n == 1, command
        record.calls.clear()
        done = subprocess.run(["bash"], input=here, cwd=folder, env={**os.environ, "PATH": path}, capture_output=True,
                              text=True, timeout=60)
        assert not os.listdir(folder), "a word was run as a command"
        assert len(record.calls) == 1, (command, done.stderr)
        return done, record.calls[0]

    def check(file, i, folder):
        call = json.loads(binq("-c", *SCHEMA, f".grpc_calls[{i}] | {{path, status, message, "
            "metadata: [.metadata[] | [.name, (.value | tovalue | @base64)]], "
            "requests: [.requests[].message | tobytes | @base64], responses: [.responses[].message | to_protojson]}", file))
        done, told = again(file, i, folder)
        assert told["path"] == call["path"], told
        sent = [(n, v.encode() if isinstance(v, str) else v) for n, v in told["metadata"]]
        for name, value in call["metadata"]:
            assert (name, base64.b64decode(value)) in sent, (file, name, value, sent)
        theirs = [pb.Hello.FromString(b) for b in told["requests"]]
        ours = [pb.Hello.FromString(base64.b64decode(b)) for b in call["requests"]]
        assert theirs == ours, (file, i, theirs, ours)
        # a server may answer before it has read all requests, and to edited ones differently
        if call["status"]:
            # grpcurl adds 64 to the code of an error
            assert done.returncode == 64 + call["status"], done
            assert f"Message: {call['message']}" in done.stderr, done.stderr
        else:
            assert done.returncode == 0, done.stderr
            return call["responses"], list(values(done.stdout))

    def values(text):
        decoder = json.JSONDecoder()
        while text := text.lstrip():
            value, end = decoder.raw_decode(text)
            yield value
            text = text[end:]

    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as work:
        count = 0
        for file in CAPTURES:
            # where the path or a request was lost; calls with two requests for a method that takes one
            if re.search("late|snaplen|lost|snappy|zstd", file.name):
                continue
            for i in range(int(binq(".grpc_calls | length", file))):
                answers = check(file, i, folder)
                # gRPC-Web was captured from another server
                assert not answers or answers[0] == answers[1] or "grpcweb" in file.name, (file, i, answers)
                count += 1
        assert count > 70, count

        nasty = [r'''it's "quoted" $(touch a) `touch b` $HOME \ \\n ! * ~ # ; & | > c''', "'", "''", "a\nb\r\n\tc", "END",
                 "\nEND\n", "-d", "@", "ü ☃ 😀 \u2028 \x01 \x7f", ""]
        for name in [*map(quoted, nasty), '"x" * 200000']:
            edit = f".grpc_calls[0].requests[0].message.name = {name}"
            edit += " | .grpc_calls[1].requests += [.grpc_calls[1].requests[0]]"
            Path(work, "a").write_bytes(binq("-b", *SCHEMA, edit, SAMPLES / "capture/grpc-streaming.pcap"))
            for i in range(4):
                check(Path(work, "a"), i, folder)
        # what HTTP/2 allows in a value, and -bin with all bytes
        quotes = r'''it's "q" $(touch a) `touch b` $HOME ${HOME} \ ! , ; = : & | > c'''
        for name, value in [("x-a", quotes), ("x-b", "a:b: c"), ("x-c", "@a"), ("x-d", ""), ("x-e", "-H"), ("x-bin", "bytes")]:
            value = "[range(256)] | tobytes" if value == "bytes" else quoted(value)
            edit = f".grpc_calls[1].metadata += [{{name: {quoted(name)}, value: ({value})}}]"
            Path(work, "a").write_bytes(binq("-b", edit, SAMPLES / "capture/grpc-unary.pcap"))
            check(Path(work, "a"), 1, folder)
        # an empty message, and none
        edit = "del(.grpc_calls[1].requests[]) | .grpc_calls[0].requests[0].message = {}"
        Path(work, "a").write_bytes(binq("-b", *SCHEMA, edit, SAMPLES / "capture/grpc-streaming.pcap"))
        for i in range(2):
            check(Path(work, "a"), i, folder)
    server.stop(None)


{"har": har, "grpcurl": grpcurl}[sys.argv[1]]()
