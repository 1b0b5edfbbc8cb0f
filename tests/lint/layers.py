# SPDX-License-Identifier: BSD-2-Clause
"""
A file includes headers of its own directory and of those that its directory may use; the edges
never include each other, and no two files use each other in a circle. What touches the host
stays in lib/host and the edges.
"""

import re

import tree

BELOW_LOGIN = ["base", "otp", "record", "store"]
LIB = BELOW_LOGIN + ["login", "host"]

# directory -> the others whose headers it may include
MAY_INCLUDE = {
    "base": [],
    "otp": ["base"],
    "record": ["base", "otp"],
    "import": ["base", "otp", "record"],
    "store": ["base", "otp", "record"],
    "login": BELOW_LOGIN,
    "host": BELOW_LOGIN + ["login"],
    "pamconf": ["base"],
    "module": LIB,
    "totpd": LIB,
    "enroll-tool": LIB + ["import", "pamconf"],
}

# the same inside enroll-tool; its two main programs may include everything
TOOL_MAY_INCLUDE = {
    "common": [],
    "enroll": ["common"],
    "report": ["common"],
    "keys": ["common"],
    "import": ["common"],
    "ctl": ["common", "report", "keys"],
    "batch": ["common", "report", "keys"],
    "doctor": ["common", "report", "keys"],
    "fleet": ["common"],
    "log": ["common"],
    "metrics": ["common", "ctl", "doctor", "report"],
}

HOST_AND_EDGES = {"host", "module", "totpd", "enroll-tool"}

# system header -> the only directories, or files, that may include it
HEADERS = [
    (r"openssl/", {"lib/base/authority.c", "lib/base/certificate.c", "lib/base/crypto.c", "lib/base/pbes2.c",
                   "totpd/tls.c"}),
    (r"security/", {"module", "pamconf"}),
    (r"(sys/)?syslog\.h", HOST_AND_EDGES),
    (r"(pwd|grp)\.h", HOST_AND_EDGES),
    (r"qrencode\.h", {"host"}),
    (r"libaudit\.h", {"lib/host/audit.c"}),
    (r"curl/", {"lib/store/etcd/client.c", "lib/store/etcd/link.c", "lib/store/etcd/link.h"}),
    (r"locale\.h", {"enroll-tool"}),
]

# call -> the only directories, or files, that may contain it
CALLS = [
    (r"\b(time|gettimeofday|timespec_get|localtime(_r)?|mktime)\s*\(", HOST_AND_EDGES),
    (r"\bclock_gettime\s*\(\s*CLOCK_MONOTONIC\b", HOST_AND_EDGES | {"lib/base/io.c"}),
    (r"\bclock_gettime\s*\(\s*(?!CLOCK_MONOTONIC\b)", HOST_AND_EDGES),
    (r"\b(secure_)?getenv\s*\(|\benviron\b", HOST_AND_EDGES),
    (r"\b(get|fget|set)(pw|gr)(ent|nam|uid|gid)(_r)?\s*\(|\bgetgrouplist\s*\(", HOST_AND_EDGES),
    (r"\b(v?syslog|openlog)\s*\(", HOST_AND_EDGES),
    (r"\b(set|use)locale\s*\(", {"enroll-tool"}),
    (r"\bd(lopen|lsym)\s*\(", {"host"}),
    (r"\bstore_(create|replace)\s*\(",
     {"store", "login", "enroll-tool/import/import_store.c", "enroll-tool/ctl/repair.c"}),
    (r"\b(rand|random|strtok|system|popen|mktemp|tmpnam)\s*\(", set()),
]


def directory_of(name):
    """The directory of lib, or the edge, of a product file; None for tests and the like."""
    match = re.match(r"lib/(\w+)/", name)
    if match:
        return match.group(1)
    if re.match(r"pam_totp\.[ch]$|pam/", name):
        return "module"
    match = re.match(r"(totpd|enroll-tool)/", name)
    return match.group(1) if match else None


