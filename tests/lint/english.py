# SPDX-License-Identifier: BSD-2-Clause
"""
Plain English, as CONTRIBUTING.md asks for it: a table of patterns that confuse readers, searched
for in comments, messages, manuals and every other text. Arguments are the files or directories to
check.
"""

import re
import sys

import tree

# pattern -> what to write instead
WORDS = [
    (r"\banew\b", "again"),
    (r"\bfolders?\b", "directory"),
    (r"\b(un)?enrol(s|ment|ments)?\b", "enroll, enrollment"),
    (r"\b(is|are|was|were|be|been) (told|said)\b", "reports, prints, says, with a subject"),
    (r"\bin the place of\b", "instead of"),
    (r"\bmend(s|ed|ing)?\b", "fix"),
    (r"\bnobody listens\b", "no process is listening"),
    (r"\b(bring|brings|brought|come|comes|coming|came) over\b", "migrate, import"),
    (r"\blet(s|ting)? (\w+ )?in\b(?!to)", "allow"),
    (r"\bsound (record|store|answer|keyring|state|credential|files?)\b", "valid, undamaged"),
    (r"\b(no|not|un)sound\b", "damaged, malformed"),
    (r"\bat work\b", "running"),
    (r"\bfit to be\b|\bis good for nothing\b", "say it plainly"),
    (r"(?<!help )\b(desk|seat|oust|errand|parcel|passbox|ward|bed|guests|newcomer)s?\b",
     "the field's word (see the glossary)"),
    (r"\b(root|user|caller|administrator|peer|tool|person|owner|host|module|totpd)'s to \w+",
     "only X can, X decides"),
    (r"\bof (root|another|a user|the user|the account|users)'s\b(?! (?!which|that|and|or|in|is)\w)",
     "owned by"),
    (r"\bthat is not (root|a user)'s\b", "that does not run as root"),
]

RELATIVE = r"(?:who|whom|whoever|whomever)"
SENTENCES = [
    # a clause that begins with a relative pronoun without its noun
    (rf"(?:^|[.;:!?] +)(?:W|w)(?:ho|hom|hoever|homever)\b(?![^.]*\?)", "name the subject"),
    (rf"\b(?:for|to|of|from|and|by|than|with|but|as|so is|if|that|when|while|tell|tells|ask|asks|"
     rf"let|lets|refuse|refuses) {RELATIVE}\b(?![^.]*\?)", "name the subject"),
    (r"(?:^|[.;:] +)(?:Told|Asked|Named|Shown|Said|Refused|Counted|Kept|Left|Written) (?:is|are)\b",
     "normal word order"),
    (r"(?:^|[.] +)(?:What|Where) (?:is|are|was|has|can|comes|came|changes|changed|it|they) [^?]*$",
     "name the subject"),
]

PATTERNS = [(re.compile(p, re.I if p[0] != "(" else 0), use) for p, use in WORDS + SENTENCES]
PARAGRAPH_MAX = 5  # lines of a manual


def is_text(name):
    if name.startswith(("tests/fuzz/corpus/", "tests/stacks/", "LICENSE", "debian/copyright")):
        return False
    return name.endswith((".md", ".scd", ".conf", ".in", ".c", ".h", ".py", ".txt", ".bash")) or \
        name.startswith(("scripts/", "conf/", "bench/", "debian/", "packaging/"))


COMMENT_C = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', re.S)
COMMENT_PY = re.compile(r'"""(.*?)"""|(?<!["\'\w])#[^\n]*|"(?:\\.|[^"\\\n])*"', re.S)


def prose_of(name, text):
    """Pieces of prose with their first line's number."""
    if name.endswith((".c", ".h")):
        pattern = COMMENT_C
    elif name.endswith(".py"):
        pattern = COMMENT_PY
    else:
        yield from paragraphs(text)
        return
    for match in pattern.finditer(text):
        piece = match.group()
        if piece.startswith('"') and not piece.startswith('"""') and " " not in piece:
            continue  # a name, not a sentence
        yield text.count("\n", 0, match.start()) + 1, re.sub(r"^[ \t]*(/\*|\*/|\*|//|#)", " ",
                                                              piece.strip('"'), flags=re.M)


def paragraphs(text):
    number, start, lines = 0, 1, []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not re.match(r"\s*(#|[*-] )", line):
            start = start if lines else number
            lines.append(line)
            continue
        if lines:
            yield start, "\n".join(lines)
            lines = []
        if line.strip():
            start, lines = number, [line]
    if lines:
        yield start, "\n".join(lines)


def check(findings, name):
    text = tree.read(name)
    for start, piece in prose_of(name, text):
        flat = re.sub(r"`[^`\n]*`", "X", piece)
        joined = re.sub(r"[ \t]*\n[ \t]*", " ", flat)
        for pattern, use in PATTERNS:
            for match in pattern.finditer(joined):
                line = start + position_line(flat, joined, match.start())
                findings.report(f"{name}:{line}", f'"{match.group().strip()}": {use}')


def position_line(flat, joined, offset):
    """The line of `flat` in which the offset of `joined` lies, near enough."""
    share = joined[:offset].count(" ")
    seen = 0
    for index, line in enumerate(flat.split("\n")):
        seen += line.strip().count(" ") + 1
        if share < seen:
            return index
    return flat.count("\n")


def check_paragraphs(findings, name):
    """A paragraph of a manual has at most five lines; tables and blocks may have more."""
    text, count, block = tree.read(name), 0, False
    for number, line in enumerate(text.splitlines() + [""], 1):
        if line.startswith("```") or line.startswith("\t\t"):
            block = not block if line.startswith("```") else block
            count = 0
        elif block or not line.strip() or re.match(r"\s*([-*#|\[\]]|\. |;)", line) or \
                line.startswith(("|", "[", "]", ":")):
            count = 1 if re.match(r"\s*([-*] |\. )", line) else 0
        else:
            count += 1
            if count == PARAGRAPH_MAX + 1:
                findings.report(f"{name}:{number}", f"a paragraph of more than {PARAGRAPH_MAX} lines")


def check_width(findings, name):
    for number, line in enumerate(tree.read(name).splitlines(), 1):
        if len(line.expandtabs(8)) > 100 and re.search(r"/\*|^\s*\*", line):
            findings.report(f"{name}:{number}", "a comment past column 100")


def main():
    findings = tree.Findings()
    wanted = tuple(sys.argv[1:]) or ""
    names = [n for n in tree.files() if is_text(n) and n != "tests/lint/english.py" and
             n.startswith(wanted)]
    for name in names:
        check(findings, name)
        if name.endswith(".scd"):
            check_paragraphs(findings, name)
        if name.endswith((".c", ".h")):
            check_width(findings, name)
    findings.leave(len(names))


main()
