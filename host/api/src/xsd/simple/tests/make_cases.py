#!/usr/bin/env python3
"""Makes cases.txt: what lxml (libxml2) says about texts and simple types, for tests.rs to hold Auricle to.

    pip install lxml
    python3 make_cases.py > cases.txt            # the table that is kept
    python3 make_cases.py --many 40 > many.txt   # more mutations of each text, to look for differences:
    AURICLE_CASES=$PWD/many.txt cargo test -p auricle-api verdicts_are_those_of_lxml

A line is the type, its facets, the text and the verdict, between tabs. The type is a built-in one, `list(item)` or
`union(member,member)`; a column `then` between facets begins a further restriction of what is there so far. In the text
a tab, line feed, carriage return and backslash are \\t, \\n, \\r and \\\\. The verdict is `valid` or `invalid`, or
`refused` where lxml refuses the schema. The prefix `p` stands for `urn:p` in schemas and documents.

Left out (see DOUBTFUL) is what libxml2 decides against the specification.
"""

import argparse
import random
import re
import sys
from xml.sax.saxutils import quoteattr

from lxml import etree

XS = "http://www.w3.org/2001/XMLSchema"

DATES = ["2000-02-29", "1999-02-29", "2026-01-31", "2026-04-31", "-0044-03-15", "0000-01-01", "12026-01-01", "02026-01-01",
         "2026-1-1", "2026-01-31Z", "2026-01-31+14:00", "2026-01-31-05:30", "2026-01-31+14:01", "2026-13-01", "2026-00-10"]
TIMES = ["12:00:00", "24:00:00", "24:00:01", "23:59:59.999", "12:00:60", "12:60:00", "12:00", "12:00:00.", "12:00:00Z",
         "12:00:00+01:00", "1:00:00"]
INTEGERS = ["0", "-0", "+0", "00", "1", "-1", "+1", "01", "1.0", "1.", "1e3", "", "-", "--1", "127", "128", "-128", "-129", "255",
            "256", "32767", "32768", "-32768", "-32769", "65535", "65536", "2147483647", "2147483648", "-2147483648",
            "-2147483649", "4294967295", "4294967296", "9223372036854775807", "9223372036854775808",
            "-9223372036854775808", "-9223372036854775809", "18446744073709551615", "18446744073709551616",
            "123456789012345678901234", " 7 ", "7 7", "\u0661", "0x10"]
WORDS = ["", "a", "abc", "a b", " a  b ", "a\tb", "a\nb", "-a", "1a", "a1", "a:b", ":a", "a:", "a:b:c", "é", "_x.y-z", "a\u00b7", "\u00b7a", "日本", "a,b"]
DECIMALS = ["0", "-0.0", "1", "1.5", "+1.5", "-1.50", ".5", "5.", ".", "", "1,5", "1e5", "001.100", "99.99", "100", "100.001", "0.001",
            "123456789.123456789", "1.5.5", "INF"]
FLOATS = ["0", "-0", "1.5", "1e5", "1E-5", "1e+5", "1e5.5", "e5", "INF", "-INF", "+INF", "NaN", "inf", "nan", "Infinity", ".5", "5.", ".",
          "", "1e400", "-1e400", "1e-400", "0x1p3", "1_0", "1f", "16777217", "3.4028235e38"]
MOMENTS = [f"{d}T{t}" for d, t in zip(DATES, TIMES + TIMES)] + ["2026-01-31T12:00:00", "2026-01-31T12:00:00Z",
           "2026-01-31T24:00:00", "2026-01-31T12:00:00-00:00", "2026-01-31 12:00:00", "2026-01-31", "2026-01-31T12:00:00.123456Z"]
DURATIONS = ["P1Y", "P1M", "P1D", "PT1H", "PT1M", "PT1S", "PT1.5S", "P1Y2M3DT4H5M6.7S", "-P1D", "P", "PT", "P1YT", "P1S", "PT1D", "1Y",
             "P1", "P-1D", "P1M1Y", "+P1D", "P1.5D", "P0Y", "P30D", "P31D", "P27D", "P32D", "P365D", "P366D", "P12M", "PT24H", "PT86400S", ""]
BASE64 = ["", "AA==", "AAA=", "AAAA", "A", "AA", "AB==", "AAB=", "A A A A", "AAAA AAAA", "AA=A", "====", "AA==AA==", "AA-_", "aGVsbG8=", "\nAAAA\n"]
HEX = ["", "0", "0F", "0f0F", "0 F", "0G", " 0F ", "0F0F0F"]
URIS = ["", "urn:x:y", "http://example.org/a?b=c#d", "a b", "%41", "%4", "%", "a#b#c", "../x", "é", "http://[::1]:80/", "mailto:a@b.c",
        "//host/x", "?q", "#f", "<a>", "1:a"]
