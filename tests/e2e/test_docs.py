# SPDX-License-Identifier: BSD-2-Clause
"""
The commands of README.md and docs/, read from the pages and run on a private host.

The blocks of a page are run in their order, on a host in the state that the page expects.

- ```sh is run as root, command by command, at a terminal; questions are answered as a person would
  answer them. Each command must succeed, but doctor and list may find something (1), and grep may
  find nothing (1) or miss a directory (2).
- ```sh FILE names the test that runs the block instead.
- ```conf FILE is written into that file: in a PAM file the lines replace the module's lines of the
  same types, beside the lines of the block that the file already has; elsewhere a line replaces the
  one with the same key. Dates are moved relative to the present.
- ```text is for the reader.

sshd is the real one, with Debian's settings and PAM files. There is no systemd here: a stand-in for
systemctl knows the units of conf/systemd and starts totpd by hand. tests/e2e/inside has installed
the programs, so stand-ins for meson and ninja only check the words of the commands; tests/prove
shows that the program can be built and used on a bare release.
"""
import base64
import datetime
import glob
import os
import re
import shutil
import subprocess
import time
import xml.etree.ElementTree

import pexpect
import pytest

from host import DIR, HERE, KEYRING, LOG, POLICY, STORE, Phone, Terminal, run, wait_for

TOP = os.path.realpath(f"{HERE}/../..")
ROOT = f"{TOP}/build/root"
PASSPHRASE = "correct horse battery staple"
PASSWORD = "open sesame"
CHANGED = ("/etc/pam.d", "/etc/ssh", "/etc/security", "/etc/cron.d", "/etc/fail2ban")

SYSTEMCTL = r"""#!/bin/bash
# what systemctl does with the units of pam_totp and with sshd
set -eu
verb=$1
shift
[ "${1:-}" != --now ] || shift
for unit in "$@"; do
	[ "$unit" = ssh ] || [ -e "/lib/systemd/system/$unit" ] ||
		{ echo "Unit $unit does not exist." >&2; exit 1; }
done
ended() { while kill -0 "$1" 2>/dev/null; do sleep 0.05; done; }
stop() {
	[ ! -e "$HOST_DIR/totpd.pid" ] || {
		! kill "$(cat "$HOST_DIR/totpd.pid")" || ended "$(cat "$HOST_DIR/totpd.pid")"
		rm "$HOST_DIR/totpd.pid"
	}
}
start() {
	stop
	setsid /usr/libexec/totpd --foreground >/dev/null 2>&1 </dev/null &
	echo $! >"$HOST_DIR/totpd.pid"
	until grep -q ' 00010000 .* /run/pam_totp/socket$' /proc/net/unix; do sleep 0.05; kill -0 $!; done
}
case "$verb $*" in
daemon-reload* | "enable pam_totp-metrics.timer") ;;
"reload ssh") # it has the new settings when it has written its file again
	pid=$(cat /run/sshd.pid)
	rm /run/sshd.pid
	kill -HUP "$pid"
	until [ -e /run/sshd.pid ]; do sleep 0.05; kill -0 "$pid"; done
	;;
"enable totpd.socket totpd-root.socket" | "start totpd.socket totpd-root.socket") start ;;
"try-restart totpd.service") [ ! -e "$HOST_DIR/totpd.pid" ] || start ;;
"disable totpd.socket totpd-root.socket totpd.service" | \
	"stop totpd.socket totpd-root.socket totpd.service") stop ;;
*) echo "systemctl: $verb $*?" >&2; exit 1 ;;
esac
"""

BUILD = r"""#!/bin/bash
# the installed files stay; a setup must have options that exist
set -eu
case "$*" in
"setup build --prefix=/usr") /usr/bin/meson introspect --buildoptions meson.build | grep -q '"prefix"' ;;
"install -C build" | "-C build uninstall") ;;
*) echo "${0##*/}: $*?" >&2; exit 1 ;;
esac
"""


