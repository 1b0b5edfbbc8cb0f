# SPDX-License-Identifier: BSD-2-Clause
"""A computer of its own: Debian with its own kernel, in qemu without KVM, reached by ssh.

It runs as root on a bare Debian that has mmdebstrap, qemu-system-x86, e2fsprogs, openssh-client and
python3-pexpect. The release is that of the Debian that it runs on.
"""
import glob
import os
import re
import shlex
import socket
import subprocess
import tempfile
import time

import pexpect

INCLUDE = ("systemd-sysv,dbus,linux-image-cloud-amd64,udev,iproute2,procps,openssh-server,sudo,"
           "pamtester,vlock,libqrencode4,libpng16-16,libxml2,libaudit1,libcurl4,"
           "haproxy,etcd-server")
# What the kernel needs to find its disk: an image with every module takes long to make and to read.
FEW_MODULES = """mkdir -p "$1/etc/initramfs-tools/conf.d"
echo MODULES=list >"$1/etc/initramfs-tools/conf.d/few"
printf '%s\\n' virtio_pci virtio_blk ext4 >"$1/etc/initramfs-tools/modules"
"""
NETWORK = """[Unit]
DefaultDependencies=no
BindsTo=sys-subsystem-net-devices-eth0.device
After=sys-subsystem-net-devices-eth0.device
Before=ssh.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/ip link set lo up
ExecStart=/bin/ip address add 10.0.2.15/24 dev eth0
ExecStart=/bin/ip link set eth0 up
[Install]
WantedBy=multi-user.target
"""
SSHD = """AuthenticationMethods publickey keyboard-interactive:pam
KbdInteractiveAuthentication yes
PasswordAuthentication no
PermitRootLogin prohibit-password
UseDNS no
LoginGraceTime 300
"""


def run(*command, **options):
    ran = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                         errors="replace", **options)
    assert ran.returncode == 0, f"{shlex.join(command)}: {ran.stdout[-6000:]}"
    return ran.stdout


def codename():
    with open("/etc/os-release") as file:
        return re.search(r"^VERSION_CODENAME=(.*)$", file.read(), re.M)[1]


