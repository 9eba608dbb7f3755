//! jq's language where it is easily got wrong. What is right was asked of jq 1.8.2.
mod common;

// precedence and associativity
yields!(
    products_go_left,
    "null",
    "10 * 7 % 4, 20 / 2 / 5, 2 - 3 - 4",
    ["2", "2", "-5"]
);
yields!(
    alternative_is_loose,
    "[7]",
    ".[0] = null // 2, (1 // 2 + 3)",
    ["[null]", "1"]
);
yields!(
    alternatives_go_right,
    "null",
    "[null // false // 3, empty // null // 4]",
    ["[3,4]"]
);
yields!(
    a_binding_takes_an_expression,
    "null",
    "1 + 2 as $x | $x * 2",
    ["6"]
);
yields!(
    a_binding_takes_all_that_follows,
    "null",
    "[1 as $x | $x, 2 | . + 1]",
    ["[2,3]"]
);
yields!(
    try_takes_one_term,
    "null",
    "try error(\"x\") // 1, [try 1 + 2]",
    ["1", "[3]"]
);
yields!(
    minus_takes_a_term,
    "{\"a\":{\"b\":2}}",
    "-.a.b, -1 + 3, [-.a.b?]",
    ["-2", "2", "[-2]"]
);
yields!(
    and_before_or,
    "null",
    "true or false and false, (false and true or true)",
    ["true", "true"]
);
yields!(
    sources_of_folds,
    "[2,4]",
    "reduce .[] / 2 as $x (0; . + $x), [foreach .[] / 2 as $x (0; . + $x)]",
    ["3", "[1,3]"]
);
yields!(
    keywords_name_fields,
    "{\"if\":1,\"and\":{\"then\":2}}",
    ".if, .and.then, {if, or: 3}",
    ["1", "2", "{\"if\":1,\"or\":3}"]
);
yields!(
    dots,
    "{\"a\":[{\"b\":1}]}",
    ".\"a\".[0].\"b\", .[\"a\"][0].b, . .a[0].b, .a[]?.b, ..[0]?",
    ["1", "1", "1", "1", "{\"b\":1}"]
);
yields!(
    formats_of_strings,
    "[1,\"x y\"]",
    "@json \"a\\(.)\", @sh \"b \\(.[1])\", {@base64 \"k\\(.[1])\": 1}",
    ["\"a[1,\\\"x y\\\"]\"", "\"b 'x y'\"", "{\"keCB5\":1}"]
);
yields!(comments_go_on, "null", "1 # one \\\n2 \\\\\n+ 3", ["4"]);
yields!(
    numbers_of_all_spellings,
    "null",
    ".5, 1., 1e2, 007",
    ["0.5", "1", "1E+2", "7"]
);

/// What is no jq.
#[test]
fn syntax_errors() {
    use binq_query::{Query, Settings};
    for code in [
        "1 == 1 == 1",
        "1 < 2 == true",
        ".a = .b = 1",
        "1 + def f: 2; f",
        "{a: 1 as $x | 2}",
        "{,}",
        ".a.[1:2]",
        ". as [] | 1",
        ". as {} | 1",
        "{(0): 1}",
        "{([]): 1}",
        "{1: 2}",
        ".a?//1",
        "\"\\ud83d\"",
        "\"\\v\"",
        "f(1;)",
        "[1,]",
        "1 as x | 2",
        "break",
        "try",
        "if 1 then",
        "reduce 1 as $x (0)",
        "def as: 1; 2",
        "%",
        "1 2",
        ". .",
        "$__prog_args",
        "label x | 1",
        "@ \"x\"",
        "import 1; 2",
        "module 1; 2",
    ] {
        assert!(
            Query::compile(code, &Settings::default()).is_err(),
            "{code}"
        );
    }
}