NAMES = ["a", "p:a", "q:a", "p:", ":a", "p:1", "p:a:b", "", " p:a "]

# Type, and rows of facets; texts.
TYPES = {
    ("string", "normalizedString", "token", "language", "NMTOKEN", "Name", "NCName", "ID", "IDREF", "anySimpleType", "NMTOKENS", "IDREFS"): ([[]], WORDS),
    ("language",): ([[]], ["en", "en-US", "x-a-b-c", "abcdefghi", "en-", "en_US", "1n", "de-1996"]),
    ("integer", "nonPositiveInteger", "negativeInteger", "long", "int", "short", "byte", "nonNegativeInteger", "unsignedLong",
     "unsignedInt", "unsignedShort", "unsignedByte", "positiveInteger"): ([[]], INTEGERS),
    ("boolean",): ([[], ["pattern=[01]"], ["pattern=true|false"]], ["true", "false", "1", "0", "TRUE", "yes", "", " true ", "2", "t"]),
    ("decimal",): ([[], ["minInclusive=1"], ["minExclusive=1.0"], ["maxInclusive=100"], ["maxExclusive=100.00"], ["totalDigits=3"],
                    ["fractionDigits=2"], ["totalDigits=5", "fractionDigits=2"], ["enumeration=1.5", "enumeration=100"],
                    ["pattern=\\d+\\.\\d{2}"], ["minInclusive=-1", "then", "maxInclusive=1"]], DECIMALS),
    ("float", "double"): ([[], ["minInclusive=0"], ["maxExclusive=INF"], ["enumeration=1.5", "enumeration=NaN"]], FLOATS),
    ("duration",): ([[], ["minInclusive=P1M"], ["maxExclusive=P1Y"], ["enumeration=P1Y", "enumeration=P1D"], ["minExclusive=-P1D"]], DURATIONS),
    ("dateTime",): ([[], ["minInclusive=2026-01-31T12:00:00Z"], ["maxExclusive=2026-01-31T12:00:00"], ["enumeration=2026-01-31T12:00:00Z"]], MOMENTS),
    ("date",): ([[], ["minInclusive=2000-02-29"], ["maxInclusive=2026-01-31Z"], ["enumeration=2026-01-31"]], DATES),
    ("time",): ([[], ["minInclusive=12:00:00"], ["maxExclusive=12:00:00"]], TIMES),
    ("gYearMonth",): ([[], ["minInclusive=2026-02"]], ["2026-01", "2026-13", "2026-1", "-2026-01", "2026-02Z", "0000-01", "2026", "2026-03+01:00", "2026-03"]),
    ("gYear",): ([[], ["maxInclusive=2026"]], ["2026", "026", "-2026", "0000", "12026", "2026Z", "2027", "02026", "2026-05:00"]),
    ("gMonthDay",): ([[], ["minInclusive=--02-29"]], ["--02-29", "--02-30", "--01-31", "--04-31", "--1-1", "--12-31Z", "02-29", "---02-29"]),
    ("gDay",): ([[], ["maxExclusive=---15"]], ["---01", "---31", "---32", "---00", "--01", "---1", "---15", "---14Z"]),
    ("gMonth",): ([[], ["minExclusive=--06"]], ["--01", "--12", "--13", "--00", "--1", "--07", "--01--", "--06Z"]),
    ("hexBinary",): ([[], ["length=2"], ["maxLength=1"], ["enumeration=0f0f"]], HEX),
    ("base64Binary",): ([[], ["length=3"], ["minLength=1"], ["enumeration=AAAA"]], BASE64),
    ("anyURI",): ([[], ["maxLength=8"], ["enumeration=urn:x:y"], ["pattern=urn:.*"]], URIS),
    ("QName",): ([[], ["enumeration=p:a"], ["pattern=p:.*"]], NAMES),
    ("string", "token"): ([["length=3"], ["minLength=2"], ["maxLength=2"], ["minLength=1", "maxLength=3"], ["enumeration=abc", "enumeration=a b"],
                           ["pattern=[a-c]+"], ["pattern=a.*", "pattern=.*b"], ["pattern=a.*", "then", "pattern=.*b"],
                           ["whiteSpace=collapse"], ["minLength=2", "then", "length=3"], ["enumeration=a", "enumeration=abc", "then", "enumeration=abc"]], WORDS),
    ("string",): ([["whiteSpace=replace", "pattern=a b"], ["whiteSpace=collapse", "length=3"], ["whiteSpace=preserve", "then", "whiteSpace=collapse", "enumeration=a b"]], WORDS),
    ("NMTOKENS",): ([["length=2"], ["maxLength=1"], ["pattern=a b"], ["enumeration=a b"]], WORDS),
    ("list(int)",): ([[], ["length=2"], ["minLength=1"], ["maxLength=2"], ["pattern=\\d \\d"], ["enumeration=1 2"]], ["", "1", "1 2", " 1\n 2 ", "01 2", "1 2 3", "1 x", "1,2"]),
    ("list(boolean)",): ([[], ["enumeration=true 1"]], ["true", "1 0", "1 true", "1 2"]),
    ("union(int,date)",): ([[], ["pattern=\\d+"], ["enumeration=1", "enumeration=2026-01-31"]], ["1", "01", " 1 ", "2026-01-31", "x", "", "2026-01-32", "-1"]),
    ("union(string,int)",): ([["enumeration=1"], ["pattern=1"]], ["1", "01", " 1 ", "+1"]),
    ("union(NMTOKENS,decimal)",): ([[], ["enumeration=a b"]], ["a b", "a  b", "1.5", "+1.5", ",", ""]),
    ("list(union(int,boolean))",): ([[], ["length=2"]], ["1 true", "true false 1", "x", "1"]),
}

