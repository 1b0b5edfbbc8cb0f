# SPDX-License-Identifier: BSD-2-Clause
"""
Faults: every system call of a login, an enrollment, an import and a revocation is made to fail, or
is the last that the process makes; and the disk is full.

fault.py LOGIN TOOLS      LOGIN: login.c's program; TOOLS: the directory of the tools

Needs root and strace. Runs in a mount namespace of its own, with a /dev/log of its own. Prints TAP.
A test is a function whose name is a sentence that is true of the program.
"""
import base64
import collections
import fcntl
import glob
import hashlib
import hmac
import json
import os
import re
import resource
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import traceback

LOGIN, TOOLS = sys.argv[1:3]
SUCCESS, AUTH_ERR, IGNORED, UNAVAILABLE = 0, 7, 6, 9  # PAM; IGNORED: libpam's own denial
START, STEP = 1700000010, 30
SECRET = base64.b32encode(b"daemon.. own 20 bytes"[:20]).decode()  # as scene.c makes it
CALLS_MAX = 45  # from the answer to the verdict, log line included


# ---- the scene

class Scene:
    """A store that holds daemon, and a clock that each login moves forward."""

    def __init__(self):
        self.dir = run(LOGIN, "make").stdout.strip()
        self.now = START

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        shutil.rmtree(self.dir)

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def make_optional(self):
        """From now on, a user who seems not to be enrolled would not be asked."""
        service = self.path("service/scene")
        with open(service, encoding="ascii") as file:
            text = file.read().replace("/conf ", "/conf enforce=optional ")
        with open(service, "w", encoding="ascii") as file:
            file.write(text)

    def fresh(self):
        """A time whose code has not been used, nor has the code after it."""
        self.now += 4 * STEP
        return self.now

    def log_in(self, *times):
        """PAM's return values for one login at each time, each with its correct code."""
        done = run(LOGIN, self.dir, *times)
        return answers(done)

    def check(self, when, accepted=False):
        """
        The code of `when` works at most once (not at all if it was accepted), and the next one
        works.
        """
        first, second, later = self.log_in(when, when, when + STEP)
        require(first == AUTH_ERR or (first == SUCCESS and not accepted), f"at first {first}")
        require(second == AUTH_ERR, f"a code used before: {second}")
        require(later == SUCCESS, f"the next code: {later}")

    def tool(self, name, *words, **options):
        return run(os.path.join(TOOLS, name), "--conf", self.path("conf"), *words,
                   check=False, **options)

    def enroll(self, **options):
        return self.tool("totp-enroll", "--user", "daemon", "--force", "--no-confirm", "--json",
                         **options)

    def leftovers(self):
        """Files of the store that belong to no record."""
        users = set(os.listdir(self.path("store/users")))
        return [name for name in users if "~" in name]


