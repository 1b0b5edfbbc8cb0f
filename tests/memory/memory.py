# SPDX-License-Identifier: BSD-2-Clause
"""
What programs leave in their memory: after each path, stack, heap and freed blocks are searched for
the secrets, codes, passwords and keys that went through it.

memory.py LOGIN TOOLS CALLER KEEP [TEST...]
    LOGIN TOOLS    as fault.py, whose scene this uses
    CALLER KEEP    caller.c's program, keep.c's library
"""
import contextlib
import os
import re
import signal
import subprocess
import sys
import time

CALLER, KEEP = (os.path.abspath(path) for path in sys.argv[3:5])
del sys.argv[3:5]

import fault  # noqa: E402: it reads the other arguments
from fault import AUTH_ERR, Failure, LOGIN, SECRET, STEP, SUCCESS, TOOLS, code_at, require, say  # noqa: E402
from plan import LONG  # noqa: E402
from search import forms_of_keys, places, secret_forms  # noqa: E402
from wipes import Wipes, name, useless  # noqa: E402

PASSWORD = "correct horse battery"
MODULE = os.path.abspath(f"{TOOLS}/../pam_totp.so")


def key_forms(scene):
    return forms_of_keys(scene.path("keyring"))


def found_in(pid, needles):
    """Where in the memory of a stopped process they are."""
    return [f"{name} in {place} at {at:#x}" for name, place, at in places(pid, needles)]


class Program:
    """A program whose freed memory stays, and that stops before it ends."""
    variables = {}  # what keep.c's library does besides
    searched = {}  # all that was looked for

    def __init__(self, *words, wipes=True, **options):
        environment = dict(os.environ, LD_PRELOAD=KEEP, **self.variables)
        if not wipes:
            environment["MEMORY_WITHOUT_WIPES"] = "all"
        self.process = subprocess.Popen([str(word) for word in words], env=environment,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, **options)
        self.said = ""

    def hear_line(self):
        """The next line that it prints."""
        line = b""
        while not line.endswith(b"\n"):
            more = os.read(self.process.stdout.fileno(), 1)
            require(more, f"it has ended: {self.said}")
            line += more
        self.said += line.decode()
        return line.decode().rstrip("\n")

    def type(self, line):
        os.write(self.process.stdin.fileno(), f"{line}\n".encode())

    def leaves(self, needles, more_needles=lambda said: {}):
        """
        What it has left each time it stops, of needles and of those that more_needles makes of all
        that it has printed.
        """
        found = []
        while True:
            _, status = os.waitpid(self.process.pid, os.WUNTRACED)
            os.set_blocking(self.process.stdout.fileno(), False)
            self.said += (self.process.stdout.read() or b"").decode()
            if not os.WIFSTOPPED(status):
                break
            needles = {**needles, **more_needles(self.said)}
            self.searched.update(needles)
            found += found_in(self.process.pid, needles)
            os.kill(self.process.pid, signal.SIGCONT)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        self.process.stdin.close()
        self.process.stdout.close()
        return sorted(set(found))


class Left(Failure):
    """Something was found."""


def nothing(found):
    if found:
        raise Left("it leaves " + "; ".join(found))


# ---- a login

def code_now(secret=SECRET):
    return code_at(secret, int(time.time()))


def wrong_code():
    now = int(time.time())
    near = {code_at(SECRET, now + step * STEP) for step in range(-3, 4)}
    return next(code for code in ("271828", "314159", "141421", "173205", "223606", "244948",
                                  "264575", "316227") if code not in near)


def log_in(scene, answer, needles=None, wipes=True):
    """PAM's return value, and what is left of the answer and of `needles`."""
    caller = Program(CALLER, scene.path("service"), "daemon", wipes=wipes)
    while not caller.hear_line().startswith("?"):
        pass
    caller.type(answer)
    while not (said := caller.hear_line()).startswith("="):
        pass
    found = caller.leaves({"answer": answer.encode(), **secret_forms(SECRET), **key_forms(scene),
                           **(needles or {})})
    return int(said[1:].split()[0]), found


def planted_secrets_are_found(_):
    caller = Program(CALLER, "plant")
    needles = {place: f"planted: {place}".encode() for place in ("heap", "freed", "stack")}
    for place in needles.values():
        caller.type(place.decode())
    require(caller.hear_line() == "=planted", "not planted")
    found = [sentence.split()[0] for sentence in caller.leaves(needles)]
    require(set(found) == set(needles), f"only {found}")


def a_login_that_is_allowed_leaves_nothing(scene):
    answer, found = log_in(scene, code_now())
    require(answer == SUCCESS, f"{answer}")
    nothing(found)


def a_login_that_is_denied_leaves_nothing(scene):
    code = code_now()
    require(log_in(scene, code)[0] == SUCCESS, "the first login")
    for typed in code, wrong_code(), "correct-horse-battery":
        answer, found = log_in(scene, typed)
        require(answer == AUTH_ERR, f"{answer}")
        nothing(found)