PATTERNS = {
    r"[A-Z]{2}\d{4}": ["AB1234", "Ab1234", "AB123", "AB12345", "AB١٢٣٤"],
    r"a|bc": ["a", "bc", "ab", "abc"], r"": ["", "a"], r"(a|b)*c?": ["", "abab", "ababc", "cc"], r"a?b+c*": ["b", "abbcc", "ac", "aab"],
    r".": ["a", "ab", "é", "\n", "\r", "\t"], r"^a$": ["^a$", "a"], r"\^a\.b": ["^a.b", "^axb"],
    r"\s+": [" \t\n", "a", "\u00a0"], r"\S+": ["a", "a b", "\u00a0"], r"\d+": ["0", "٣", "a", "²"], r"\D+": ["a", "1"],
    r"\w+": ["a_", "é1", "a-b", "a_b", "$", "a b", "日"], r"\W+": ["-", "a", " "],
    r"\i\c*": ["a", "a:b", "1a", "_-", "-a", "é"], r"[\i-[:]][\c-[:]]*": ["a", "a:b", ":a", "a-1"], r"\I": ["1", "a", "-"], r"\C": [" ", "a", "/"],
    r"[a-z-[aeiou]]+": ["xyz", "xaz", ""], r"[^a-z]+": ["ABC", "Abc", "-"], r"[^a-c-[d]]": ["a", "d", "e"], r"[a-z-[b-y-[m]]]": ["a", "m", "n", "z"],
    r"[\d\-]+": ["1-2", "a"], r"[+\-]?\d": ["+1", "-1", "1", "*1"], r"[-+]\d": ["-1", "+1", "1"], r"[\[\]]+": ["[]", "a"], r"[a\\]": ["\\", "a", "b"],
    r"[.]": [".", "a"], r"[&~|]+": ["&~|", "a"], r"[a&&b]+": ["a&b", "c"], r"\p{L}+": ["aé日", "a1"], r"\p{Lu}\p{Ll}*": ["Abc", "abc", "É"], r"\P{L}+": ["12", "1a"],
    r"\p{Nd}": ["1", "²"], r"\p{P}": ["!", "$", "a"], r"\p{Sc}": ["$", "€", "a"], r"\p{Zs}": [" ", "\u00a0", "\t"],
    r"\p{IsBasicLatin}+": ["az~", "é"], r"\p{IsGreek}": ["α", "a"], r"\P{IsBasicLatin}": ["é", "e"], r"[\p{IsCyrillic}\d]+": ["Я1", "Z"],
    r"a{3}": ["aa", "aaa", "aaaa"], r"a{1,2}": ["", "a", "aa", "aaa"], r"a{2,}": ["a", "aa", "aaaaa"], r"a{0}": ["", "a"], r"(ab){2}": ["abab", "ab"],
    r"((a|b)c)+": ["acbc", "ab"], r"\n": ["\n", "n"], r"\t": ["\t", " "], r"\(\)\{\}\*\+\?\|": ["(){}*+?|", ""], r"\/\$\@": ["/$@", "/"],
    r"\d{5}(-\d{4})?": ["12345", "12345-6789", "1234", "12345-"], r"[^@\s]+@[^@\s]+\.[^@\s]+": ["a@b.c", "a@b", "a b@c.d"],
    r"[0-9]{3}|[A-Z]{3}": ["123", "ABC", "1BC"], r"\p{Lu}{2}[0-9A-Z]{0,30}": ["DE89370400440532013000", "de89", "DE"],
    # No expressions:
    "a**": [""], "a{,2}": [""], "a{1": [""], "(a": [""], "a)": [""], "a]": [""], "[a": [""], "[z-a]": [""], r"[a-\d]": [""], "\\": [""], r"\e": [""],
    r"\pL": [""], r"\p{Cs}": [""], r"\p{L": [""], "a?+": [""], "*a": [""], "[[a]]": [""], "[^]": [""], "(?:a)": [""],
}

