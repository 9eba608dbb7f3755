# What leaves a capture as text: commands and a summary. Names that begin with _ are helpers; some are those of HTTP.

# A word of a shell's command line.
def _word: tostring | if test("^[A-Za-z0-9_./:@%+=,-]+$") then . else @sh end;

# The files that describe messages, as grpcurl's flags.
def _schema_flags:
  _given_lists
  | (.proto_path // []) as $dirs
  | ((.proto // []) | map(. as $file
      | first($dirs[] | rtrimstr("/") | select(. as $dir | $file | startswith("\($dir)/")))
        // (if contains("/") then sub("/[^/]*$"; "") else "." end)
      | {dir: ., file: (. as $dir | $file | ltrimstr("\($dir)/"))})) as $protos
  | (($dirs | map(rtrimstr("/"))) + ($protos | map(.dir))
     | reduce .[] as $dir ([]; if any(.[]; . == $dir) then . else . + [$dir] end)
     | if $protos == [] then empty else .[] | "-import-path", . end),
    ($protos[] | "-proto", .file),
    ((.descriptor_set // [])[] | "-protoset", .);

# What a grpc-timeout is in seconds: at most eight digits and a unit (gRPC over HTTP/2, Timeout); null for what is none.
def _seconds:
  {H: 3600, M: 60, S: 1, m: 1e-3, u: 1e-6, n: 1e-9} as $units
  | if type == "string" and test("^[0-9]{1,8}[HMSmun]$") then (.[:-1] | tonumber) * $units[.[-1:]] else null end;

# The command that would make a call again.
def to_grpcurl:
  . as $call
  | if _is_like_call | not then error("to_grpcurl takes a call, as .grpc_calls[] gives them, not \(_what)") else . end
  | if .path? == null then error("to_grpcurl takes a call whose path is known; \(_what) has none") else . end
  | (if _is_decoded then ._cut else null end) as $cut
  | if $cut != null then error("to_grpcurl takes a call whose request is whole; of \(_what), \($cut | tostring)") else . end
  | (_server | if . then _socket else $call.authority // null end) as $address
  | if $address == null then error("to_grpcurl takes a call whose server is known; \(_what) has none") else . end
  | ([.requests[]? | .message | _message_json | tojson] | join(" ")) as $data
  # Linux takes no argument of 128 KiB or more
  | ($data | utf8bytelength > 100000) as $long
  | [ "grpcurl", "-plaintext",
      _schema_flags,
      (.authority // empty | tostring | select(. != $address) | "-authority", .),
      (try .stream.request.header["grpc-timeout"] catch null | _seconds | values | "-max-time", tostring),
      (_known(.metadata) | "-H", "\(.name): \(if .name | endswith("-bin") then .value | @base64 else .value end)"),
      ($data | select(. != "") | "-d", if $long then "@" else . end),
      $address,
      (.path | tostring | ltrimstr("/")) ]
  | map(_word) | join(" ") | if $long then "\(.) <<'END'\n\($data)\nEND" else . end;

# The smallest value that at least so great a part of all values is not above: the nearest rank.
def _percentile($p): if . == [] then null else sort | .[(length * $p | ceil) - 1] end;

# Calls by method, in the order of their names; f gives the calls.
def summary(f):
  reduce (f | {path: (.path // "" | tostring), status: (.status_name // .status // "none" | tostring), duration}) as $call
    ({}; .[$call.path] |= (.count += 1 | .status[$call.status] += 1 | .durations += [$call.duration | values | tovalue]))
  | to_entries | sort_by(.key)
  | map((.key | ltrimstr("/") | split("/")) as $parts | .value
      | { service: ($parts[:-1] | if . == [] then null else join("/") end), method: $parts[-1], count,
          status: (.status | to_entries | sort_by(.key) | from_entries),
          p50: (.durations | _percentile(0.5)), p99: (.durations | _percentile(0.99)) });

def _calls:
  if isarray then .[] | _calls
  elif _is_capture then .grpc_calls[]
  elif _is_like_call then .
  else error("summary takes a capture or a call, or an array of them, not \(_what)") end;

def summary: summary(_calls);
