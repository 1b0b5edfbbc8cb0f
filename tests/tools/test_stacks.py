# SPDX-License-Identifier: BSD-2-Clause
"""
Common PAM stacks (tests/stacks): what doctor finds in each, and that the repair that it prints is
one. The test runs the command as a person would; then the real libpam goes through every service of
the host, as root and as a user: with correct answers the login succeeds, with wrong ones it does
not, and what was enough before still is.

pam_stub.c replaces the modules that ask for something, and returns what the login's environment
says; the other modules are libpam's own.
"""

import json
import pathlib
import re
import shlex

import pytest

from test_doctor import MODULES, covered, host  # noqa: F401 (fixtures)

STACKS = pathlib.Path(__file__).parents[1] / "stacks"
PLAYED = {"pam_totp", "pam_unix", "pam_sss", "pam_winbind", "pam_krb5", "pam_ldap", "pam_fprintd",
          "pam_systemd_home", "pam_u2f", "pam_tcb", "pam_howdy", "pam_rootok", "pam_cap",
          "pam_gnome_keyring", "pam_google_authenticator", "pam_sepermit", "pam_shells"}
OTHERS = {"pam_cap", "pam_gnome_keyring", "pam_sepermit", "pam_shells"}
FACTORS = sorted(PLAYED - OTHERS - {"pam_totp", "pam_rootok", "pam_google_authenticator"})
OK, REFUSED, IGNORED = 0, 7, 25


def parts(name):
    """The files of a stack, by their names."""
    files, text = {}, (STACKS / name).read_text().replace("^M\n", "\r\n")
    for part in re.split(r"^== ", text, flags=re.M)[1:]:
        title, _, lines = part.partition("\n")
        files[title] = lines
    return files


def write(files):
    script = "rm -f /etc/pam.d/*\nprintf 'dora:x:1500:1500::/:/bin/sh\\n' >>/etc/passwd\n"
    script += "echo 'deny = 0' >/etc/security/faillock.conf\n"
    script += "[ ! -d /usr/lib/pam.d ] || mount -t tmpfs p /usr/lib/pam.d\n"
    if any(name.startswith("/") for name in files):
        script += ("mkdir -p /mnt/u /mnt/w/u\nmount -t overlay o -o "
                   "lowerdir=/usr,upperdir=/mnt/u,workdir=/mnt/w/u /usr\n"
                   f"mkdir -p /usr/etc/pam.d /usr/lib/pam.d\n: >{MODULES}/pam_totp.so\n")
    for module in sorted(PLAYED):
        script += f"cp $PAM_STUB {MODULES}/{module}.so; chmod 644 {MODULES}/{module}.so\n"
    for name, text in files.items():
        path = name if name.startswith("/") else f"/etc/pam.d/{name}"
        script += f"printf %s {shlex.quote(text)} >{path}\n"
    return script


def services(files):
    """Services that are not part of another one, and have a line of ours or none."""
    names = {pathlib.Path(name).name: text for name, text in files.items()}
    included = set(re.findall(r"(?:@include|include|substack)\s+(\S+)", "\n".join(names.values())))
    return [name for name in names if name not in included - {"su"} and name != "other"]


def answers(**given):
    return " ".join(f"{module}={answer}" for module, answer in
                    {**dict.fromkeys(OTHERS, IGNORED), **given}.items())


def has(files, module):
    """Is it in an auth line?"""
    return any(f"{module}.so" in line and not re.match("-?(account|password|session)", line)
               for text in files.values() for line in text.splitlines())


def named(files):
    return [one for one in FACTORS if has(files, one)]


def logins(files):
    """
    Every return value of the code, with each first factor alone, with all of them, with none, and
    as root.
    """
    first = [[], *([one] for one in named(files)), FACTORS, ["pam_rootok"]]
    return [{"pam_totp": totp, **dict.fromkeys(yes, OK)}
            for totp in (OK, REFUSED, IGNORED) for yes in first]


def look(host, files, commands=()):
    """
    What doctor finds in stacks, and which logins succeed: by service, user, the module's return
    value, and the first factors that succeed.
    """
    lines = [(name, user, login) for name in services(files) for user in ("root", "dora")
             for login in logins(files)]
    text = "".join(f"{name} {user} {answers(**login)}\n" for name, user, login in lines)
    script = write(files) + "\n".join(commands) + "\n"
    ran = host.run(script, "--json >/mnt/found 2>&1", LOGINS=text,
                      after="printf %s \"$LOGINS\" | \"$STACK_LOGIN\"; cat /mnt/found; code=0")
    results = ran.stdout.split("[", 1)
    findings = json.loads("[" + results[1])
    results = results[0].split()
    assert (ran.returncode, len(results)) == (0, len(lines)), ran
    findings = [one for one in findings
                if one["what"].startswith("/etc/pam.d/") or one["what"].startswith("/usr/")]
    return findings, {(name, user, login["pam_totp"], tuple(sorted(set(login) - {"pam_totp"}))):
                      result == "0" for (name, user, login), result in zip(lines, results)}


def is_command(repair):
    return repair.startswith(("sed ", "cp "))


def place(what):
    return re.match(r"/(?:\S+/)?([^/\s]+?):? ", what)[1]


def told(findings):
    """"sudo: skipped system-auth:5", and a star where a command repairs it."""
    return sorted(f"{' '.join(one['services'])}: {one['id']} {place(one['what'])}"
                  f"{' *' if is_command(one['repair']) else ''}" for one in findings)


def of_services(findings):
    return {name for one in findings for name in one["services"]}


def is_sound(service, before, after, files):
    """Correct answers log in, wrong ones do not, and what was enough before still is."""
    factors = set(named(files))
    by_key = not factors or "if_publickey" in "".join(files.values())
    for user, totp, first in {key[1:] for key in after if key[0] == service}:
        opened = after[service, user, totp, first]
        if first == ("pam_rootok",) and has(files, "pam_rootok"):
            assert opened == before[service, user, totp, first], (service, user, totp, first)
        elif totp == REFUSED or not (by_key or factors & set(first)):
            assert not opened, (service, user, totp, first)
        elif factors & set(first) and before[service, user, OK, first]:
            assert opened, (service, user, totp, first)


NAMES = sorted(path.name for path in STACKS.iterdir())


@pytest.mark.parametrize("name", NAMES)
def test_faults_of_a_stack_are_found_and_the_printed_repair_repairs_them(host, name):
    files = parts(name)
    findings, before = look(host, files)
    assert told(findings) == re.findall(r"^> (.*)", (STACKS / name).read_text(), flags=re.M)

    printed = [one for one in findings if is_command(one["repair"])]
    left, after = findings, before
    if printed:
        left, after = look(host, files, sorted({one["repair"] for one in printed}))
    assert not of_services(printed) & of_services(left), left
    for service in services(files):
        if service in of_services(printed) or ("pam_totp.so" in own_text(files, service)
                                               and service not in of_services(left)):
            is_sound(service, before, after, files)
        else:
            assert all(after[key] == before[key] for key in after if key[0] == service)


def own_text(files, service):
    return next(text for name, text in files.items() if pathlib.Path(name).name == service)


def test_many_stacks_and_many_repairs_were_tried():
    texts = [(STACKS / name).read_text() for name in NAMES]
    assert len(texts) >= 60 and sum(" *\n" in text for text in texts) >= 30
