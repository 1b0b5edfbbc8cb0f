# SPDX-License-Identifier: BSD-2-Clause
"""
What the programs do, each time from the same store, and what must be true of it after any fault.
"""
import base64
import hashlib
import hmac
import json
import os
import pathlib
import shutil
import struct
import time

from fault import (AUTH_ERR, IGNORED, LOGIN, SECRET, STEP, SUCCESS, TOOLS, check_enrolled, code_at,
                   keys_of, require, rotate, run)

IMPORTED = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


class Flow:
    """
    One way to use a program. `marked`: the program itself marks the part that counts. check looks
    at what is left: done: as run returns it, None: it was killed; at: the system call that failed.
    It returns whether the program succeeded. failed: the function of a library that failed.
    """
    marked = False
    failed = ""

    def __init__(self, scene):
        self.scene = scene
        self.keep()

    def keep(self):
        """The store as it is now is what each run begins with."""
        shutil.copytree(self.scene.path("store"), self.scene.path("template"))
        shutil.copy2(self.scene.path("keyring"), self.scene.path("template.keyring"))

    def reset(self):
        shutil.rmtree(self.scene.path("store"))
        run("cp", "-a", self.scene.path("template"), self.scene.path("store"))
        shutil.copy2(self.scene.path("template.keyring"), self.scene.path("keyring"))


# ---- logins in the process

class Login(Flow):
    """With a right code. The program prints PAM's answer and the descriptors that it has open."""
    marked = True
    right = SUCCESS  # PAM's answer
    descriptors = None

    def __init__(self, scene):
        scene.make_optional()
        super().__init__(scene)

    def reset(self):
        """No store is restored: each login has codes of its own."""
        when = self.scene.fresh()
        self.typed, self.later = when, when + STEP

    def words(self):
        return LOGIN, self.scene.dir, self.typed

    def check(self, done, at=""):
        answer = None
        if done:
            require(done.returncode == 0, f"it died: {done.returncode} {done.stderr}")
            answer, descriptors = map(int, done.stdout.split())
            require(answer != IGNORED, "passed over")
            self.descriptors = self.descriptors or descriptors
            require(descriptors <= self.descriptors or at == "close", f"{descriptors} descriptors")
        self.check_codes(answer == SUCCESS)
        require(not self.scene.leftovers(), "a temporary file")
        return answer == self.right

    def check_codes(self, accepted):
        first, second, later = self.scene.log_in(self.typed, self.typed, self.later)
        require(first == AUTH_ERR or (first == SUCCESS and not accepted), f"at first {first}")
        require(second == AUTH_ERR, f"a code used before: {second}")
        require(later == SUCCESS, f"the next code: {later}")


def wrong_code(when):
    near = {code_at(SECRET, when + step * STEP) for step in range(-4, 8)}
    return next(code for code in map(str, range(111111, 200000)) if code not in near)


class WrongLogin(Login):
    """Never allowed, and the right code works afterwards."""
    right = AUTH_ERR

    def reset(self):
        Flow.reset(self)  # with all of the tries that the throttle allows
        when = self.scene.fresh()
        self.typed, self.later = f"{when}={wrong_code(when)}", when

    def check_codes(self, accepted):
        require(not accepted, "allowed with a wrong code")
        require(self.scene.log_in(self.later) == [SUCCESS], "the right code")


class RecoveryLogin(Login):
    def reset(self):
        when = self.scene.fresh()
        code = run(LOGIN, "recovery", self.scene.dir).stdout.strip()
        self.typed, self.later = f"{when}={code}", when + STEP


class CounterLogin(Login):
    """With a token whose codes go by a counter."""
    counter = 0

    def __init__(self, scene):
        run(LOGIN, "counter", scene.dir)
        super().__init__(scene)

    def reset(self):
        when = self.scene.fresh()
        self.typed, self.later = (f"{when}={counter_code(self.counter + n)}" for n in (0, 1))
        self.counter += 2


def counter_code(counter):
    """RFC 4226, computed here."""
    mac = hmac.new(base64.b32decode(SECRET), struct.pack(">Q", counter), hashlib.sha1).digest()
    at = mac[-1] & 15
    return str((struct.unpack(">I", mac[at:at + 4])[0] & 0x7FFFFFFF) % 10 ** 6).zfill(6)


class EnrollingLogin(Flow):
    """auth and account of a user who enrolls in the login."""
    marked = True

    def words(self):
        return LOGIN, "enroll-in-login", self.scene.dir, "bin"

    def check(self, done, at=""):
        require(not done or done.returncode == 0, f"it died: {done}")
        auth, account = map(int, done.stdout.split()) if done else (SUCCESS, None)
        there = check_enrolled(self.scene)
        require(there or account != SUCCESS, "allowed, and not enrolled")
        require(auth == SUCCESS or not there, f"denied by auth ({auth}), and enrolled")
        require(not done or at == "unlinkat" or not self.scene.leftovers(), "a temporary file")
        require(self.scene.log_in(self.scene.fresh()) == [SUCCESS], "a login of another user")
        return account == SUCCESS


