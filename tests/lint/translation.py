# SPDX-License-Identifier: BSD-2-Clause
"""Each text of the page for Cockpit has a translation, with the same numbers in it, and no other has."""

import ast
import json
import re

import tree

STRING = r'"(?:\\.|[^"\\\n])*"'
TEXT = re.compile(rf"\b_\(({STRING})\)")
PLURAL = re.compile(rf"\bngettext\(\s*({STRING})")


def texts():
    """The texts of the page, and of its entry in the menu."""
    for name in tree.files():
        if name.startswith("cockpit/src/") and name.endswith(".js"):
            code = tree.read(name)
            yield from (ast.literal_eval(text) for text in TEXT.findall(code))
            yield from (ast.literal_eval(one) for one in PLURAL.findall(code))
    yield json.loads(tree.read("cockpit/manifest.json"))["menu"]["index"]["label"]


def entries(name):
    """For each text: the text with its plural, and the translations."""
    for block in tree.read(name).split("\n\n")[1:]:
        fields = dict(re.findall(rf"^(msg\w+(?:\[\d\])?) ({STRING})$", block, re.M))
        fields = {key: ast.literal_eval(text) for key, text in fields.items()}
        yield fields["msgid"], (fields["msgid"] + fields.get("msgid_plural", ""),
                                [text for key, text in fields.items() if key.startswith("msgstr")])


def numbers(text):
    return set(re.findall(r"\$\d", text))


def main():
    findings = tree.Findings()
    wanted = set(texts())
    for name in (name for name in tree.files() if re.match(r"cockpit/po/.*\.po$", name)):
        found = dict(entries(name))
        for text in sorted(wanted - set(found)):
            findings.report(name, f"lacks: {text}")
        for text in sorted(set(found) - wanted):
            findings.report(name, f"has what the page does not have: {text}")
        for text, (whole, translations) in found.items():
            if not all(translations) or any(numbers(one) - numbers(whole) for one in translations):
                findings.report(name, f"is not a translation: {text}")
    findings.leave(len(wanted))


main()