// folds
yields!(
    reduce_takes_the_last,
    "null",
    "[reduce (1, 2) as $i (0; (. + $i, 100))]",
    ["[100]"]
);
yields!(
    reduce_over_nothing,
    "null",
    "reduce range(3) as $x (0; empty), reduce empty as $x (0; 1)",
    ["null", "0"]
);
yields!(
    foreach_goes_on_from_the_last,
    "null",
    "[foreach (1, 2) as $x (0; (. + $x, 100))]",
    ["[1,100,102,100]"]
);
yields!(
    foreach_over_nothing,
    "null",
    "[foreach range(3) as $x (0; if $x == 0 then empty else . + 1 end)]",
    ["[1,2]"]
);
yields!(
    foreach_is_lazy,
    "null",
    "[limit(3; foreach 1 as $x (0; repeat(. + $x); .))], [label $out | foreach (1, 2) as [$a] ?// $a (0; ., $a, break $out)]",
    ["[1,1,1]", "[0,1]"]
);
yields!(
    folds_over_patterns,
    "[[1,[2]],[3,[4]]]",
    "[foreach .[] as [$a, [$b]] (0; (. + $a, . + $b); [$a, $b, .])] | length, last",
    ["4", "[3,4,6]"]
);
yields!(
    folds_as_paths,
    "{\"a\":{\"b\":[5]}}",
    "[path(foreach (\"a\", \"b\") as $k (.; (.[$k], .[$k]); .))], path(reduce (\"a\", \"b\") as $k (.; .[$k]))",
    [
        "[[\"a\"],[\"a\"],[\"a\",\"b\"],[\"a\",\"b\"]]",
        "[\"a\",\"b\"]"
    ]
);
yields!(
    several_beginnings,
    "null",
    "[reduce (1, 2) as $x (0, 10; . + $x)]",
    ["[3,13]"]
);

// the order of products
yields!(
    strings_run_backwards,
    "null",
    "[\"\\(1, 2)_\\(3, 4)\"]",
    ["[\"1_3\",\"2_3\",\"1_4\",\"2_4\"]"]
);
yields!(
    operands_run_backwards,
    "null",
    "[(10, 20) + (1, 2)], [(1, 2) == (1, 2)]",
    ["[11,21,12,22]", "[true,false,false,true]"]
);
yields!(
    the_right_operand_fails_first,
    "null",
    "try (error(\"a\") + error(\"b\")) catch .",
    ["\"b\""]
);
yields!(
    arguments_of_natives_run_backwards,
    "null",
    "[pow(2, 3; 1, 2)], [setpath([\"a\"], [\"b\"]; 1, 2)]",
    ["[2,3,4,9]", "[{\"a\":1},{\"b\":1},{\"a\":2},{\"b\":2}]"]
);
yields!(
    arguments_run_forwards,
    "null",
    "[range(0, 1; 3, 4)], [{a: (1, 2), b: (3, 4)} | .a * 10 + .b]",
    ["[0,1,2,0,1,2,3,1,2,1,2,3]", "[13,14,23,24]"]
);
yields!(
    keys_run_before_values,
    "[[1,2],[3,4]]",
    "[.[0, 1][0, 1]], [.[0][0, 1:1, 2]]",
    ["[1,3,2,4]", "[[1],[1,2],[],[2]]"]
);
yields!(
    keys_are_read_once,
    "{\"x\":1,\"y\":2}",
    "{\"\\(\"x\", \"y\")\"}",
    ["{\"x\":1}", "{\"y\":2}"]
);