# ---- pages

def pages():
    return ["README.md"] + sorted(f"docs/{name}" for name in os.listdir(f"{TOP}/docs")
                                  if name.endswith(".md"))


def blocks(page):
    """The fenced blocks of a page: (heading, language, the argument on its first line, lines)."""
    heading, found, fence = "", [], None
    with open(f"{TOP}/{page}", encoding="utf-8") as file:
        for line in file.read().splitlines():
            opened = re.match(r"( *)```(\w*) ?(.*)$", line)
            if fence is not None and line.strip() == "```":
                found.append((heading, *fence))
                fence = None
            elif fence is not None:
                fence[2].append(line[indent:])
            elif opened:
                indent, fence = len(opened[1]), (opened[2], opened[3], [])
            elif line.startswith("#"):
                heading = line.lstrip("# ")
    assert fence is None, f"{page}: a block does not end"
    return found


def commands(lines):
    """Each command, without its comment; one that ends in a backslash continues."""
    text = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [re.sub(r"\s+# .*", "", line) for line in text.split("\n") if line.strip()]


def moved(text):
    """The dates of a block, the first of them 60 days from now."""
    dates = sorted(set(re.findall(r"\b20\d\d-\d\d-\d\d\b", text)))
    if not dates:
        return text
    shift = datetime.date.today() + datetime.timedelta(60) - datetime.date.fromisoformat(dates[0])
    return re.sub(r"\b20\d\d-\d\d-\d\d\b",
                  lambda found: str(datetime.date.fromisoformat(found[0]) + shift), text)


def write_pam(old, lines):
    """A PAM file with the module's lines of a block instead of its own."""
    types = {line.split()[0] for line in lines if "pam_totp" in line}
    kept = [line for line in old if "pam_totp" not in line or line.startswith("#") or
            (types and line.split()[0] not in types)]
    for before, line in zip([None, *lines], lines):
        if line in kept:
            continue
        assert "pam_totp" in line, f"{line!r} is not in the file"
        after = lines[lines.index(line) + 1:]
        place = kept.index(before) + 1 if before in kept else kept.index(after[0])
        kept.insert(place, line)
    return kept


def write_settings(old, lines):
    """Another file: a line replaces the one with the same key."""
    def key(line):
        return re.split(r"[\s=]", line.strip(), maxsplit=1)[0]
    keys = {key(line) for line in lines if not line.startswith(("#", "["))}
    return [line for line in old if key(line) not in keys] + lines


# ---- a page

