# Functions that are best said in jq. Many follow jq's own definitions (MIT licence, see NOTICE).
# Nothing here may call a function that is defined further down.

def empty: {}[] as $x | .;

# Errors, messages, the end
def error:       error_empty as $x | .;
def error(msgs): (msgs | error_empty) as $x | .;
def debug:       _debug as $x | .;
def debug(msgs): ((msgs | _debug | empty), null) as $x | .;
def stderr:      _stderr as $x | .;
def halt_error:  halt_error(5);

# Choice
def select(f): if f then . else empty end;
def values:    select(. != null);
def nulls:     select(. == null);
def booleans:  select(isboolean);
def numbers:   select(isnumber);
def strings:   select(isstring);
def arrays:    select(isarray);
def objects:   select(isobject);
def iterables: select(_iscontainer);
def scalars:   select(_iscontainer | not);
def isfinite:  isnumber and (isinfinite | not);
def finites:   select(isfinite);
def normals:   select(isnumber and isnormal);
def tostring:  "\(.)";
def ascii:     [.] | implode;

# Generators
def range($from; $upto): range($from; $upto; 1);
def range($upto): range(0; $upto);
def repeat(f): def rec: f, rec; rec;
def recurse(f; cond): recurse(f | select(cond));
def while(cond; update): def rec: if cond then ., (update | rec) else empty end; rec;
def until(cond; update): def rec: if cond then . else update | rec end; rec;

# Predicates
def isempty(g): first((g | false), true);
def all(g; cond): isempty(g | cond and empty);
def any(g; cond): isempty(g | cond or empty) | not;
def all(cond): all(.[]; cond);
def any(cond): any(.[]; cond);
def all: all(.[]; .);
def any: any(.[]; .);
def in(xs): . as $x | xs | has($x);
def inside(xs): . as $x | xs | contains($x);
def IN(s): any(s == .; .);
def IN(src; s): any(src == s; .);

# Paths
def setpath(path; x): x as $x | path as $path | _setpath($path; $x);
def paths: path(..) | select(length > 0);
def paths(f): path(.. | select(f)) | select(length > 0);
def leaf_paths: paths(scalars);
def del(f): delpaths([path(f)]);
def pick(f): . as $in | reduce path(f) as $p (null; setpath($p; $in | getpath($p)));
def tostream:
  path(def r: (.[]?|r), .; r) as $p
  | getpath($p)
  | reduce path(.[]?) as $q ([$p, .]; [$p + $q]);
def fromstream(f): {x: null, e: false} as $init
  | foreach f as $i ($init;
      if .e then $init else . end
      | if $i | length == 2
        then setpath(["e"]; $i[0] | length == 0) | setpath(["x"] + $i[0]; $i[1])
        else setpath(["e"]; $i[0] | length == 1) end;
      if .e then .x else empty end);
def truncate_stream(stream):
  . as $n | null | stream | . as $input
  | if (.[0] | length) > $n then setpath([0]; .[0][$n:]) else empty end;