// functions
yields!(
    parameters_are_functions,
    "null",
    "def f($x): x + $x; def g($a; a): [$a, a]; f(2), g(1; 2)",
    ["4", "[1,2]"]
);
yields!(
    indices_of_nothing,
    "null",
    "(\"abab\" | indices(\"\")), ([1] | indices([]))",
    ["[]", "[]"]
);
yields!(
    indices_overlap,
    "null",
    "(\"aaa\" | indices(\"aa\")), ([1, 1, 1] | indices([1, 1])), (\"éxéx\" | indices(\"x\"))",
    ["[0,1]", "[0,1]", "[1,3]"]
);
yields!(
    fractions_as_indices,
    "[1,2,3]",
    ".[-1.2], .[1.7], .[1.2:2.5]",
    ["3", "2", "[2,3]"]
);
yields!(
    rounding_to_even,
    "null",
    "[0.5, 1.5, 2.5, -1.5 | nearbyint, rint]",
    ["[0,0,2,2,2,2,-2,-2]"]
);
yields!(
    entries_need_names,
    "null",
    "[[{key: 1, value: 2}], [{key: null}], [1] | try from_entries catch \"no\"], ([{name: \"a\", value: false}, {key: \"b\"}] | from_entries)",
    ["[\"no\",\"no\",\"no\"]", "{\"a\":false,\"b\":null}"]
);
yields!(
    uris_are_utf8,
    "null",
    "(\"%41%c3%a9\" | @urid), (\"%ff\" | try @urid catch \"no\")",
    ["\"Aé\"", "\"no\""]
);
yields!(
    unknown_formats_fail_when_they_run,
    "null",
    "try @nope catch ., try @nope \"x\\(1)\" catch .",
    [
        "\"nope is not a valid format\"",
        "\"nope is not a valid format\""
    ]
);
yields!(
    words_that_are_numbers,
    "null",
    "[\"nan\", \"-Infinity\", \".5\", \"+1\" | tonumber], [\"0x1\", \" 1\", \"1_0\", \"\", \".\" | try tonumber catch \"no\"]",
    [
        "[null,-1.7976931348623157e+308,0.5,1]",
        "[\"no\",\"no\",\"no\",\"no\",\"no\"]"
    ]
);
yields!(
    the_last_fails_late,
    "null",
    "[try last(1, error(\"x\")) catch .]",
    ["[\"x\"]"]
);
yields!(
    first_matches_and_empty_ones,
    "\"a1b\"",
    "[match(\"[a-z]*\"; \"g\") | [.offset, .string]], [splits(\"\")], gsub(\"\"; \"-\")",
    [
        "[[0,\"a\"],[1,\"\"],[2,\"b\"],[3,\"\"]]",
        "[\"\",\"a\",\"1\",\"b\",\"\"]",
        "\"-a-1-b-\""
    ]
);
yields!(
    look_around_and_references,
    "\"foo\\nbar\\n\"",
    "[match(\"(?<=o)o|b(?=a)|(.)\\\\1\"; \"g\").offset], test(\"bar$\"), test(\"foo$\"), test(\"^bar\")",
    ["[1,4]", "true", "false", "false"]
);
yields!(
    groups_before_the_match,
    "\"éab\"",
    "[match(\"(?<=(é))a(b)\") | .offset, (.captures[] | .offset, .string)]",
    ["[1,0,\"é\",2,\"b\"]"]
);

// numbers
yields!(
    numbers_stay_as_they_are_written,
    "[1.10, 100000000000000000000000000000, 1e1000, 0.00001, -0.0]",
    "., (.[0] | tostring, -., . + 0), .[0] == 1.1",
    [
        "[1.10,100000000000000000000000000000,1E+1000,0.00001,-0.0]",
        "\"1.10\"",
        "-1.10",
        "1.1",
        "true"
    ]
);
yields!(
    long_numbers_are_told_apart,
    "null",
    "123456789012345678901234567890 == 123456789012345678901234567891, 1e1000 < 1e1001, [1e1001, 1e1000] == ([1e1000, 1e1001] | sort | reverse)",
    ["false", "true", "true"]
);
yields!(
    nan_is_less_than_itself,
    "null",
    "[nan < nan, nan > nan, nan == nan, nan <= nan, nan >= nan], [[nan] | sort, unique, (. == .)], ([nan, 1, nan] | unique, (group_by(.) | length))",
    [
        "[true,false,false,true,false]",
        "[[null],[null],false]",
        "[null,null,1]",
        "3"
    ]
);
yields!(
    signs_of_zeros,
    "null",
    "0 * -1, 0 / -1, -(0), (-1 | . * 0)",
    ["-0", "-0", "0", "-0"]
);
yields!(
    surrogates,
    "null",
    "\"\\ud83d\\ude00\" | ., length",
    ["\"😀\"", "1"]
);

