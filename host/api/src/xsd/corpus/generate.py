#!/usr/bin/env python3
"""Writes verdicts.tsv: documents, valid and broken, with the verdict of lxml (libxml2).

    pip install lxml && python3 generate.py

For each schema `name.xsd` (`name.part.xsd` is a part of it) there are valid documents, one a line, in `name.seeds`, and where it
matters documents to ask about in `name.more`. Mutants of the seeds are added, for each schema up to MUTANTS: of each rule that they
break about as many, at different elements, and as many that break none. The same run gives the same file.

A line is: name of the schema, `valid` or `invalid`, local name of the first element with an error, libxml2's name of its rule,
the document. Broken and sound schemas, one a line in `schemas.txt`, go with its verdict into schemas.tsv.

Left out is where libxml2 does not do what the specification says: a child whose `maxOccurs` is 0 is let in, an empty CDATA section is
taken for text, elements in mixed content of a fixed value are let in, white space around `xsi:type` is not, and fixed decimals have
to be written alike.
"""

import copy
import itertools
import pathlib
import random
import re

from lxml import etree

HERE = pathlib.Path(__file__).parent
MUTANTS = 20
TRIES = 1500
TEXTS = ["", "x", " ", "0", "-1", "1.5", "99999999999", "true", "2024-02-30", "a b", "QUI", "1 2 3"]
SCHEMA = '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="urn:t" targetNamespace="urn:t">%s</xs:schema>'
XSI = "http://www.w3.org/2001/XMLSchema-instance"

def mutate(root, pick):
    """Changes one thing in a tree."""
    nodes = [node for node in root.iter() if isinstance(node.tag, str)]
    node = pick.choice(nodes)
    parent = node.getparent()
    names = [name for name in node.attrib if not name.startswith("{" + XSI)]
    what = pick.randrange(13)
    if what == 0 and parent is not None:
        parent.remove(node)
    elif what == 1 and parent is not None:
        parent.insert(parent.index(node), copy.deepcopy(node))
    elif what == 2 and parent is not None and node.getnext() is not None:
        node.getnext().addnext(node)
    elif what == 3 and parent is not None:
        node.tag = etree.QName(etree.QName(node).namespace, etree.QName(node).localname + "x")
    elif what == 4 and len(node) == 0:
        node.text = pick.choice(TEXTS)
    elif what == 5 and len(node) > 0:
        node.text = "x"
    elif what == 6 and names:
        del node.attrib[pick.choice(names)]
    elif what == 7 and names:
        node.attrib[pick.choice(names)] = pick.choice(TEXTS)
    elif what == 8:
        node.attrib["bogus"] = "1"
    elif what == 9:
        node.insert(pick.randrange(len(node) + 1), etree.Element(pick.choice(["bogus", "{urn:bogus}bogus"])))
    elif what == 10 and parent is not None:
        namespace = pick.choice([None, "urn:bogus"])
        node.tag = etree.QName(namespace, etree.QName(node).localname)
    elif what == 11:
        node.attrib["{%s}nil" % XSI] = pick.choice(["true", "false"])
    elif what == 12 and parent is not None:
        pick.choice(nodes).append(copy.deepcopy(node))


def verdict(schema, document):
    tree = etree.fromstring(document.encode())
    if schema.validate(tree):
        return ("valid", "", "")
    error = schema.error_log[0]
    element = re.match(r"Element '(?:\{[^}]*\})?([^']*)'", error.message)
    return ("invalid", element.group(1), error.type_name.removeprefix("SCHEMAV_"))


def schema_verdict(body):
    try:
        etree.XMLSchema(etree.fromstring(SCHEMA % body))
    except etree.XMLSchemaParseError:
        return "broken"
    return "sound"


def documents(path, schema):
    """The documents of a schema with their verdicts."""
    found = {}
    seeds = path.with_suffix(".seeds").read_text().splitlines()
    for seed in seeds:
        found[seed] = verdict(schema, seed)
        assert found[seed][0] == "valid", (path.name, seed, schema.error_log)
    more = path.with_suffix(".more")
    for document in more.read_text().splitlines() if more.exists() else []:
        found[document] = verdict(schema, document)
    pick = random.Random(path.name)
    by_rule = {}
    for _ in range(TRIES):
        tree = etree.fromstring(pick.choice(seeds).encode())
        for _ in range(pick.choice([1, 1, 2])):
            mutate(tree, pick)
        mutant = etree.tostring(tree, encoding="unicode")
        if mutant not in found and "\n" not in mutant and "\t" not in mutant:
            told = verdict(schema, mutant)
            by_rule.setdefault(told[2], {}).setdefault(told[1] or len(by_rule.get("", [])), (mutant, told))
    # One of each rule, then a second, at another element.
    rounds = itertools.zip_longest(*(mutants.values() for mutants in by_rule.values()))
    mutants = [mutant for mutants in rounds for mutant in mutants if mutant]
    found.update(mutants[:MUTANTS])
    return found


def main():
    lines = []
    for path in sorted(HERE.glob("*.xsd")):
        if path.name.count(".") > 1:
            continue
        schema = etree.XMLSchema(etree.parse(path))
        for document, told in documents(path, schema).items():
            lines.append("\t".join((path.stem, *told, document)))
    (HERE / "verdicts.tsv").write_text("\n".join(lines) + "\n")
    print(len(lines), "documents,", sum("\tinvalid\t" in line for line in lines), "broken")
    told = [schema_verdict(line) + "\t" + line for line in (HERE / "schemas.txt").read_text().splitlines()]
    (HERE / "schemas.tsv").write_text("\n".join(told) + "\n")
    print(len(told), "schemas,", sum(line.startswith("broken") for line in told), "broken")


if __name__ == "__main__":
    main()
