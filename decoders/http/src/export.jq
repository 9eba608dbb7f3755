# What leaves a capture as text. Names that begin with _ are helpers.

# The server that a decoded call or stream went to, as address and port; nothing for one that is no part of a capture.
def _server: . as $x | (try ($x | root | .tcp_connections[$x.connection].server | {ip, port}) catch null) // null;

def _socket: if .ip | contains(":") then "[\(.ip)]:\(.port)" else "\(.ip):\(.port)" end;

# What a value is, for errors: where it is, if it is decoded.
def _what:
  (try topath catch null) as $path
  | if $path == null then type | if . == "null" then . elif startswith("a") or startswith("o") then "an \(.)" else "a \(.)" end
    elif $path == [] then "the input"
    else $path | map(if isnumber then "[\(.)]" else ".\(.)" end) | join("") end;

def _is_call: isobject and has("requests") and has("responses");

# Whether a value is decoded, and not what a query made.
def _is_decoded: try (topath | true) catch false;

# A call, or what a query made of one.
def _is_like_call: _is_call or isobject and (_is_decoded | not);

def _is_capture: isobject and has("grpc_calls");

# Header fields without those that were lost.
def _known(fields): fields[]? | select((.name // "") != "" and .value != null);

# Header fields without those that HTTP/2 has for the first line, and those that were lost. Bytes that gRPC's C core sends as
# they are, after a zero, are base64 to everyone else.
def _headers:
  [ _known(.headers) | .name as $name | .value as $value
    | select($name | tostring | startswith(":") | not)
    | { name: ($name | tostring),
        value: (if ($name | endswith("-bin")) and ($value | tostring | startswith("\u0000"))
                then $value | tovalue | tobytes | .[1:] | @base64 else $value | tostring end) } ];

def _header($name): first(.headers[]? | select((.name // "" | tostring | ascii_downcase) == $name) | .value | tostring) // null;

def _size: if . == null then 0 else tobytes | length end;

# Why the input does not have all of a message, or null.
def _why: if _is_decoded then ._missing else null end;

# The body of a message as bytes, or null where there is none, or where bytes are missing and nothing stands in for them.
def _bytes: .body? as $body | if $body == null and _why == null then null else (try ($body | tobytes) catch null) end;

# The number of bytes of a body; -1 where that is not known, as HAR 1.2 says.
def _body_size: if _why != null then -1 else _bytes | _size end;

def _comment: if . == null then {} else {comment: .} end;

# The body of a request: text, as HAR 1.2 names an encoding for responses only; where it is no text, what Playwright reads.
def _posted:
  . as $sent | _bytes as $body | ($body | _utf8) as $text
  | {mimeType: ($sent | _header("content-type") // "")}
    + if $text != null then {$text} else {text: ($body | @base64), encoding: "base64"} end;

# The body of a response, inflated: its content-encoding stays among the headers, and who reads HAR deflates by that. One that
# cannot be inflated is there as it was sent, and says so.
def _content:
  _bytes as $body | _why as $why | ($body | _size) as $sent | _header("content-encoding") as $coding
  | (if $sent == 0 or $coding == null or ($coding | ascii_downcase) == "identity" then {$body}
     else $body | _inflated($coding) end) as $inflated
  | ($inflated.body // $body) as $content
  | ($content | _size) as $size
  | {size: (if $why != null then -1 else $size end)}
    + (if $why == null and $size > $sent then {compression: ($size - $sent)} else {} end)
    + {mimeType: (_header("content-type") // "")}
    + (if $why != null and $size == 0 then {} else
         {text: (if $size == 0 then "" else $content | @base64 end), encoding: "base64"} end)
    + ([$why, ($inflated.why | if . then "the content-encoding \($coding) is not undone: \(.)" else null end)]
       | map(values) | if . == [] then {} else {comment: join("; ")} end);

def _query:
  if contains("?") then
    sub("^[^?]*[?]"; "") | split("&")
    | map(if contains("=") then {name: sub("=.*$"; ""), value: sub("^[^=]*="; "")} else {name: ., value: ""} end)
  else [] end;

# Where a request went. A path may be a whole URL (to a proxy), and is none where it is "*" or that of CONNECT. Of an authority
# that was lost, the address of the server is known; of a stream that is no part of a capture, nothing (RFC 6761, 6.4).
def _url($sent; $path):
  if $path | test("^[A-Za-z][A-Za-z0-9+.-]*://") then $path else
    ($sent.authority // (_server | if . then _socket else null end) // "unknown.invalid" | tostring) as $authority
    | "\($sent.scheme // "http")://\($authority)\(if $path | startswith("/") then $path else "" end)"
  end;

def _trim: sub("^[ \t]+"; "") | sub("[ \t]+$"; "");

# What comes before and after the first equals sign; a cookie without one has no name (RFC 6265bis, 5.6).
def _pair: if contains("=") then {name: (sub("=.*$"; "") | _trim), value: (sub("^[^=]*="; "") | _trim)} else {name: "", value: .} end;

def _sent_cookies:
  [ _known(.headers) | select(.name | tostring | ascii_downcase == "cookie")
    | .value | tostring | split(";")[] | _trim | select(. != "") | _pair ];

# The date of a cookie (RFC 6265, 5.1.1) as HAR has dates, or null.
def _date:
  (try (capture("(?<day>[0-9]{1,2})[ -](?<month>[A-Za-z]{3})[A-Za-z]*[ -](?<year>[0-9]{2,4}) +(?<time>[0-9]{1,2}:[0-9]{2}:[0-9]{2})")
    | .month |= ascii_downcase | . as $d
    | (["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"] | index($d.month) + 1) as $month
    | ($d.year | tonumber | if . < 70 then . + 2000 elif . < 100 then . + 1900 else . end) as $year
    | "\($year)-\($month)-\($d.day)T\($d.time)Z" | strptime("%Y-%m-%dT%H:%M:%SZ") | mktime | todate)
  catch null) // null;

# A cookie that a server sets, with its attributes. What HAR has no name for begins with _.
def _set_cookie:
  split(";") | map(_trim) | (.[0] | _pair) as $cookie
  | reduce (.[1:][] | if contains("=") then _pair else {name: ., value: ""} end | .name |= ascii_downcase) as $a ($cookie;
      if $a.name == "path" or $a.name == "domain" then .[$a.name] = $a.value
      elif $a.name == "expires" then ($a.value | _date) as $date | if $date then .expires = $date else . end
      elif $a.name == "httponly" then .httpOnly = true
      elif $a.name == "secure" then .secure = true
      elif $a.name == "max-age" then ._maxAge = $a.value
      elif $a.name == "samesite" then ._sameSite = $a.value
      else . end);

def _set_cookies: [ _known(.headers) | select(.name | tostring | ascii_downcase == "set-cookie") | .value | tostring | _set_cookie ];

# Seconds as milliseconds, to the nanosecond.
def _ms: . * 1e9 | round / 1e6;

# A stream as an entry of HAR 1.2.
def _har_entry:
  (.request // {}) as $sent | (.response // {}) as $got
  | (.duration // 0 | _ms) as $time
  | (if _is_decoded then .timings | {send, wait, receive} | map_values(values | _ms) else {} end) as $timings
  | (_is_decoded and .time != null and $timings.wait == null) as $backwards
  | (if .stream_id == null then $sent.version // $got.version // "HTTP/1.1" | tostring else "HTTP/2" end) as $version
  | ($sent.path // "" | tostring) as $path
  | { startedDateTime: (.time // "1970-01-01T00:00:00Z"),
      time: $time,
      request: ({
        method: ($sent.method // "" | tostring),
        url: _url($sent; $path),
        httpVersion: $version,
        cookies: ($sent | _sent_cookies),
        headers: ($sent | _headers),
        queryString: ($path | _query),
        headersSize: -1,
        bodySize: ($sent | _body_size)
      } + (if ($sent | _bytes | _size) == 0 then {} else { postData: ($sent | _posted) } end) + ($sent | _why | _comment)),
      response: ({
        status: (try ($got.status // 0 | tonumber) catch 0),
        statusText: ($got.reason // "" | tostring),
        httpVersion: $version,
        cookies: ($got | _set_cookies),
        headers: ($got | _headers),
        content: ($got | _content),
        redirectURL: ($got | _header("location") // ""),
        headersSize: -1,
        bodySize: ($got | _body_size)
      } + ($got | _why | _comment) + (if $got.trailers? then { _trailers: ({headers: $got.trailers} | _headers) } else {} end)),
      cache: {},
      timings: ({ blocked: -1, dns: -1, connect: -1, ssl: -1, send: 0, wait: $time, receive: 0 } + $timings
        + (if $backwards then { wait: 0, comment: "the packets are not stamped in the order in which they were sent" } else {} end)),
      connection: "\(.connection)" }
  + (if .stream_id == null then {} else { _stream_id: .stream_id } end)
  + (_server | if . then { serverIPAddress: .ip } else {} end);

def _har_entries:
  if isarray then .[] | _har_entries
  elif _is_capture then .streams[] | _har_entry
  elif _is_call then
    ([.service, .method, .status, .status_name, .message] as [$service, $method, $status, $name, $message]
     | {_grpc: {service: $service, method: $method, status: $status, status_name: $name, message: $message}}) as $grpc
    | if _is_decoded then (.stream | _har_entry) + $grpc
      else error("to_har takes a call as it is decoded, not what a query made of one") end
  elif isobject and (has("request") or has("response")) then _har_entry
  else error("to_har takes a capture, a stream or a call, or an array of them, not \(_what)") end;

# HTTP Archive 1.2.
def to_har: { log: { version: "1.2", creator: { name: "binq", version: _binq_version }, entries: [_har_entries] } };