# ---- the tools

class Tool(Flow):
    """
    The record is the old one or the new one, every record can be read, and a code used before it
    stays used. changes_secret: after it, codes of daemon's old secret are denied.
    """
    changes_secret = False
    output = None  # a file or directory that is there only if it succeeds

    def __init__(self, scene):
        scene.now = int(time.time()) // STEP * STEP + 3600  # the tools have the real clock
        self.used = scene.fresh()
        require(scene.log_in(self.used) == [SUCCESS], "the first login")
        self.honest = scene.fresh()
        self.prepare(scene)
        super().__init__(scene)
        self.before = records(scene)

    def prepare(self, scene):
        pass

    def reset(self):
        super().reset()
        if self.output:
            run("rm", "-rf", self.scene.path(self.output))

    def words(self):
        name, *words = self.command()
        return os.path.join(TOOLS, name), "--conf", self.scene.path("conf"), *words

    def made(self):
        return records(self.scene) != self.before

    def check(self, done, at=""):
        check_exit(done, at)
        succeeded = bool(done) and done.returncode == 0
        listed = self.scene.tool("totpctl", "list", "--json")
        require(listed.returncode == 0, f"the list: {listed.stderr}")
        wrong = [user for user in json.loads(listed.stdout) if user["error"]]
        require(not wrong, f"records that cannot be read: {wrong}")
        made = self.made()
        require(made or not succeeded, "it says that it was done")
        if done and not at.startswith("unlink"):
            require(not self.scene.leftovers(), f"{self.scene.leftovers()}")
            # it may be complete, and only what the program prints is lost
            require(succeeded or not self.output or "left out" in done.stderr or at == "write" or
                    not os.path.exists(self.scene.path(self.output)), f"{self.output} is left")
        used, honest = self.scene.log_in(self.used, self.honest)
        require(used == AUTH_ERR, f"a code used before: {used}")
        expected = AUTH_ERR if made and self.changes_secret else SUCCESS
        require(honest == expected, f"a right code: {honest}")
        return succeeded


def check_exit(done, at):
    """It ends with an exit status of its own; and when it fails, it says why."""
    if done:
        require(done.returncode in (0, 1), f"exit {done.returncode}: {done.stderr}")
        require(done.returncode == 0 or done.stderr or at.startswith("write"),
                "no reason is printed")


def records(scene):
    directory = scene.path("store/users")
    return {name: open(os.path.join(directory, name), "rb").read()
            for name in os.listdir(directory) if "~" not in name}


class Enroll(Tool):
    def command(self):
        return "totp-enroll", "--user", "bin", "--no-confirm", "--json"


class Replace(Tool):
    changes_secret = True

    def command(self):
        return "totp-enroll", "--user", "daemon", "--force", "--no-confirm", "--json"


class Add(Tool):
    def command(self):
        return "totp-enroll", "add", "second", "--user", "daemon", "--no-confirm"


class Remove(Tool):
    def prepare(self, scene):
        done = scene.tool("totp-enroll", "add", "second", "--user", "daemon", "--no-confirm")
        require(done.returncode == 0, done.stderr)

    def command(self):
        return "totp-enroll", "remove", "second", "--user", "daemon"


class Recovery(Tool):
    def command(self):
        return "totpctl", "recovery", "daemon"


class EnrollMany(Tool):
    output = "letters"

    def command(self):
        return "totpctl", "enroll", "bin", "nobody", "--letters", self.scene.path("letters")


class Delete(Tool):
    changes_secret = True

    def command(self):
        return "totpctl", "delete", "--yes", "daemon"


class Unlock(Tool):
    def prepare(self, scene):
        now = int(time.time())
        require(scene.log_in(f"{now}={wrong_code(now)}") == [AUTH_ERR], "a wrong code")

    def command(self):
        return "totpctl", "unlock", "daemon"

    def made(self):
        return True  # it changes the login state alone


class Repair(Tool):
    """Of a user whose login state is lost; daemon's is not."""

    def prepare(self, scene):
        run(LOGIN, "enroll", scene.dir, "bin")
        for name in os.listdir(scene.path("store/state")):
            if name.startswith("bin."):
                os.unlink(scene.path("store/state", name))

    def command(self):
        return "totpctl", "repair", "bin"

    def check(self, done, at=""):
        check_exit(done, at)
        shown = self.scene.tool("totpctl", "show", "bin")
        require(shown.returncode == 0 or not done or done.returncode == 1, f"bin: {shown.stderr}")
        if shown.returncode != 0:
            again = self.scene.tool("totpctl", *self.command()[1:])
            require(again.returncode == 0, f"the next time: {again.stderr}")
        return super().check(done, at)

    def made(self):
        return True