def run(*words, check=True, **options):
    options.setdefault("timeout", 120)  # it hangs; other suites run meanwhile
    done = subprocess.run([str(word) for word in words], text=True, errors="replace", check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
    if check and done.returncode != 0:
        raise Failure(f"{words}: {done.returncode}: {done.stderr}")
    return done


def answers(done):
    """PAM's return values, from the output of LOGIN."""
    return [int(line.split()[0]) for line in done.stdout.splitlines()]


class Failure(Exception):
    pass


def require(condition, sentence):
    if not condition:
        raise Failure(sentence)


def code_at(secret, when, digits=6):
    """RFC 6238, computed here, so that the other program need not know a new secret."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    mac = hmac.new(key, struct.pack(">Q", when // STEP), hashlib.sha1).digest()
    at = mac[-1] & 15
    number = struct.unpack(">I", mac[at:at + 4])[0] & 0x7FFFFFFF
    return str(number % 10 ** digits).zfill(digits)


# ---- strace

Call = collections.namedtuple("Call", "name ordinal line")


def trace(*words):
    """All system calls of a program, each with its ordinal among those of its name."""
    log = f"/tmp/pam_totp.trace.{os.getpid()}"
    run("strace", "-f", "-qq", "-s", "4096", "-o", log, *words)
    seen = collections.Counter()
    calls = []
    with open(log, encoding="ascii", errors="replace") as lines:
        for line in lines:
            match = re.match(r"\d+\s+([a-z_0-9]+)\(", line)
            if match:
                seen[match[1]] += 1
                calls.append(Call(match[1], seen[match[1]], line.rstrip()))
    os.unlink(log)
    return calls


def login_calls(scene, *when):
    """The calls of a login, and the positions of its three marks."""
    calls = trace(LOGIN, scene.dir, *when)
    marks = [i for i, call in enumerate(calls) if call.name == "getppid"]
    require(len(marks) % 3 == 0, f"{len(marks)} marks")
    return calls, marks[-3:]


def inject(call, what, *words):
    """Run a program while something happens at one call. Its exit status and output."""
    when = f":when={call.ordinal}" if call.ordinal else ""
    return run("strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call.name}",
               "-e", f"inject={call.name}:{what}{when}", *words, check=False)


def was_killed(done):
    return done.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL)


# ---- a login

def a_login_needs_few_calls_one_sync_and_no_process(scene):
    # a program that has used libcrypto, as sshd has: it logs in twice
    calls, (start, answer, end) = login_calls(scene, scene.fresh(), scene.fresh())
    after = calls[answer + 1:end]
    log = max((i for i, call in enumerate(after) if "pam_totp: user=" in call.line), default=-1)
    require(log >= 0, "no line was logged")
    verdict = after[:log + 1]
    names = collections.Counter(call.name for call in after)
    say(f"{len(verdict)} system calls from the answer to the verdict, log line included; "
        f"{len(after) - len(verdict)} after it; {answer - start - 1} before the question")
    require(len(verdict) <= CALLS_MAX, f"{len(verdict)} calls")
    require(names["fdatasync"] == 1, f"{names['fdatasync']} fdatasync")
    require(names["fsync"] + names["sync"] + names["syncfs"] == 0, "another sync")
    everything = {call.name for call in calls[start:end]}
    require(not everything & {"fork", "vfork", "clone", "clone3", "execve"}, "a process")


def a_login_killed_at_any_call_damages_nothing(scene):
    calls, (start, _, end) = login_calls(scene, scene.fresh())
    points = calls[start:end + 1]
    for call in points:
        when = scene.fresh()
        done = inject(call, "signal=KILL", LOGIN, scene.dir, when)
        with_call(call, require, was_killed(done), f"not killed: {done.returncode}")
        with_call(call, scene.check, when)
    require(not scene.leftovers(), "a temporary file")
    say(f"killed at {len(points)} calls")


def a_login_with_a_recovery_code_killed_at_any_call_spends_it_once(scene):
    killed_with(scene, "recovery")


def a_login_with_a_temporary_code_killed_at_any_call_uses_it_once(scene):
    killed_with(scene, "bypass")


def killed_with(scene, kind):
    """A code that works once and belongs to no step, each time a new one."""
    def new_code():
        return run(LOGIN, kind, scene.dir).stdout.strip()

    calls, (start, _, end) = login_calls(scene, f"{scene.fresh()}={new_code()}")
    points = calls[start:end + 1]
    spent = 0
    for call in points:
        when = f"{scene.fresh()}={new_code()}"
        done = inject(call, "signal=KILL", LOGIN, scene.dir, when)
        with_call(call, require, was_killed(done), f"not killed: {done.returncode}")
        first, second = scene.log_in(when, when)
        with_call(call, require, first in (SUCCESS, AUTH_ERR) and second == AUTH_ERR,
                  f"then {first}, {second}")
        spent += first == AUTH_ERR
    scene.check(scene.fresh())
    require(0 < spent < len(points), f"{spent} of {len(points)} spent by the kill")
    say(f"killed at {len(points)} calls, {spent} of them after the code was spent")


ERRORS = {
    "openat": ("EIO", "EMFILE", "EACCES", "EINTR"),
    "openat to write": ("EIO", "EMFILE", "EACCES", "EINTR", "ENOSPC", "EROFS", "ENOMEM"),
    "pwrite64": ("EIO", "ENOSPC", "EROFS", "EDQUOT", "EFBIG", "EINTR"),
    "fdatasync": ("EIO", "ENOSPC", "EROFS"),
    "fcntl": ("EIO", "EINTR", "ENOLCK"),
    "read": ("EIO", "EINTR"),
    "pread64": ("EIO", "EINTR"),
    "mmap": ("ENOMEM",),
    "brk": ("ENOMEM",),
    "exit_group": (),
    "getppid": (),
}


def assert_safe(scene, when, done, call):
    """Denied, or allowed with the code used up; and afterwards everything works."""
    require(done.returncode == 0, f"{call.name}: exit {done.returncode}: {done.stderr}")
    code = answers(done)[-1]
    require(code != IGNORED, "passed over")
    scene.check(when, accepted=code == SUCCESS)
    return code


def a_login_in_which_any_call_fails_is_safe(scene):
    scene.make_optional()
    # the second login of a process: libcrypto 3.0, while it initializes, dies of a lack of memory
    calls, (start, _, end) = login_calls(scene, scene.fresh(), scene.fresh())
    codes = collections.Counter()
    for call in calls[start + 1:end]:
        kind = call.name + (" to write" if "O_RDWR" in call.line else "")
        for error in ERRORS.get(kind, ("EIO",)):
            before, when = scene.fresh(), scene.fresh()
            done = inject(call, f"error={error}", LOGIN, scene.dir, before, when)
            codes[with_call(call, assert_safe, scene, when, done, call)] += 1
    say(f"{sum(codes.values())} faults: PAM's answers {dict(codes)}")


def after_a_short_write_the_login_is_denied(scene):
    for length in (0, 1, 10, 511, 4095):
        when = scene.fresh()
        call = Call("pwrite64", 1, "")
        done = inject(call, f"retval={length}", LOGIN, scene.dir, when)
        require(answers(done) == [UNAVAILABLE], f"{length}: {done.stdout}")
        scene.check(when)


def on_a_disk_that_cannot_sync_every_login_is_denied(scene):
    when = scene.fresh()
    done = inject(Call("fdatasync", 0, ""), "error=EIO", LOGIN, scene.dir, when)
    require(answers(done) == [UNAVAILABLE], done.stdout)
    scene.check(when)


def an_interrupted_write_is_repeated(scene):
    when = scene.fresh()
    done = inject(Call("pwrite64", 1, ""), "error=EINTR", LOGIN, scene.dir, when)
    require(answers(done) == [SUCCESS], done.stdout)
    scene.check(when, accepted=True)


def a_lock_that_is_held_denies_in_two_seconds(scene):
    with open(glob.glob(scene.path("store/state/daemon.*"))[0], "r+b") as state:
        fcntl.fcntl(state, 37, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0))  # OFD
        for _ in range(5):  # the machine may make it slower
            since = time.monotonic()
            when = scene.fresh()
            require(scene.log_in(when) == [UNAVAILABLE], "not refused")
            took = time.monotonic() - since
            require(took > 1.9, f"{took} s")
            if took < 3.5:
                break
        require(took < 3.5, f"{took} s")
    scene.check(when)


# ---- full and read-only disks

def on_a_small_disk(scene, size):
    shutil.copytree(scene.path("store"), scene.path("copy"))
    run("mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "t", scene.path("store"))
    for name in ("users", "state"):
        shutil.copytree(scene.path("copy", name), scene.path("store", name))
        os.chmod(scene.path("store", name), 0o700)
    shutil.copy(scene.path("copy/STORE"), scene.path("store/STORE"))


def fill(path):
    with open(path, "wb", buffering=0) as filler:
        try:
            while True:
                filler.write(b"\0" * 4096)
        except OSError:
            pass


def on_a_full_disk_users_log_in_and_an_enrollment_fails_cleanly(scene):
    on_a_small_disk(scene, "128k")
    try:
        fill(scene.path("store/filler"))
        before = contents(scene)
        done = scene.enroll()
        require(done.returncode == 1, f"enrollment: {done.returncode} {done.stderr}")
        require("No space left" in done.stderr, done.stderr)
        require(contents(scene) == before, "something was changed")
        scene.check(scene.fresh())
        os.unlink(scene.path("store/filler"))
        require(scene.enroll().returncode == 0, "with room again")
    finally:
        run("umount", scene.path("store"))


def on_a_read_only_disk_every_login_is_denied_and_the_log_says_why(scene):
    run("mount", "--bind", scene.path("store"), scene.path("store"))
    try:
        run("mount", "-o", "remount,ro,bind", scene.path("store"))
        LOG.clear()
        when = scene.fresh()
        require(scene.log_in(when) == [UNAVAILABLE], "not refused")
        require(LOG.holds("Read-only file system"), "not logged")
        require(scene.enroll().returncode == 1, "enrolled")
    finally:
        run("umount", scene.path("store"))
    scene.check(when)


def contents(scene):
    return {name: open(name, "rb").read()
            for name in glob.glob(scene.path("store/users/*")) +
            glob.glob(scene.path("store/state/*"))}


def no_file_size():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def an_enrollment_that_cannot_write_keeps_the_old_secret(scene):
    before = contents(scene)
    done = scene.enroll(preexec_fn=no_file_size)
    require(done.returncode == 1, f"{done.returncode} {done.stderr}")
    require(contents(scene) == before, "something was changed")
    scene.check(scene.fresh())
    new_secret_works(scene, scene.enroll())


# ---- the tools, killed

def new_secret_works(scene, done):
    require(done.returncode == 0, f"enrollment: {done.stderr}")
    secret = json.loads(done.stdout)["secret"]
    when = max(scene.fresh(), int(time.time()) // STEP * STEP + 10 * STEP)
    scene.now = when
    code = code_at(secret, when)
    said = scene.log_in(f"{when}={code}", f"{when}={code}")
    require(said == [SUCCESS, AUTH_ERR], f"the new secret's code: {said}")


CHANGES = re.compile(r"\w*(write|sync|chown|chmod|rename|link|mkdir|truncate|fallocate)\w*$")


def changes(call):
    return CHANGES.match(call.name) or "O_CREAT" in call.line or call.name == "exit_group"


def changing_calls(scene, name, *words):
    """
    The calls of a tool that change something on the disk, and its last one: killed at any other
    call, it leaves the same as at the next of these.
    """
    calls = trace(os.path.join(TOOLS, name), "--conf", scene.path("conf"), *words)
    return [call for call in calls if changes(call)]


def killed_everywhere(scene, name, words, check):
    shutil.copytree(scene.path("store"), scene.path("template"))
    calls = changing_calls(scene, name, *words)
    for call in calls:
        shutil.rmtree(scene.path("store"))
        shutil.copytree(scene.path("template"), scene.path("store"))
        done = inject(call, "signal=KILL", os.path.join(TOOLS, name),
                      "--conf", scene.path("conf"), *words)
        with_call(call, require, was_killed(done), f"not killed: {done.returncode}")
        with_call(call, check)
    require(len(calls) > 2, "nothing was changed")
    say("killed at " + " ".join(call.name for call in calls))


def an_enrollment_killed_at_any_call_leaves_the_old_secret_or_the_new_one(scene):
    words = ("--user", "daemon", "--force", "--no-confirm", "--json")

    def check():
        when = scene.fresh()
        said = scene.log_in(when, when)
        # the code of a replaced secret is a wrong one
        require(said in ([SUCCESS, AUTH_ERR], [AUTH_ERR, AUTH_ERR]), f"{said}")
        new_secret_works(scene, scene.enroll())

    killed_everywhere(scene, "totp-enroll", words, check)


def a_revocation_killed_at_any_call_is_done_or_not_done(scene):
    def check():
        when = scene.fresh()
        said = scene.log_in(when, when)
        require(said in ([SUCCESS, AUTH_ERR], [AUTH_ERR, AUTH_ERR]), f"{said}")
        again = scene.tool("totpctl", "delete", "--yes", "daemon")
        require(again.returncode in (0, 1), f"again: {again.stderr}")
        run(LOGIN, "enroll", scene.dir, "daemon")
        scene.check(scene.fresh())

    killed_everywhere(scene, "totpctl", ("delete", "--yes", "daemon"), check)


def an_import_killed_at_any_call_leaves_complete_records_or_none(scene):
    secrets = {"bin": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
               "nobody": "KRSXG5CTMVRXEZLUKRSXG5CTMVRXEZLU"}
    with open(scene.path("list"), "w", encoding="ascii") as file:
        file.writelines(f"{user},{secret}\n" for user, secret in secrets.items())
    words = ("import", "csv", scene.path("list"))

    def check():
        for user in secrets:
            shown = scene.tool("totpctl", "show", user)
            there = os.path.exists(scene.path("store/users", user))
            require(shown.returncode == (0 if there else 1), f"{user}: {shown.stderr}")
            if there:
                require(scene.tool("totpctl", "delete", "--yes", user).returncode == 0, user)
        require(scene.tool("totpctl", *words).returncode == 0, "the next import")
        scene.check(scene.fresh())

    killed_everywhere(scene, "totpctl", words, check)


def an_import_over_a_record_killed_at_any_call_makes_no_used_code_valid(scene):
    """The same secret again, from a list that does not know which codes were used."""
    with open(scene.path("list"), "w", encoding="ascii") as file:
        file.write(f"daemon,{SECRET}\n")
    used = scene.fresh()
    require(scene.log_in(used) == [SUCCESS], "the first login")
    words = ("import", "csv", "--replace", scene.path("list"))

    def check():
        require(scene.log_in(used) == [AUTH_ERR], "the code used before it")
        scene.check(scene.fresh())
        require(scene.tool("totpctl", *words).returncode == 0, "the next import")

    killed_everywhere(scene, "totpctl", words, check)


def an_upgrade_killed_at_any_call_leaves_every_record_readable_and_can_continue(scene):
    """By the later program, which knows a version 3 of records."""
    later = "../tests/tools/totpctl-later"
    run(LOGIN, "enroll", scene.dir, "bin")
    used = scene.fresh()
    require(scene.log_in(used) == [SUCCESS], "the first login")

    def check():
        listed = json.loads(scene.tool(later, "list", "--json").stdout)
        require([user["error"] for user in listed] == [None, None], f"{listed}")
        again = scene.tool(later, "upgrade")
        require(again.returncode == 0, f"the next run: {again.stderr}")
        require("0 of an older one" in scene.tool(later, "upgrade").stdout, "not all upgraded")
        listed = json.loads(scene.tool(later, "list", "--json").stdout)
        require([user["error"] for user in listed] == [None, None], f"then: {listed}")

    killed_everywhere(scene, later, ("upgrade",), check)


def letters_of(scene):
    """The users who have a complete letter."""
    found = {}
    for path in glob.glob(scene.path("letters/*.html")):
        with open(path, encoding="utf-8") as letter:
            found[os.path.basename(path)[:-len(".html")]] = letter.read()
    return {user for user, text in found.items() if text.endswith("</html>\n")}


def after_a_bulk_enrollment_killed_at_any_call_every_enrolled_user_has_a_letter(scene):
    users = ("bin", "nobody")
    words = ("enroll", *users, "--letters", scene.path("letters"))

    def check():
        enrolled = {user for user in users if os.path.exists(scene.path("store/users", user))}
        require(enrolled <= letters_of(scene), f"enrolled {enrolled}, not all with a letter")
        for user in enrolled:
            require(scene.tool("totpctl", "delete", "--yes", user).returncode == 0, user)
        shutil.rmtree(scene.path("letters"), ignore_errors=True)
        again = scene.tool("totpctl", *words)
        require(again.returncode == 0, f"the next time: {again.stderr}")
        require(letters_of(scene) == set(users), "the next time's letters")
        shutil.rmtree(scene.path("letters"))
        scene.check(scene.fresh())

    killed_everywhere(scene, "totpctl", words, check)


def a_bulk_enrollment_that_is_interrupted_or_fails_leaves_no_user_and_no_letter(scene):
    words = (os.path.join(TOOLS, "totpctl"), "--conf", scene.path("conf"), "enroll", "bin",
             "nobody", "--letters", scene.path("letters"))
    before = contents(scene)

    def nothing_is_left(done):
        require(done.returncode == 1 and "no letter is left" in done.stderr, done.stderr)
        require(not os.path.exists(scene.path("letters")), "letters")
        require(contents(scene) == before, "records")

    for call, what in (("syncfs", "signal=INT:when=1"), ("syncfs", "error=EIO:when=1"),
                       ("syncfs", "error=EIO:when=2"), ("renameat2", "error=EIO:when=2"),
                       ("syncfs", "error=EIO:when=3")):
        nothing_is_left(inject(Call(call, 0, ""), what, *words))
    nothing_is_left(scene.tool("totpctl", *words[3:], preexec_fn=no_file_size))
    on_a_small_disk(scene, "128k")
    try:
        fill(scene.path("store/filler"))
        nothing_is_left(scene.tool("totpctl", *words[3:]))
    finally:
        run("umount", scene.path("store"))


def invitations(scene):
    listed = scene.tool("totpctl", "invite", "--json")
    require(listed.returncode == 0, f"the list: {listed.stderr}")
    return {one["user"]: one["status"] for one in json.loads(listed.stdout)}


def an_invitation_killed_at_any_call_is_complete_or_not_there(scene):
    def check():
        require(invitations(scene) in ({}, {"bin": "open"}), f"{invitations(scene)}")
        again = scene.tool("totpctl", "invite", "bin")
        require(again.returncode == 0 and invitations(scene) == {"bin": "open"}, again.stderr)

    killed_everywhere(scene, "totpctl", ("invite", "bin"), check)


def an_enrollment_by_invitation_killed_at_any_call_leaves_no_reusable_invitation(scene):
    """An invited user is enrolled, or still invited; after a revocation nothing is left."""
    require(scene.tool("totpctl", "invite", "bin").returncode == 0, "invite")

    def check():
        enrolled = os.path.exists(scene.path("store/users/bin"))
        found = invitations(scene)
        require(found in (({}, {"bin": "enrolled"}) if enrolled else ({"bin": "open"},)),
                f"enrolled {enrolled}, {found}")
        if enrolled:
            require(scene.tool("totpctl", "delete", "--yes", "bin").returncode == 0, "revoke")
            require(invitations(scene) == {}, "after the revocation")

    killed_everywhere(scene, "totp-enroll", ("--user", "bin", "--no-confirm", "--json"), check)


# ---- keys

def keys_of(scene):
    with open(scene.path("keyring"), encoding="ascii") as file:
        return [line.split()[0] for line in file if not line.startswith("#")]


def rotate(scene, call=None, what=None):
    words = (os.path.join(TOOLS, "totpctl"), "--conf", scene.path("conf"), "key", "rotate")
    return inject(call, what, *words) if call else run(*words, check=False)


def enrolled_for_rotation(scene):
    """Another user beside daemon, a copy of everything, and the calls that a rotation makes."""
    run(LOGIN, "enroll", scene.dir, "bin")
    shutil.copytree(scene.path("store"), scene.path("template"))
    shutil.copy2(scene.path("keyring"), scene.path("template.keyring"))
    calls = trace(os.path.join(TOOLS, "totpctl"), "--conf", scene.path("conf"), "key", "rotate")
    as_it_was(scene)
    first = next(i for i, call in enumerate(calls) if '"users"' in call.line)
    return calls[first:]


def as_it_was(scene):
    shutil.rmtree(scene.path("store"))
    shutil.copytree(scene.path("template"), scene.path("store"))
    shutil.copy2(scene.path("template.keyring"), scene.path("keyring"))


def goes_on(scene, old):
    """Whatever happened, every record opens; the next run finishes, and every record opens."""
    require(scene.log_in(scene.fresh()) == [SUCCESS], "a login after it")
    require(scene.tool("totpctl", "show", "bin").returncode == 0, "bin's record")
    again = rotate(scene)
    require(again.returncode == 0, f"the next run: {again.stderr}")
    keys = keys_of(scene)
    require(len(keys) == 1 and keys[0] != old, f"keys {keys}")
    require(scene.log_in(scene.fresh()) == [SUCCESS], "a login after the next run")
    require(scene.tool("totpctl", "show", "bin").returncode == 0, "bin's record then")
    require(not scene.leftovers(), f"{scene.leftovers()}")


def a_rotation_killed_at_any_call_leaves_every_record_readable_and_can_continue(scene):
    calls, old = enrolled_for_rotation(scene), keys_of(scene)[0]
    calls = [call for call in calls if changes(call)]
    for call in calls:
        as_it_was(scene)
        done = rotate(scene, call, "signal=KILL")
        with_call(call, require, was_killed(done), f"not killed: {done.returncode}")
        with_call(call, goes_on, scene, old)
    require(len(calls) > 20, f"{len(calls)} calls")
    say(f"killed at {len(calls)} calls")


def a_rotation_with_a_failed_call_leaves_every_record_readable_and_can_continue(scene):
    calls, old = enrolled_for_rotation(scene), keys_of(scene)[0]
    calls = [call for call in calls
             if call.name not in ("exit_group", "mmap", "munmap", "mprotect", "brk", "rt_sigaction",
                                  "clock_nanosleep", "close", "getpid", "futex")]
    for call in calls:
        as_it_was(scene)
        done = rotate(scene, call, "error=EIO")
        with_call(call, require, done.returncode in (0, 1), f"exit {done.returncode}")
        with_call(call, require, done.returncode == 0 or done.stderr, "no reason is printed")
        with_call(call, goes_on, scene, old)
    say(f"{len(calls)} calls failed")


def a_rotation_on_a_full_disk_leaves_every_record_readable_and_can_continue(scene):
    enrolled_for_rotation(scene)
    old = keys_of(scene)[0]
    on_a_small_disk(scene, "128k")
    try:
        fill(scene.path("store/filler"))
        done = rotate(scene)
        require(done.returncode == 1 and "No space left" in done.stderr, done.stderr)
        require(scene.log_in(scene.fresh()) == [SUCCESS], "a login after it")
        os.unlink(scene.path("store/filler"))
        goes_on(scene, old)
    finally:
        run("umount", scene.path("store"))


def calls_of_enrolling(scene):
    """
    The calls of the account stage in which bin enrolls; a first enrollment in the same process
    comes before it, because libcrypto dies of a failure while it initializes.
    """
    calls = trace(LOGIN, "enroll-in-login", scene.dir, "nobody", "bin")
    start, end = [i for i, call in enumerate(calls) if call.name == "getppid"][-2:]
    calls = calls[start + 1:end]
    audit = [i for i, call in enumerate(calls) if "NETLINK_AUDIT" in call.line]  # libpam's, after us
    # and futex is glibc's own, which aborts
    return [call for call in calls[:audit[0] if audit else None] if call.name != "futex"]


def forget_enrolled(scene):
    for user in "nobody", "bin":
        scene.tool("totpctl", "delete", "--yes", user)
    require(not os.path.exists(scene.path("store/users/bin")), "revoked")


def check_enrolled(scene):
    """There is a complete record, or none; returns whether there is one."""
    there = os.path.exists(scene.path("store/users/bin"))
    shown = scene.tool("totpctl", "show", "bin")
    require(shown.returncode == (0 if there else 1), f"there {there}: {shown.stderr}")
    return there


def an_enrollment_in_the_login_in_which_any_call_fails_is_safe(scene):
    """A user who is allowed is enrolled, and a user who is denied is not."""
    calls = calls_of_enrolling(scene)
    require(check_enrolled(scene), "without a fault")
    seen = collections.Counter()
    for call in calls:
        forget_enrolled(scene)
        done = inject(call, "error=EIO", LOGIN, "enroll-in-login", scene.dir, "nobody", "bin")
        with_call(call, require, done.returncode == 0, f"{done.returncode} {done.stderr}")
        auth, account = (int(word) for word in done.stdout.split()[2:])
        there = with_call(call, check_enrolled, scene)
        with_call(call, require, auth == SUCCESS and (account == SUCCESS) == there,
                  f"auth {auth}, account {account}, enrolled {there}")
        seen[account] += 1
    say(f"{sum(seen.values())} faults: PAM's answers {dict(seen)}")


def an_enrollment_in_the_login_killed_at_any_call_is_complete_or_not_done(scene):
    calls = [call for call in calls_of_enrolling(scene) if CHANGES.match(call.name)
             or "O_CREAT" in call.line]
    for call in calls:
        forget_enrolled(scene)
        done = inject(call, "signal=KILL", LOGIN, "enroll-in-login", scene.dir, "nobody", "bin")
        with_call(call, require, was_killed(done), f"not killed: {done.returncode}")
        with_call(call, check_enrolled, scene)
    say("killed at " + " ".join(call.name for call in calls))


# ---- running

def say(text):
    print(f"# {text}", flush=True)


def with_call(call, function, *arguments):
    """Call the function; a failure names the system call at which it happened."""
    try:
        return function(*arguments)
    except Failure as failure:
        raise Failure(f"at {call.name} number {call.ordinal}: {failure}\n{call.line}") from failure


class Log:
    """
    The /dev/log of this mount namespace. It is read all the time, because a program that logs waits
    for room.
    """

    def __init__(self):
        run("mount", "-t", "tmpfs", "-o", "mode=755", "t", "/dev")
        for name, minor in (("null", 3), ("zero", 5), ("random", 8), ("urandom", 9)):
            os.mknod(f"/dev/{name}", 0o20666, os.makedev(1, minor))
        self.lines = []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("/dev/log")
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        while True:
            self.lines.append(self.socket.recv(8192).decode(errors="replace"))

    def clear(self):
        self.lines.clear()

    def holds(self, text):
        """Waits a little, since the line may still be on its way."""
        for _ in range(1000):
            if any(text in line for line in self.lines):
                return True
            time.sleep(0.01)
        return False


TESTS = [
    a_login_needs_few_calls_one_sync_and_no_process,
    a_login_killed_at_any_call_damages_nothing,
    a_login_with_a_recovery_code_killed_at_any_call_spends_it_once,
    a_login_with_a_temporary_code_killed_at_any_call_uses_it_once,
    a_login_in_which_any_call_fails_is_safe,
    after_a_short_write_the_login_is_denied,
    on_a_disk_that_cannot_sync_every_login_is_denied,
    an_interrupted_write_is_repeated,
    a_lock_that_is_held_denies_in_two_seconds,
    on_a_full_disk_users_log_in_and_an_enrollment_fails_cleanly,
    on_a_read_only_disk_every_login_is_denied_and_the_log_says_why,
    an_enrollment_that_cannot_write_keeps_the_old_secret,
    an_enrollment_killed_at_any_call_leaves_the_old_secret_or_the_new_one,
    a_revocation_killed_at_any_call_is_done_or_not_done,
    an_import_killed_at_any_call_leaves_complete_records_or_none,
    an_import_over_a_record_killed_at_any_call_makes_no_used_code_valid,
    an_upgrade_killed_at_any_call_leaves_every_record_readable_and_can_continue,
    after_a_bulk_enrollment_killed_at_any_call_every_enrolled_user_has_a_letter,
    a_bulk_enrollment_that_is_interrupted_or_fails_leaves_no_user_and_no_letter,
    an_invitation_killed_at_any_call_is_complete_or_not_there,
    an_enrollment_by_invitation_killed_at_any_call_leaves_no_reusable_invitation,
    an_enrollment_in_the_login_in_which_any_call_fails_is_safe,
    an_enrollment_in_the_login_killed_at_any_call_is_complete_or_not_done,
    a_rotation_killed_at_any_call_leaves_every_record_readable_and_can_continue,
    a_rotation_with_a_failed_call_leaves_every_record_readable_and_can_continue,
    a_rotation_on_a_full_disk_leaves_every_record_readable_and_can_continue,
]


def chosen(tests, words):
    """The tests that are named; all of them; or for I/N every N-th, from the I-th on."""
    if words and re.fullmatch(r"\d+/\d+", words[0]):
        part, parts = map(int, words[0].split("/"))
        return tests[part - 1::parts]
    return [test for test in tests if not words or test.__name__ in words]


def main(all_tests):
    failed = 0
    tests = list(chosen(all_tests, sys.argv[3:]))
    print(f"1..{len(tests)}")
    for number, test in enumerate(tests, 1):
        since = time.monotonic()
        LOG.clear()
        try:
            with Scene() as scene:
                test(scene)
            print(f"ok {number} {test.__name__}")
        except Exception:  # whatever it is, the other tests run
            failed += 1
            say(traceback.format_exc().replace("\n", "\n# "))
            print(f"not ok {number} {test.__name__}")
        say(f"{time.monotonic() - since:.1f} s")
    return 1 if failed else 0


LOG = None


def begin(all_tests):
    """Run them in a mount namespace of our own."""
    global LOG
    if os.geteuid() != 0 or not shutil.which("strace"):
        print("1..0 # SKIP needs root and strace")
        sys.exit(77)
    if "FAULT_INSIDE" not in os.environ:
        os.execvpe("unshare", ["unshare", "-m", sys.executable] + sys.argv,
                   dict(os.environ, FAULT_INSIDE="1"))
    LOG = Log()
    sys.exit(main(all_tests))


if __name__ == "__main__":
    begin(TESTS)