# Schemas that are wrong.
WRONG = [
    ("string", ["length=3", "minLength=1"]), ("string", ["maxLength=3", "length=3"]), ("string", ["minLength=-1"]), ("string", ["minLength=x"]),
    ("string", ["minInclusive=a"]), ("string", ["totalDigits=1"]), ("string", ["whiteSpace=none"]), ("string", ["maxLength=3", "then", "maxLength=4"]),
    ("string", ["minLength=3", "then", "minLength=2"]), ("string", ["length=3", "then", "length=2"]), ("decimal", ["minLength=1"]),
    ("decimal", ["totalDigits=0"]), ("decimal", ["totalDigits=2", "fractionDigits=3"]), ("decimal", ["minInclusive=x"]),
    ("decimal", ["minInclusive=1", "minExclusive=1"]), ("decimal", ["maxInclusive=1", "maxExclusive=1"]), ("decimal", ["minInclusive=2", "maxInclusive=1"]),
    ("decimal", ["minInclusive=1", "maxExclusive=1"]), ("decimal", ["minExclusive=1", "maxInclusive=1"]), ("decimal", ["minInclusive=1", "then", "minInclusive=0"]),
    ("decimal", ["maxInclusive=1", "then", "maxInclusive=2"]), ("decimal", ["maxExclusive=1", "then", "maxInclusive=1"]),
    ("decimal", ["totalDigits=2", "then", "totalDigits=3"]), ("decimal", ["fractionDigits=1", "then", "fractionDigits=2"]),
    ("integer", ["minInclusive=1.5"]), ("byte", ["maxInclusive=128"]), ("byte", ["enumeration=300"]), ("boolean", ["enumeration=true"]),
    ("boolean", ["length=4"]), ("date", ["length=10"]), ("date", ["enumeration=2026-02-30"]), ("duration", ["totalDigits=1"]), ("hexBinary", ["minInclusive=00"]),
    ("anyURI", ["fractionDigits=1"]), ("QName", ["maxInclusive=a"]), ("QName", ["enumeration=q:a"]), ("anySimpleType", ["length=1"]), ("nothing", []),
    ("list(int)", ["minInclusive=1"]), ("list(NMTOKENS)", []), ("list(anySimpleType)", []), ("union(int,date)", ["length=1"]),
    ("union(int,date)", ["minInclusive=1"]), ("union(int,date)", ["enumeration=x"]), ("list(list(int))", []), ("list(union(int,NMTOKENS))", []),
]


def zoned(text):
    return bool(re.search(r"(Z|[+-]\d\d:\d\d)$", text.strip()))


# Why libxml2's verdict is not taken over: what the specification says.
DOUBTFUL = {
    "an exponent needs a digit": lambda t, f, v: t in ("float", "double") and bool(re.search(r"[eE][+-]?\s*$", v)),
    "seconds of a duration have digits before and after the point": lambda t, f, v: t == "duration" and bool(re.search(r"\D\.|\.\D", v)),
    "without time zone there is no order to a time with one, if near": lambda t, f, v: t in MOMENT_TYPES and any("=" in x and zoned(v) != zoned(x) and not x.startswith("pattern") for x in f),
    "times recur: 05:00:00+05:00 is 00:00:00Z": lambda t, f, v: t == "time" and f != [] and zoned(v),
    "limits of ours: nine digits of a year": lambda t, f, v: t in MOMENT_TYPES and bool(re.search(r"\d{10}", v)),
    "libxml2 has the letters of XML 1.0, fourth edition": lambda t, f, v: any(ord(c) > 0xff for c in v) and (t in NAME_TYPES or any("\\i" in x or "\\c" in x for x in f)),
    "NMTOKENS and IDREFS are of one item at least": lambda t, f, v: ("NMTOKENS" in t or t == "IDREFS") and not v.strip(),
    "white space around a text does not matter": lambda t, f, v: t in (*MOMENT_TYPES, "duration", "float", "double") and v != v.strip(),
    "nothing but 64 characters, `=` and spaces are base64": lambda t, f, v: t == "base64Binary" and bool(re.search(r"[^\w+/=\s]|_|é", v)),
    "NaN has no order": lambda t, f, v: "NaN" in v and any(re.match("m(in|ax)", x) for x in f),
    "24:00:00 is midnight, a day is not followed by another": lambda t, f, v: t == "time" and f != [] and "24:" in v,
    "what is subtracted from a class may be one with a subtraction": lambda t, f, v: any(x.count("-[") == 2 for x in f) and v == "m",
    "ideographs are letters": lambda t, f, v: any("\\p" in x for x in f) and "日" in v,
}
MOMENT_TYPES = ("dateTime", "date", "time", "gYearMonth", "gYear", "gMonthDay", "gDay", "gMonth")
NAME_TYPES = ("Name", "NCName", "ID", "IDREF", "IDREFS", "NMTOKEN", "NMTOKENS", "QName", "union(NMTOKENS,decimal)")


