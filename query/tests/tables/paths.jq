# Paths, access and updates, against jq 1.8.2.

{"a":[1,[2,3],{"b":4}],"c":null} | [paths] #=> [["a"],["a",0],["a",1],["a",1,0],["a",1,1],["a",2],["a",2,"b"],["c"]]
{"a":[1,[2,3],{"b":4}],"c":null} | [paths(type == "number")] #=> [["a",0],["a",1,0],["a",1,1],["a",2,"b"]]
{"a":[1,[2,3],{"b":4}],"c":null} | [path(..)] #=> [[],["a"],["a",0],["a",1],["a",1,0],["a",1,1],["a",2],["a",2,"b"],["c"]]
{"a":[1,[2,3],{"b":4}],"c":null} | [.. | numbers] #=> [1,2,3,4]
{"a":[1,[2,3],{"b":4}],"c":null} | [tostream] #=> [[["a",0],1],[["a",1,0],2],[["a",1,1],3],[["a",1,1]],[["a",2,"b"],4],[["a",2,"b"]],[["a",2]],[["c"],null],[["c"]]]
{"a":[1,[2,3],{"b":4}],"c":null} | fromstream(tostream) #=> {"a":[1,[2,3],{"b":4}],"c":null}
{"a":[1,[2,3],{"b":4}],"c":null} | [getpath(["a",0], ["a",1,1], ["a",2,"b"], ["x","y"], [])] #=> [1,3,4,null,{"a":[1,[2,3],{"b":4}],"c":null}]
{"a":[1,[2,3],{"b":4}],"c":null} | getpath(["a","b"]) #=> error: Cannot index array with string ("b")
{"a":[1,[2,3],{"b":4}],"c":null} | del(.a[0]) #=> {"a":[[2,3],{"b":4}],"c":null}
{"a":[1,[2,3],{"b":4}],"c":null} | del(.a[0,2]) #=> {"a":[[2,3]],"c":null}
{"a":[1,[2,3],{"b":4}],"c":null} | del(.a[2,0]) #=> {"a":[[2,3]],"c":null}
{"a":[1,[2,3],{"b":4}],"c":null} | del(.a[-1]) #=> {"a":[1,[2,3]],"c":null}
{"a":[1,[2,3],{"b":4}],"c":null} | del(.a[-4]) #=> {"a":[1,[2,3],{"b":4}],"c":null}
{"a":[1,[2,3],{"b":4}],"c":null} | del(.a[3]) #=> {"a":[1,[2,3],{"b":4}],"c":null}
{"a":[1,[2,3],{"b":4}],"c":null} | del(.a[1:]) #=> {"a":[1],"c":null}
{"a":[1,[2,3],{"b":4}],"c":null} | del(.a[:1]) #=> {"a":[[2,3],{"b":4}],"c":null}
{"a":[1,[2,3],{"b":4}],"c":null} | del(.a[1:2], .c) #=> {"a":[1,{"b":4}]}
{"a":[1,[2,3],{"b":4}],"c":null} | del(.a[0:1], .a[2]) #=> {"a":[[2,3]],"c":null}
{"a":[1,[2,3],{"b":4}],"c":null} | del(.a[2], .a[0:1]) #=> {"a":[[2,3]],"c":null}
{"a":[1,[2,3],{"b":4}],"c":null} | del(.x.y) #=> {"a":[1,[2,3],{"b":4}],"c":null}
{"a":[1,[2,3],{"b":4}],"c":null} | del(.a, .c) #=> {}
{"a":[1,[2,3],{"b":4}],"c":null} | del(.) #=> null
{"a":[1,[2,3],{"b":4}],"c":null} | del(..) #=> null
{"a":[1,[2,3],{"b":4}],"c":null} | del(.a[].b?) #=> {"a":[1,[2,3],{}],"c":null}
{"a":[1,[2,3],{"b":4}],"c":null} | delpaths([["a",0],["a"]]) #=> {"c":null}
{"a":[1,[2,3],{"b":4}],"c":null} | delpaths([]) #=> {"a":[1,[2,3],{"b":4}],"c":null}
{"a":[1,[2,3],{"b":4}],"c":null} | delpaths([[]]) #=> null
{"a":[1,[2,3],{"b":4}],"c":null} | delpaths(1) #=> error: Paths must be specified as an array
{"a":[1,[2,3],{"b":4}],"c":null} | to_entries #=> [{"key":"a","value":[1,[2,3],{"b":4}]},{"key":"c","value":null}]
{"a":[1,[2,3],{"b":4}],"c":null} | with_entries(.value |= tojson) #=> {"a":"[1,[2,3],{\"b\":4}]","c":"null"}
{"a":[1,[2,3],{"b":4}],"c":null} | keys, keys_unsorted, length #=> ["a","c"]  ["a","c"]  2
{"a":[1,[2,3],{"b":4}],"c":null} | pick(.a[1][0]) #=> {"a":[null,[2]]}
{"a":[1,[2,3],{"b":4}],"c":null} | pick(.a[2].b, .c) #=> {"a":[null,null,{"b":4}],"c":null}
{"a":[1,[2,3],{"b":4}],"c":null} | pick(.x.y) #=> {"x":{"y":null}}
{"a":[1,[2,3],{"b":4}],"c":null} | pick(.a[-1]) #=> error: Out of bounds negative array index
{"a":[1,[2,3],{"b":4}],"c":null} | pick(first(.a)) #=> {"a":[1,[2,3],{"b":4}]}
{"a":[1,[2,3],{"b":4}],"c":null} | [.a[1:2]], [.a[:1]], [.a[-1:]] #=> [[[2,3]]]  [[1]]  [[{"b":4}]]
{"a":[1,[2,3],{"b":4}],"c":null} | .a[1:] = [9] #=> {"a":[1,9],"c":null}
{"a":[1,[2,3],{"b":4}],"c":null} | .a[:1] = [8,9] #=> {"a":[8,9,[2,3],{"b":4}],"c":null}
{"a":[1,[2,3],{"b":4}],"c":null} | .a[1:1] = [7] #=> {"a":[1,7,[2,3],{"b":4}],"c":null}
{"a":[1,[2,3],{"b":4}],"c":null} | .a[5:6] = [7] #=> {"a":[1,[2,3],{"b":4},7],"c":null}
{"a":[1,[2,3],{"b":4}],"c":null} | .a[-1:] = [] #=> {"a":[1,[2,3]],"c":null}
{"a":[1,[2,3],{"b":4}],"c":null} | .a[1:2] |= map(length) #=> {"a":[1,2,{"b":4}],"c":null}
{"a":[1,[2,3],{"b":4}],"c":null} | .a[0:1] = 5 #=> error: A slice of an array can only be assigned another array
{"a":[1,[2,3],{"b":4}],"c":null} | .a[0] = 5, .a[3] = 6, .a[5] = 7 #=> {"a":[5,[2,3],{"b":4}],"c":null}  {"a":[1,[2,3],{"b":4},6],"c":null}  {"a":[1,[2,3],{"b":4},null,null,7],"c":null}
{"a":[1,[2,3],{"b":4}],"c":null} | .a[-1] = 5 #=> {"a":[1,[2,3],5],"c":null}
{"a":[1,[2,3],{"b":4}],"c":null} | .a[-3] = 5 #=> {"a":[5,[2,3],{"b":4}],"c":null}
{"a":[1,[2,3],{"b":4}],"c":null} | .a[-4] = 5 #=> error: Out of bounds negative array index
{"a":[1,[2,3],{"b":4}],"c":null} | .c.d.e = 1 #=> {"a":[1,[2,3],{"b":4}],"c":{"d":{"e":1}}}
{"a":[1,[2,3],{"b":4}],"c":null} | .c[2] = 1 #=> {"a":[1,[2,3],{"b":4}],"c":[null,null,1]}
{"a":[1,[2,3],{"b":4}],"c":null} | .c[-1] = 1 #=> error: Out of bounds negative array index
{"a":[1,[2,3],{"b":4}],"c":null} | .a.b = 1 #=> error: Cannot index array with string ("b")
{"a":[1,[2,3],{"b":4}],"c":null} | .c = (1,2) #=> {"a":[1,[2,3],{"b":4}],"c":1}  {"a":[1,[2,3],{"b":4}],"c":2}
{"a":[1,[2,3],{"b":4}],"c":null} | .a[] = 0 #=> {"a":[0,0,0],"c":null}
{"a":[1,[2,3],{"b":4}],"c":null} | .a[0] |= empty #=> {"a":[[2,3],{"b":4}],"c":null}
{"a":[1,[2,3],{"b":4}],"c":null} | .a[] |= empty #=> {"a":[],"c":null}
{"a":[1,[2,3],{"b":4}],"c":null} | .a |= map(select(type == "number")) #=> {"a":[1],"c":null}
{"a":[1,[2,3],{"b":4}],"c":null} | .a[0] += 1, .a[0] -= 1, .a[0] *= 3, .a[0] /= 2, .a[0] %= 2 #=> {"a":[2,[2,3],{"b":4}],"c":null}  {"a":[0,[2,3],{"b":4}],"c":null}  {"a":[3,[2,3],{"b":4}],"c":null}  {"a":[0.5,[2,3],{"b":4}],"c":null}  {"a":[1,[2,3],{"b":4}],"c":null}
{"a":[1,[2,3],{"b":4}],"c":null} | .c //= 5, .a[0] //= 7 #=> {"a":[1,[2,3],{"b":4}],"c":5}  {"a":[1,[2,3],{"b":4}],"c":null}
{"a":[1,[2,3],{"b":4}],"c":null} | .a[0] += (1,2) #=> {"a":[2,[2,3],{"b":4}],"c":null}  {"a":[3,[2,3],{"b":4}],"c":null}
{"a":[1,[2,3],{"b":4}],"c":null} | (.a[0], .c) = 3 #=> {"a":[3,[2,3],{"b":4}],"c":3}
{"a":[1,[2,3],{"b":4}],"c":null} | (.a | .[0]) = 3 #=> {"a":[3,[2,3],{"b":4}],"c":null}
{"a":[1,[2,3],{"b":4}],"c":null} | (if .c then .c else .a[0] end) = 3 #=> {"a":[3,[2,3],{"b":4}],"c":null}
{"a":[1,[2,3],{"b":4}],"c":null} | (.c // .a[0]) = 3 #=> {"a":[3,[2,3],{"b":4}],"c":null}
{"a":[1,[2,3],{"b":4}],"c":null} | (.x // .y) = 3 #=> {"a":[1,[2,3],{"b":4}],"c":null,"y":3}
{"a":[1,[2,3],{"b":4}],"c":null} | first(.a[]) = 3 #=> {"a":[3,[2,3],{"b":4}],"c":null}
{"a":[1,[2,3],{"b":4}],"c":null} | limit(2; .a[]) = 3 #=> {"a":[3,3,{"b":4}],"c":null}
{"a":[1,[2,3],{"b":4}],"c":null} | (.a[] | select(type == "number")) = 3 #=> {"a":[3,[2,3],{"b":4}],"c":null}
{"a":[1,[2,3],{"b":4}],"c":null} | getpath(["a",1,0]) = 3 #=> {"a":[1,[3,3],{"b":4}],"c":null}
{"a":[1,[2,3],{"b":4}],"c":null} | getpath(["q","r"]) = 3 #=> {"a":[1,[2,3],{"b":4}],"c":null,"q":{"r":3}}
{"a":[1,[2,3],{"b":4}],"c":null} | recurse |= . #=> {"a":[1,[2,3],{"b":4}],"c":null}
{"a":[1,[2,3],{"b":4}],"c":null} | (.. | numbers) |= . + 1 #=> {"a":[2,[3,4],{"b":5}],"c":null}
{"a":[1,[2,3],{"b":4}],"c":null} | path(.a[0], .a[-1], .a[1:2], .c) #=> ["a",0]  ["a",-1]  ["a",{"start":1,"end":2}]  ["c"]
{"a":[1,[2,3],{"b":4}],"c":null} | path(.a[].b?) #=> ["a",2,"b"]
{"a":[1,[2,3],{"b":4}],"c":null} | [path(.a[1:][0])] #=> [["a",{"start":1,"end":null},0]]
{"a":[1,[2,3],{"b":4}],"c":null} | [path(.a | first(.[1], .[0]))] #=> [["a",1]]
{"a":[1,[2,3],{"b":4}],"c":null} | path(if .c then .a else .c end) #=> ["c"]
{"a":[1,[2,3],{"b":4}],"c":null} | path(.c // .a) #=> ["a"]
{"a":[1,[2,3],{"b":4}],"c":null} | path(.a[0] // .c) #=> ["a",0]
{"a":[1,[2,3],{"b":4}],"c":null} | path(empty) #=> 
{"a":[1,[2,3],{"b":4}],"c":null} | path(error("x"))? #=> 
{"a":[1,[2,3],{"b":4}],"c":null} | try path(.a | map(.)) catch "no" #=> "no"
{"a":[1,[2,3],{"b":4}],"c":null} | [path(label $f | .a, break $f, .c)] #=> [["a"]]
{"a":[1,[2,3],{"b":4}],"c":null} | [path(def f: .a; f)] #=> [["a"]]
{"a":[1,[2,3],{"b":4}],"c":null} | [path(getpath(["a",1]) | .[0])] #=> [["a",1,0]]
{"a":[1,[2,3],{"b":4}],"c":null} | [paths(arrays)] #=> [["a"],["a",1]]
{"a":[1,[2,3],{"b":4}],"c":null} | to_entries | from_entries #=> {"a":[1,[2,3],{"b":4}],"c":null}
{"a":[1,[2,3],{"b":4}],"c":null} | walk(if type == "number" then . + 1 else . end) #=> {"a":[2,[3,4],{"b":5}],"c":null}
{"a":[1,[2,3],{"b":4}],"c":null} | [limit(3; ..)] #=> [{"a":[1,[2,3],{"b":4}],"c":null},[1,[2,3],{"b":4}],1]
{"a":[1,[2,3],{"b":4}],"c":null} | [recurse(.a?)] | length #=> 2
{"a":[1,[2,3],{"b":4}],"c":null} | [recurse(.[]?; . != null)] | length #=> 8
{"a":[1,[2,3],{"b":4}],"c":null} | map_values(empty) #=> {}
{"a":[1,[2,3],{"b":4}],"c":null} | map_values(., 1) #=> {"a":[1,[2,3],{"b":4}],"c":null}
{"a":[1,[2,3],{"b":4}],"c":null} | map(.) #=> [[1,[2,3],{"b":4}],null]
{"a":[1,[2,3],{"b":4}],"c":null} | [.[]] #=> [[1,[2,3],{"b":4}],null]
{"a":[1,[2,3],{"b":4}],"c":null} | [.a[]?] #=> [1,[2,3],{"b":4}]
{"a":[1,[2,3],{"b":4}],"c":null} | [.c[]?] #=> []
{"a":[1,[2,3],{"b":4}],"c":null} | .a[0][]? #=> 
{"a":[1,[2,3],{"b":4}],"c":null} | try .a[0][] catch . #=> "Cannot iterate over number (1)"
{"a":[1,[2,3],{"b":4}],"c":null} | try .a[0].x catch . #=> "Cannot index number with string (\"x\")"
{"a":[1,[2,3],{"b":4}],"c":null} | try .a.x catch . #=> "Cannot index array with string (\"x\")"
{"a":[1,[2,3],{"b":4}],"c":null} | try .[0] catch . #=> "Cannot index object with number (0)"
{"a":[1,[2,3],{"b":4}],"c":null} | try .a["x"] catch . #=> "Cannot index array with string (\"x\")"
{"a":[1,[2,3],{"b":4}],"c":null} | try .a[null] catch . #=> "Cannot index array with null (null)"
{"a":[1,[2,3],{"b":4}],"c":null} | try .[null] catch . #=> "Cannot index object with null (null)"
{"a":[1,[2,3],{"b":4}],"c":null} | .a[[2]] #=> []
{"a":[1,[2,3],{"b":4}],"c":null} | .a[1:][[3]] #=> []
{"a":[1,[2,3],{"b":4}],"c":null} | has("a"), has("z") #=> true  false
{"a":[1,[2,3],{"b":4}],"c":null} | input_line_number #=> 0
{"a":[1,[2,3],{"b":4}],"c":null} | splits("a")? #=> 
{"a":[1,[2,3],{"b":4}],"c":null} | any, all #=> true  false
{"a":[1,[2,3],{"b":4}],"c":null} | [.[] | not] #=> [false,true]
{"a":[1,[2,3],{"b":4}],"c":null} | add #=> [1,[2,3],{"b":4}]
{"a":[1,[2,3],{"b":4}],"c":null} | [.a | add?] #=> []
{"a":[1,[2,3],{"b":4}],"c":null} | (.a | flatten), (.a | flatten(0)), (.a | flatten(1)) #=> [1,2,3,{"b":4}]  [1,[2,3],{"b":4}]  [1,2,3,{"b":4}]
{"a":[1,[2,3],{"b":4}],"c":null} | .a | flatten(-1) #=> error: flatten depth must not be negative
{"a":[1,[2,3],{"b":4}],"c":null} | .a | flatten("a") #=> error: string ("a") and number (1) cannot be subtracted
{"a":[1,[2,3],{"b":4}],"c":null} | .a | reverse, length, first, last, nth(1) #=> [{"b":4},[2,3],1]  3  1  {"b":4}  [2,3]
{"a":[1,[2,3],{"b":4}],"c":null} | [.a | combinations]? #=> 
{"a":[1,[2,3],{"b":4}],"c":null} | tojson | fromjson == . #=> false
null | [paths], [..], [.[]?] #=> []  [null]  []
1 | setpath([]; 2) #=> 2
null | setpath(["a",1]; 2), setpath([1,"a"]; 2), setpath([[]]; 1)? #=> {"a":[null,2]}  [null,{"a":2}]
1 | setpath(["a"]; 2) #=> error: Cannot index number with string ("a")
null | setpath(1; 2) #=> error: Path must be specified as an array
[] | setpath([-1]; 2) #=> error: Out of bounds negative array index
[1] | setpath([-1]; 2), setpath([-2]; 2)? #=> [2]
null | setpath([{"start":1,"end":2}]; [5]) #=> [5]
[1,2,3] | setpath([{"start":1,"end":2}]; [5,6]) #=> [1,5,6,3]
[1,2,3] | setpath([{"start":null,"end":1}]; []) #=> [2,3]
[1,2,3] | setpath([{"start":1,"end":null}]; []) #=> [1]
[1,2,3] | getpath([{"start":1,"end":2}]) #=> [2]
[1,2,3] | delpaths([[{"start":1,"end":2}]]) #=> [1,3]
[1,2,3] | delpaths([[0],[2]]), delpaths([[2],[0],[0]]), delpaths([[-1]]), delpaths([[-3]]), delpaths([[-4]]), delpaths([[3]]) #=> [2]  [2]  [1,2]  [2,3]  [1,2,3]  [1,2,3]
null | delpaths([["a"]]) #=> null
[0,1,2,3,4,5] | del(.[1,3], .[2:4]), del(.[5,0,-1]), del(.[2:100]), del(.[-2:]), del(.[:-2]), del(.[3:1]) #=> [0,4,5]  [1,2,3,4]  [0,1]  [0,1,2,3]  [4,5]  [0,1,2,3,4,5]
[0,1,2,3] | .[1:3] |= reverse, (.[1:3] = ["x"]), (.[2:] |= map(. * 2)), (.[:-1] = []), (.[1:3][0] = 9), (.[1:3] | .[1]) = 8 #=> [0,2,1,3]  [0,"x",3]  [0,1,4,6]  [3]  [0,9,2,3]  [0,1,8,3]
[0,1,2,3] | del(.[1:3][0]), del(.[1:][1:]) #=> [0,2,3]  [0,1]
"abc" | try (.[0:1] = "x") catch . #=> "Cannot update string slices"
{} | .a += 1, .a -= 1?, .a *= 2?, .["b"] = 1, .a.b.c = 1, .a[1] = 1, ."a" = 1, ."a".b = 2, ."a"[0] = 1 #=> {"a":1}  error: null (null) and number (1) cannot be subtracted
{} | .a[1:2] = [1] #=> {"a":[1]}
null | .[1:2] = [1] #=> [1]
null | .[3] = 1 #=> [null,null,null,1]
null | .[-1] = 1 #=> error: Out of bounds negative array index
[1,2] | .[1e9] = 1 #=> error: Array index too large
[] | .[536870912] = 1 #=> error: Array index too large
[[1,2],[3,4]] | .[][0], (.[][0] = 9), (.[0][] |= . + 1), del(.[][0]), del(.[0][0], .[1]), map(first), transpose, add, flatten, [combinations], (.[0] as [$a, $b] | $a + $b) #=> 1  3  [[9,2],[9,4]]  [[2,3],[3,4]]  [[2],[4]]  [[2]]  [1,3]  [[1,3],[2,4]]  [1,2,3,4]  [1,2,3,4]  [[1,3],[1,4],[2,3],[2,4]]  3
[[1],[2,3]] | transpose #=> [[1,2],[null,3]]
[] | transpose, [combinations] #=> []  [[]]
[0,1] | [combinations(2)], [combinations(0)], [combinations(1)] #=> [[0,0],[0,1],[1,0],[1,1]]  [[]]  [[0],[1]]
[3,1,2] | sort, min, max, (sort_by(-.)), group_by(. > 1), unique, (min_by(-.)), (max_by(-.)), unique_by(. % 2), reverse, add, any(. > 2), all(. > 2), index(1), (map(. * 2) | add / length) #=> [1,2,3]  1  3  [3,2,1]  [[1],[3,2]]  [1,2,3]  3  1  [2,3]  [2,1,3]  6  true  false  1  4
[] | min, max, add, sort, group_by(.), unique, reverse, first, last, any, all, length, (min_by(.)), (max_by(.)), join(","), flatten, to_entries #=> null  null  null  []  []  []  []  null  null  false  true  0  null  null  ""  []  []
[{"a":1,"b":2},{"a":1,"b":1},{"a":0,"b":3}] | sort_by(.a), sort_by(.a, .b), sort_by(.a, -.b), group_by(.a), unique_by(.a), min_by(.a), max_by(.a), min_by(.b), max_by(.b), (map(.a) | unique) #=> [{"a":0,"b":3},{"a":1,"b":2},{"a":1,"b":1}]  [{"a":0,"b":3},{"a":1,"b":1},{"a":1,"b":2}]  [{"a":0,"b":3},{"a":1,"b":2},{"a":1,"b":1}]  [[{"a":0,"b":3}],[{"a":1,"b":2},{"a":1,"b":1}]]  [{"a":0,"b":3},{"a":1,"b":2}]  {"a":0,"b":3}  {"a":1,"b":1}  {"a":1,"b":1}  {"a":0,"b":3}  [0,1]
[null,true,false,0,-1,"a","A",[],[0],{},{"a":1}] | sort, (sort | reverse | first), group_by(type), (map(type) | unique), min, max #=> [null,false,true,-1,0,"A","a",[],[0],{},{"a":1}]  {"a":1}  [[[],[0]],[true,false],[null],[0,-1],[{},{"a":1}],["a","A"]]  ["array","boolean","null","number","object","string"]  null  {"a":1}
[{"a":1},{"b":0},{"a":0},{"a":0,"b":0},{}] | sort, max, min #=> [{},{"a":0},{"a":1},{"a":0,"b":0},{"b":0}]  {"b":0}  {}
[[1,2],[1],[0,5],[]] | sort #=> [[],[0,5],[1],[1,2]]
{} < [], [] < {}, "a" < [], 0 < "", true < 0, false < true, null < false, ({"a":2} < {"a":1,"b":0}), ({"b":1} < {"a":2}), ([1,2] < [1,2,0]), ([1,2] < [1,3]) #=> false  true  true  true  true  true  true  true  false  true  true
1 == 1.0, (1 == "1"), (null == false), ([] == []), ({"a":1,"b":2} == {"b":2,"a":1}), ({"a":1} == {"a":2}), ([1] == [1,2]), ({} == {"a":null}), (1 != 1), (1 != 2), ([nan] == [nan]) #=> true  false  false  true  true  false  false  false  false  true  false
sort #=> error: null (null) cannot be sorted, as it is not an array
1 | sort #=> error: number (1) cannot be sorted, as it is not an array
"a" | unique #=> error: string ("a") cannot be sorted, as it is not an array
{} | reverse #=> []
null | reverse #=> []
1 | keys #=> error: number (1) has no keys
null | keys #=> error: null (null) has no keys
[3,4] | keys, keys_unsorted #=> [0,1]  [0,1]
1 | length, (-1 | length), (null | length), ("aü" | length), ([1] | length), ({"a":1} | length) #=> 1  1  0  2  1  1
true | length #=> error: boolean (true) has no length
1 | to_entries #=> error: number (1) has no keys
[1,2] | to_entries #=> [{"key":0,"value":1},{"key":1,"value":2}]
[{"key":"a","value":1},{"k":"b","v":2},{"name":"c","value":3},{"Name":"d","Value":4},{"Key":"e","Value":5},{"K":"f","V":6},{"key":null},{"key":false,"value":false},{"key":1}] | .[] | [.] | try from_entries catch . #=> {"a":1}  "Cannot use null (null) as object key"  {"c":3}  {"d":4}  {"e":5}  "Cannot use null (null) as object key"  "Cannot use null (null) as object key"  "Cannot use null (null) as object key"  "Cannot use number (1) as object key"
[["a",1]] | from_entries #=> error: Cannot index array with string ("key")
[1] | from_entries #=> error: Cannot index number with string ("key")
{"a":1,"b":2} | with_entries(.key |= "x" + .), with_entries(select(.value > 1)), to_entries, map_values(. + 1), map(. + 1), add, any, all, keys, del(.a), has("a"), (.[] += 1), [.[]], length, tojson, ([paths] | length) #=> {"xa":1,"xb":2}  {"b":2}  [{"key":"a","value":1},{"key":"b","value":2}]  {"a":2,"b":3}  [2,3]  3  true  true  ["a","b"]  {"b":2}  true  {"a":2,"b":3}  [1,2]  2  "{\"a\":1,\"b\":2}"  2
1 | add #=> error: Cannot iterate over number (1)
1 | any #=> error: Cannot iterate over number (1)
1 | all #=> error: Cannot iterate over number (1)
1 | flatten #=> error: Cannot iterate over number (1)
1 | map(.) #=> error: Cannot iterate over number (1)
null | map(.) #=> error: Cannot iterate over null (null)
1 | .[] #=> error: Cannot iterate over number (1)
null | .[] #=> error: Cannot iterate over null (null)
true | .a #=> error: Cannot index boolean with string ("a")
true | .[0] #=> error: Cannot index boolean with number (0)
[1] | .a #=> error: Cannot index array with string ("a")
{} | .[0] #=> error: Cannot index object with number (0)
[1] | .["a"] #=> error: Cannot index array with string ("a")
null | .a.b.c, .[0], .["a"], .[1:2] #=> null  null  null  null
1 | has(0) #=> error: Cannot check whether number has a number key
[] | has("a") #=> error: Cannot check whether array has a string key
{} | has(1) #=> error: Cannot check whether object has a number key
"a" | has(0) #=> error: Cannot check whether string has a number key
1 | in([1,2]), in([1]) #=> true  false
"a" | in({"a":1}) #=> true
[1] | inside([1,2]), inside([2]) #=> true  false
1 | contains([]) #=> error: number (1) and array ([]) cannot have their containment checked
[[1,2],3] | contains([[1]]), contains([[3]]), contains([3,3]) #=> true  false  true
{"a":"foobar"} | contains({"a":"bar"}), contains({"a":"x"}), contains({"b":"bar"}) #=> true  false  false
{"a":1} | contains({"a":"1"})? #=> false
[1,[2,[3,[4]]]] | flatten, flatten(1), flatten(2), flatten(3) #=> [1,2,3,4]  [1,2,[3,[4]]]  [1,2,3,[4]]  [1,2,3,4]
[1,3,5] | bsearch(0,1,2,3,4,5,6) #=> -1  0  -2  1  -3  2  -4
[] | bsearch(1) #=> -1
1 | bsearch(1) #=> error: number (1) cannot be searched from
[1,2,3] | IN(2), IN([1,2,3]), any(.[]; . == 2), all(.[]; . < 3), (.[] | IN(2,3)) #=> false  true  true  false  false  true  true
IN(1,2; 2,3), IN(1; 2) #=> true  false
[{"id":1,"n":"a"},{"id":2,"n":"b"}] | INDEX(.id), (INDEX(.[]; .n) | keys), [JOIN(INDEX(.id); .id | tostring)], ([.[] | .n] | join("+")) #=> {"1":{"id":1,"n":"a"},"2":{"id":2,"n":"b"}}  ["a","b"]  [[[{"id":1,"n":"a"},{"id":1,"n":"a"}],[{"id":2,"n":"b"},{"id":2,"n":"b"}]]]  "a+b"
[1,[2]] | getpath([1,0]), getpath([0,0])?, getpath([5,5]) #=> 2  null
[1,2,3] | first, last, nth(0,2,5), first(.[]), last(.[]), [limit(2; .[])], [until(. == [] ; .[1:])], isempty(.[]), isempty(empty), [skip(1; .[])], [.[:2][]] #=> 1  3  1  3  null  1  3  [1,2]  [[]]  false  true  [2,3]  [1,2]
isempty(error("x")) #=> error: x
isempty(1, error("x")) #=> false
first(empty) #=> 
[first(range(10; 0; -1))] #=> [10]
[last(empty)] #=> []
[.[]?], [1,2][1], {"a":5}.a, "abc"[1:2], [1,2,3][1:][0] #=> []  2  5  "b"  2
[1,2,3] as [$a, $b] | $a + $b #=> 3
{"a":1,"b":[2]} as {$a, b: [$c]} | $a + $c #=> 3
{"k":"a","a":3} as {k: $k, ("a"): $v} | $k + ($v | tostring) #=> "a3"
{"a":1} as {"a": $x} | $x #=> 1
{"a":{"b":2}} as {$a: {$b}} | $a, $b #=> {"b":2}  2
[[1,2]] as [[$a, $b]] | [$b, $a] #=> [2,1]
[1] as [$a, $b] | $b #=> null
1 as [$a] | $a #=> error: Cannot index number with number (0)
{} as {$a} | $a #=> null
[] as {$a} | $a #=> error: Cannot index array with string ("a")
[[3]] | .[] as [$a] ?// $a | [$a] #=> [3]
[3] | .[] as [$a] ?// $a | [$a] #=> [3]
[{"a":1},[2]] | [.[] as {$a} ?// [$a] | $a] #=> [1,2]
[[1,2]] | .[] as [$a] ?// $a | if ($a | type) == "number" then error("x") else $a end #=> [1,2]
reduce range(5) as $i (0; . + $i), reduce empty as $x (1; 2), reduce (1,2) as $x (0; empty), reduce (1,2) as $x (0; ., 5) #=> 10  1  null  5
[foreach range(4) as $i (0; . + $i)], [foreach range(4) as $i (0; . + $i; [$i, .])], [foreach (1,2) as $x (0; empty; .)], [foreach (1,2) as $x (0; ., 10)], [foreach (1,2) as [$a] (0; 1)?] #=> [0,1,3,6]  [[0,0],[1,1],[2,3],[3,6]]  []  [0,10,10,10]  []
reduce ([1,2],[3,4]) as [$a, $b] (0; . + $a * $b) #=> 14
[label $out | 1, break $out, 2], [label $a | label $b | 1, break $a, 2], [range(5) | label $x | if . > 2 then break $x else . end] #=> [1]  [1]  [0,1,2]
[limit(5; repeat(1))], [limit(4; 1 | repeat(. * 2))], [1 | while(. < 20; . * 2)], [1 | until(. > 20; . * 2)], [recurse(if . < 3 then . + 1 else empty end)]  #=> [1,1,1,1,1]  [2,2,2,2]  [1,2,4,8,16]  [32]  [null,1,2,3]
[2 | recurse(. * .; . < 100)] #=> [2,4,16]
if 1 then 2 end, if null then 2 end, if false then 1 elif true then 2 else 3 end, if (true,false) then 1 else 2 end, if empty then 1 else 2 end, [if null, 1 then "a" else "b" end] #=> 2  null  2  1  2  ["b","a"]
[true, false | (. and true), (. or false), (. and error("x"))?, not] #=> [true,true,false,false,false,false,true]
[(true, false) and (true, false)], [(true, false) or (true, false)], (null and 1), (0 and ""), (null or false), (empty and true) #=> [true,false,false]  [true,true,false]  false  true  false
1 // 2, (null // 2), (false // 2), (empty // 2), ((null, 1, false, 2) // 3), ((null, false) // 3), (error("x") // 4), (1 // error("x")), [(false, null) // empty] #=> 1  2  2  2  1  2  3  error: x
try error("x") catch ., (try error({"a":1}) catch .a), [.[]?], (try (1, error("x"), 2) catch .), [(1, error("x"), 2)?], (try error(null) catch .) #=> "x"  1  []  1  "x"  [1]  null
error("x") #=> error: x
try error("\(1 + 1)") catch . #=> "2"
try (try error("x") catch error("y")) catch . #=> "y"
(1,2) as $x | (3,4) as $y | [$x, $y] #=> [1,3]  [1,4]  [2,3]  [2,4]
[(1,2) + (10,20)], [(1,2) * (3,4)], [[1,2] | .[0,1]], [{a: (1,2), b: (3,4)}], [{("a","b"): 1}], ["\(1,2)-\(3,4)"], [range(0,1; 3,4)] #=> [11,12,21,22]  [3,6,4,8]  [1,2]  [{"a":1,"b":3},{"a":1,"b":4},{"a":2,"b":3},{"a":2,"b":4}]  [{"a":1},{"b":1}]  ["1-3","2-3","1-4","2-4"]  [0,1,2,0,1,2,3,1,2,1,2,3]
{a: 1, "b": 2, "c d": 3, ("e" + "f"): 4, @base64 "x": 5, "g\(1)": 6} #=> {"a":1,"b":2,"c d":3,"ef":4,"x":5,"g1":6}
{"a":1,"b":2} | {a, "b"}, {a: .b}, {(.a | tostring): 1} #=> {"a":1,"b":2}  {"a":2}  {"1":1}
1 as $x | "k" as $y | {$x, $y, z: $x} #=> {"x":1,"y":"k","z":1}
{$__loc__} #=> {"__loc__":{"file":"<top-level>","line":1}}
{and: 1, if: 2, then: 3} | .and, .if, .then #=> 1  2  3
{a: 1 + 1}? #=> {"a":2}
{a: 1 | 2}? #=> {"a":2}
{a: (1 | 2)}, {a: -1}, {a: 1, b: [1,2][0]} #=> {"a":2}  {"a":-1}  {"a":1,"b":1}
def f: . + 1; 1 | f | f #=> 3
def f(g): g | g; 1 | f(. + 1) #=> 3
def f($a; $b): $a + $b; f(1; 2) #=> 3
def f(a; $b): a + $b + b; f(1; 2) #=> 5
def fac: if . <= 1 then 1 else . * (. - 1 | fac) end; [1,5,10] | map(fac) #=> [1,120,3628800]
def f: def g: 3; g + 1; f #=> 4
def f(x): def g: x; g; f(5) #=> 5
def f: 1; def f: 2; f #=> 2
def f: reduce .[] as $x (0; . + $x); [1,2] | f #=> 3
def f(a): a as $x | $x; [f(1,2)] #=> [1,2]
[1,2,3] | map(select(. != 2)), [.[] | select(. > 1, . < 3)], [.[] | values], map(numbers), [.[] | empty], map(., .) #=> [1,3]  [1,2,2,3]  [1,2,3]  [1,2,3]  []  [1,1,2,2,3,3]
[null, 1, "a", [], {}, true] | [.[] | nulls], [.[] | numbers], [.[] | strings], [.[] | arrays], [.[] | objects], [.[] | booleans], [.[] | iterables], [.[] | scalars], [.[] | values], map(type) #=> [null]  [1]  ["a"]  [[]]  [{}]  [true]  [[],{}]  [null,1,"a",true]  [1,"a",[],{},true]  ["null","number","string","array","object","boolean"]
[1, infinite, nan, 1e-310, 0] | [.[] | finites], [.[] | normals], map(isnormal), map(isinfinite), map(isnan) #=> [1,null,1E-310,0]  [1]  [true,false,false,false,false]  [false,true,false,false,false]  [false,false,true,false,false]
[limit(3; 1, 2, error("x"))] #=> error: x
[1,2] | tojson, tostring, @text, @json #=> "[1,2]"  "[1,2]"  "[1,2]"  "[1,2]"
ltrimstr(1), splits(1)? #=> error: startswith() requires string inputs
getpath([]), env | type #=> "null"  "object"
$ENV | type #=> "object"
[splits("a")]? #=> 
input #=> error: break
[inputs] #=> []
try input catch . #=> "break"
[1,2,3] | tostream #=> [[0],1]  [[1],2]  [[2],3]  [[2]]
[1|truncate_stream([[0],1],[[1,0],2],[[1,0]],[[1]])] #=> [[[0],2],[[0]]]
fromstream(1 | truncate_stream([[0],1],[[1,0],2],[[1,0]],[[1]])) #=> [2]
[fromstream([[0],1],[[0]],[[],3])], fromstream([[],3]) #=> [[1],3]  3
getpath(["a"]) = 1 #=> {"a":1}
[1,null,2] | map(values), add, (map(. // 0) | add), any, all #=> [1,2]  3  3  true  false
[[1,2],[10,20]] | map(add), (map(add) | add), [.[][]], [.[] | .[0]], (.[0] + .[1]), (.[0] - [1]), map(length) #=> [3,30]  33  [1,2,10,20]  [1,10]  [1,2,10,20]  [2]  [2,2]
[.] | tojson #=> "[null]"
ascii_downcase #=> error: explode input must be a string
implode #=> error: implode input must be an array
@json, @text #=> "null"  "null"
ltrimstr("a")? #=> 
[1,-1,0,-0.5,null] | map(try abs catch "no") #=> [1,1,0,0.5,"no"]
have_literal_numbers, have_decnum #=> true  true
splits("")? #=> 
[1,[2,3]] | tojson | [limit(3; explode[])] #=> [91,49,44]
getpath(1) #=> error: Path must be specified as an array
paths(1) #=> 
path(..) #=> []
input_filename #=> null
modulemeta #=> error: modulemeta input module name must be a string
[1,2] | @sh #=> "1 2"
significand? #=> 
getpath(["a",0,"b"]) #=> null
tojson #=> "null"
[splits("x";null)]? #=> 
limit(0; error("x")) #=> 
[limit(1; 1, error("x"))] #=> [1]
skip(0; 1,2) #=> 1  2
[range(3)] | del(.[0], .[0]) #=> [1,2]
[1,2,3] | to_entries | map(.key) #=> [0,1,2]
"x" | ascii_upcase #=> "X"
{} | .[null] #=> error: Cannot index object with null (null)
[] | .[null] #=> error: Cannot index array with null (null)
[1] | .[0.5], .[1.5], .[-0.5], .[-1.5] #=> 1  null  1  1
[1,2,3] | .[1.2:2.8], .[-1.5:], .[:1.1] #=> [2,3]  [2,3]  [1,2]
[0,1] | .[0.9] = 5, .[1.9] = 5 #=> [5,1]  [0,5]
{"a":[1,2]} | .a[1:] += [3], .a[0] |= (.,9), (.a | first) |= 8 #=> {"a":[1,2,3]}  {"a":[1,2]}  {"a":[8,2]}
[1,2,3] | (.[] | select(. > 1)) |= empty #=> [1]
[1,2,3,4] | .[] |= if . % 2 == 0 then empty else . end #=> [1,3]
{"a":1,"b":2} | .[] |= empty #=> {}
{"a":1} | .a |= empty #=> {}
[[1,2,3]] | .[0][1:] |= empty? #=> [[1]]
1 | . |= empty #=> null
1 | . |= . + 1 #=> 2
1 | . = 2 #=> 2
1 | . += 2 #=> 3
reduce range(3) as $i ([]; .[$i] = $i * $i) #=> [0,1,4]
[range(10)] | .[2:4] = ["x","y","z"], .[-2:] = [], .[20:] = [1] #=> [0,1,"x","y","z",4,5,6,7,8,9]  [0,1,2,3,4,5,6,7]  [0,1,2,3,4,5,6,7,8,9,1]
[range(5)] | .[1:3][1:] = [9], .[1:][0] |= 7 #=> [0,1,9,3,4]  [0,7,2,3,4]
ltrimstr("x"), rtrimstr("x") #=> error: startswith() requires string inputs
debug #=> null
[1] | debug("x") #=> [1]
stderr #=> null
input_line_number #=> 0
@html "<\([1,"<"])>" #=> "<[1,&quot;&lt;&quot;]>"

# alternatives and selections as places
[null,1,2] | [path(.[0,1] // .[2])], ((.[0,1] // .[2]) = 9), [path(.[] // .[2])], [path((.[0], .[1]) // .[2])], [path(.[0:1][0,0] // .[1])] #=> [[1]]  [null,9,2]  [[1],[2]]  [[1]]  [[1]]
[null,1] | (.[0,0] // .[1]) = 9, (.[0,0] // .[1]) |= 8 #=> [null,9]  [null,8]
[{"a":1},{"a":null}] | (.[] | .a // .b) = 5, (.[] | select(.a) | .a) |= . + 1, (.[] | select(.a, .a) | .a) |= 7, (.[].a | select(.)) = 3, (.[] | .a?) |= 4, (.[].a?) = 6, (.[]?.b) = 1, (.x?) = 1, (.[5]?.c) = 1 #=> [{"a":5},{"a":null,"b":5}]  [{"a":2},{"a":null}]  [{"a":7},{"a":null}]  [{"a":3},{"a":null}]  [{"a":4},{"a":4}]  [{"a":6},{"a":6}]  [{"a":1,"b":1},{"a":null,"b":1}]  [{"a":1},{"a":null}]  [{"a":1},{"a":null},null,null,null,{"c":1}]
{"a":null} | (.a[]?) = 1, (.a[]? | .b) = 1, (.a | .[]?) |= 1, (.b[]?) |= 1, (.a | .[0]?) = 1, (.a.b?) = 1, (if .a then .a else .b end) = 1, (.b | if . then . else .c end) = 1 #=> {"a":null}  {"a":null}  {"a":null}  {"a":null}  {"a":[1]}  {"a":{"b":1}}  {"a":null,"b":1}  {"a":null,"b":{"c":1}}
[1,2,3] | [.[(0,1)]], [.[(0,1):]], [.[:(1,2)]], [.[(0,1):(1,2)]], (.[(0,2)] = 9), ([path(.[(0,1)])]), [.[0,1] + 1], [.[(0,1)] as $x | $x] #=> [1,2]  [[1,2,3],[2,3]]  [[1],[1,2]]  [[1],[1,2],[],[2]]  [9,2,9]  [[0],[1]]  [2,3]  [1,2]
{"a":[1,2],"b":[3]} | [.[("a","b")][(0,1)]], [.[("a","b")] | .[0]], [path(.[("a","b")][(0,1)])], [.a[(0,1)], .b[0]] #=> [1,3,2,null]  [1,3]  [["a",0],["b",0],["a",1],["b",1]]  [1,2,3]
[limit(3; range(3; 0; 0))], [limit(3; range(0; 3; 0))], [range(0; 0; 0)] #=> []  []  []
[1,2] | getpath([0], [1]) |= . + 1, (getpath([0]) = 5), [getpath([(0,1)])], (getpath([5]) |= 1) #=> [2,3]  [5,2]  error: Cannot index number with number (1)
1 | getpath([]), (getpath([]) = 2), (. |= 3) #=> 1  2  3
{"a":1} | with_entries(.), with_entries(empty), with_entries(select(.key == "a")), with_entries(.value += 1), to_entries[0].value, (to_entries | .[0].key = "b" | from_entries) #=> {"a":1}  {}  {"a":1}  {"a":2}  1  {"b":1}
[3,2,1] | (first |= 9), (last |= 9), (nth(1) |= 9), (sort | first), (first(.[] | select(. < 3)) |= 0), (limit(2; .[]) |= 0), (until(true; .) |= map(0)) #=> [9,2,1]  [3,2,9]  [3,9,1]  1  [3,0,1]  [0,0,1]  [0,0,0]
"abab" | [match("ab"; "g") | .offset], indices("ab") #=> [0,2]  [0,2]
[true, 1, true] | indices(true), index(true), rindex(true), (. - [true]), unique, group_by(.), contains([1]), (map(. == true)) #=> [0,2]  0  2  [1]  [true,1]  [[true,true],[1]]  true  [true,false,true]

# where there is nothing to put, nothing is made on the way
null|.a|=empty #=> null
null|.a.b|=empty #=> null
{}|.a.b|=empty #=> {}
{a:null}|.a.b|=empty #=> {"a":null}
null|.[0][1]|=empty #=> null
[]|.[-1]|=empty #=> []
[{},null]|.[].a.b|=select(.) #=> [{},null]
null|.["a":] #=> null
null|.[1:]|=. #=> error: A slice of an array can only be assigned another array
{}|.[1:]|=1 #=> error: Cannot index object with object ({"start":1,"end":null})
3|.[1:]=1 #=> error: Cannot index number with object ({"start":1,"end":null})