class Machine:
    """include: more packages; arguments: more arguments of the kernel."""

    def __init__(self, include=(), arguments=()):
        self.work = tempfile.mkdtemp()
        self.tree = f"{self.work}/tree"
        self.key = f"{self.work}/key"
        self.arguments = arguments
        self.console = f"{self.work}/console"
        self.qemu = None
        # this Debian's settings of apt for proxies, and for mirrors that are not updated
        with open(f"{self.work}/apt", "w") as file:
            file.write(run("apt-config", "dump", "--format", '%f "%v";%n', "Acquire::http",
                           "Acquire::https", "Acquire::Check-Valid-Until", "Acquire::Check-Date"))
        run("mmdebstrap", "--variant=minbase", f"--aptopt={self.work}/apt", "--format=directory",
            f"--essential-hook={FEW_MODULES}", f"--include={','.join([INCLUDE, *include])}",
            codename(), self.tree, "/etc/apt/sources.list")
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.key)
        self.prepare()

    def write(self, path, text, mode=0o644):
        os.makedirs(os.path.dirname(f"{self.tree}{path}"), exist_ok=True)
        with open(f"{self.tree}{path}", "w") as file:
            file.write(text)
        os.chmod(f"{self.tree}{path}", mode)

    def chroot(self, script, **options):
        return run("chroot", self.tree, "sh", "-euc", script, **options)

    def prepare(self):
        self.write("/etc/fstab", "/dev/vda / ext4 defaults 0 1\n")
        self.write("/etc/hostname", "machine\n")
        self.write("/etc/hosts", "127.0.0.1 localhost machine\n")
        self.write("/etc/systemd/system/network.service", NETWORK)
        self.write("/etc/ssh/sshd_config.d/machine.conf", SSHD)
        self.chroot("systemctl enable network.service serial-getty@ttyS1.service ssh.service; "
                    "systemctl mask apt-daily.timer apt-daily-upgrade.timer e2scrub_reap.service")
        self.authorize("root", "/root")

    def authorize(self, user, home):
        with open(f"{self.key}.pub") as file:
            self.write(f"{home}/.ssh/authorized_keys", file.read(), 0o600)
        self.chroot(f"chown -R {user}: {home}/.ssh && chmod 700 {home}/.ssh")

    def add_user(self, name, password):
        self.chroot(f"useradd -m -s /bin/bash {name} && chpasswd", input=f"{name}:{password}\n")
        self.authorize(name, f"/home/{name}")

    def make_disk(self):
        """The tree becomes a disk."""
        kernel, = glob.glob(f"{self.tree}/boot/vmlinuz-*")
        initrd, = glob.glob(f"{self.tree}/boot/initrd.img-*")
        os.rename(kernel, f"{self.work}/kernel")
        os.rename(initrd, f"{self.work}/initrd")
        megabytes = int(run("du", "-sm", self.tree).split()[0]) * 5 // 4 + 300
        run("mke2fs", "-q", "-t", "ext4", "-d", self.tree, f"{self.work}/disk", f"{megabytes}M")
        run("rm", "-rf", self.tree)

    def boot(self):
        """
        Its time is that of its processor (icount): on a host that has much other work it is slow,
        but nothing in it takes longer than its limit.
        """
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        words = ("root=/dev/vda rw console=ttyS0 loglevel=4 net.ifnames=0 mitigations=off",
                 "systemd.show_status=no audit=1 audit_backlog_limit=8192", *self.arguments)
        self.qemu = subprocess.Popen(
            ["qemu-system-x86_64", "-machine", "pc", "-accel", "tcg,tb-size=512",
             "-icount", "shift=1", "-rtc", "clock=vm", "-cpu", "max", "-m", "1500",
             "-display", "none", "-no-reboot", "-append", " ".join(words),
             "-kernel", f"{self.work}/kernel", "-initrd", f"{self.work}/initrd",
             "-drive", f"file={self.work}/disk,format=raw,if=virtio,cache=unsafe",
             "-netdev", f"user,id=n,restrict=on,hostfwd=tcp:127.0.0.1:{self.port}-:22",
             "-device", "virtio-net-pci,netdev=n,romfile=", "-device", "virtio-rng-pci",
             "-serial", f"file:{self.console}",
             "-serial", f"unix:{self.work}/terminal,server=on,wait=off"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        self.wait_until_it_runs()

    def wait_until_it_runs(self):
        for _ in range(300):
            assert self.qemu.poll() is None, self.console_text()
            ran = subprocess.run([*self.ssh("root"), "systemctl", "is-system-running", "--wait"],
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            if ran.stdout.strip() in ("running", "degraded"):
                return
            time.sleep(2)
        raise AssertionError(self.console_text())

    def console_text(self):
        with open(self.console, errors="replace") as file:
            return file.read()[-6000:]

    def ssh(self, user, *options):
        """The words of a command that logs in with the key."""
        return ["ssh", "-F", "none", "-p", str(self.port), "-o", "StrictHostKeyChecking=no", "-o",
                "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-o",
                "ConnectTimeout=300", "-i", self.key, *options, f"{user}@127.0.0.1"]

    def root(self, script, check=True, input=""):
        """A script that root runs: its output, with its errors."""
        ran = subprocess.run(
            [*self.ssh("root", "-o", "ControlMaster=auto", "-o", "ControlPersist=yes", "-o",
                       f"ControlPath={self.work}/master"), "sh -euc " + shlex.quote(script)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
            input=input, timeout=600)
        assert not check or ran.returncode == 0, f"{script}: {ran.returncode}: {ran.stdout}"
        return ran.stdout

    def now(self):
        """Its own time: it may be slower than the host's."""
        return int(self.root("date +%s"))

    def session(self, user, command):
        """A command at a terminal of a user, who has logged in with the key."""
        return self.spawn(*self.ssh(user, "-tt"), command)

    def login(self, user, command):
        """A command at a terminal of a user, who logs in with what PAM asks for."""
        return self.spawn(*self.ssh(user, "-tt", "-o", "PubkeyAuthentication=no", "-o",
                                    "NumberOfPasswordPrompts=1"), command)

    def terminal(self):
        """Its second serial line, at which login(1) waits."""
        child = self.spawn("python3", "-c", CONNECT, f"{self.work}/terminal")
        child.expect("connected")
        return child

    def spawn(self, *command):
        return pexpect.spawn(command[0], list(command[1:]), timeout=600, encoding="utf-8",
                             codec_errors="replace", dimensions=(60, 120), echo=False,
                             env={"PATH": os.environ["PATH"], "TERM": "dumb"})

    def close(self):
        if self.qemu and self.qemu.poll() is None:
            self.qemu.kill()
            self.qemu.wait()


CONNECT = """
import os, select, socket, sys, tty
line = socket.socket(socket.AF_UNIX)
line.connect(sys.argv[1])
tty.setraw(0)
os.write(1, b"connected")
while True:
    ready, _, _ = select.select([0, line], [], [])
    for source in ready:
        data = os.read(source if source == 0 else line.fileno(), 4096)
        if not data:
            sys.exit()
        line.sendall(data) if source == 0 else os.write(1, data)
"""
