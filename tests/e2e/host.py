# SPDX-License-Identifier: BSD-2-Clause
"""
A host to log in to: accounts, a store, sshd, and its log.

It works on the machine on which it runs, so it runs only where tests/e2e/inside made a private one.
Time is the real one; instead of waiting, tests use a code for a later step of the window.
"""
import contextlib
import glob
import json
import os
import random
import re
import shutil
import socket
import subprocess
import time
import urllib.parse

import pexpect

DIR = os.environ.get("HOST_DIR", "")
LOG = os.environ.get("HOST_LOG", "")
HERE = os.path.dirname(os.path.abspath(__file__))
POLICY = "/etc/security/pam_totp.conf"
KEYRING = "/etc/pam_totp/keyring"
STORE = "/var/lib/pam_totp"
PROMPT = "Verification code: "

# sshd's stack with only our line in it.
ALONE = (
    "auth required pam_totp.so {}",
    "auth required pam_permit.so",
    "account required pam_permit.so",
    "session required pam_permit.so",
)


def run(*argv, given=None, fail=False, **kwargs):
    """Run a program to its end; it must succeed, or with fail=True must fail."""
    done = subprocess.run(argv, input=given, capture_output=True, text=True, timeout=240, **kwargs)
    assert (done.returncode != 0) == fail, f"{argv}: {done.returncode}: {done.stdout}{done.stderr}"
    return done.stdout + done.stderr if fail else done.stdout


@contextlib.contextmanager
def accounts(*names, uid=70000, shell="/bin/sh"):
    """Accounts with this uid and the following ones, until the end: doctor looks at all there are."""
    with open("/etc/passwd") as file:
        before = file.read()
    with open("/etc/passwd", "a") as file:
        file.writelines(f"{name}:x:{number}:65534::/:{shell}\n"
                        for number, name in enumerate(names, uid))
    try:
        yield
    finally:
        with open("/etc/passwd", "w") as file:
            file.write(before)


def wait_for(what, seconds=60):
    """Wait until what() is true, and return it. Only something that hangs takes all that time."""
    end = time.monotonic() + seconds
    while True:
        found = what()
        if found or time.monotonic() > end:
            return found
        time.sleep(0.02)


def quickest(action, seconds, tries=5):
    """
    How long it takes: the shortest time of several tries, or the first one below `seconds`. What else
    runs on the machine delays one try or another, and a fault delays all of them.
    """
    shortest = None
    for _ in range(tries):
        began = time.monotonic()
        action()
        took = time.monotonic() - began
        shortest = min(took, shortest or took)
        if shortest < seconds:
            break
    return shortest


def sockets_at(path):
    """Of each socket with this name: does it listen? The others are connections that were accepted."""
    with open("/proc/net/unix", encoding="utf-8") as file:
        lines = [line.split() for line in file]
    return [bool(int(words[3], 16) & 0x10000) for words in lines[1:] if words[-1] == path]


def is_listening(path):
    return any(sockets_at(path))


def day(offset=0):
    """A date as in the policy, in UTC. Never in the last moments of a date: a test takes that long."""
    left = 86400 - time.time() % 86400
    if left < 60:
        time.sleep(left + 0.1)
    return time.strftime("%Y-%m-%d", time.gmtime(time.time() + offset * 86400))


class Terminal(pexpect.spawn):
    """A program at a terminal."""

    def __init__(self, *words, **options):
        super().__init__(*words, **{"timeout": 60, "encoding": "utf-8", **options})

    def close(self, force=True):
        """pexpect gives the program a tenth of a second for its end, and then fails."""
        try:
            super().close(force)
        except pexpect.ExceptionPexpect:
            assert wait_for(lambda: not self.isalive()), "it was killed, and has not ended"
            super().close(force)


def console(**options):
    """
    login(1) at a terminal, once it asks for a name. util-linux's login begins by hanging up its
    terminal: the reader would see its end if no other process held it open meanwhile.
    """
    child = Terminal("/bin/sh", ["-c", "read -r _ && exec /usr/bin/login"], **options)
    held = os.open(os.readlink(f"/proc/{child.pid}/fd/0"), os.O_RDWR | os.O_NOCTTY)
    try:
        child.sendline("")
        child.expect_exact("login: ")
    finally:
        os.close(held)
    return child