def write(scene, name, text):
    with open(scene.path(name), "w", encoding="ascii") as file:
        file.write(text)
    os.chmod(scene.path(name), 0o600)


def stack(scene, arguments):
    line = f"required {MODULE} conf={scene.path('conf')} {arguments}"
    write(scene, "service/scene", f"auth {line}\nauth required pam_permit.so\n"
                                  f"account {line}\naccount required pam_permit.so\n")


def a_password_with_the_code_is_not_left(scene):
    stack(scene, "password=combined")
    for code, expected in (code_now(), SUCCESS), (wrong_code(), AUTH_ERR):
        answer, found = log_in(scene, PASSWORD + code, {"password": PASSWORD.encode(),
                                                        "code": code.encode()})
        require(answer == expected, f"{answer}")
        nothing(found)


def a_login_with_a_recovery_code_leaves_nothing(scene):
    for kind in "recovery", "bypass":
        code = fault.run(LOGIN, kind, scene.dir).stdout.strip()
        bare = code.replace("-", "")
        answer, found = log_in(scene, code, {"code": bare.encode()})
        # the scene's clock is another one: a temporary code of it may have ended
        require(answer == SUCCESS or kind == "bypass", f"{answer}")
        nothing(found)


def shown_secret(said):
    return re.search(r"Secret +([A-Z2-7 ]+)", said)[1].replace(" ", "")


def an_enrollment_in_the_login_leaves_nothing(scene):
    with open(scene.path("conf"), "a", encoding="ascii") as file:
        file.write("enroll = login\n")
    stack(scene, "enroll_in_account")
    caller = Program(CALLER, scene.path("service"), "bin")
    typed = []
    while "=" not in (said := caller.hear_line()):
        if said.startswith("?"):
            typed.append(code_now(shown_secret(caller.said)) if "ode" in said else "")
            caller.type(typed[-1])
    require(said.startswith("=0 0"), caller.said)
    needles = {**secret_forms(shown_secret(caller.said)), **shown_secrets(caller.said),
               **recovery_codes(caller.said), **key_forms(scene)}
    needles.update({f"line {i}": line.encode() for i, line in enumerate(typed) if line})
    nothing(caller.leaves(needles))


def recovery_codes(said):
    """Those that were printed, each with dashes and without."""
    codes = re.findall(r"\b(?:[0-9A-Z]{4}-){2}[0-9A-Z]{4}\b", said)
    return {f"recovery code {form}": form.encode()
            for code in codes for form in (code, code.replace("-", ""))}


def shown_secrets(said):
    """As one word, and in rows of groups."""
    found = {}
    for text in re.findall(r"\b[A-Z2-7]{32}\b", said):
        found.update(secret_forms(text, "new secret"))
    for row in re.findall(r"\b(?:[A-Z2-7]{4} ){3}[A-Z2-7]{4}\b", said):
        found["a row of the new secret"] = row.encode()
    return found


# ---- the tools

def use(scene, name, *words, typed=(), wipes=True, **needles):
    """What a tool prints, and what it leaves of what it was given."""
    tool = Program(f"{TOOLS}/{name}", "--conf", scene.path("conf"), *words, wipes=wipes,
                   stderr=subprocess.STDOUT)
    for line in typed:
        tool.type(line)
    tool.process.stdin.close()
    found = tool.leaves({**key_forms(scene), **secret_forms(SECRET), **needles},
                        lambda said: {**recovery_codes(said), **shown_secrets(said), **key_forms(scene)})
    require(tool.process.returncode == 0, f"{name} {words}: {tool.process.returncode} {tool.said}")
    return tool.said, found


def tools_leave(scene, *uses):
    wrong = []
    for name, words, options in uses:
        _, found = use(scene, name, *words, **options)
        wrong += [f"{name} {' '.join(words)}: {sentence}" for sentence in found]
    nothing(wrong)


ENROLLMENTS = [("totp-enroll", ("--user", "bin", "--no-confirm", "--json"), {}),
               ("totp-enroll", ("--user", "bin", "--no-confirm", "--force"), {})]


def totp_enroll_leaves_nothing(scene):
    tools_leave(scene, *ENROLLMENTS)


def uses_of_totpctl(scene):
    """Its subcommands, and what they hold: one after the other."""
    write(scene, "passphrase", PASSWORD + "\n")
    write(scene, "list", "bin,JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP\n")
    return [("totpctl", words, options) for words, options in (
        (("list",), {}), (("show", "daemon"), {}),
        (("test", "daemon"), {"typed": [code_now()], "code": code_now().encode()}),
        (("recovery", "daemon"), {}), (("temporary-code", "daemon"), {}),
        (("import", "csv", scene.path("list")), secret_forms("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")),
        (("export", scene.path("export"), "--passphrase-file", scene.path("passphrase")),
         {"password": PASSWORD.encode()}),
        (("import", "exported", "--replace", scene.path("export"), "--passphrase-file",
          scene.path("passphrase")), {"password": PASSWORD.encode()}),
        (("key", "backup", scene.path("backup"), "--passphrase-file", scene.path("passphrase")),
         {"password": PASSWORD.encode()}),
        (("key", "restore", scene.path("backup"), "--passphrase-file", scene.path("passphrase")),
         {"password": PASSWORD.encode()}),
        (("key", "rotate"), {}), (("suspend", "daemon"), {}), (("resume", "daemon"), {}),
        (("delete", "--yes", "bin"), {}),
    )]