class Import(Tool):
    def prepare(self, scene):
        with open(scene.path("list"), "w", encoding="ascii") as file:
            file.write(f"bin,{IMPORTED}\n")

    def command(self):
        return "totpctl", "import", "csv", self.scene.path("list")


class Export(Tool):
    output = "export"

    def prepare(self, scene):
        with open(scene.path("passphrase"), "w", encoding="ascii") as file:
            file.write("correct horse battery\n")
        os.chmod(scene.path("passphrase"), 0o600)

    def command(self):
        return ("totpctl", "export", self.scene.path("export"), "--passphrase-file",
                self.scene.path("passphrase"))

    def made(self):
        return os.path.exists(self.scene.path("export"))

    def check(self, done, at=""):
        if done and done.returncode == 0:
            read = self.scene.tool("totpctl", "import", "exported", "--replace", "--dry-run",
                                   self.scene.path("export"), "--passphrase-file",
                                   self.scene.path("passphrase"))
            require(read.returncode == 0, f"the export file: {read.stderr}")
        return super().check(done, at)


class Rotate(Tool):
    def command(self):
        return "totpctl", "key", "rotate"

    def check(self, done, at=""):
        finished = super().check(done, at)
        if not finished:
            again = rotate(self.scene)
            require(again.returncode == 0, f"the next run: {again.stderr}")
        require(len(keys_of(self.scene)) == 1, f"keys {keys_of(self.scene)}")
        return finished


SERVICE_UID = 64990


def make_service_account(scene):
    """In the mount namespace of the tests, until they end."""
    with open("/etc/passwd", encoding="utf-8") as file:
        lines = [line for line in file if not line.startswith("_pam_totp:")]
    with open(scene.path("passwd"), "w", encoding="utf-8") as file:
        file.writelines([*lines, f"_pam_totp:x:{SERVICE_UID}:{SERVICE_UID}::/:/usr/sbin/nologin\n"])
    if f"_pam_totp:x:{SERVICE_UID}:" not in pathlib.Path("/etc/passwd").read_text(encoding="utf-8"):
        run("mount", "--bind", scene.path("passwd"), "/etc/passwd")


def is_given(scene):
    """Does the service account own each file of the store?"""
    return all(os.stat(scene.path("store", kind, name)).st_uid == SERVICE_UID
               for kind in ("users", "state", "invites") for name in os.listdir(scene.path("store", kind)))


class Give(Tool):
    """The store, which is root's, to the service account, which was made after it."""

    def prepare(self, scene):
        done = scene.tool("totpctl", "invite", "bin")
        require(done.returncode == 0, done.stderr)
        make_service_account(scene)

    def command(self):
        return "totpctl", "init"

    def made(self):
        # what does not authenticate is no record, and stays as it is
        return is_given(self.scene) or not self.claimed or self.failed == "EVP_DecryptFinal_ex"

    def check(self, done, at=""):
        self.claimed = bool(done) and "Gave the store" in done.stdout  # or it has found no account
        finished = super().check(done, at)
        again = self.scene.tool("totpctl", "init")
        require(again.returncode == 0 and is_given(self.scene), f"the next time: {again.stderr}")
        require(set(self.scene.log_in(self.used, self.honest)) == {AUTH_ERR}, "a code used before it")
        return finished


class Upgrade(Tool):
    """By the later program, which knows a version 3 of records."""
    later = "../tests/tools/totpctl-later"

    def command(self):
        return self.later, "upgrade"

    def check(self, done, at=""):
        check_exit(done, at)
        for expected in ("", "0 of an older one"):
            listed = json.loads(self.scene.tool(self.later, "list", "--json").stdout)
            require([user["error"] for user in listed] == [None], f"{listed}")
            again = self.scene.tool(self.later, "upgrade")
            require(again.returncode == 0 and expected in again.stdout, f"again: {again.stderr}")
        if done and not at.startswith("unlink"):
            require(not self.scene.leftovers(), f"{self.scene.leftovers()}")
        return bool(done) and done.returncode == 0


IN_PROCESS = [Login, WrongLogin, RecoveryLogin, CounterLogin, EnrollingLogin]
BY_TOOLS = [Enroll, Replace, Add, Remove, Recovery, EnrollMany, Delete, Unlock, Repair, Import,
            Export, Rotate, Give, Upgrade]
