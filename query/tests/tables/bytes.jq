# Functions of binq's own over bytes, bits and numbers, at their borders. Byte strings show as hexadecimal digits.

0, 1, 127, 128, 255, 256, 65535, 65536, 16777216, 18446744073709551615, 18446744073709551616 | tobytes #=> "00"  "01"  "7f"  "80"  "ff"  "0100"  "ffff"  "010000"  "01000000"  "ffffffffffffffff"  "010000000000000000"
-1 | tobytes #=> error: number (-1) cannot be converted to bytes
1.5 | tobytes #=> "01"
1.0, 1e3 | tobytes #=> "01"  "03e8"
null | tobytes #=> error: null (null) cannot be converted to bytes
true | tobytes #=> error: boolean (true) cannot be converted to bytes
{} | tobytes #=> error: object ({}) cannot be converted to bytes
[] | tobytes #=> ""
[0, 255, "ab", [1, [2]], ""] | tobytes #=> "00ff61620102"
[256] | tobytes #=> error: number (256) is no byte: expected 0 to 255
[-1] | tobytes #=> error: number (-1) is no byte: expected 0 to 255
[1.5] | tobytes #=> error: number (1.5) is no byte: expected 0 to 255
[null] | tobytes #=> error: null (null) cannot be converted to bytes
[{}] | tobytes #=> error: object ({}) cannot be converted to bytes
"", "a", "ü" | tobytes #=> ""  "61"  "c3bc"
0, 1, 128, 255, 256 | tobits #=> [0,0,0,0,0,0,0,0]  [0,0,0,0,0,0,0,1]  [1,0,0,0,0,0,0,0]  [1,1,1,1,1,1,1,1]  [0,0,0,0,0,0,0,1,0,0,0,0,0,0,0,0]
[1, 2] | tobits #=> [0,0,0,0,0,0,0,1,0,0,0,0,0,0,1,0]
"" | tobits #=> []
"a" | tobits #=> [0,1,1,0,0,0,0,1]
null | tobits #=> error: null (null) cannot be converted to bytes
"" | hexdump #=> ""
"a" | hexdump #=> "00000000  61                                                |a|"
"0123456" | hexdump #=> "00000000  30 31 32 33 34 35 36                              |0123456|"
"01234567" | hexdump #=> "00000000  30 31 32 33 34 35 36 37                           |01234567|"
"012345678" | hexdump #=> "00000000  30 31 32 33 34 35 36 37  38                       |012345678|"
"0123456789abcde" | hexdump #=> "00000000  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65     |0123456789abcde|"
"0123456789abcdef" | hexdump #=> "00000000  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  |0123456789abcdef|"
"0123456789abcdefg" | hexdump #=> "00000000  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  |0123456789abcdef|\n00000010  67                                                |g|"
[range(256)] | tobytes | hexdump #=> "00000000  00 01 02 03 04 05 06 07  08 09 0a 0b 0c 0d 0e 0f  |................|\n00000010  10 11 12 13 14 15 16 17  18 19 1a 1b 1c 1d 1e 1f  |................|\n00000020  20 21 22 23 24 25 26 27  28 29 2a 2b 2c 2d 2e 2f  | !\"#$%&'()*+,-./|\n00000030  30 31 32 33 34 35 36 37  38 39 3a 3b 3c 3d 3e 3f  |0123456789:;<=>?|\n00000040  40 41 42 43 44 45 46 47  48 49 4a 4b 4c 4d 4e 4f  |@ABCDEFGHIJKLMNO|\n00000050  50 51 52 53 54 55 56 57  58 59 5a 5b 5c 5d 5e 5f  |PQRSTUVWXYZ[\\]^_|\n00000060  60 61 62 63 64 65 66 67  68 69 6a 6b 6c 6d 6e 6f  |`abcdefghijklmno|\n00000070  70 71 72 73 74 75 76 77  78 79 7a 7b 7c 7d 7e 7f  |pqrstuvwxyz{|}~.|\n00000080  80 81 82 83 84 85 86 87  88 89 8a 8b 8c 8d 8e 8f  |................|\n00000090  90 91 92 93 94 95 96 97  98 99 9a 9b 9c 9d 9e 9f  |................|\n000000a0  a0 a1 a2 a3 a4 a5 a6 a7  a8 a9 aa ab ac ad ae af  |................|\n000000b0  b0 b1 b2 b3 b4 b5 b6 b7  b8 b9 ba bb bc bd be bf  |................|\n000000c0  c0 c1 c2 c3 c4 c5 c6 c7  c8 c9 ca cb cc cd ce cf  |................|\n000000d0  d0 d1 d2 d3 d4 d5 d6 d7  d8 d9 da db dc dd de df  |................|\n000000e0  e0 e1 e2 e3 e4 e5 e6 e7  e8 e9 ea eb ec ed ee ef  |................|\n000000f0  f0 f1 f2 f3 f4 f5 f6 f7  f8 f9 fa fb fc fd fe ff  |................|"
band(12; 10), bor(12; 10), bxor(12; 10) #=> 8  14  6
band(-1; 255), bor(-256; 15), bxor(-1; 1), band(18446744073709551615; 18446744073709551616) #=> 255  -241  -2  0
band(1.5; 1) #=> error: band needs integers, not number (1.5)
bor("a"; 1) #=> error: bor needs integers, not string ("a")
bxor(1; null) #=> error: bxor needs integers, not null (null)
-1, 0, 1, 255, 18446744073709551615 | bnot #=> 0  -1  -2  -256  -18446744073709551616
"a" | bnot #=> error: bnot needs integers, not string ("a")
bsl(1; 0), bsl(1; 1), bsl(1; 63), bsl(1; 64), bsl(-1; 4), bsl(3; 1) #=> 1  2  9223372036854775808  18446744073709551616  -16  6
bsr(1; 0), bsr(2; 1), bsr(1; 1), bsr(-1; 4), bsr(-16; 2), bsr(18446744073709551616; 64) #=> 1  1  0  -1  -4  1
bsr(1; 1048576) #=> 0
bsr(1; 1048577) #=> error: bsr cannot shift by number (1048577): expected 0 to 1048576
bsl(1; 1048577) #=> error: bsl cannot shift by number (1048577): expected 0 to 1048576
bsl(1; -1) #=> error: bsl cannot shift by number (-1): expected 0 to 1048576
bsl(1; 1.5) #=> error: bsl needs integers, not number (1.5)
bsl("a"; 1) #=> error: bsl needs integers, not string ("a")
bsl(1; "a") #=> error: bsl needs integers, not string ("a")
intdiv(7; 2), intdiv(-7; 2), intdiv(7; -2), intdiv(-7; -2), intdiv(6; 3), intdiv(0; 5) #=> 3  -3  -3  3  2  0
intdiv(1; 0) #=> error: number (1) and number (0) cannot be divided because the divisor is zero
idiv(7; 2) #=> 3
idiv(1; 0) #=> error: number (1) and number (0) cannot be divided because the divisor is zero
intdiv(1.5; 1) #=> error: intdiv needs integers, not number (1.5)
intdiv("a"; 1) #=> error: intdiv needs integers, not string ("a")
intdiv(1; "a") #=> error: intdiv needs integers, not string ("a")
intdiv(36893488147419103232; 2) #=> 18446744073709551616
"", "a", "ab" | to_hex #=> ""  "61"  "6162"
[0, 15, 16, 255] | to_hex #=> "000f10ff"
"", "00", "0f", "FF", "aB" | from_hex #=> ""  "00"  "0f"  "ff"  "ab"
"0" | from_hex #=> error: string ("0") is not valid hexadecimal digits
"0g" | from_hex #=> error: string ("0g") is not valid hexadecimal digits
"g0" | from_hex #=> error: string ("g0") is not valid hexadecimal digits
1 | from_hex #=> error: number (1) is not a string of hexadecimal digits
null | from_hex #=> error: null (null) is not a string of hexadecimal digits
"", "a", "ab", "abc", "abcd" | to_base64 #=> ""  "YQ=="  "YWI="  "YWJj"  "YWJjZA=="
[251, 255] | to_base64 #=> "+/8="
"", "YQ==", "YWI=", "YWJj", "YQ", "YWI" | from_base64 #=> ""  "61"  "6162"  "616263"  "61"  "6162"
"Y" | from_base64 #=> error: string ("Y") is not valid base64 data
"+/8=", "+/8" | from_base64 #=> "fbff"  "fbff"
"-_8=" | from_base64 #=> "fbff"
"Y Q==" | from_base64 #=> "61"
"YQ==YQ==" | from_base64 #=> error: string ("YQ==YQ==") is not valid base64 data
"YQ= = \n" | from_base64 #=> "61"
"ME======ME======" | @base32d #=> error: string ("ME======ME======") is not valid base32 data
1 | from_base64 #=> error: number (1) is not a string of base64 data
0, 1, 2, 35, 36, 63, 64, -1, -255 | [to_radix(2), to_radix(3), to_radix(10), to_radix(16), to_radix(36), to_radix(62), to_radix(63), to_radix(64)] #=> ["0","0","0","0","0","0","0","0"]  ["1","1","1","1","1","1","1","1"]  ["10","2","2","2","2","2","2","2"]  ["100011","1022","35","23","z","z","z","z"]  ["100100","1100","36","24","10","A","A","A"]  ["111111","2100","63","3f","1r","11","10","_"]  ["1000000","2101","64","40","1s","12","11","10"]  ["-1","-1","-1","-1","-1","-1","-1","-1"]  ["-11111111","-100110","-255","-ff","-73","-47","-43","-3_"]
1 | to_radix(1) #=> error: number (1) is no base: expected 2 to 64
1 | to_radix(65) #=> error: number (65) is no base: expected 2 to 64
1 | to_radix(0) #=> error: number (0) is no base: expected 2 to 64
1 | to_radix(-2) #=> error: number (-2) is no base: expected 2 to 64
1 | to_radix("a") #=> error: string ("a") is no base: expected 2 to 64
1 | to_radix(2.5) #=> error: number (2.5) is no base: expected 2 to 64
"a" | to_radix(2) #=> error: to_radix needs integers, not string ("a")
1.5, infinite | to_radix(2) #=> error: to_radix needs integers, not number (1.5)
1.0, 1e3, -2 | to_radix(2) #=> "1"  "1111101000"  "-10"
# Keys that are bytes are written as bytes are, and no two alike.
{("ff" | from_hex): 1, ("fe" | from_hex): 2} #=> {"ff":1,"fe":2}
{("ff" | from_hex): 1, "ff": 2} #=> {"0xff":1,"ff":2}
{("ff" | from_hex): 1} | keys[0] | tobytes #=> "ff"
{("61" | from_hex): 1} | .a #=> 1
18446744073709551616 | to_radix(16) #=> "10000000000000000"
"0", "1", "10", "11", "-10" | from_radix(2) #=> 0  1  2  3  -2
"2" | from_radix(2) #=> error: string ("2") has a character that is no digit to the base 2
"9", "a", "f", "F" | try from_radix(16) catch . #=> 9  10  15  15
"g" | from_radix(16) #=> error: string ("g") has a character that is no digit to the base 16
"z", "Z" | from_radix(36) #=> 35  35
"a", "z", "A", "Z" | try from_radix(37) catch . #=> 10  35  36  "string (\"Z\") has a character that is no digit to the base 37"
"A", "Z", "@", "_" | try from_radix(62) catch . #=> 36  61  "string (\"@\") has a character that is no digit to the base 62"  "string (\"_\") has a character that is no digit to the base 62"
"Z", "@" | try from_radix(63) catch . #=> 61  62
"@", "_" | from_radix(64) #=> 62  63
"_" | from_radix(63) #=> error: string ("_") has a character that is no digit to the base 63
"" | from_radix(10) #=> error: an empty string is no number
"-" | from_radix(10) #=> error: an empty string is no number
"1-" | from_radix(10) #=> error: string ("1-") has a character that is no digit to the base 10
"--1" | from_radix(10) #=> error: string ("--1") has a character that is no digit to the base 10
"/", ":", "`", "{", "[", "?" | try from_radix(64) catch . #=> "string (\"/\") has a character that is no digit to the base 64"  "string (\":\") has a character that is no digit to the base 64"  "string (\"`\") has a character that is no digit to the base 64"  "string (\"{\") has a character that is no digit to the base 64"  "string (\"[\") has a character that is no digit to the base 64"  "string (\"?\") has a character that is no digit to the base 64"
"1" | from_radix(1) #=> error: number (1) is no base: expected 2 to 64
"1" | from_radix(65) #=> error: number (65) is no base: expected 2 to 64
1 | from_radix(10) #=> error: number (1) is not a string of digits
[1,2,3] | tobytes | length, .[1:], .[:1], .[-1:], .[3:], .[0:0], explode, (. + .), (. * 2), tobits[0:8], to_hex #=> 3  "0203"  "01"  "03"  ""  ""  [1,2,3]  "010203010203"  "010203010203"  [0,0,0,0,0,0,0,1]  "010203"
[1,2,3,2] | tobytes | indices([2] | tobytes), index([2] | tobytes), rindex([2] | tobytes), startswith([1] | tobytes), endswith([2] | tobytes), ltrimstr([1] | tobytes), rtrimstr([2] | tobytes), (. / ([2] | tobytes)), split("") #=> [1,3]  1  3  true  true  "020302"  "010203"  ["01","03",""]  ["01","02","03","02"]
[97,195,188,98] | tobytes | length, explode, utf8bytelength, tostring, (. == "aüb"), [match("b").offset], ascii_upcase, (split("") | length), indices("b") #=> 4  [97,195,188,98]  4  "aüb"  true  [3]  "41c3bc42"  4  [3]
[255,97] | tobytes | tostring, tojson, explode, ascii_upcase, ltrimstr("x"), trim, (.[0:1] + "b") #=> "�a"  "\"ff61\""  [255,97]  "ff41"  "ff61"  "ff61"  "ff62"
[32,255,32] | tobytes | trim, ltrim, rtrim #=> "ff"  "ff20"  "20ff"
[32,97,32] | tobytes | trim, ltrim, rtrim #=> "61"  "6120"  "2061"
[255,97] | tobytes < [255,98] | tobytes #=> error: boolean (true) cannot be converted to bytes
[1] | tobytes == ([1] | tobytes) #=> true
([1] | tobytes) + "a", "a" + ([1] | tobytes), ([1] | tobytes) + null #=> "0161"  "6101"  "01"
[[1] | tobytes, "\u0001"] | .[0] == .[1], unique | length #=> error: boolean (true) has no length
[255] | tobytes | @base64, @hex?, @uri, @html, @sh, @json #=> "/w=="  "%FF"  "�"  "'�'"  "\"ff\""
[1,2] | tobytes | [.[]]? #=> 
[1,2] | tobytes | .[0]? #=> 1
[1,2] | tobytes | type, tojson #=> "string"  "\"0102\""
[1,{"a":2}] | tovalue #=> [1,{"a":2}]
1 | format? #=> null
1 | root? #=> 
1 | parent? #=> 
1 | fault? #=> 
[1] | faults? #=> 
1 | ._error? #=> 
{} | ._error, ._start?, ._len? #=> null  null  null
1 | tobytesrange #=> error: expected a decoded value, got number (1)
1 | topath #=> error: expected a decoded value, got number (1)
1 | root #=> error: expected a decoded value, got number (1)
1 | parent #=> error: expected a decoded value, got number (1)
1 | fault #=> error: expected a decoded value, got number (1)
1 | format #=> null
1 | tosym #=> error: expected a decoded value, got number (1)
"a" | toactual #=> "a"
"a" | grep_by(. == "a") #=> "a"
[1,"a",["a"]] | [grep_by(. == "a")] #=> ["a","a"]
"abc" | hd #=> "00000000  61 62 63                                          |abc|"
18446744073709551615 + 1, 18446744073709551616 - 1, 4294967296 * 4294967296, 9223372036854775807 + 1, -9223372036854775808 - 1, -(-9223372036854775808) #=> 18446744073709551616  18446744073709551615  18446744073709551616  9223372036854775808  -9223372036854775809  9223372036854775808
9223372036854775807 * 2, 9223372036854775807 / 1, 9223372036854775808 / 2, 18446744073709551615 / 5, 18446744073709551615 / 2 #=> 18446744073709551614  9223372036854775807  4611686018427387904  3689348814741910323  9223372036854776000
9223372036854775807 % 10, 9223372036854775808 % 10, -9223372036854775809 % 10, 18446744073709551616 % 18446744073709551615 #=> 7  8  -9  1
9007199254740993 == 9007199254740992, 9007199254740993 == 9007199254740993.0, 9007199254740993 > 9007199254740992.0, 9007199254740992.0 < 9007199254740993 #=> false  true  true  true
[9007199254740993, 9007199254740992, 9007199254740992.0, 9007199254740993.5] | sort, unique, min, max #=> [9007199254740992,9007199254740992.0,9007199254740993,9007199254740993.5]  [9007199254740992,9007199254740993,9007199254740993.5]  9007199254740992  9007199254740993.5
-9007199254740993 < -9007199254740992.0, -9007199254740992.0 > -9007199254740993 #=> true  true
18446744073709551616 | floor, sqrt, tostring, . == ., -., length, abs, round #=> 18446744073709551616  4294967296  "18446744073709551616"  true  -18446744073709551616  18446744073709551616  18446744073709551616  18446744073709551616
1e1000 > 18446744073709551616, -1e1000 < -18446744073709551616, nan < 18446744073709551616, 18446744073709551616 < nan #=> true  true  true  false
170141183460469231731687303715884105728 | . + 1, . * 2, . / 2, . % 7, -. #=> 1.7014118346046923e+38  3.402823669209385e+38  8.507059173023462e+37  0  -170141183460469231731687303715884105728
.1 + .2, 1e15 + 0.5, 1e16 + 1, 1e17 + 0, 123456789012 * 1000, 0.1 * 3 #=> 0.30000000000000004  1000000000000000.5  1e+16  1e+17  123456789012000  0.30000000000000004
1.10 | ., . + 0, -., tostring, tojson #=> 1.10  1.1  -1.10  "1.10"  "1.10"
1.000000000000000000001 | ., . == 1, . > 1, . + 0, -. #=> 1.000000000000000000001  false  true  1  -1.000000000000000000001
-0.0, -0, 0.0, -0.00 | tojson, -., . == 0 #=> "0.0"  0.0  true  "0"  0  true  "0.0"  0.0  true  "0.00"  0.00  true
100000000000000000000000000000000000001 | . == 100000000000000000000000000000000000000, . > 100000000000000000000000000000000000000, tostring #=> false  true  "100000000000000000000000000000000000001"
9007199254740993 / 1, 9007199254740993 / 3, 9007199254740993 / -1, -9007199254740993 / 1, 9223372036854775807 / 7 #=> 9007199254740993  3002399751580331  -9007199254740993  -9007199254740993  1317624576693539401
9223372036854775808 - 1, 9223372036854775807 + 0, -9223372036854775808 + 0, 4611686018427387904 * 2, 4611686018427387904 * -2, -9223372036854775808 / -1 #=> 9223372036854775807  9223372036854775807  -9223372036854775808  9223372036854775808  -9223372036854775808  9223372036854775808