# Arrays and objects
def map(f): [.[] | f];
def map_values(f): .[] |= f;
def add(f): reduce f as $x (null; . + $x);
def first: .[0];
def last: .[-1];
def nth($n): .[$n];
def nth($n; g): if $n < 0 then error("nth doesn't support negative indices") else first(skip($n; g)) end;
def index($i): indices($i) | .[0];
def rindex($i): indices($i) | .[-1:][0];
def combinations: __check | if length == 0 then [] else .[0][] as $x | (.[1:] | combinations) as $y | [$x] + $y end;
def combinations(n): . as $dot | [range(n) | $dot] | combinations;
def transpose: [range(0; map(length) | max // 0) as $i | [.[][$i]]];
def walk(f): def w: __check | if isobject then map_values(w) elif isarray then map(w) else . end | f; w;
def from_entries: reduce .[] as $x ({};
    . + {($x | .key // .Key // .name // .Name): ($x | if has("value") then .value else .Value end)});
def with_entries(f): to_entries | map(f) | from_entries;
def INDEX(stream; idx): reduce stream as $row ({}; .[$row | idx | tostring] = $row);
def INDEX(idx): INDEX(.[]; idx);
def JOIN($idx; idx): [.[] | [., $idx[idx]]];
def JOIN($idx; stream; idx): stream | [., $idx[idx]];
def JOIN($idx; stream; idx; join): stream | [., $idx[idx]] | join;
def have_literal_numbers: true;
def have_decnum: true;

# Mathematics. The last argument runs slowest.
def pow10: _pow(10.0; .);
def pow(x; y): y as $y | x as $x | _pow($x; $y);
def atan2(x; y): y as $y | x as $x | _atan2($x; $y);
def fmin(x; y): y as $y | x as $x | _fmin($x; $y);
def fmax(x; y): y as $y | x as $x | _fmax($x; $y);
def fmod(x; y): y as $y | x as $x | _fmod($x; $y);
def hypot(x; y): y as $y | x as $x | _hypot($x; $y);
def fdim(x; y): y as $y | x as $x | _fdim($x; $y);
def remainder(x; y): y as $y | x as $x | _remainder($x; $y);
def drem(x; y): y as $y | x as $x | _drem($x; $y);
def copysign(x; y): y as $y | x as $x | _copysign($x; $y);
def nextafter(x; y): y as $y | x as $x | _nextafter($x; $y);
def ldexp(x; y): y as $y | x as $x | _ldexp($x; $y);
def scalb(x; y): y as $y | x as $x | _scalb($x; $y);
def scalbln(x; y): y as $y | x as $x | _scalbln($x; $y);
def jn(x; y): y as $y | x as $x | _jn($x; $y);
def yn(x; y): y as $y | x as $x | _yn($x; $y);
def nexttoward(x; y): nextafter(x; y);
def fma(x; y; z): z as $z | y as $y | x as $x | _fma($x; $y; $z);
def gamma: lgamma;
def lgamma_r: [lgamma, if . < 0 and . != floor and (floor % 2 | fabs) == 1 then -1 else 1 end];

# Regular expressions. Their flags come first, as jq's own function runs through its last argument slowest.
def match(re; flags): flags as $flags | re as $re | _match($re; $flags)[];
def match($re): _match($re; null)[];
def test(re; flags): flags as $flags | re as $re | _test($re; $flags);
def test($re): _test($re; null);
def capture_: reduce (.captures[] | select(.name != null) | {(.name): .string}) as $pair ({}; . + $pair);
def capture(re; flags): match(re; flags) | capture_;
def capture($re): match($re) | capture_;
def scan($re; $flags):
  match($re; "g" + $flags)
  | if (.captures | length) > 0 then [.captures[].string] else .string end;
def scan($re): scan($re; null);
def splits($re; $flags): _split($re; $flags + "g")[];
def splits($re): splits($re; null);
def split($re; $flags): _split($re; $flags + "g");
def sub($re; str): sub($re; str; "");
def gsub($re; str; $flags): sub($re; str; $flags + "g");
def gsub($re; str): sub($re; str; "g");

# Dates. The zone of the place is what jaq's functions say of a second.
def _zone: . as $t | (try (floor | _localtime | mktime) catch ($t | floor)) - ($t | floor);
def localtime:
  if isnumber then tovalue | . + _zone | gmtime else error("localtime() requires numeric inputs") end;
def strflocaltime($f):
  if isarray then
      (try mktime catch error("strflocaltime/1 requires parsed datetime inputs")) as $t
      | ($t - ($t | _zone)) | $t - _zone
    else tovalue end
  | if isnumber then (try (floor | _strflocaltime("%Z")) catch "UTC") as $name | _zone as $zone | . + $zone
      | _strfzone($f; $zone; $name)
    else error("strflocaltime/1 requires parsed datetime inputs") end;
def fromdateiso8601: strptime("%Y-%m-%dT%H:%M:%SZ") | mktime;
def todateiso8601: strftime("%Y-%m-%dT%H:%M:%SZ");
def dateadd($unit; $n): . + $n;
def datesub($unit; $n): . - $n;
def date: todateiso8601;
def todate: todateiso8601;
def fromdate: fromdateiso8601;

# Nodes
def hd: hexdump;
def grep_by(f): .. | select(f?);

# what `P[] | select(.f == v)` becomes: see fuse.rs
def _where($f; $v): if _has_items then _items_where($f; $v) else .[] | select(.[$f] == $v) end;