class Phone:
    """An authenticator app that holds one secret. oathtool makes the codes."""

    def __init__(self, uri):
        self.uri = uri
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(uri).query)
        self.secret = query["secret"][0]
        self.algorithm = query.get("algorithm", ["SHA1"])[0]
        self.digits = int(query.get("digits", ["6"])[0])
        self.period = int(query.get("period", ["30"])[0])
        self.shown = set()

    def at(self, when):
        return run("oathtool", f"--totp={self.algorithm.lower()}", "-d", str(self.digits),
                   "-s", f"{self.period}s", "--now", f"@{int(when)}", "-b", "-",
                   given=self.secret).strip()

    def code(self, ahead=0, room=3):
        """
        The current code, or the one `ahead` steps later; not in the last seconds of a step. More
        room is for what depends on the step in which the code is used.
        """
        left = self.period - time.time() % self.period
        if left < room:
            time.sleep(left + 0.1)
        code = self.at(time.time() + ahead * self.period)
        self.shown.add(code)
        return code

    def wrong(self):
        """A code that is wrong at all times near now."""
        near = {self.at(time.time() + step * self.period) for step in range(-3, 4)}
        while True:
            code = f"{random.randrange(10 ** self.digits):0{self.digits}}"
            if code not in near | self.shown:
                self.shown.add(code)
                return code


class Login:
    """The result of one ssh login: whether it succeeded, and everything that its user saw."""

    def __init__(self, done, prompts, seconds):
        self.ok = done.returncode == 0
        self.output = done.stdout
        self.screen = done.stderr
        self.prompts = prompts
        self.seconds = seconds

    def __repr__(self):
        return f"<{'in' if self.ok else 'refused'} {self.prompts} {self.screen!r} {self.output!r}>"


