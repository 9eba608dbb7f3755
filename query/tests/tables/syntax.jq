# How programs are read: precedence and spelling, against jq 1.8.2.

1 + 2 * 3 #=> 7
(1 + 2) * 3 #=> 9
10 - 2 - 3 #=> 5
2 * 3 % 4 #=> 2
8 / 4 / 2 #=> 1
1 + 2 == 3 #=> true
1 == 1 and 2 == 2 #=> true
true or false and false #=> true
1, 2 | . + 1 #=> 2  3
1 // 2 // 3 #=> 1
null // null // 3 #=> 3
null // 1 | . + 1 #=> 2
1 as $x | 2 as $y | $x - $y #=> -1
1 + (2 as $x | $x * 2) #=> 5
-1 + 2 #=> 1
- 1 #=> -1
-(1 + 2) #=> -3
[-1, - 1] #=> [-1,-1]
1 - -1 #=> 2
1 -1 #=> 0
[1,-1] #=> [1,-1]
{"a":-1} #=> {"a":-1}
[.[]?] #=> []
.a? #=> null
.a?.b? #=> null
."a" #=> null
."a"."b" #=> null
.["a"]["b"] #=> null
.["a"].b #=> null
."a"["b"] #=> null
."a\(1)" #=> null
.. #=> null
[..] #=> [null]
.. | . #=> null
[..?] #=> [null]
[{"a":1} | ..] #=> [{"a":1},1]
{"a":[5]} | .a[0], .["a"][0], ."a"[0], .a.[0], .["a"].[0] #=> 5  5  5  5  5
{"a":{"b":1}} | .a.b, .a."b", .a["b"], .a.["b"] #=> 1  1  1  1
[1,2,3] | .[1:], .[:2], .[1:2], .[-1:], .[1:][0], .[0,1] #=> [2,3]  [1,2]  [2]  [3]  2  1  2
"x" as $a | "\($a)y" #=> "xy"
"a" + "b" * 2 #=> "abb"
"a\("b\("c")d")e" #=> "abcde"
@base64 "a\("b")c" #=> "aYg==c"
@json "x\([1,2])" #=> "x[1,2]"
try error("x") #=> 
try error("x") catch . | . + "y" #=> "xy"
try 1 catch 2, 3 #=> 1  3
[try (1, error("x")) catch ., 5] #=> [1,"x",5]
.a = 1 | .b = 2 #=> {"a":1,"b":2}
.a = 1, .b = 2 #=> {"a":1}  {"b":2}
.a = (.b = 2) #=> {"a":{"b":2}}
.a |= 1 + 2 #=> {"a":3}
.a += 1 // 5 #=> {"a":1}
.a //= 1 | .a #=> 1
if 1 then 2 else 3 end + 1 #=> 3
if . then 1 end #=> null
if 1 then 2 elif 3 then 4 end #=> 2
[if false then 1 elif false then 2 end] #=> [null]
reduce (1,2) as $x (0; . + $x) + 1 #=> 4
[foreach (1,2) as $x (0; . + $x)][0] #=> 1
label $x | 1, break $x #=> 1
def f: 1; f + 1 #=> 2
1 + (def f: 2; f) #=> 3
def f: 1; def g: f + 1; g #=> 2
def f(x; $y): x + $y; f(1; 2) #=> 3
[1,2][0] #=> 1
[1,2].[0] #=> 1
{"a":1}.a #=> 1
{"a":1}["a"] #=> 1
"abc"[1:] #=> "bc"
1 as $x | [$x, $x] #=> [1,1]
[$__loc__.line] #=> [1]
{a: 1} #=> {"a":1}
{"a": 1} #=> {"a":1}
{a: 1, b: 2} #=> {"a":1,"b":2}
{(1 | tostring): 2} #=> {"1":2}
{"a\(1)": 2} #=> {"a1":2}
{@base64 "a": 2} #=> {"a":2}
{"a":1} | {a} #=> {"a":1}
{"a":1} | {"a"} #=> {"a":1}
1 as $a | {$a} #=> {"a":1}
{a: 1 , b: 2 | 3}? #=> {"a":1,"b":3}
{a: 1, b: (2 | 3)} #=> {"a":1,"b":3}
{a: 1 + 2}? #=> {"a":3}
{a: 1 * 2}? #=> {"a":2}
{a: 1 // 2}? #=> {"a":1}
{a: true and false}? #=> {"a":false}
{a: . == null}? #=> {"a":true}
{a: -1} #=> {"a":-1}
{a: .b.c} #=> {"a":null}
{a: .b[0]} #=> {"a":null}
{a: [1][0]} #=> {"a":1}
{a: $ENV | type}? #=> {"a":"object"}
{and: 1, or: 2, not: 3, reduce: 4, foreach: 5, def: 6, if: 7, then: 8, else: 9, end: 10, as: 11, try: 12, catch: 13, label: 14, import: 15, include: 16, __loc__: 17} #=> {"and":1,"or":2,"not":3,"reduce":4,"foreach":5,"def":6,"if":7,"then":8,"else":9,"end":10,"as":11,"try":12,"catch":13,"label":14,"import":15,"include":16,"__loc__":17}
{"and": 1} | .and #=> 1
{"a b":1} | ."a b" #=> 1
not #=> true
[true | not, . and false] #=> [false,false]
1 as [$a] ?// $a | $a #=> 1
[[1]] | .[] as [$a] ?// $a | $a #=> 1
{"a":[1,{"b":2}]} as {a: [$x, {b: $y}]} | $x + $y #=> 3
{"a":1} as {"a": $x} | $x #=> 1
{"a":1} as {("a"): $x} | $x #=> 1
{"a":1} as {$a: [$b]} ?// {$a} | [$a, $b] #=> [1,null]
"a" as $k | {"a":1} as {$k} | $k #=> null
0.5, .5, 5., 1e3, 1E3, 1e+3, 1e-3, 00, 01, 1.50 #=> 0.5  0.5  5  1E+3  1E+3  1E+3  0.001  0  1  1.50
100000000000000000000 #=> 100000000000000000000
1 <= 2, 1 >= 2, 1 < 2, 1 > 2, 1 != 2, 1 == 2 #=> true  false  true  false  true  false
1 | . as $x | . + $x #=> 2
. as $x | $x #=> null
[range(3)] | map(. + 1) | add #=> 6
"\u0041\u00e9\ud83d\ude00\n\t\r\b\f\\\/\"" #=> "Aé😀\n\t\r\b\f\\/\""
"\ude00" #=> "�"
1? #=> 1
1?? #=> 1
.a[]? #=> 
[.[1:]?] #=> [null]
.a.b.c? #=> null
error("x")? #=> 
(1,error("x"))? #=> 1
[.a, .b] | length #=> 2
1and 2 #=> true
1or 2 #=> true
[1]|.[0] #=> 1
.[0]|.a #=> null
.|. #=> null
.,. #=> null  null
1,2,3 #=> 1  2  3
{}|.a.b #=> null
$ENV|type #=> "object"
env|type #=> "object"
@text #=> "null"
@text "a" #=> "a"
@json "a\("b")" #=> "a\"b\""
input_line_number #=> 0
[.]|.[0] #=> null
[[]] #=> [[]]
{} #=> {}
[] #=> []
"" #=> ""
null #=> null
true, false #=> true  false
nan | isnan #=> true
1 as $if | $if #=> 1
1 as $and | $and #=> 1
{"if":1} | .if #=> 1
def if_: 1; if_ #=> 1
def not1: 2; not1 #=> 2
[1,[2]] | .[1][0] #=> 2
[limit(3;.[]?)] #=> []
1 |2 #=> 2
1|2 ,3 #=> 2  3
(1|2),3 #=> 2  3
1 as $x|2,3 #=> 2  3
1 as $x|2|3 #=> 3
def f:1;2|f #=> 1
def f:1,2;[f] #=> [1,2]
reduce 1 as $x(0;1)|.+1 #=> 2
[.[]?|.a] #=> []
-1|-. #=> 1
-. #=> error: null (null) cannot be negated
[-(1,2)] #=> [-1,-2]
1 - 1 - 1 #=> -1
2 - (1 - 1) #=> 2
1 * -1 #=> -1
[1,2] - [2] == [1] #=> true
"a" * 2 == "aa" #=> true
1 // empty #=> 1
empty // 1 #=> 1
[empty // 1, 2] #=> [1,2]
first(1,2) // 3 #=> 1
1 and 2 or 3 #=> true
null or null // 1 #=> 1
(1 // 2) + 3 #=> 4
1 + 2 // 3 #=> 3
null + null // 3 #=> 3
1 | 2 // 3 #=> 2
1, null // 3 #=> 1  3
.a // .b // "d" #=> "d"
.a = .b // 1 #=> {"a":null}
.a |= (.b // 1) #=> {"a":1}
.x = 1 // 2 #=> {"x":1}
.x += 1 | .x #=> 1
.a[1:2] = [1] | .a #=> [1]
.[0] = 1, .[1] = 2 #=> [1]  [null,2]
try error catch . #=> null
try error("\(.)") catch . #=> "null"
error(null)?, 1 #=> 1
label $f | label $g | break $f #=> 
[label $f | (1, break $f, 2)] #=> [1]
[label $f | range(10) | ., (select(. == 1) | break $f)] #=> [0,1]
[.[]?] == [] #=> true
[1,2] == [1,2] | not #=> false
{"a":1} == {"a":1.0} #=> true
. == null and . != 1 #=> true
[1,2,3] | .[1] as $x | . - [$x] #=> [1,3]
"abc" | test("B"; "i"), test("b") #=> true  true
ltrimstr("a") | . #=> error: startswith() requires string inputs
@uri "?q=\("a b")" #=> "?q=a%20b"
def f(g): [g, g]; f(1,2) #=> [1,2,1,2]
def f($g): [$g, $g]; [f(1,2)] #=> [[1,1],[2,2]]
def f($g; h): [$g, h]; [f(1,2; 3,4)] #=> [[1,3,4],[2,3,4]]
def f: if . > 3 then . else . + 1 | f end; 0 | f #=> 4
def r: def s: if . > 2 then . else . + 1 | s end; s; 0 | r #=> 3
[recurse(if . == null then 1 else empty end)] #=> [null,1]
.a as $x | $x #=> null
{a: null // 2} #=> {"a":2}
{a: (1 | null) // 2, b: 3} #=> {"a":2,"b":3}
{a: 1 | null // 2} #=> {"a":2}
[{a: 1 | . + 1, b: 2 | 3}] #=> [{"a":2,"b":3}]
reduce (1, 2) as $x (0; . + $x), reduce range(3) as $x (0; . + $x) #=> 3  3
[foreach (null // 1) as $x (0; . + $x)] #=> [1]
"a\(1)b\("c\(2)d")e" | length #=> 7
{"a\(1)": [1]} #=> {"a1":[1]}
[{"a":1,"b":[2]}, {"a":1,"b":2}] | .[0] == {"a":1,"b":[2]} #=> true
{a: 1, b: {c: [1, {d: null}]}, e: "x"} #=> {"a":1,"b":{"c":[1,{"d":null}]},"e":"x"}
[1, {a: .}, [.]] #=> [1,{"a":null},[null]]
{a: (1, 2), b: 3} #=> {"a":1,"b":3}  {"a":2,"b":3}
{a: .b = 1} #=> {"a":{"b":1}}
{a: .a |= 2, b: 1} #=> {"a":{"a":2},"b":1}
{a: .b += 1, c: 2} #=> {"a":{"b":1},"c":2}
{a: 1 and 2} #=> {"a":true}
{a: 1 or null} #=> {"a":true}
{a: 1 < 2, b: 1 == 2} #=> {"a":true,"b":false}
{a: 1 | .b = 2} #=> error: Cannot index number with string ("b")
{a: {} | .b = 2, c: 1} #=> {"a":{"b":2},"c":1}
{a: reduce (1, 2) as $x (0; . + $x)} #=> {"a":3}
{a: if true then 1 else 2 end, b: try error(1) catch 3} #=> {"a":1,"b":3}
{a: 1 , (2, 3 | tostring): 4} #=> {"a":1,"2":4}  {"a":1,"3":4}
{"a": 1 - 2 - 3} #=> {"a":-4}
reduce -1 as $x (0; . + $x) #=> -1
reduce [1, 2][] as $x (0; . + $x) #=> 3
foreach (1 | 2) as $x (0; . + $x) #=> 2
[.[]?, 1] | length #=> 1