def type_markup(name):
    """The content of an xs:simpleType."""
    if name.startswith("list("):
        return f"<xs:list><xs:simpleType>{type_markup(name[5:-1])}</xs:simpleType></xs:list>"
    if name.startswith("union("):
        members = "".join(f"<xs:simpleType>{type_markup(m)}</xs:simpleType>" for m in name[6:-1].split(","))
        return f"<xs:union>{members}</xs:union>"
    if name == "anySimpleType":
        return None
    return f'<xs:restriction base="xs:{name}"/>'


def schema(name, facets):
    steps = [[]]
    for facet in facets:
        if facet == "then":
            steps.append([])
        else:
            steps[-1].append("<xs:%s value=%s/>" % (facet.split("=", 1)[0], quoteattr(facet.split("=", 1)[1], {"\n": "&#10;", "\t": "&#9;"})))
    if name == "anySimpleType" and not facets:
        element = '<xs:element name="e" type="xs:anySimpleType"/>'
    else:
        markup = "" if "(" in name else None
        base = f' base="xs:{name}"' if markup is None else ""
        inner = f"<xs:simpleType>{type_markup(name)}</xs:simpleType>" if markup is not None else ""
        for step in steps:
            markup = f"<xs:restriction{base}>{inner}{''.join(step)}</xs:restriction>"
            base, inner = "", f"<xs:simpleType>{markup}</xs:simpleType>"
        if "(" in name and not facets:
            markup = type_markup(name)
        element = f'<xs:element name="e"><xs:simpleType>{markup}</xs:simpleType></xs:element>'
    return f'<xs:schema xmlns:xs="{XS}" xmlns:p="urn:p">{element}</xs:schema>'


def verdicts(name, facets, texts):
    try:
        compiled = etree.XMLSchema(etree.XML(schema(name, facets)))
    except etree.XMLSchemaParseError:
        yield "", "refused"
        return
    for text in texts:
        element = etree.Element("e", nsmap={"p": "urn:p"})
        try:
            element.text = text
        except ValueError:
            continue  # no text of XML
        try:
            yield text, "valid" if compiled.validate(element) else "invalid"
        except etree.XMLSchemaValidateError:
            continue  # an internal error of libxml2


def mutated(text, chance):
    alphabet = "0123456789-+.:TZPYMDHS eEaAzé=/%# \t"
    text = list(text)
    for _ in range(chance.choice((1, 1, 2))):
        at = chance.randrange(len(text) + 1)
        text[at:at + chance.choice((0, 1))] = chance.choice((chance.choice(alphabet), chance.choice(alphabet), ""))
    return "".join(text)


def escaped(text):
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--many", type=int, default=0, help="mutations of each text")
    many = options.parse_args().many
    chance = random.Random(5)
    rows = [((name,), facets, texts) for names, (all_facets, texts) in TYPES.items() for name in names for facets in all_facets for texts in [texts]]
    rows += [(("string",), ["pattern=" + pattern], texts) for pattern, texts in PATTERNS.items()]
    rows += [((name,), facets, [""]) for name, facets in WRONG]
    seen = set()
    for (name,), facets, texts in rows:
        texts = texts + [mutated(text, chance) for text in texts for _ in range(many)]
        for text, verdict in verdicts(name, facets, texts):
            line = "\t".join([name, *map(escaped, facets), escaped(text), verdict])
            if line not in seen and (verdict == "refused" or not any(why(name, facets, text) for why in DOUBTFUL.values())):
                seen.add(line)
                sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main()