class Host:
    def __init__(self):
        self.phones = []
        self.daemon = None
        self.totpd_process = None
        self.clients = []
        self.forget()
        self.log_start = self.log_end()
        self.sshd_log = f"{DIR}/sshd.log"
        self.pam("sshd", *ALONE)
        run("totpctl", "init")

    # ---- what an administrator does

    def forget(self):
        for path in (os.path.dirname(KEYRING), STORE, "/run/pam_totp"):
            shutil.rmtree(path, ignore_errors=True)
        if os.path.lexists(POLICY):
            os.unlink(POLICY)
        for user in "alice", "bob":
            shutil.rmtree(f"/home/{user}/.ssh", ignore_errors=True)

    def policy(self, **settings):
        with open(POLICY, "w") as file:
            file.writelines(f"{key} = {value}\n" for key, value in settings.items())
        os.chmod(POLICY, 0o644)
        run("totpctl", "check")

    def pam(self, service, *lines, args=""):
        with open(f"/etc/pam.d/{service}", "w") as file:
            file.writelines(line.format(args).rstrip() + "\n" for line in lines)

    @staticmethod
    def drop_pam_lines():
        """Take out what earlier tests have left."""
        for path in glob.glob("/etc/pam.d/*"):
            with open(path, encoding="utf-8") as file:
                lines = file.readlines()
            with open(path, "w", encoding="utf-8") as file:
                file.writelines(line for line in lines if "pam_totp" not in line)

    def enroll(self, user, *options, period=60):
        """Enroll a phone for the user. No code confirms it, so no step is used yet."""
        made = json.loads(run("totp-enroll", "--user", user, "--no-confirm", "--json",
                              *(("--period", str(period)) if period else ()), *options))
        phone = Phone(made["uri"])
        assert phone.secret == made["secret"].replace(" ", "")
        self.phones.append(phone)
        return phone

    def key(self, user):
        """Give the user an ssh key; returns the options for a client that uses it."""
        key = f"{DIR}/key.{time.monotonic_ns()}"
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
        os.makedirs(f"/home/{user}/.ssh", 0o700, exist_ok=True)
        shutil.move(f"{key}.pub", f"/home/{user}/.ssh/authorized_keys")
        run("chown", "-R", f"{user}:{user}", f"/home/{user}/.ssh")
        return (f"IdentityFile={key}", "IdentitiesOnly=yes")

    def password(self, user, password):
        hashed = run("openssl", "passwd", "-6", "-stdin", given=password).strip()
        run("usermod", "-p", hashed, user)

    def state_files(self):
        return {name: open(f"{STORE}/state/{name}", "rb").read()
                for name in os.listdir(f"{STORE}/state")}

    def state_paths(self, user):
        return [f"{STORE}/state/{name}" for name in os.listdir(f"{STORE}/state")
                if name.startswith(user + ".")]

    # ---- totpd

    def serve(self, *options, uid=64990, **settings):
        """Give the host the service account, a store that it owns, this policy, and totpd."""
        for path, line in (("/etc/passwd", f"_pam_totp:x:{uid}:{uid}::/:/usr/sbin/nologin"),
                           ("/etc/group", f"_pam_totp:x:{uid}:")):
            with open(path) as file:
                if "_pam_totp:" in file.read():
                    continue
            with open(path, "a") as file:
                file.write(line + "\n")
        self.forget()
        self.policy(**settings)
        run("totpctl", "init")
        self.totpd(*options)

    def totpd(self, *options, **variables):
        """Start totpd, or restart it, with these variables in its environment."""
        self.stop_totpd()
        since = self.log_end()
        self.totpd_process = subprocess.Popen(["/usr/libexec/totpd", "--foreground", *options],
                                              env=dict(os.environ, **variables))
        assert wait_for(lambda: self.totpd_process.poll() is not None or "outcome=begin" in
                        self.log_text(since)) and self.totpd_process.poll() is None, self.log_text(since)

    def drop_service(self):
        for path in "/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow":
            run("sed", "-i", "/^_pam_totp:/d", path)

    def stop_totpd(self):
        if self.totpd_process:
            self.totpd_process.terminate()
            self.totpd_process.wait(60)
            self.totpd_process = None

    # ---- sshd and its clients

    def sshd(self, *settings, match=(), **environment):
        """
        Start sshd, or restart it with other settings; the first value of a setting counts,
        `match` holds lines for the end of its file, and `environment` more variables.
        """
        self.stop_sshd()
        if not os.path.exists("/etc/ssh/ssh_host_ed25519_key"):
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/etc/ssh/ssh_host_ed25519_key")
        with open("/etc/ssh/ssh_host_ed25519_key.pub") as key, open(f"{DIR}/known_hosts", "w") as known:
            known.write("localhost " + key.read())
        with open("/usr/sbin/sshd", "rb") as program:
            penalties = b"persourcepenalties" in program.read()  # from OpenSSH 9.8 on
        with open(f"{DIR}/sshd_config", "w") as file:
            for line in (*settings, *["PerSourcePenalties no"] * penalties, "Port 22", "ListenAddress 127.0.0.1", "UsePAM yes",
                         "KbdInteractiveAuthentication yes", "PasswordAuthentication no",
                         "PermitRootLogin yes", "UseDNS no", "PrintMotd no", "LogLevel DEBUG1",
                         "HostKey /etc/ssh/ssh_host_ed25519_key", "MaxStartups 100",
                         "Subsystem sftp internal-sftp", *match):
                file.write(line + "\n")
        if os.path.exists(self.sshd_log):
            os.unlink(self.sshd_log)
        self.daemon = subprocess.Popen(["/usr/sbin/sshd", "-D", "-f", f"{DIR}/sshd_config",
                                        "-E", self.sshd_log],
                                       env={**os.environ, **environment})
        assert wait_for(lambda: os.path.exists(self.sshd_log) and "Server listening" in
                        open(self.sshd_log, errors="replace").read()), open(self.sshd_log).read()

    def stop_sshd(self):
        if self.daemon:
            self.daemon.terminate()
            self.daemon.wait()
            self.daemon = None

    def ssh_command(self, user, *options, command="id -un"):
        options = ("NumberOfPasswordPrompts=1", f"UserKnownHostsFile={DIR}/known_hosts",
                   "StrictHostKeyChecking=yes", *options)
        return ["ssh", "-F", "/dev/null", *(f"-o{option}" for option in options),
                f"{user}@localhost", command]

    def ssh_start(self, user, *answers, options=()):
        """Begin a login in which a program (SSH_ASKPASS) answers the prompts in order."""
        askpass_dir = f"{DIR}/askpass.{time.monotonic_ns()}"
        os.mkdir(askpass_dir)
        with open(f"{askpass_dir}/answers", "w") as file:
            file.writelines(answer + "\n" for answer in answers)
        env = {"PATH": os.environ["PATH"], "HOME": "/root", "ASKPASS_DIR": askpass_dir,
               "LC_ALL": "C.UTF-8", "SSH_ASKPASS": f"{HERE}/askpass",
               "SSH_ASKPASS_REQUIRE": "force"}
        client = subprocess.Popen(self.ssh_command(user, *options), env=env, text=True,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, start_new_session=True)
        client.askpass_dir, client.began = askpass_dir, time.monotonic()
        self.clients.append(client)
        return client

    def ssh_end(self, client, seconds=60):
        out, err = client.communicate(timeout=seconds)
        client.stdout, client.stderr = out, err
        prompts = []
        if os.path.exists(f"{client.askpass_dir}/prompts"):
            with open(f"{client.askpass_dir}/prompts") as file:
                prompts = file.read().split("\0")[:-1]
        return Login(client, prompts, time.monotonic() - client.began)

    def ssh(self, user, *answers, options=()):
        return self.ssh_end(self.ssh_start(user, *answers, options=options))

    def ssh_by_hand(self, user, *options, locale="C.UTF-8"):
        """A login at a terminal, for a test that types."""
        child = Terminal(self.ssh_command(user, *options)[0], self.ssh_command(user, *options)[1:],
                         env={"PATH": os.environ["PATH"], "HOME": "/root", "TERM": "xterm",
                              "LC_ALL": locale})
        self.clients.append(child)
        return child

    # ---- the log

    def log_settle(self):
        """Wait until every line that was sent before is written."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as asking:
            asking.bind("")  # an address that the system chooses
            asking.settimeout(60)
            asking.sendto(b"", "/dev/log")
            asking.recv(1)

    def log_end(self):
        self.log_settle()
        return os.path.getsize(LOG)

    def log_text(self, since=None):
        self.log_settle()
        with open(LOG, errors="replace") as file:
            file.seek(self.log_start if since is None else since)
            return file.read()

    def events(self, since=None):
        """The module's decisions about logins, each as a dict of its fields."""
        found = []
        for line in self.log_text(since).splitlines():
            match = re.match(r"<(\d+)>.*?pam_totp: (user=.*)", line)
            if match:
                fields = re.findall(r'(\w+)=("(?:[^"\\]|\\.)*"|\S+)', match[2])
                found.append({key: value.strip('"') for key, value in fields})
                found[-1]["facility"] = int(match[1]) >> 3
        return [event for event in found
                if event["outcome"] in ("allow", "deny", "wait", "skip", "error")]

    def event(self, since=None):
        """The one decision that was logged."""
        assert wait_for(lambda: self.events(since)), self.log_text(since)
        time.sleep(0.05)
        found = self.events(since)
        assert len(found) == 1, found
        return found[0]

    def leaks(self):
        """Codes and secrets of the phones that any log holds."""
        text = self.log_text()
        if os.path.exists(self.sshd_log):
            text += open(self.sshd_log, errors="replace").read()
        text = re.sub(r"\[\d+\]|\b(child|pid) \d+", "", text)  # processes, whose numbers may have 6 digits
        secrets = [phone.secret for phone in self.phones]
        codes = [code for phone in self.phones for code in phone.shown]
        return ([secret for secret in secrets if secret in text] +
                [code for code in codes if re.search(rf"(?<!\d){code}(?!\d)", text)])

    def close(self):
        self.stop_sshd()
        self.stop_totpd()
        self.drop_service()
        for client in self.clients:
            if isinstance(client, subprocess.Popen):
                if client.poll() is None:
                    client.kill()
                    client.wait()
            else:
                client.close(force=True)
