"""
A file includes headers of its own folder and of the layers to its left; edges never
include each other. What touches the host stays in lib/host and the edges.
"""

import re

import house

LAYERS = ["base", "otp", "record", "store", "login", "host"]
EDGE = len(LAYERS)
HOST_AND_EDGES = {"host", "module", "totpd", "enroll-tool"}

# system header -> the only folders, or files, that may include it
HEADERS = [
    (r"openssl/", {"lib/base/crypto.c"}),
    (r"security/", {"module", "lib/pamconf/stack.h"}),
    (r"(sys/)?syslog\.h", HOST_AND_EDGES),
    (r"(pwd|grp)\.h", HOST_AND_EDGES),
    (r"qrencode\.h", {"host"}),
    (r"libaudit\.h", {"lib/host/audit.c"}),
    (r"locale\.h", {"enroll-tool"}),
]

# call -> the only folders, or files, in which it may stand
CALLS = [
    (r"\b(time|gettimeofday|timespec_get|localtime(_r)?|mktime)\s*\(", HOST_AND_EDGES),
    (r"\bclock_gettime\s*\(\s*CLOCK_MONOTONIC\b", HOST_AND_EDGES | {"lib/base/io.c"}),
    (r"\bclock_gettime\s*\(\s*(?!CLOCK_MONOTONIC\b)", HOST_AND_EDGES),
    (r"\b(secure_)?getenv\s*\(|\benviron\b", HOST_AND_EDGES),
    (r"\b(get|fget|set)(pw|gr)(ent|nam|uid|gid)(_r)?\s*\(|\bgetgrouplist\s*\(", HOST_AND_EDGES),
    (r"\b(v?syslog|openlog)\s*\(", HOST_AND_EDGES),
    (r"\b(set|use)locale\s*\(", {"enroll-tool"}),
    (r"\bd(lopen|lsym)\s*\(", {"host"}),
    (r"\b(rand|random|strtok|system|popen|mktemp|tmpnam)\s*\(", set()),
]


def folder_of(name):
    """Layer or edge of a file of the product; None for tests and the like."""
    match = re.match(r"lib/(\w+)/", name)
    if match:
        return match.group(1)
    if re.match(r"pam_totp\.[ch]$|pam/", name):
        return "module"
    match = re.match(r"(totpd|enroll-tool)/", name)
    return match.group(1) if match else None


def rank_of(folder):
    return LAYERS.index(folder) if folder in LAYERS else EDGE


def resolve(name, include, folder):
    """The file that a quoted include of `name` means, by the rules for include paths."""
    layer = include.split("/")[0]
    if layer in LAYERS:
        return "lib/" + include
    if folder in LAYERS:
        return None  # inside lib the path names the layer
    beside = house.TOP / name
    for start in (beside.parent, house.TOP):
        path = (start / include).resolve()
        if path.is_file():
            return str(path.relative_to(house.TOP))
    return None


def check_include(findings, place, name, include, folder):
    target = resolve(name, include, folder)
    if target is None or not (house.TOP / target).is_file():
        findings.tell(place, f'"{include}": no such header; inside lib its path names the layer')
        return
    theirs = folder_of(target)
    if theirs is None or theirs != folder and rank_of(theirs) >= rank_of(folder):
        findings.tell(place, f'{folder} may not include "{include}" of {theirs}')


def check_use(findings, place, name, folder, what, allowed):
    if folder not in allowed and name not in allowed:
        findings.tell(place, f"{what} belongs to: {', '.join(sorted(allowed)) or 'nobody'}")


def check_file(findings, name, folder):
    text = house.read(name)
    for number, line in enumerate(text.splitlines(), 1):
        include = re.match(r'\s*#\s*include\s+(["<])([^">]+)[">]', line)
        if include and include.group(1) == '"':
            check_include(findings, f"{name}:{number}", name, include.group(2), folder)
        elif include:
            for pattern, allowed in HEADERS:
                if re.match(pattern, include.group(2)):
                    check_use(findings, f"{name}:{number}", name, folder, include.group(2), allowed)
    for number, line in enumerate(house.code_of(text).splitlines(), 1):
        for pattern, allowed in CALLS:
            for call in re.finditer(pattern, line):
                check_use(findings, f"{name}:{number}", name, folder, call.group(), allowed)


def main():
    findings = house.Findings()
    ours = [name for name in house.c_files() if folder_of(name)]
    for name in ours:
        check_file(findings, name, folder_of(name))
    findings.leave(len(ours))


main()