// errors
yields!(
    depth_is_caught,
    "null",
    "[range(2)] | (reduce range(10001) as $_ (.; [.])) as $x | (reduce range(10001) as $_ (.; [.])) as $y | try ($x == $y) catch \"caught\"",
    ["\"caught\""]
);
yields!(
    recursion_is_caught,
    "null",
    "def f: 1 + f; try f catch \"caught\"",
    ["\"caught\""]
);
yields!(
    errors_with_null,
    "null",
    "try error(null) catch ., [.[]?], (try error catch .)",
    ["null", "[]", "null"]
);

// updates go by the paths of the value as it was
yields!(
    updates_from_the_root_down,
    "{\"a\":[1,2]}",
    "try (.. |= (if type == \"array\" then length else . end)) catch \"no\"",
    ["\"no\""]
);
yields!(
    the_first_output_counts,
    "{\"a\":1}",
    "(. |= (1, 2)), (.a |= (5, 6)), (.b |= empty), (.a |= empty)",
    ["1", "{\"a\":5}", "{\"a\":1}", "{}"]
);
yields!(
    nothing_is_made_for_nothing,
    "{}",
    "(.a.b, .c[2]) |= empty",
    ["{}"]
);

/// A regular expression that is no UTF-8 matches bytes.
#[test]
fn expressions_of_bytes() {
    use binq_query::{Context, Query, Settings, V};
    let code = "$data | [match($re; \"g\") | .offset, .length], test(\"\\\\xfe\")";
    let vars = ["data".to_owned(), "re".to_owned()];
    let query = Query::compile(
        code,
        &Settings {
            vars: &vars,
            ..Settings::default()
        },
    )
    .unwrap();
    let cx = Context::new(binq_core::Registry::new(vec![]));
    let data = V::bytes(b"a\xff\xfeb\xff\xff".to_vec());
    let out = query.run(&cx, V::Null, vec![data, V::bytes(b"[\xfe\xff]+".to_vec())]);
    let out: Vec<String> = out
        .map(|v| binq_query::json::to_text(&v.unwrap()))
        .collect();
    assert_eq!(out, ["[1,2,4,2]", "true"]);
}

#[test]
fn a_sum_of_50_000_terms() {
    use binq_query::{Context, Query, Settings, json};
    binq_query::on_stack(512 << 20, || {
        let query = Query::compile(&vec!["1"; 50_000].join("+"), &Settings::default()).unwrap();
        let cx = Context::new(binq_core::Registry::new(vec![]));
        let out: Vec<String> = query
            .run(&cx, binq_query::V::Null, vec![])
            .map(|v| json::to_text(&v.unwrap()))
            .collect();
        assert_eq!(out, ["50000"]);
    });
}

// what is no base64, and what is no UTF-8 in it
yields!(
    base64_as_jq_reads_it,
    "null",
    r#"("null", "A=AA", "QU JD", "QUJD\n", "-_-_", "QQ==QQ==", "=", "7aCA", "QUJDRA") | try (@base64d | explode) catch "no""#,
    [
        "[65533,65533]",
        "\"no\"",
        "\"no\"",
        "\"no\"",
        "\"no\"",
        "[65]",
        "[]",
        "[65533]",
        "[65,66,67,68]"
    ]
);
// escapes that are none in Oniguruma's Perl syntax
yields!(
    letters_of_regular_expressions,
    "null",
    r#"[("h", "H", "u", "U", "l", "N", "O", "P") as $c | $c | test("^\\\($c)$")],
     ["af" | test("\\h")], ["a+b" | test("^\\Qa+b\\E$"), test("\\Pa")], ["a1" | test("^\\P{Nd}.$")], ["\n" | test("\\N"), test("\\O")]"#,
    [
        "[true,true,true,true,true,true,true,true]",
        "[false]",
        "[true,false]",
        "[true]",
        "[false,true]"
    ]
);
yields!(
    years_of_c,
    "[1e10,0,1,0,0,0,0,0]",
    "mktime, (.[0] = 2024 | .[1] = 14 | .[2] = 40 | .[3] = -3 | mktime)",
    ["67768036160140800", "1744146000"]
);