class Story:
    def __init__(self, host):
        self.host, self.phones, self.told = host, {}, ""
        self.before_command, self.made = {}, []
        self.steps = {}  # the last step of each secret for which a code was typed
        self.work = f"{DIR}/work"
        os.mkdir(self.work)
        shutil.copytree("/etc", f"{DIR}/etc", symlinks=True, ignore=lambda at, names:
                        [n for n in names if at == "/etc" and f"/etc/{n}" not in CHANGED])
        self.bare_host()

    def bare_host(self):
        """Debian with an sshd, and of pam_totp only what an installation copies."""
        self.host.forget()
        self.host.drop_service()
        self.host.drop_pam_lines()
        for service in "sshd", "sudo", "sudo-i":
            shutil.copy(f"{ROOT}/etc/pam.d/{service}", "/etc/pam.d/")
        os.makedirs("/etc/ssh/sshd_config.d", exist_ok=True)
        shutil.copy(f"{ROOT}/usr/share/openssh/sshd_config", "/etc/ssh/sshd_config")
        for path in glob.glob("/etc/ssh/ssh_host_*"):  # of earlier tests
            os.remove(path)
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/etc/ssh/ssh_host_ed25519_key")
        with open("/etc/ssh/ssh_host_ed25519_key.pub", encoding="utf-8") as key, \
                open(f"{DIR}/known_hosts", "w", encoding="utf-8") as known:
            known.write("localhost " + key.read())
        for user in "alice", "bob":
            self.host.password(user, PASSWORD)
        os.makedirs(f"{DIR}/bin", exist_ok=True)
        for name, text in ("systemctl", SYSTEMCTL), ("meson", BUILD), ("ninja", BUILD):
            with open(f"{DIR}/bin/{name}", "w", encoding="utf-8") as file:
                file.write(text)
            os.chmod(f"{DIR}/bin/{name}", 0o755)
        if os.path.exists("/run/sshd.pid"):
            os.unlink("/run/sshd.pid")
        self.host.daemon = subprocess.Popen(["/usr/sbin/sshd", "-D", "-E", self.host.sshd_log])
        assert wait_for(lambda: os.path.exists("/run/sshd.pid"))

    def accounts(self, *names):
        self.made += names
        for name in names:
            run("useradd", "-m", name)

    def installed(self):
        """A host in the state after README."""
        for heading, language, name, lines in blocks("README.md"):
            if language == "conf" or lines[0].startswith(("systemd-sysusers", "sshd -t")):
                self.block(heading, language, name, lines)

    def close(self):
        self.command("systemctl stop totpd.socket totpd-root.socket totpd.service")
        for path in CHANGED:
            shutil.rmtree(path, ignore_errors=True)
            if os.path.exists(f"{DIR}{path}"):
                shutil.move(f"{DIR}{path}", path)
        for name in self.made:
            run("userdel", "-rf", name)
        for path in "work", "etc", "bin":
            shutil.rmtree(f"{DIR}/{path}")

    # ---- blocks

    def page(self, name, before=(), steps=()):
        """Run a page; what else happens on the host comes before a section, or before a command."""
        before, self.before_command = dict(before), dict(steps)
        for heading, language, file, lines in blocks(name):
            before.pop(heading, lambda: None)()
            self.block(heading, language, file, lines)
        left = [*before, *self.before_command]
        assert not left, f"{name} has no {left}"

    def block(self, heading, language, name, lines):
        if language == "sh" and name:
            self.elsewhere(name, lines)
        elif language == "sh":
            for line in commands(lines):
                self.command(line)
        elif language == "conf":
            self.write(name, lines)
        else:
            assert language == "text", f"{heading}: a block of {language!r}"

    @staticmethod
    def elsewhere(test, lines):
        with open(f"{TOP}/{test}", encoding="utf-8") as file:
            text = file.read()
        for line in commands(lines):
            program, *words = line.split()
            assert os.access(f"{TOP}/{program}", os.X_OK), line
            assert os.path.basename(program) in text and all(word in text for word in words), line

    def write(self, path, lines):
        path, old = os.path.join(self.work, path), []
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                old = file.read().splitlines()
        how = write_pam if path.startswith("/etc/pam.d/") else write_settings
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(moved("\n".join(how(old, lines)) + "\n"))
        os.chmod(path, 0o644)

    # ---- a user at a terminal

    def command(self, line):
        """Run a command at a terminal and answer its questions; returns what it printed."""
        self.before_command.pop(line, lambda: None)()
        work = TOP if re.match(r"scripts/|meson |ninja ", line) else self.work
        child = Terminal("/bin/bash", ["-o", "pipefail", "-c", line], cwd=work, dimensions=(24, 80),
                         env={"PATH": f"{DIR}/bin:{os.environ['PATH']}", "HOST_DIR": DIR,
                              "HOME": "/root", "TERM": "xterm", "LC_ALL": "C.UTF-8",
                              "DEBIAN_FRONTEND": "noninteractive"})
        self.host.clients.append(child)
        said = ""
        while True:
            which = child.expect([r"(?i)(passphrase[^\n]*|the same again): *$", r"(?i)password: *$",
                                  r"(?i)(code[^\n]*|one that follows it): *$", r"\[y/N\] $",
                                  pexpect.EOF])
            said += child.before + (child.after if which < 4 else "")
            if which == 4:
                break
            child.sendline([lambda: PASSPHRASE, lambda: PASSWORD,
                            lambda: self.code(said, line), lambda: "y"][which]())
        child.wait()  # it has closed its terminal, and may still be running
        child.close()
        self.told += said
        allowed = {"grep": (0, 1, 2), "totpctl doctor": (0, 1), "totpctl list": (0, 1)}
        word = re.match(r"grep|totpctl (doctor|list)|", line)[0]
        assert child.exitstatus in allowed.get(word, (0,)), f"{line}: {child.exitstatus}\n{said}"
        return said

    def code(self, said, line):
        """
        The next code of the phone in question: of the secret on the screen, or of alice's phone.
        """
        plain = re.sub(r"\x1b[\[(][\d;]*[A-Za-z]", "", said)
        shown = re.findall(r"\b[A-Z2-7]{4}\b", plain.rpartition("secret:")[2])[:8]
        if len(shown) == 8:
            self.phones["alice"] = Phone(f"otpauth://totp/alice?secret={''.join(shown)}")
            self.host.phones.append(self.phones["alice"])
        return self.next_code(self.phones["fob" if " fob" in line else "alice"])

    def next_code(self, phone):
        oldest = int((time.time() + 10) // phone.period) - 1  # accepted for 10 seconds more
        step = max(self.steps.get(phone.secret, 0) + 1, oldest)
        while step > time.time() // phone.period + 1:
            time.sleep(0.2)
        self.steps[phone.secret] = step
        code = phone.at(step * phone.period)
        phone.shown.add(code)
        return code

    def login(self, user="alice", code=None, password=PASSWORD):
        answers = [password] + ([code or self.next_code(self.phones[user])]
                                if code is not None or user in self.phones else [])
        return self.host.ssh(user, *answers)


@pytest.fixture
def story(host):
    made = Story(host)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def debian(story):
    """A host in the state after README, on which alice is enrolled and bob is not."""
    story.installed()
    story.phones["alice"] = story.host.enroll("alice", period=30)
    return story


# ---- the pages

def test_every_page_has_a_test():
    with open(__file__, encoding="utf-8") as file:
        text = file.read()
    assert [page for page in pages() if f'.page("{page}"' not in text] == []


def test_readme_leads_from_a_bare_host_to_a_login_that_needs_a_code(story):
    assert story.login().ok
    story.page("README.md")
    assert "pam_totp.so is not in" not in story.told
    right = story.login()
    assert right.ok and len(right.prompts) == 2, right
    assert not story.login(code=story.phones["alice"].wrong()).ok
    assert not story.login(password="wrong").ok
    assert story.login("bob").ok


def test_fedora_and_confinement(debian):
    """What of it needs another system: see tests/packages."""
    debian.page("docs/fedora.md")
    debian.page("docs/apparmor.md")
    debian.page("docs/selinux.md")


def test_container(debian):
    """Its commands build an image, as tests/packages/container does."""
    debian.page("docs/container.md")


def test_rollout(debian):
    run("groupadd", "-f", "physics")
    debian.accounts("carol")
    debian.made.append("breakglass")
    run("usermod", "-aG", "physics", "carol")
    debian.page("docs/rollout.md", before={
        "All services of the host": lambda: sent_to_enroll(debian)})
    with open("/etc/pam.d/common-account", encoding="utf-8") as file:
        assert "pam_totp.so" in file.read()
    debian.command("pam-auth-update --disable totp")


def sent_to_enroll(story):
    """Before the date users who have not enrolled are offered it in the login, and may decline."""
    seen = story.login("bob")
    assert seen.ok and any("needs a code" in prompt for prompt in seen.prompts), seen
    assert story.login().ok


def test_helpdesk(debian):
    examples = "/usr/share/doc/totp-tools/examples/helpdesk"
    shutil.copytree(f"{TOP}/conf/helpdesk", examples, dirs_exist_ok=True)
    with open(f"{examples}/sudoers.in", encoding="utf-8") as file:
        rule = file.read().replace("@sbindir@", "/usr/sbin")
    with open(f"{examples}/sudoers", "w", encoding="utf-8") as file:
        file.write(rule)
    run("groupadd", "-f", "sudo")
    with open("/etc/sudoers", "w", encoding="utf-8") as file:
        file.write("@includedir /etc/sudoers.d\n")
    os.chmod("/etc/sudoers", 0o440)
    os.makedirs("/etc/sudoers.d", exist_ok=True)
    debian.page("docs/helpdesk.md")
    assert "totp-helpdesk" in run("id", "-nG", "bob")
    assert "totpctl helpdesk" in run("sudo", "-l", "-U", "bob")


def test_locked_out(debian):
    host = debian.host
    debian.phones["fob"] = Phone("otpauth://totp/alice?secret=" +
                                 base64.b32encode(os.urandom(20)).decode().rstrip("="))
    host.phones.append(debian.phones["fob"])
    assert not debian.login(code=debian.phones["alice"].wrong()).ok
    host.log_settle()
    shutil.copy(LOG, "/var/log/auth.log")

    def add_the_fob():
        run("totp-enroll", "--user", "alice", "--add", "fob", "--secret", "-", "--no-confirm",
            given=debian.phones["fob"].secret + "\n")

    def damage_the_state():
        path, = host.state_paths("alice")
        os.truncate(path, 100)

    debian.page("docs/locked-out.md", before={
        "A hardware token's codes are denied": add_the_fob,
        "The log reports a damaged state": damage_the_state})
    assert host.ssh("alice", PASSWORD).ok


def test_migrating(debian):
    secret = base64.b32encode(os.urandom(20)).decode()
    phone = Phone(f"otpauth://totp/alice?secret={secret}")
    debian.host.phones.append(phone)
    people = ["carol", "dave", "erin", "frank", "grace", "ivan", "judy", "kim", "heidi"]
    debian.accounts(*people)
    owned = {"/home/bob/.google_authenticator": ("bob", f'{secret}\n" TOTP_AUTH\n12345678\n')}
    key = base64.b32decode(secret).hex()
    files = {"/etc/users.oath": f"HOTP/T30 carol - {key}\n",
             "/etc/totpcgi/totp/dave.totp": f'{secret}\n" WINDOW_SIZE 3\n',
             "/var/lib/totpcgi/dave.json": '{"fail_timestamps": [], "success_timestamps": [], '
                                           '"used_scratch_tokens": [], "counter": -1}',
             "uris.txt": f"otpauth://totp/erin?secret={secret}\n",
             "users.csv": f"frank,{secret}\n",
             "owners.csv": "4711,grace\n",
             "tokens.xml": PSKC.format(base64.b64encode(os.urandom(20)).decode()),
             "owners-of-fobs.csv": "1234567,ivan\n",
             "fobs.csv": f"1234567,{os.urandom(20).hex()},totp,6,60\n",
             "in-freeipa.ldif": LDIF.format(base64.b64encode(os.urandom(35)).decode())}
    for path, (user, text) in {**owned, **{f: ("root", t) for f, t in files.items()}}.items():
        path = os.path.join(debian.work, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        shutil.chown(path, user, user)
        os.chmod(path, 0o600)
    with open(f"{DIR}/bin/ldapsearch", "w", encoding="utf-8") as file:
        file.write("#!/bin/sh\ncat in-freeipa.ldif\n")
    os.chmod(f"{DIR}/bin/ldapsearch", 0o755)
    debian.write("/etc/pam.d/sshd", ["@include common-auth"])
    with open("/etc/pam.d/sshd", encoding="utf-8") as file:
        text = file.read()
    with open("/etc/pam.d/sshd", "w", encoding="utf-8") as file:
        file.write(text.replace("@include common-auth\n", "@include common-auth\nauth required "
                                "pam_google_authenticator.so nullok\n"))

    def a_new_host():
        """The users should come from the file only."""
        debian.enrolled_there = debian.command("totpctl list")
        for user in ["alice", "bob", *people[:-1]]:
            run("totpctl", "delete", "--yes", user)

    debian.page("docs/migrating.md", steps={"totpctl import exported users.export": a_new_host})
    for user in ["bob", *people[:-1]]:
        assert user in debian.enrolled_there
        assert user in debian.command("totpctl list")
    assert "heidi" not in debian.enrolled_there
    debian.phones["bob"] = phone
    assert debian.login("bob").ok
    assert '"fob&1": HOTP, SHA1, 8 digits' in debian.command("totpctl show kim")
    assert '"imported": TOTP, SHA256, 6 digits, 60 seconds' in debian.command("totpctl show judy")


# as ldapsearch prints tokens of FreeIPA
LDIF = """dn: ipatokenuniqueid=4b0c1a2e-7c1e-4d0f-9f0e-0123456789ab,cn=otp,dc=example,dc=com
objectClass: ipatokentotp
objectClass: top
objectClass: ipatoken
ipatokenUniqueID: 4b0c1a2e-7c1e-4d0f-9f0e-0123456789ab
ipatokenOTPkey:: {0}
ipatokenOTPalgorithm: sha256
ipatokenOTPdigits: 6
ipatokenTOTPclockOffset: 60
ipatokenTOTPtimeStep: 60
ipatokenTOTPwatermark: 28000000
ipatokenOwner: uid=judy,cn=users,cn=accounts,dc=example,dc=com

dn: ipatokenuniqueid=fob&1,cn=otp,dc=example,dc=com
objectClass: ipatokenhotp
ipatokenUniqueID: fob&1
ipatokenOTPkey:: {0}
ipatokenOTPalgorithm: sha1
ipatokenOTPdigits: 8
ipatokenHOTPcounter: 7
ipatokenOwner: uid=kim,cn=users,cn=accounts,dc=example,dc=com

dn: ipatokenuniqueid=off,cn=otp,dc=example,dc=com
ipatokenOTPkey:: {0}
ipatokenDisabled: TRUE
ipatokenOwner: uid=heidi,cn=users,cn=accounts,dc=example,dc=com

"""
PSKC = """<?xml version="1.0" encoding="UTF-8"?>
<KeyContainer Version="1.0" xmlns="urn:ietf:params:xml:ns:keyprov:pskc"><KeyPackage>
<DeviceInfo><Manufacturer>Maker</Manufacturer><SerialNo>4711</SerialNo></DeviceInfo>
<Key Id="4711" Algorithm="urn:ietf:params:xml:ns:keyprov:pskc:totp">
<AlgorithmParameters><ResponseFormat Length="6" Encoding="DECIMAL"/></AlgorithmParameters>
<Data><Secret><PlainValue>{}</PlainValue></Secret>
<TimeInterval><PlainValue>30</PlainValue></TimeInterval></Data>
</Key></KeyPackage></KeyContainer>
"""


def test_backup_and_restore(debian):
    def a_new_machine():
        debian.command("systemctl stop totpd.socket totpd-root.socket totpd.service")
        debian.host.forget()
        debian.host.drop_service()
        with open("/etc/machine-id", "w", encoding="utf-8") as file:
            file.write("fedcba9876543210fedcba9876543210\n")

    def the_keyring_is_gone():
        os.unlink(KEYRING)

    assert debian.login().ok
    debian.page("docs/backup.md", before={"Restore on a new machine": a_new_machine,
                                          "The keyring alone is lost or damaged":
                                          the_keyring_is_gone})
    # the credential can be read, and no code that could have been used before is accepted
    since = debian.host.log_end()
    assert not debian.login().ok
    assert debian.host.event(since)["reason"] in ("used_code", "clock_back")


def test_upgrade(debian):
    debian.page("docs/upgrade.md")
    assert debian.login().ok


def test_uninstall(debian):
    debian.page("docs/uninstall.md")
    assert debian.command("grep -lR pam_totp /etc/pam.d /etc/ssh") == ""
    assert not os.path.exists(STORE) and not os.path.exists(POLICY)
    module, = glob.glob("/usr/lib/*/security/pam_totp.so")
    shutil.move(module, f"{DIR}/pam_totp.so")
    try:
        assert debian.host.ssh("alice", PASSWORD).ok
    finally:
        shutil.move(f"{DIR}/pam_totp.so", module)


def test_the_page_for_users_quotes_what_a_login_prints():
    said = ""
    for name in sorted(os.listdir(f"{TOP}/pam")):
        with open(f"{TOP}/pam/{name}", encoding="utf-8") as file:
            said += re.sub(r'"\s*\n\s*"', "", file.read()).replace("\\n", " ")
    with open(f"{TOP}/docs/users.md", encoding="utf-8") as file:
        quoted = re.findall(r'"([^"]*)"', file.read().partition("## What you may read")[2])
    assert len(quoted) > 8
    for text in quoted:
        # numbers and plurals are filled in
        pattern = re.sub(r"\d+", "%u", text).replace("minutes", "minute%s").replace("codes since", "code%s since")
        assert pattern in said, text


def test_pages_whose_commands_run_in_other_tests(story):
    story.page("docs/fleet.md")
    story.page("docs/packages.md")
    story.page("docs/promises.md")
    story.page("docs/releasing.md")
    story.page("docs/users.md")


def as_cron(path):
    """What the jobs of a file print when cron runs them, which looks for programs in two directories."""
    with open(path, encoding="utf-8") as file:
        jobs = [line.split(None, 6)[6] for line in file.read().splitlines()]
    assert jobs
    return "".join(subprocess.run(["/bin/sh", "-c", job], env={"PATH": "/usr/bin:/bin"}, check=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout
                   for job in jobs)


def test_monitoring(debian):
    shutil.copytree(f"{TOP}/conf/fail2ban", "/usr/share/doc/totp-tools/examples/fail2ban",
                    dirs_exist_ok=True)
    assert not debian.login(code=debian.phones["alice"].wrong()).ok
    debian.page("docs/monitoring.md")
    assert "not found" not in as_cron("/etc/cron.d/pam_totp")
    line = next(text for text in debian.host.log_text().splitlines() if "wrong_code" in text)
    with open("/etc/fail2ban/filter.d/pam_totp.conf", encoding="utf-8") as file:
        failregex = re.search(r"^failregex = (.*)$", file.read(), re.M)[1]
    # how fail2ban reads the words of the log
    pattern = failregex.replace("%(__prefix_line)s", r".*?").replace("<SUBNET>", r"(\S+)")
    assert re.search(pattern, line)[1] in ("127.0.0.1", "::/64"), line
    allowed = line.replace("outcome=deny", "outcome=allow")
    assert not re.search(pattern, allowed)


def test_cockpit(debian):
    debian.page("docs/cockpit.md")


def test_questions(debian):
    debian.page("docs/questions.md")
    assert debian.login().ok


def test_the_pictures_can_be_drawn(tmp_path):
    run("/usr/bin/python3", "-B", f"{TOP}/docs/pictures/make", str(tmp_path))
    for name in "enroll.svg", "login.svg":
        drawn = xml.etree.ElementTree.parse(tmp_path / name).getroot()
        kept = xml.etree.ElementTree.parse(f"{TOP}/docs/pictures/{name}").getroot()
        assert drawn.attrib == kept.attrib and len(drawn[3]) > 5