def totpctl_leaves_nothing(scene):
    tools_leave(scene, *uses_of_totpctl(scene))


def without_wipes_programs_leave_what_they_held(scene):
    answer, found = log_in(scene, code_now(), wipes=False)
    require(answer == SUCCESS, f"{answer}")
    for what in "answer", "key":
        require(any(place.startswith(what) for place in found), f"no {what} is left: {found}")
    for name, words in (("totpctl", ("recovery", "daemon")),
                        ("totp-enroll", ("--user", "bin", "--no-confirm", "--json"))):
        _, more = use(scene, name, *words, wipes=False)
        require(more, f"{name} leaves nothing")
        found += more
    say("; ".join(found))


# ---- wipe by wipe

def denied(typed):
    def path(scene):
        write(scene, "conf", open(scene.path("conf"), encoding="ascii").read() + "fail_delay = 0\n")
        nothing(log_in(scene, typed())[1])
    return path


def with_password(scene):
    stack(scene, "password=combined")
    code = code_now()
    nothing(log_in(scene, PASSWORD + code, {"password": PASSWORD.encode(), "code": code.encode()})[1])


NEEDS = {7: 6, 9: 8, 13: 5}  # the subcommand with whose result another begins


def use_of_totpctl(number):
    def path(scene):
        uses = uses_of_totpctl(scene)
        if number in NEEDS:
            with normally():
                tools_leave(scene, uses[NEEDS[number]])
        tools_leave(scene, uses[number])
    return path


@contextlib.contextmanager
def normally():
    before, Program.variables = Program.variables, {}
    yield
    Program.variables = before


PATHS = [a_login_that_is_allowed_leaves_nothing, denied(wrong_code), denied(lambda: "correct-horse-battery"),
         with_password, a_login_with_a_recovery_code_leaves_nothing, an_enrollment_in_the_login_leaves_nothing,
         totp_enroll_leaves_nothing, *map(use_of_totpctl, range(14))]


def wiped_by(path):
    """
    {site: did it wipe something that is looked for?} of each wipe while the path runs in a scene of
    its own: without that wipe it would lie there.
    """
    wipes = Wipes({os.path.basename(program): program for program in
                   (MODULE, f"{TOOLS}/totpctl", f"{TOOLS}/totp-enroll")})
    with fault.Scene() as scene:
        noted = scene.path("noted")
        with open(noted, "w", encoding="ascii"):
            pass
        Program.variables, Program.searched = {"MEMORY_WIPES": noted}, {}
        try:
            path(scene)
        finally:
            Program.variables = {}
        return wipes.sites(noted, Program.searched.values())


def each_wipe_removes_a_secret_or_has_another_reason(_):
    """In the short form those of a few paths."""
    useful = {}
    for path in PATHS if LONG else PATHS[:4]:
        for site, is_useful in wiped_by(path).items():
            useful[site] = useful.get(site, False) or is_useful
    known, others = useless(), [site for site in useful if not useful[site]]
    say(f"{len(useful)} wipes, of which {len(useful) - len(others)} removed something")
    if not LONG:
        require(len(useful) - len(others) > 10, f"they remove nothing: {sorted(others)}")
        return
    wrong = [f"{name(site)}, line {site.line}: it removes nothing that is looked for"
             for site in sorted(others) if name(site) not in known]
    require(not wrong, "\n".join(wrong))
    surplus = {row for row in known if not row.startswith(("totpd/", "lib/store/etcd/"))} - set(map(name, others))
    require(not surplus, f"useless.txt has what is not so: {sorted(surplus)}")


TESTS = [
    planted_secrets_are_found,
    a_login_that_is_allowed_leaves_nothing,
    a_login_that_is_denied_leaves_nothing,
    a_password_with_the_code_is_not_left,
    a_login_with_a_recovery_code_leaves_nothing,
    an_enrollment_in_the_login_leaves_nothing,
    totp_enroll_leaves_nothing,
    totpctl_leaves_nothing,
    without_wipes_programs_leave_what_they_held,
    each_wipe_removes_a_secret_or_has_another_reason,
]

if __name__ == "__main__":
    if "FAULT_INSIDE" not in os.environ:
        sys.argv[3:3] = [CALLER, KEEP]  # for the process inside
    fault.begin(TESTS)