// what has no output, and what fails
yields!(
    alternative_as_a_path,
    "[null, 1, false]",
    "((.[] // .[0]) |= 5), ((.[0], .[2]) // .[1] |= 5), [path((.[], .[1]) // .[0])], [path((.[0] | .a?) // .[2])]",
    ["[null,5,false]", "[null,5,false]", "[[1],[1]]", "[[2]]"]
);
yields!(
    errors_beside_no_output,
    "1",
    "try (empty + .a) catch \"E\", try (empty == .a) catch \"E\", try ({a: .b, c: empty}) catch \"E\", \
     try ({(.b): empty}) catch \"E\", (try (.a + empty) catch \"no\"), (try ({a: empty, b: .c}) catch \"no\")",
    ["\"E\"", "\"E\"", "\"E\"", "\"E\""]
);
yields!(
    products_of_objects,
    "{\"x\":1,\"y\":2}",
    "[{(\"x\", \"y\"): (1, 2), x: (3, 4)}], [{x, y: (3, 4)} | .x + .y], [{a: (1, 2), (\"b\", \"c\"): (3, 4)} | [.[]]]",
    [
        "[{\"x\":3},{\"x\":4},{\"x\":3},{\"x\":4},{\"y\":1,\"x\":3},{\"y\":1,\"x\":4},{\"y\":2,\"x\":3},{\"y\":2,\"x\":4}]",
        "[4,5]",
        "[[1,3],[1,4],[1,3],[1,4],[2,3],[2,4],[2,3],[2,4]]"
    ]
);
yields!(
    lone_surrogates,
    "null",
    "(\"\\ude00x\" | explode), (\"\\\"\\\\ude00x\\\"\" | fromjson | explode)",
    ["[65533,120]", "[65533,120]"]
);
yields!(
    nothing_there_to_update,
    "{\"v\":{}}",
    "(.v.a[]? |= 1), (.v[\"a\"]?.b[]?.c |= 1), ((.v.a | select(.)) |= 1), ((.v.a | values).b = 1), ((.v.a | empty) |= 1), \
     ((.w | if . then .x else empty end) += 1), (.w[0][]? //= 1), (getpath([\"v\", \"a\"])[]? |= 1)",
    [
        "{\"v\":{}}",
        "{\"v\":{}}",
        "{\"v\":{}}",
        "{\"v\":{}}",
        "{\"v\":{}}",
        "{\"v\":{}}",
        "{\"v\":{}}",
        "{\"v\":{}}"
    ]
);
yields!(
    what_is_there_is_updated,
    "{\"v\":{\"a\":[1,null]}}",
    "(.v.a[]? |= 2), ((.v[] | select(.)) |= 3), (.v.b |= .), ((.v.a[] | values) += 1), ((.v[]?[0]) = 9)",
    [
        "{\"v\":{\"a\":[2,2]}}",
        "{\"v\":{\"a\":3}}",
        "{\"v\":{\"a\":[1,null],\"b\":null}}",
        "{\"v\":{\"a\":[2,null]}}",
        "{\"v\":{\"a\":[9,null]}}"
    ]
);
yields!(
    absolute_values,
    "null",
    "[-1, 0, -1.5, \"x\", [], {}] | map(abs), (try (null | abs) catch \"E\")",
    ["[1,0,1.5,\"x\",[],{}]", "\"E\""]
);
yields!(
    deleting_below_slices,
    "[0,1,2,[3,4],5,6]",
    "del(.[1:][]), del(.[1:][2][0]), del(.[-2:][], .[1:][1:][0])",
    ["[0]", "[0,1,2,[4],5,6]", "[0,1,[3,4]]"]
);

