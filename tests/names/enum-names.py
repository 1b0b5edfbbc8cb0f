# SPDX-License-Identifier: BSD-2-Clause
"""
Write enum-names.h: the names of the members of every enum that a header of the program declares,
and of PAM's return values. Arguments: the root of the sources, the directories of the headers with
":" between them, the output, the file of its dependencies, and the compiler's command.
"""

import re
import subprocess
import sys
from pathlib import Path

PAM_TYPES = "security/_pam_types.h"
COMMENT = re.compile(r"/\*.*?\*/", re.S)
ENUM = re.compile(r"^enum (\w+) \{(.*?)\};", re.S | re.M)


def enums_of(header):
    """Pairs of an enum's name and of its members' names."""
    for name, body in ENUM.findall(COMMENT.sub("", header.read_text())):
        yield name, re.findall(r"(?:^|,)\s*(\w+)", body)


def pam_codes(compiler):
    defined = subprocess.run([*compiler, "-E", "-dD", "-x", "c", "-include", PAM_TYPES, "/dev/null"],
                             stdout=subprocess.PIPE, text=True, check=True).stdout
    values = defined[:defined.index("_PAM_RETURN_VALUES")]
    return re.findall(r"^#define (PAM_\w+) \d+", values, re.M)


def main():
    root, directories, output, dependencies, *compiler = sys.argv[1:]
    headers = [header.resolve() for directory in directories.split(":")
               for header in sorted(Path(root).glob(directory + "/*.h"))]
    found = [(h, name, members) for h in headers for name, members in enums_of(h)]
    rows = [("PAM_CODES", code) for code in pam_codes(compiler)]
    rows += [(f"ENUM_{name}", member) for _, name, members in found for member in members]
    lines = [f"#include <{PAM_TYPES}>", ""]
    lines += [f'#include "{header}"' for header in dict.fromkeys(h for h, _, _ in found)]
    lines += ["", "enum names_kind {", "\tNO_NAMES,", "\tPAM_CODES,"]
    lines += [f"\tENUM_{name}," for _, name, _ in found]
    lines += ["};", "", "#define ENUM_KIND(object) ( \\"]
    lines += [f"\tIS_ENUM(object, enum {name}) ? ENUM_{name} : \\" for _, name, _ in found]
    lines += ["\tNO_NAMES)", "", "#define ENUM_NAMES \\"]
    lines += [f'\t{{{kind}, {member}, "{member}"}}, \\' for kind, member in rows]
    Path(output).write_text("\n".join(lines) + "\n\n")
    Path(dependencies).write_text(f"{output}: {' '.join(map(str, headers))}\n")


main()
