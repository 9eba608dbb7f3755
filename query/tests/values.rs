//! Values that are not nodes, where jq's own tests do not reach.
mod common;

yields!(
    bytes_by_default_hex,
    "null",
    "[1, 255] | tobytes",
    ["\"01ff\""]
);
yields!(
    bytes_of_numbers,
    "null",
    "0, 255, 256, 65535 | tobytes",
    ["\"00\"", "\"ff\"", "\"0100\"", "\"ffff\""]
);
yields!(
    bytes_concatenate,
    "null",
    "([1] | tobytes) + \"a\", ([1,2,3] | tobytes | .[1:] | length)",
    ["\"0161\"", "2"]
);
yields!(
    bytes_order_as_strings,
    "null",
    "[\"b\", (\"a\" | tobytes)] | sort | map(tostring)",
    [r#"["a","b"]"#]
);
yields!(
    bytes_split,
    "null",
    "(\"a,b\" | tobytes) / \",\" | map(tostring)",
    [r#"["a","b"]"#]
);
yields!(
    bytes_match_bytes,
    "null",
    r#"[255, 97] | tobytes | [match(".").length], [match("(?-u:\\xff)").offset]"#,
    ["[1]", "[0]"]
);
yields!(
    hex,
    "\"a b\"",
    "to_hex, (to_hex | from_hex | tostring), (\"zz\" | try from_hex catch .)",
    [
        "\"612062\"",
        "\"a b\"",
        r#""string (\"zz\") is not valid hexadecimal digits""#
    ]
);
yields!(
    base64_,
    "\"hello\"",
    "to_base64, (to_base64 | from_base64 | tostring)",
    ["\"aGVsbG8=\"", "\"hello\""]
);
yields!(
    radix,
    "255",
    "to_radix(2), to_radix(16), (\"ff\" | from_radix(16)), (\"-z\" | from_radix(36))",
    ["\"11111111\"", "\"ff\"", "255", "-35"]
);
yields!(
    bits,
    "null",
    "band(12; 10), bor(12; 10), bxor(12; 10), bsl(1; 70), bsr(1024; 3), (5 | bnot)",
    ["8", "14", "6", "1180591620717411303424", "128", "-6"]
);
yields!(
    bit_errors,
    "null",
    "try bsl(1; -1) catch ., try band(1; \"a\") catch .",
    [
        "\"bsl cannot shift by number (-1): expected 0 to 1048576\"",
        "\"band needs integers, not string (\\\"a\\\")\""
    ]
);
yields!(
    integer_division,
    "null",
    "intdiv(7; 2), intdiv(-7; 2), idiv(18446744073709551615; 2), 7 / 2, 6 / 2",
    ["3", "-3", "9223372036854775807", "3.5", "3"]
);
yields!(
    exact_integers,
    "[9007199254740993, 18446744073709551616]",
    ".[0] + 1, .[1] * 2, .[1] % 10, .[1] / 2, -.[1], .",
    [
        "9007199254740994",
        "36893488147419103232",
        "6",
        "9223372036854775808",
        "-18446744073709551616",
        "[9007199254740993,18446744073709551616]"
    ]
);
yields!(
    floats,
    "null",
    "(1.0, 1e17, 1e18, 1e300, 0.0001, 1e-5, 1.5e-7 | . + 0), 123456.789, 0.1 + 0.2, (-1 * (0.5 - 0.5)), nan, infinite, -infinite",
    [
        "1",
        "1e+17",
        "1e+18",
        "1e+300",
        "0.0001",
        "1e-05",
        "1.5e-07",
        "123456.789",
        "0.30000000000000004",
        "-0",
        "null",
        "1.7976931348623157e+308",
        "-1.7976931348623157e+308"
    ]
);
yields!(
    numbers_without_zero,
    "null",
    ".5 + .25, [.5, 1][0]",
    ["0.75", "0.5"]
);
yields!(
    invalid_utf8,
    "null",
    "[255, 97] | tobytes | tostring",
    ["\"\u{fffd}a\""]
);
yields!(
    escapes,
    r#""\u0000\u001f\"\\\n\t\u007f\u00e9\ud83d\ude00""#,
    ".",
    [r#""\u0000\u001f\"\\\n\t\u007fé😀""#]
);
yields!(
    delete_at_shifted_indices,
    "[0,1,2,3,4,5]",
    "del(.[2,4]), del(.[0], .[-1]), del(.[1:3], .[0])",
    ["[0,1,3,5]", "[1,2,3,4]", "[3,4,5]"]
);
yields!(
    delete_keeps_order,
    r#"{"c":1,"a":2,"b":3}"#,
    "del(.c), del(.a) | keys_unsorted",
    [r#"["a","b"]"#, r#"["c","b"]"#]
);
yields!(
    delete_nested,
    r#"{"a":[{"b":1,"c":2},{"b":3}]}"#,
    "del(.a[].b), del(.a[0], .a[1].b)",
    [r#"{"a":[{"c":2},{}]}"#, r#"{"a":[{}]}"#]
);
yields!(
    update_null,
    "null",
    ".a.b[2] = 1, .[1] = 0, (.a += 1), (.[1:] = [5])",
    [
        r#"{"a":{"b":[null,null,1]}}"#,
        "[null,0]",
        r#"{"a":1}"#,
        "[5]"
    ]
);
yields!(
    try_paths,
    r#"{"a":[1,"x"]}"#,
    "(try .a[] catch empty) |= 0, ((.a[] | numbers)?) |= . + 1",
    [r#"{"a":[0,0]}"#, r#"{"a":[2,"x"]}"#]
);
yields!(
    order_of_products,
    "null",
    "[(1,2) + (10,20)], [(1,2) == (1,2)]",
    ["[11,12,21,22]", "[true,false,false,true]"]
);
yields!(
    alternative_patterns,
    "[[1,2],{\"a\":3}]",
    ".[] as [$a] ?// {$a} | $a",
    ["1", "3"]
);
yields!(
    alternative_patterns_nested,
    "[[3]]",
    "[.[] as [$a] ?// $b | if $a != null then error(\"x\") else {$a, $b} end]",
    [r#"[{"a":null,"b":[3]}]"#]
);
yields!(
    key_variables,
    r#"{"a":[1,2]}"#,
    ". as {$a: [$x]} | [$a, $x]",
    ["[[1,2],1]"]
);
yields!(
    location,
    "null",
    "\n$__loc__",
    [r#"{"file":"<top-level>","line":2}"#]
);
yields!(
    recursion_is_bounded,
    "null",
    "def f: 1 + f; try f catch .",
    ["\"recursion is too deep\""]
);
yields!(
    tail_calls_are_not,
    "0",
    "def f: if . < 100000 then . + 1 | f else . end; f",
    ["100000"]
);
yields!(
    mutual_recursion,
    "20",
    "def even: def odd: if . == 0 then false else . - 1 | even end; if . == 0 then true else . - 1 | odd end; even",
    ["true"]
);
yields!(
    text_functions,
    "\"añb\"",
    "length, utf8bytelength, .[1:2], indices(\"b\"), explode, (explode | implode), ascii_upcase, reverse?",
    [
        "3",
        "4",
        "\"ñ\"",
        "[2]",
        "[97,241,98]",
        "\"añb\"",
        "\"AñB\"",
        "\"bña\""
    ]
);
yields!(
    regexes,
    "\"test TEST\"",
    r#"[match("t(?<x>e)?"; "gi") | [.offset, .string, .captures[0].string]]"#,
    [r#"[[0,"te","e"],[3,"t",null],[5,"TE","E"],[8,"T",null]]"#]
);
yields!(
    gsub_with_captures,
    "\"a1b22\"",
    r#"gsub("(?<d>[0-9]+)"; "<\(.d)>"), [splits("[0-9]+")], sub("$"; "!")"#,
    ["\"a<1>b<22>\"", r#"["a","b",""]"#, "\"a1b22!\""]
);
yields!(
    dates,
    "1425599621",
    "todate, (todate | fromdate), gmtime, (gmtime | mktime), strftime(\"%H:%M\")",
    [
        "\"2015-03-05T23:53:41Z\"",
        "1425599621",
        "[2015,2,5,23,53,41,4,63]",
        "1425599621",
        "\"23:53\""
    ]
);
yields!(
    sql,
    "[{\"id\":1,\"v\":\"a\"}]",
    "INDEX(.id), ([.[] | IN({id: 1, v: \"a\"})])",
    [r#"{"1":{"id":1,"v":"a"}}"#, "[true]"]
);
yields!(
    streams,
    r#"{"a":[1,{"b":2}]}"#,
    "[tostream] | length, fromstream(.[])",
    ["5", r#"{"a":[1,{"b":2}]}"#]
);
yields!(
    limits,
    "null",
    "[limit(0; 1, 2)], [first(empty)], [skip(1; 1, 2)], [until(. == null; .)], (try limit(-1; 1) catch .)",
    [
        "[]",
        "[]",
        "[2]",
        "[null]",
        "\"limit doesn't support negative count\""
    ]
);
yields!(
    arrays,
    "[3,[1,[2]],{}]",
    "flatten(1), flatten, (.[1] | add(.[0])), ([.[] | toarray | length])",
    ["[3,1,[2],{}]", "[3,1,2,{}]", "1", "[1,2,1]"]
);
yields!(
    env_,
    "null",
    "env | type, ($ENV | type), ($ENV.PATH | type)",
    ["\"object\"", "\"object\"", "\"string\""]
);
yields!(
    input_runs_out,
    "null",
    "try input catch ., [inputs], input_filename, input_line_number",
    ["\"break\"", "[]", "null", "0"]
);
yields!(stopping, "1", "., halt, 2", ["1", "error: "]);
yields!(
    stopping_with_a_message,
    "1",
    "\"bye\" | halt_error(3)",
    ["error: bye"]
);
yields!(
    errors_carry_values,
    "null",
    "try error({a: 1}) catch .a, error(\"x\")",
    ["1", "error: x"]
);
yields!(
    not_a_decoded_value,
    "1",
    "try topath catch ., format, tovalue",
    ["\"expected a decoded value, got number (1)\"", "null", "1"]
);
yields!(duplicate_names, "null", "def f: 1; def f: 2; f", ["2"]);
yields!(comments_and_newlines, "1", "# one\n. + # two\n1", ["2"]);
yields!(empty_program, "1", "", ["1"]);
yields!(
    range_by_fractions,
    "null",
    "[range(0; 1; 0.25)], [range(3; 0; -1)], [range(0; 3; 0)]",
    ["[0,0.25,0.5,0.75]", "[3,2,1]", "[]"]
);
yields!(
    splitting_sentences,
    "\"a b  c\"",
    "split(\" \"), [splits(\" +\")], split(\" +\"; null)",
    [
        r#"["a","b","","c"]"#,
        r#"["a","b","c"]"#,
        r#"["a","b","c"]"#
    ]
);
yields!(
    getpath_,
    r#"{"a":null}"#,
    "getpath([\"a\",\"b\"]), (try getpath([\"a\",0,\"b\"]) catch .), [paths]",
    ["null", "null", r#"[["a"]]"#]
);
yields!(
    negative_zero_and_nan,
    "null",
    "[nan] | sort, (.[0] < 1), ([nan, 1] | min)",
    ["[null]", "true", "null"]
);
yields!(
    several_replacements,
    "\"aXbX\"",
    r#"[gsub("X"; "1", "2")], [sub("(?<l>[a-z])X"; .l)], sub("q"; "r"), (try sub("a"; 1) catch .)"#,
    [
        r#"["a1b1","a2b2"]"#,
        r#"["abX"]"#,
        "\"aXbX\"",
        r#""string (\"\") and number (1) cannot be added""#
    ]
);
yields!(
    deep_values_do_not_use_up_the_stack,
    "null",
    "reduce range(100000) as $_ ([]; [.]) | try (.. |= .) catch ., 1",
    ["\"recursion is too deep\"", "1"]
);
yields!(
    deep_recursion_is_told,
    "null",
    "reduce range(100000) as $_ ([]; [.]) | [..] | length, (def f: 1 + f; try f catch .)",
    ["100001", "\"recursion is too deep\""]
);
yields!(
    objects_of_many_fields,
    "null",
    r#"reduce range(40) as $i ({}; .["k\($i)"] = $i) | length, .k39, (.k3 = -1 | del(.k0) | to_entries[:3] | map(.value)), . == ."#,
    ["40", "39", "[1,2,-1]", "true"]
);
yields!(
    objects_with_written_out_keys,
    r#"{"a":{"b":1},"c":[2]}"#,
    r#"5 as $x | {$x, a, "c d": .c[0], e: .a.b} , {a: .q.r?, a: 2}, {a: empty}, {a: (1, 2), b: .c[]}, (try {a: .a[0]} catch "no")"#,
    [
        r#"{"x":5,"a":{"b":1},"c d":2,"e":1}"#,
        r#"{"a":2}"#,
        r#"{"a":1,"b":2}"#,
        r#"{"a":2,"b":2}"#,
        r#""no""#
    ]
);
yields!(
    written_out_paths,
    r#"{"a":{"b":[{"c":1},{"c":2}]},"n":1}"#,
    r#".a.b[].c, [paths(numbers)][0], path(.a.b[1].c), (.a.b[].c |= . + 1 | .a.b[1].c), [.n.x?, .a.n?.y],
        (.x.y.z = 1 | .x), (del(.a.b[0].c) | .a.b[0]), (.a.b |= empty | .a), (try (.n.x = 1) catch "no"), (.n.x? |= 2 | .n)"#,
    [
        "1",
        "2",
        r#"["a","b",0,"c"]"#,
        r#"["a","b",1,"c"]"#,
        "3",
        "[null]",
        r#"{"y":{"z":1}}"#,
        "{}",
        "{}",
        r#""no""#,
        "1"
    ]
);

// integers are exact, whatever is computed of them, up to what fills the memory
yields!(
    large_integers,
    "null",
    "18446744073709551615 * 18446744073709551615, (reduce range(40) as $_ (1; . * 10) | . + 1, . / 10, . % 7, -. - 1),
     ([limit(12; 9 | recurse(. * .))] | last | isinfinite), (reduce range(300) as $_ (1; . * 1000) | tostring | length)",
    [
        "340282366920938463426481119284349108225",
        "10000000000000000000000000000000000000001",
        "1000000000000000000000000000000000000000",
        "4",
        "-10000000000000000000000000000000000000001",
        "true",
        "901"
    ]
);
// as jq's manual says
yields!(
    long_literals_are_rounded_by_arithmetic,
    "10000000000000000000000000000001",
    ".,  -., . + 1, . == 10000000000000000000000000000001, [. % 7]",
    [
        "10000000000000000000000000000001",
        "-10000000000000000000000000000001",
        "1e+31",
        "true",
        "[0]"
    ]
);

// positions in a text are those of its characters, in whatever order they are asked for
yields!(
    slices_of_text_forth_and_back,
    "null",
    r#"("aé€😀" * 20) as $s | ($s | explode) as $e
    | all((range(80), (79 - range(80)), (range(80) | . * 37 % 80)); . as $i
        | all((0, 1, 2, 5, 30, 80); . as $n | ($s[$i:$i + $n] | explode) == $e[$i:$i + $n] and ($s[-$n:-$i] | explode) == $e[-$n:-$i])),
      ($s[3:70][5:][:-7] | length), ($s | length)"#,
    ["true", "55", "80"]
);
