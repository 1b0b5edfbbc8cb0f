# SPDX-License-Identifier: BSD-2-Clause
"""
How the product's functions are divided: prints, for the whole tree or the paths given as arguments,
the share of short helpers with one caller, of static names used in several files, functions with
six or more parameters and functions over 80 lines. Fails where a figure exceeds its limit.
"""

import collections
import re
import sys

import tree

SHORT, LINES_MAX, PARAMETERS_MAX = 12, 80, 5
HELPERS_MAX, REPEATED_MAX = 10.0, 8.0  # percent

FUNCTION = re.compile(
    r"^(?P<head>[A-Za-z_][\w \t*()\",]*?\b(?P<name>\w+)\((?P<args>[^;{}]*)\))\n\{\n(?P<body>.*?)^\}",
    re.M | re.S)


def functions(names):
    for name in names:
        code = tree.code_of(tree.read(name))
        for match in FUNCTION.finditer(code):
            if match.group("name") in ("if", "for", "while", "switch"):
                continue
            yield {
                "file": name, "name": match.group("name"),
                "static": match.group("head").lstrip().startswith("static"),
                "line": code.count("\n", 0, match.start()) + 1,
                "lines": match.group().count("\n") + 1,
                "parameters": parameters(match.group("args")),
            }


def parameters(args):
    depth, count = 0, 1
    for char in args:
        depth += (char == "(") - (char == ")")
        count += char == "," and depth == 0
    return 0 if args.strip() in ("", "void") else count


def main():
    findings = tree.Findings()
    wanted = tuple(sys.argv[1:])
    names = [n for n in tree.c_files() if tree.is_product(n) and n.endswith(".c")]
    found = list(functions(names))
    texts = {n: tree.code_of(tree.read(n)) for n in tree.c_files() if tree.is_product(n)}
    homes = collections.defaultdict(set)
    for function in found:
        if function["static"]:
            homes[function["name"]].add(function["file"])
    shown = [f for f in found if not wanted or f["file"].startswith(wanted)]
    helpers, repeated = [], []
    for function in shown:
        place = f"{function['file']}:{function['line']}"
        uses = len(re.findall(rf"\b{function['name']}\b", texts[function["file"]]))
        if function["static"] and function["lines"] <= SHORT and uses == 2:
            helpers.append(f"{place}: {function['name']}, {function['lines']} lines, one caller")
        if function["static"] and len(homes[function["name"]]) > 1:
            repeated.append(f"{place}: {function['name']} is static in several files")
        if function["parameters"] > PARAMETERS_MAX:
            findings.report(place, f"{function['name']} has {function['parameters']} parameters")
        if function["lines"] > LINES_MAX:
            findings.report(place, f"{function['name']} has {function['lines']} lines")
    for title, rows, bound in (("short helpers with one caller", helpers, HELPERS_MAX),
                               ("static names used in several files", repeated, REPEATED_MAX)):
        share = 100.0 * len(rows) / max(1, len(shown))
        print(f"{title}: {len(rows)} of {len(shown)} functions, {share:.1f} % (at most {bound:.0f})")
        if wanted:
            print("\n".join("  " + row for row in rows))
        if share > bound:
            findings.report("the tree", f"too many {title}")
    findings.leave(len(shown))


main()
