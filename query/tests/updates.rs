//! Assignments to nodes: what changes, what stays, what is refused.
mod common;
use binq_query::V;
use common::{node, run, run_values};

const DOC: &str = r#"{
    "tag": {"$int": 10, "$sym": {"10": "Heap", "0": "XLOG"}}, "n": 7, "big": 18446744073709551615,
    "s": "text", "data": {"$bytes": "6162636465"}, "f": 1.5,
    "items": [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}, {"a": 3, "b": "z"}, {"a": 4, "b": "w"}],
    "nums": [0, 1, 2, 3, 4, 5]
}"#;

node_yields!(
    assign_a_number,
    DOC,
    ".n = 8 | .n, .tag, .nums[5]",
    ["8", "\"Heap\"", "5"]
);
node_yields!(
    assign_a_symbol,
    DOC,
    ".tag = \"XLOG\" | .tag, (.tag | toactual)",
    ["\"XLOG\"", "0"]
);
node_yields!(assign_an_actual_value, DOC, ".tag = 0 | .tag", ["\"XLOG\""]);
node_yields!(
    assign_a_float,
    DOC,
    ".f = 2 | .f, (.f |= . * 1.5)[\"f\"]",
    ["2", "3"]
);
node_yields!(
    assign_exact,
    DOC,
    ".big -= 1 | .big",
    ["18446744073709551614"]
);
node_yields!(update_in_place, DOC, ".n |= . + 1 | .n", ["8"]);
node_yields!(
    update_with_operators,
    DOC,
    "(.n += 1 | .n), (.n *= 2 | .n), (.n //= 3 | .n), (.s += \"!\" | .s)",
    ["8", "14", "7", "\"text!\""]
);
node_yields!(
    update_deep,
    DOC,
    ".items[1].a = 9 | [.items[].a]",
    ["[1,9,3,4]"]
);
node_yields!(
    update_from_the_end,
    DOC,
    ".items[-1].a = 9 | [.items[].a]",
    ["[1,2,3,9]"]
);
node_yields!(
    update_each,
    DOC,
    "(.items[] | select(.a > 2)).b = \"-\" | [.items[].b]",
    [r#"["x","y","-","-"]"#]
);
node_yields!(
    update_map_values,
    DOC,
    ".nums |= map_values(. * 2) | .nums",
    ["[0,2,4,6,8,10]"]
);
node_yields!(
    update_map,
    DOC,
    ".nums |= map(. + 1) | .nums",
    ["[1,2,3,4,5,6]"]
);
node_yields!(
    update_two_views,
    DOC,
    "(.n, .nums[0]) |= . + 1 | .n, .nums[0]",
    ["8", "1"]
);
node_yields!(
    update_recursively,
    DOC,
    "(.nums | .. | numbers) |= . + 1 | .nums",
    ["[1,2,3,4,5,6]"]
);
node_yields!(
    update_everywhere,
    DOC,
    "(.. | numbers) |= 1 | .nums, .n",
    ["[1,1,1,1,1,1]", "1"]
);
node_yields!(
    update_an_object,
    DOC,
    ".items[0] = {a: 5, b: \"q\"} | .items[0]",
    [r#"{"a":5,"b":"q"}"#]
);
node_yields!(
    update_by_merging,
    DOC,
    ".items[0] += {a: 5} | .items[0]",
    [r#"{"a":5,"b":"x"}"#]
);
node_yields!(
    update_with_entries,
    DOC,
    ".items[0] |= with_entries(if .key == \"a\" then .value += 1 else . end) | .items[0]",
    [r#"{"a":2,"b":"x"}"#]
);
node_yields!(
    copy_a_node,
    DOC,
    ".items[0].b = .items[3].b | .items[0]",
    [r#"{"a":1,"b":"w"}"#]
);
node_yields!(swap, DOC, ".items |= reverse | [.items[].a]", ["[4,3,2,1]"]);
node_yields!(
    sort,
    DOC,
    ".items |= sort_by(-.a) | [.items[].b]",
    [r#"["w","z","y","x"]"#]
);

node_yields!(
    delete_an_item,
    DOC,
    "del(.items[1]) | [.items[].a]",
    ["[1,3,4]"]
);
node_yields!(
    delete_several,
    DOC,
    "del(.nums[2,4]) | .nums",
    ["[0,1,3,5]"]
);
node_yields!(delete_all, DOC, "del(.nums[]) | .nums", ["[]"]);
node_yields!(
    delete_a_slice,
    DOC,
    "del(.nums[1:3]), del(.nums[-2:]) | .nums",
    ["[0,3,4,5]", "[0,1,2,3]"]
);
node_yields!(
    delete_selected,
    DOC,
    "del(.items[] | select(.a % 2 == 0)) | [.items[].a]",
    ["[1,3]"]
);
node_yields!(
    delete_by_update,
    DOC,
    ".nums |= map(select(. > 3)) | .nums",
    ["[4,5]"]
);
node_yields!(
    delete_by_empty,
    DOC,
    "(.nums[] | select(. < 3)) |= empty | .nums",
    ["[3,4,5]"]
);
node_yields!(
    delete_by_paths,
    DOC,
    "delpaths([[\"nums\",0],[\"nums\",5],[\"items\",0]]) | .nums, [.items[].a]",
    ["[1,2,3,4]", "[2,3,4]"]
);
node_yields!(
    delete_many_after_an_edit,
    DOC,
    ".nums[5] = 50 | del(.nums[0,1]) | .nums",
    ["[2,3,4,50]"]
);
node_yields!(
    edit_after_deleting,
    DOC,
    "del(.nums[0,1]) | .nums[0] = 20 | .nums[3] |= . + 1 | .nums",
    ["[20,3,4,6]"]
);
node_yields!(
    append,
    DOC,
    ".nums += [9] | .nums[-1], (.nums | length)",
    ["9", "7"]
);
node_yields!(append_by_index, DOC, ".nums[6] = 9 | .nums | length", ["7"]);
node_yields!(
    slice_of_items,
    DOC,
    ".nums[1:3] = [7], .nums[4:] |= map(. * 2) | .nums",
    ["[0,7,3,4,5]", "[0,1,2,3,8,10]"]
);
node_yields!(
    slice_inside,
    DOC,
    ".items[1:3][].a |= . * 10 | [.items[].a]",
    ["[1,20,30,4]"]
);
node_yields!(
    slice_of_bytes,
    DOC,
    ".data[1:3] = \"XY\" | .data | tostring",
    ["\"aXYde\""]
);
node_yields!(slice_of_text, DOC, ".s[0:1] = \"T\" | .s", ["\"Text\""]);

node_yields!(
    first_on_the_left,
    DOC,
    "first(.items[] | select(.a > 1)).a = 9 | [.items[].a]",
    ["[1,9,3,4]"]
);
node_yields!(
    last_on_the_left,
    DOC,
    "last(.items[]).a |= . * 2 | [.items[].a]",
    ["[1,2,3,8]"]
);
node_yields!(
    limit_on_the_left,
    DOC,
    "limit(2; .nums[]) |= . + 10 | .nums",
    ["[10,11,2,3,4,5]"]
);
node_yields!(
    limit_and_delete,
    DOC,
    "limit(2; .nums[]) |= empty | .nums",
    ["[2,3,4,5]"]
);
node_yields!(
    skip_on_the_left,
    DOC,
    "skip(4; .nums[]) = 0 | .nums",
    ["[0,1,2,3,0,0]"]
);
node_yields!(
    nth_on_the_left,
    DOC,
    "nth(2; .nums[]) = 9 | .nums",
    ["[0,1,9,3,4,5]"]
);
node_yields!(
    until_on_the_left,
    DOC,
    "(.items[0] | until(type == \"number\"; .a)) = 9 | .items[0].a",
    ["9"]
);
node_yields!(
    try_on_the_left,
    DOC,
    "(try .n catch .) |= . + 1 | .n",
    ["8"]
);
node_yields!(
    question_mark_on_the_left,
    DOC,
    "(.. | .a?) |= (numbers | . + 1) | [.items[].a]",
    ["[2,3,4,5]"]
);
node_yields!(
    recurse_with_question_mark,
    DOC,
    "(..? | numbers) |= 0 | .nums",
    ["[0,0,0,0,0,0]"]
);
node_yields!(
    label_on_the_left,
    DOC,
    "(label $out | .nums[] | if . > 1 then break $out else . end) |= 9 | .nums",
    ["[9,9,2,3,4,5]"]
);
node_yields!(
    getpath_on_the_left,
    DOC,
    "getpath([\"items\",0,\"a\"]) |= 8 | .items[0].a",
    ["8"]
);
node_yields!(
    getpath_of_path_on_the_left,
    DOC,
    "getpath(path(.nums[1,2])) |= . * 3 | .nums",
    ["[0,3,6,3,4,5]"]
);
node_yields!(setpath_, DOC, "setpath([\"nums\",1]; 9) | .nums[1]", ["9"]);
node_yields!(
    alternative_on_the_left,
    DOC,
    "(.nothing // .n) = 3 | .n",
    ["3"]
);
node_yields!(
    condition_on_the_left,
    DOC,
    "(if .n > 5 then .n else .f end) = 1 | .n",
    ["1"]
);
node_yields!(
    reduce_on_the_left,
    DOC,
    "reduce range(3) as $i (.; .nums[$i] += 10) | .nums",
    ["[10,11,12,3,4,5]"]
);
node_yields!(
    variables_on_the_left,
    DOC,
    "(.items[1] as $x | .items[0].b) = \"q\" | .items[0].b",
    ["\"q\""]
);
node_yields!(
    several_outputs,
    DOC,
    "[(.n = (1, 2)) | .n], [(.n += (1, 2)) | .n]",
    ["[1,2]", "[8,9]"]
);
node_yields!(
    picking,
    DOC,
    "pick(.items[1].a), pick(.n)",
    [r#"{"items":[null,{"a":2}]}"#, r#"{"n":7}"#]
);

node_yields!(
    too_big,
    DOC,
    "try (.n = 256) catch .",
    ["\".n at byte 1: takes an integer from 0 to 255, not 256\""]
);
node_yields!(
    unknown_key,
    DOC,
    "try (.nope = 1) catch test(\"nope.*tag, n, big\")",
    ["true"]
);
node_yields!(
    unknown_symbol,
    DOC,
    "try (.tag = \"Nope\") catch test(\"Nope\")",
    ["true"]
);
node_yields!(
    wrong_type,
    DOC,
    "try (.n = [1]) catch test(\"array\")",
    ["true"]
);
node_yields!(
    deleting_below_slices,
    DOC,
    "(.items | length) as $n | (del(.items[1:][]) | .items | length), (del(.items[:1][], .items[-1:][]) | .items | length - $n)",
    ["1", "-2"]
);
node_yields!(
    no_field_to_delete,
    DOC,
    "try del(.n) catch test(\"n\")",
    ["true"]
);
node_yields!(
    fault_is_read_only,
    DOC,
    "try (._error = 1) catch test(\"_error\")",
    ["true"]
);
node_yields!(
    nan_index,
    DOC,
    "try (.nums[nan] = 1) catch .",
    ["\"Cannot set array element at NaN index\""]
);
node_yields!(
    far_beyond_the_end,
    DOC,
    "try (.nums[100] = 1) catch .",
    ["\"index 100 lies beyond the end: the array has 6 items\""]
);

fn edited(code: &str) -> (bool, Vec<u8>) {
    let out = run_values(node(DOC), code);
    let Some(Ok(V::Node(n))) = out.into_iter().next() else {
        panic!("{code} gives no node")
    };
    let n = n.node();
    (n.is_edited(), n.bytes().unwrap().to_vec())
}

#[test]
fn what_changes_nothing_is_no_edit() {
    let (_, before) = edited(".");
    let same = [
        ".",
        ".n = .n",
        ".items[1] = .items[1]",
        ".items |= .",
        ".items |= map(.)",
        "map_values(.)",
        ".. |= .",
        "walk(.)",
        "(.items[] | select(.a > 100)).a = 1",
        "first(.items[]) |= .",
        "del(.items[] | select(.a > 100))",
        "del(empty)",
        ".items[0].a |= (. as $x | $x)",
        ".items[1:3] |= .",
        "(.n, .s) |= .",
        ".n //= 1",
        ".items[0] |= with_entries(.)",
    ];
    for code in same {
        let (is_edited, bytes) = edited(code);
        assert!(!is_edited, "{code} left an edit");
        assert_eq!(bytes, before, "{code}");
    }
}

#[test]
fn an_edit_changes_its_bytes_only() {
    let (_, before) = edited(".");
    let (_, after) = edited(".n = 9");
    let differing: Vec<_> = (0..before.len())
        .filter(|i| before[*i] != after[*i])
        .collect();
    assert_eq!(differing, [1]);
    assert_eq!(edited(".n |= . + 2").1, after);
    assert_eq!(edited("(.n?) = 9").1, after);
}

#[test]
fn errors_point_at_the_place() {
    assert_eq!(run(node(DOC), ".items[2].a = -1 | 1").len(), 1);
    assert!(run(node(DOC), ".items[2].a = -1")[0].contains(".items[2].a"));
}

#[test]
fn many_edits_take_linear_time() {
    let doc = format!("{{\"xs\":[{}]}}", vec!["1"; 20_000].join(","));
    let start = std::time::Instant::now();
    let code = "reduce range(20000) as $i (.; .xs[$i] = 2) | [.xs[] | select(. == 2)] | length";
    assert_eq!(run(node(&doc), code), ["20000"]);
    // quadratic, this takes minutes
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}