def tool_directory_of(name):
    """ "doctor" of enroll-tool/doctor/sshd.c; None for the main programs and other edges."""
    match = re.match(r"enroll-tool/(\w+)/", name)
    return match.group(1) if match else None


def resolve(name, include):
    """The file of the repository that a quoted include of `name` means, or None."""
    starts = ["lib/", ""]
    if directory_of(name) == "enroll-tool":
        starts.insert(0, "enroll-tool/")
    if directory_of(name) == "totpd":
        starts.insert(0, "totpd/")
    for start in starts:
        if (tree.TOP / (start + include)).is_file():
            return start + include
    return None


def may_include(name, target):
    ours, theirs = directory_of(name), directory_of(target)
    if ours == theirs == "enroll-tool":
        ours, theirs = tool_directory_of(name), tool_directory_of(target)
        return ours is None or ours == theirs or theirs in TOOL_MAY_INCLUDE.get(ours, [])
    return ours == theirs or theirs in MAY_INCLUDE[ours]


def check_include(findings, place, name, include):
    target = resolve(name, include)
    if target is None:
        findings.report(place, f'"{include}": no such header; a path names the directory')
    elif not may_include(name, target):
        findings.report(place, f"may not include {target}")


def check_use(findings, place, name, what, allowed):
    if directory_of(name) not in allowed and name not in allowed:
        findings.report(place, f"{what} belongs to: {', '.join(sorted(allowed)) or 'nobody'}")


def check_file(findings, name):
    text = tree.read(name)
    for number, line in enumerate(text.splitlines(), 1):
        include = re.match(r'\s*#\s*include\s+(["<])([^">]+)[">]', line)
        if include and include.group(1) == '"':
            check_include(findings, f"{name}:{number}", name, include.group(2))
        elif include:
            for pattern, allowed in HEADERS:
                if re.match(pattern, include.group(2)):
                    check_use(findings, f"{name}:{number}", name, include.group(2), allowed)
    for number, line in enumerate(tree.code_of(text).splitlines(), 1):
        for pattern, allowed in CALLS:
            for call in re.finditer(pattern, line):
                check_use(findings, f"{name}:{number}", name, call.group(), allowed)


# --- circles ---

DEFINITION = re.compile(r"^(?!static\b)[A-Za-z_][\w \t*()]*?\b(\w+)\([^;{}]*\)\n\{", re.M)


def uses(names):
    """For each file without its ending: those whose functions it calls or headers it includes."""
    names = [name for name in names if not name.endswith("_none.c")]  # twins of other files
    code = {name: tree.code_of(tree.read(name)) for name in names}
    home = {}
    for name in names:
        if name.endswith(".c"):
            for match in DEFINITION.finditer(code[name]):
                home[match.group(1)] = name[:-2]
    graph = {name[:-2]: set() for name in names}
    for name in names:
        stem = name[:-2]
        for word in set(re.findall(r"\b\w+\b(?=\s*\()", code[name])):
            if name.endswith(".c") and home.get(word, stem) != stem:
                graph[stem].add(home[word])
        for include in re.findall(r'^\s*#\s*include "([^"]+)"', tree.read(name), re.M):
            target = resolve(name, include)
            if target and target[:-2] != stem:
                graph[stem].add(target[:-2])
    return graph


def circle_from(graph, start):
    """The shortest way from a file back to itself, or None."""
    ways = [[start]]
    seen = set()
    while ways:
        way = ways.pop(0)
        for following in sorted(graph.get(way[-1], ())):
            if following == start:
                return way
            if following not in seen:
                seen.add(following)
                ways.append(way + [following])
    return None


def check_circles(findings, names):
    graph = uses(names)
    told = set()
    for start in sorted(graph):
        circle = circle_from(graph, start)
        if circle and not told & set(circle):
            told |= set(circle)
            findings.report(start, "uses itself in a circle: " + " -> ".join(circle + [start]))


def main():
    findings = tree.Findings()
    ours = [name for name in tree.c_files() if directory_of(name)]
    for name in ours:
        check_file(findings, name)
    check_circles(findings, ours)
    findings.leave(len(ours))


main()
