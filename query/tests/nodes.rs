//! Nodes behave as the values they stand for, and know more than those.
mod common;
use common::{node, run, run_values};

const DOC: &str = r#"{
    "magic": "PG", "tag": {"$int": 10, "$sym": {"10": "Heap", "0": "XLOG"}, "$desc": "resource manager"},
    "big": 18446744073709551615, "neg": -3, "ratio": 1.5, "ok": true, "none": null,
    "data": {"$bytes": "00ff48656c6c6f"},
    "items": [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}, {"a": 3, "b": "z"}],
    "nums": [3, 1, 2],
    "bad": {"$fault": "four bytes", "$fields": {"len": 7}}
}"#;

node_yields!(
    field,
    DOC,
    ".magic, .none, .nothing",
    ["\"PG\"", "null", "null"]
);
node_yields!(
    field_with_question_mark,
    DOC,
    "[.magic.a?, .items.b?]",
    ["[]"]
);
node_yields!(
    symbol_is_the_value,
    DOC,
    ".tag == \"Heap\", (.tag | tosym, toactual, todescription)",
    ["true", "\"Heap\"", "10", "\"resource manager\""]
);
node_yields!(
    numbers_are_exact,
    DOC,
    ".big, .big - 1, -.neg, .ratio * 2",
    ["18446744073709551615", "18446744073709551614", "3", "3"]
);
node_yields!(bytes_are_hex, DOC, ".data", ["\"00ff48656c6c6f\""]);
node_yields!(
    bytes_as_strings,
    DOC,
    r#"(.data | length), .data[0], .data[1:2], (.data[2:] | tostring), (.data | test("Hello"))"#,
    ["7", "0", "\"ff\"", "\"Hello\"", "true"]
);
node_yields!(
    compare_with_bytes,
    DOC,
    r#".data[2:] == "Hello", ([.data[2:]] | index("Hello"))"#,
    ["true", "0"]
);
node_yields!(
    index_and_slice,
    DOC,
    ".items[0].a, .items[-1].a, .items[5], (.items[1:] | length), .nums[:2]",
    ["1", "3", "null", "2", "[3,1]"]
);
node_yields!(
    kinds,
    DOC,
    "[.magic, .tag, .big, .ok, .none, .data, .items, .] | map(type)",
    [r#"["string","string","number","boolean","null","string","array","object"]"#]
);
node_yields!(
    kind_filters,
    DOC,
    "([.[] | scalars] | length), ([.. | numbers] | length), [.[] | arrays | length]",
    ["8", "10", "[3,3]"]
);
node_yields!(
    types_by_comparison,
    DOC,
    ". >= {}, . < {}, .items < {}, .items >= [], .items < []",
    ["true", "false", "true", "true", "false"]
);
node_yields!(
    equality,
    DOC,
    ".nums == [3,1,2], .items[0] == {a:1,b:\"x\"}, .items[0] == .items[1], . == {}",
    ["true", "true", "false", "false"]
);
node_yields!(
    order,
    DOC,
    ".nums < [3,2], .items[0] < .items[1], (.items | max_by(.a).b), (.nums | sort)",
    ["true", "true", "\"z\"", "[1,2,3]"]
);
node_yields!(
    keys_in_order,
    DOC,
    ".items[0] | keys_unsorted, keys, has(\"a\"), has(\"c\"), length",
    [r#"["a","b"]"#, r#"["a","b"]"#, "true", "false", "2"]
);
node_yields!(has_index, DOC, ".nums | has(2), has(3)", ["true", "false"]);
node_yields!(
    strings,
    DOC,
    r#".tag | test("^He"), startswith("He"), endswith("x"), ascii_downcase, ltrimstr("H"), split("e")"#,
    [
        "true",
        "true",
        "false",
        "\"heap\"",
        "\"eap\"",
        r#"["H","ap"]"#
    ]
);
node_yields!(
    more_strings,
    DOC,
    r#".tag | explode[0], ascii_upcase, (. + "!"), "\(.)-\(.)", length, utf8bytelength, .[1:3]"#,
    [
        "72",
        "\"HEAP\"",
        "\"Heap!\"",
        "\"Heap-Heap\"",
        "4",
        "4",
        "\"ea\""
    ]
);
node_yields!(
    regex_functions,
    DOC,
    r#".tag | sub("e"; "E"), [match("a").offset], [scan("[a-z]")], capture("(?<x>ea)"), [splits("a")]"#,
    [
        "\"HEap\"",
        "[2]",
        r#"["e","a","p"]"#,
        r#"{"x":"ea"}"#,
        r#"["He","p"]"#
    ]
);
node_yields!(
    formats,
    DOC,
    "[.magic, .nums[0]] | @csv, @tsv, @sh, @json, @text",
    [
        r#""\"PG\",3""#,
        r#""PG\t3""#,
        r#""'PG' 3""#,
        r#""[\"PG\",3]""#,
        r#""[\"PG\",3]""#
    ]
);
node_yields!(
    base64,
    DOC,
    ".magic | @base64, @html, @uri, to_hex",
    ["\"UEc=\"", "\"PG\"", "\"PG\"", "\"5047\""]
);
node_yields!(
    numbers,
    DOC,
    ".nums | add, (map(. * 2)), (map(tostring) | join(\",\")), min, max, unique",
    ["6", "[6,2,4]", "\"3,1,2\"", "1", "3", "[1,2,3]"]
);
node_yields!(
    math,
    DOC,
    ".nums[0] | floor, sqrt * sqrt, pow(.; 2), tojson, tonumber",
    ["3", "2.9999999999999996", "9", "\"3\"", "3"]
);
node_yields!(
    grouping,
    DOC,
    ".items | group_by(.a > 1) | map(length)",
    ["[1,2]"]
);
node_yields!(
    sorting,
    DOC,
    "[.items | sort_by(-.a)[] | .b], [.items[] | .b] == [\"x\",\"y\",\"z\"]",
    [r#"["z","y","x"]"#, "true"]
);
node_yields!(
    entries,
    DOC,
    ".items[0] | to_entries, with_entries(.value |= tostring)",
    [
        r#"[{"key":"a","value":1},{"key":"b","value":"x"}]"#,
        r#"{"a":"1","b":"x"}"#
    ]
);
node_yields!(
    containment,
    DOC,
    r#".items[0] | contains({b: "x"}), inside({a: 1, b: "xyz", c: 0}), ([.b] | inside(["x"]))"#,
    ["true", "true", "true"]
);
node_yields!(
    searching,
    DOC,
    ".nums | index(1), IN([3,1,2]), any(. == 2), all(. > 1), (.[] | IN(1, 2)), bsearch(9)",
    ["1", "true", "true", "false", "false", "true", "true", "-4"]
);
node_yields!(
    paths_,
    DOC,
    "[paths] | length, .[10:12]",
    ["24", r#"[["items",0,"a"],["items",0,"b"]]"#]
);
node_yields!(
    path_of_getpath,
    DOC,
    "getpath([\"items\",1,\"b\"]), [path(.items[].a)]",
    [
        "\"y\"",
        r#"[["items",0,"a"],["items",1,"a"],["items",2,"a"]]"#
    ]
);
node_yields!(
    walking,
    DOC,
    "[.items[0] | walk(if type == \"number\" then . + 1 else . end)]",
    [r#"[{"a":2,"b":"x"}]"#]
);
node_yields!(
    loops,
    DOC,
    "reduce .nums[] as $x (0; . + $x), [foreach .nums[] as $x (0; . + $x)], [limit(2; .nums[])]",
    ["6", "[3,4,6]", "[3,1]"]
);
node_yields!(
    reduce_over_nodes,
    DOC,
    "reduce .items[] as $i (.items[0]; $i) | .b",
    ["\"z\""]
);
node_yields!(
    destructuring,
    DOC,
    ".items[0] as {a: $x, $b} | [$x, $b]",
    [r#"[1,"x"]"#]
);
node_yields!(
    merging,
    DOC,
    ".items[0] + {c: 1}, .items[0] * {a: 5}",
    [r#"{"a":1,"b":"x","c":1}"#, r#"{"a":5,"b":"x"}"#]
);
node_yields!(
    array_math,
    DOC,
    ".nums + [9], .nums - [1]",
    ["[3,1,2,9]", "[3,2]"]
);
node_yields!(
    keys_of_objects,
    DOC,
    "{(.magic): .tag, (.tag): 1}",
    [r#"{"PG":"Heap","Heap":1}"#]
);
node_yields!(
    index_by_node,
    DOC,
    r#"{PG: 5}[.magic], [7,8,9,10][.nums[0]]"#,
    ["5", "10"]
);
node_yields!(
    alternatives,
    DOC,
    ".none // 1, .nothing // 2, .ok // 3",
    ["1", "2", "true"]
);
node_yields!(
    conditions,
    DOC,
    "[.[\"ok\", \"none\", \"items\"] | if . then 1 else 0 end]",
    ["[1,0,1]"]
);
node_yields!(flattening, DOC, "[.nums, .nums] | flatten | length", ["6"]);
node_yields!(
    transposing,
    DOC,
    "[.nums, .nums] | transpose | length",
    ["3"]
);
node_yields!(
    a_fault,
    DOC,
    ".bad._error | .format, .expected, .found, .offset",
    ["\"toy\"", "\"four bytes\"", "\"end of input\"", "0"]
);
node_yields!(
    no_fault,
    DOC,
    "._error, .magic._error?, .nums._error",
    ["null", "null", "null"]
);
node_yields!(
    fault_is_printed,
    DOC,
    ".bad | tojson | fromjson | keys",
    [r#"["_error","len"]"#]
);
node_yields!(
    fault_is_no_key,
    DOC,
    ".bad | keys, (tovalue | keys)",
    [r#"["len"]"#, r#"["_error","len"]"#]
);
node_yields!(
    find_faults,
    DOC,
    "[grep_by(._error != null) | topath]",
    [r#"[["bad"]]"#]
);
node_yields!(
    places,
    DOC,
    ".items[1].b | topath, (parent | topath), [parents | topath], (root | topath), format",
    [
        r#"["items",1,"b"]"#,
        r#"["items",1]"#,
        r#"[["items",1],["items"],[]]"#,
        "[]",
        "\"toy\""
    ]
);
node_yields!(
    ranges,
    DOC,
    ".tag | tobytesrange | .start, .stop, .size, .unit, .bytes",
    ["2", "3", "1", "8", "\"0a\""]
);
node_yields!(
    bytes,
    DOC,
    "(.items[0] | tobytes), (.tag | tobits), ([.magic, 0, [1, \"a\"]] | tobytes)",
    ["\"0178\"", "[0,0,0,0,1,0,1,0]", "\"5047000161\""]
);
node_yields!(
    plain_values,
    DOC,
    ".items[0] | tovalue, toactual, (.b | tovalue | try topath catch .)",
    [
        r#"{"a":1,"b":"x"}"#,
        r#"{"a":1,"b":"x"}"#,
        r#""expected a decoded value, got string (\"x\")""#
    ]
);
node_yields!(
    actual_values_inside,
    DOC,
    "{t: .tag} | toactual",
    [r#"{"t":10}"#]
);
node_yields!(
    dumping,
    DOC,
    ".data | hexdump",
    [r#""0000001c  00 ff 48 65 6c 6c 6f                              |..Hello|""#]
);
node_yields!(
    decoding,
    "{\"inner\": \"[1,2]\"}",
    ".inner | decode(\"toy\")[1], (decode | format), (try decode(\"nope\") catch .)",
    [
        "2",
        "\"toy\"",
        "\"-d: expected one of toy, found \\\"nope\\\"\""
    ]
);
node_yields!(
    extra_functions,
    DOC,
    ".nums[0] | toy_double, (try (\"a\" | toy_double) catch .)",
    ["6", "\"toy_double takes a number, not \\\"a\\\"\""]
);
node_yields!(
    messages_are_short,
    "[[1,2,3]]",
    "try error({a: .}) catch (.a | type), (try (.[0] | ascii_downcase) catch .)",
    ["\"array\"", "\"explode input must be a string\""]
);
node_yields!(
    messages_name_values,
    DOC,
    "try (.items | .a) catch ., try (.magic | .[0]) catch ., try (. - 1) catch (.[:23])",
    [
        "\"Cannot index array with string (\\\"a\\\")\"",
        "\"Cannot index string with number (0)\"",
        "\"object ({\\\"magic\\\":\\\"PG\\\",\\\"\"",
    ]
);

#[test]
fn leaves_stay_nodes_until_computed_with() {
    let out = run_values(
        node(DOC),
        ".tag, .items[0], .tag + \"\", (.items | map(select(.a > 1))[0])",
    );
    let nodes: Vec<bool> = out
        .into_iter()
        .map(|v| matches!(v, Ok(binq_query::V::Node(_))))
        .collect();
    assert_eq!(nodes, [true, true, false, true]);
}

#[test]
fn sorting_keeps_nodes() {
    assert_eq!(
        run(node(DOC), ".items | sort_by(.b) | map(topath[1])"),
        ["[0,1,2]"]
    );
}

#[test]
fn nothing_is_decoded_for_a_type() {
    // a sequence that fails the test when it is walked
    use binq_core::sequence::{SeqAt, Sequence, State, Step};
    struct Trap;
    impl Sequence for Trap {
        fn name(&self) -> &'static str {
            "trap"
        }
        fn step(&self, _: &SeqAt<'_>, _: &State) -> Option<Step> {
            panic!("decoded")
        }
    }
    let space = binq_core::Space::source(vec![0; 4]);
    let span = space.span();
    let kind = binq_core::Kind::array(std::sync::Arc::new(Trap));
    let n = binq_query::V::node(binq_core::Node::root_of("trap", kind, space, span));
    let code = "type, isarray, (arrays | 1), [scalars], (. < []), (. >= []), (. < {}), (. > {}), (. == 1), (. == {}), not";
    let want = [
        "\"array\"",
        "true",
        "1",
        "[]",
        "false",
        "true",
        "true",
        "false",
        "false",
        "false",
        "false",
    ];
    assert_eq!(run(n, code), want);
}
node_yields!(
    faults_are_listed_with_their_severity,
    DOC,
    "(.bad | fault.severity), (.items | fault), [faults | [.path, .severity]], [[.bad, .items] | faults | .expected]",
    [
        "\"stops\"",
        "null",
        "[[\".bad\",\"stops\"]]",
        "[\"four bytes\"]"
    ]
);

node_yields!(
    bits_that_fill_no_byte,
    r#"{"a":{"$low":3,"$of":253},"b":{"$low":4,"$of":250},"c":{"$low":7,"$of":129},"d":{"$low":1,"$of":255},"e":{"$low":8,"$of":129}}"#,
    "[.a, .b, .c, .d, .e | tobits], [.a, .b, .c, .d, .e | tobytes | to_hex]",
    [
        "[[1,0,1],[1,0,1,0],[0,0,0,0,0,0,1],[1],[1,0,0,0,0,0,0,1]]",
        r#"["05","0a","01","01","81"]"#
    ]
);
node_yields!(
    what_is_no_fault_stays_none,
    r#"{"a":1}"#,
    "(._error |= .), (try (._error |= 1) catch .), (.a |= .)",
    [
        r#"{"a":1}"#,
        r#""_error tells what went wrong; it cannot be assigned""#,
        r#"{"a":1}"#
    ]
);

node_yields!(
    what_is_not_trimmed_stays_a_leaf,
    r#"{"name":"abc"}"#,
    r#".name | [ltrimstr("x"), rtrimstr("x"), trimstr("x"), trim, ltrim, rtrim | topath], (try (ltrimstr("a") | topath) catch "plain")"#,
    [
        r#"[["name"],["name"],["name"],["name"],["name"],["name"]]"#,
        r#""plain""#
    ]
);
node_yields!(
    functions_of_formats_take_arguments,
    r#"{"a":1}"#,
    r#"toy_none, toy_two("x"; .a), as("y")"#,
    [r#"["none",0]"#, r#"["two",2]"#, r#"["as",1]"#]
);