// formatters by name
yields!(
    format_is_told_when_it_runs,
    "[1,\"a\"]",
    "[format(\"csv\", \"json\")], (try format(\"foo\") catch .), (try format(1) catch .)",
    [
        "[\"1,\\\"a\\\"\",\"[1,\\\"a\\\"]\"]",
        "\"foo is not a valid format\"",
        "\"number (1) is not a valid format\""
    ]
);
yields!(
    a_byte_0_is_written_out,
    "\"\\u0000\"",
    "[.] | @csv, @tsv",
    ["\"\\\"\\\\0\\\"\"", "\"\\\\0\""]
);

// `$x` as a parameter is a function, too
yields!(
    a_parameter_is_called,
    "null",
    "def f($x; $y): [$x, x, $y, y]; f(1, 2; 3, 4), (def g($x): x; [g(1, 2)])",
    [
        "[1,1,2,3,3,4]",
        "[1,1,2,4,3,4]",
        "[2,1,2,3,3,4]",
        "[2,1,2,4,3,4]",
        "[1,2,1,2]"
    ]
);
yields!(
    one_of_two_parameters_is_called,
    "null",
    "def f($x; $y): [$x, y]; def g($x; $y): [x, $y]; [f(1, 2; 3, 4)], [g(1, 2; 3, 4)]",
    [
        "[[1,3,4],[1,3,4],[2,3,4],[2,3,4]]",
        "[[1,2,3],[1,2,4],[1,2,3],[1,2,4]]"
    ]
);
yields!(
    a_parameter_is_a_path,
    "{\"a\":{\"b\":1}}",
    "def f($x): path(x); [f(.a)]",
    ["[[\"a\"]]"]
);

// mathematics: the first argument runs fastest
yields!(
    arguments_of_mathematics,
    "null",
    "[fdim(5, 7; 3, 4)], [remainder(5, 7; 3, 4)], [hypot(3, 6; 4, 8) | floor]",
    ["[2,4,1,3]", "[-1,1,1,-1]", "[5,7,8,10]"]
);
yields!(
    integers_of_c_are_cut,
    "null",
    "[ldexp(1; 2.9, -2.9)], [scalbln(1; 2.9)], (try ldexp(1; \"a\") catch .)",
    ["[4,0.25]", "[4]", "\"string (\\\"a\\\") number required\""]
);

// arrays
yields!(
    objects_are_joined,
    "{\"a\":1,\"b\":\"x\"}",
    "join(\",\"), ({} | join(\",\"))",
    ["\"1,x\"", "\"\""]
);
yields!(
    nothing_has_nothing,
    "null",
    "[has(\"x\", 0)]",
    ["[false,false]"]
);
yields!(
    nan_is_not_taken_away,
    "null",
    "[nan] - [nan], [[nan], 1] - [[nan], 1]",
    ["[null]", "[[null]]"]
);
yields!(
    flatten_counts_down_to_0,
    "[1,[2,[3,[4]]]]",
    "[flatten(1, 1.5)], [(-1, null, \"a\") as $d | try flatten($d) catch .]",
    [
        "[[1,2,[3,[4]]],[1,2,3,4]]",
        "[\"flatten depth must not be negative\",\"flatten depth must not be negative\",\"string (\\\"a\\\") and number (1) cannot be subtracted\"]"
    ]
);
yields!(
    m_lets_a_dot_match_breaks,
    "\"a\\nc\"",
    "test(\"a.c\"; \"m\", \"p\", \"s\", \"gmi\")",
    ["true", "true", "false", "true"]
);

/// A backslash before the end of the line goes on with it; two are one that does not.
#[test]
fn comments_end_with_their_line() {
    for code in [
        "#\n1",
        "#\r\n1",
        "# 2\n1",
        "1 #",
        "1 # 2",
        "1#\n",
        "#\\\n2\n1",
        "#\\\r\n2\n1",
        "#\\\\\n1",
        "#\\\\\\\n2\n1",
        "#a\\\n#b\\\n2\n1",
        "#a\\b\n1",
        "#\\\r2\n1",
    ] {
        let out = common::run(binq_query::V::Null, code);
        assert_eq!(out, ["1"], "{code:?}");
    }
}
