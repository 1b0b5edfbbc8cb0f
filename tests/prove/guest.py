# SPDX-License-Identifier: BSD-2-Clause
"""A machine of its own: Debian with systemd as process 1, and this project installed in it.

Only the kernel is shared with this machine: mounts, processes, network, host name and cgroups are
the guest's own. It needs root. Its directory tree is made once and kept in build/fresh/.
"""
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FRESH = f"{TOP}/build/fresh"
INCLUDE = "systemd,systemd-sysv,dbus,libpam-systemd,python3-minimal,iproute2,procps,qrencode," \
    "libxml2,libssl3"
# What the parts of a fleet, a help desk and Ansible need, too.
MORE = "haproxy,rsync,sudo,pkexec,polkitd,openssh-server,python3,python3-apt,libcurl4," \
    "libpng16-16,libqrencode4,oathtool"

# Runs as process 1 of the new namespaces, in the guest's tree, and becomes systemd.
BOOT = """
mount --make-rprivate /
mount --bind . . && cd "$PWD"
mkdir -p run proc sys dev .left
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t tmpfs -o mode=755 tmpfs sys/fs/cgroup
mkdir sys/fs/cgroup/systemd
mount -t cgroup -o none,name=systemd cgroup sys/fs/cgroup/systemd
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
mount -t tmpfs -o mode=755 tmpfs dev
for node in null zero full random urandom tty; do
    : >dev/$node
    mount --bind /dev/$node dev/$node
done
mkdir dev/pts dev/shm
chmod 1777 dev/shm
mount -t devpts -o newinstance,mode=620,gid=5,ptmxmode=666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
: >dev/console
pivot_root . .left
umount -l .left
mount --make-rshared / # credentials are mounted by another process and reach the service so
ip link set lo up
hostname guest
exec env -i container=lxc PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd
"""


def sh(command, **keywords):
    return subprocess.run(command, shell=True, check=True, executable="/bin/bash", **keywords)


def make_tree(more=""):
    """A tar archive of Debian with systemd, of this machine's release; `more` packages."""
    tree = f"{FRESH}/{'large' if more else 'guest'}.tar"
    include = ",".join(filter(None, [INCLUDE, more]))
    if not os.path.exists(tree):
        os.makedirs(FRESH, exist_ok=True)
        sh(f"""
            . /etc/os-release
            apt-config dump --format '%f "%v";%n' Acquire::http Acquire::https \\
                Acquire::Check-Valid-Until Acquire::Check-Date >{tree}.apt
            mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' \\
                'Label: Debian' | head -n 1)
            mmdebstrap --variant=minbase --include={include} --aptopt={tree}.apt --format=tar \\
                "$VERSION_CODENAME" {tree}.new "$mirror" >{tree}.log 2>&1
            mv {tree}.new {tree}""")
    return tree


def build():
    """An installation with the prefix of a package."""
    where = f"{TOP}/build/guest"
    if not os.path.exists(f"{where}/build.ninja"):
        sh(f"CC=gcc meson setup --prefix=/usr -Dtests=false {where} {TOP} >/dev/null")
    sh(f"ninja -C {where} >/dev/null")
    return where


class Guest:
    """With this project installed, or with Debian packages in /debs that are not installed yet."""

    def __init__(self, packages=(), more=""):
        tree = make_tree(more)
        self.root = tempfile.mkdtemp(dir=FRESH, prefix="guest.")
        os.chmod(self.root, 0o755)
        sh(f"tar -C {self.root} -xpf {tree}")
        if packages:
            os.mkdir(f"{self.root}/debs")
            sh(f"cp {shlex.join(packages)} {self.root}/debs")
        else:
            sh(f"DESTDIR={self.root} meson install -C {build()} --no-rebuild >/dev/null")
        # cgroups of its own, in which its systemd may make others: units of one name run in each guest,
        # and the network that a unit may reach is written there
        self.cgroups = [f"/sys/fs/cgroup/{kind}/{os.path.basename(self.root)}"
                        for kind in ("systemd", "unified")]
        for cgroup in self.cgroups:
            os.makedirs(cgroup)
        procs = " ".join(f"{cgroup}/cgroup.procs" for cgroup in self.cgroups)
        self.console = open(f"{self.root}.console", "w")
        self.holder = subprocess.Popen(
            ["bash", "-c", f"for procs in {procs}; do echo $$ >$procs; done; cd {self.root} && "
             f"exec unshare -mpfnuiC --kill-child bash -ec {shlex.quote(BOOT)}"],
            stdin=subprocess.DEVNULL, stdout=self.console, stderr=self.console)
        self.wait_until_it_runs()

    def wait_until_it_runs(self):
        for _ in range(300):
            try:
                state = self.run("systemctl", "is-system-running", check=False).strip()
            except (OSError, IndexError, subprocess.SubprocessError):
                state = ""
            if state in ("running", "degraded"):
                return
            time.sleep(0.2)
        raise AssertionError(open(f"{self.root}.console").read()[-3000:])

    def first(self):
        with open(f"/proc/{self.holder.pid}/task/{self.holder.pid}/children") as file:
            return file.read().split()[0]

    def run(self, *command, check=True, input=None):
        """A command as root in the guest: its output, with its errors."""
        ran = subprocess.run(
            ["nsenter", "-t", self.first(), "-m", "-p", "-u", "-i", "-n", "-C", "-r", "-w", "--",
             "env", "-i", "LC_ALL=C.UTF-8", "HOME=/root", "TERM=dumb",
             "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", *command],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, input=input, text=True, timeout=120)
        assert not check or ran.returncode == 0, (command, ran.returncode, ran.stdout)
        return ran.stdout

    def close(self):
        os.kill(int(self.first()), signal.SIGKILL)
        self.holder.wait(20)
        self.console.close()
        for cgroup in self.cgroups:
            for path, directories, _ in os.walk(cgroup, topdown=False):
                for name in directories:
                    os.rmdir(os.path.join(path, name))
            os.rmdir(cgroup)
        shutil.rmtree(self.root)
        os.unlink(f"{self.root}.console")
