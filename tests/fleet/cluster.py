# SPDX-License-Identifier: BSD-2-Clause
"""
Real clusters of etcd, with TLS under a CA of their own, in a directory of the test, on loopback.
"""

import base64
import contextlib
import ctypes
import glob
import json
import os
import random
import signal
import socket
import ssl
import subprocess
import time
import urllib.request
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]


def binaries():
    """The etcds that are unpacked: this release's, and another's."""
    found = [TOP / "build/root/usr/bin/etcd", *sorted(TOP.glob("build/etcd-*/usr/bin/etcd"))]
    return [path for path in found if path.is_file()]


def version_of(binary):
    text = subprocess.run([binary, "--version"], check=True, capture_output=True, text=True).stdout
    return text.split()[2]


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout


# --- certificates ---

FAKETIME = next(glob.iglob("/usr/lib/*/faketime/libfaketime.so.1"), None)


def made_in_time(days):
    """The environment of an openssl that makes a certificate, which ended if `days` is negative."""
    return os.environ | ({"LD_PRELOAD": FAKETIME, "FAKETIME": "-10d"} if days < 0 else {})


class Authority:
    """A CA, and certificates of it. `days` may be negative: such a certificate has expired."""

    def __init__(self, directory, name="ca"):
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.name = name
        self.certificate = self.directory / f"{name}.crt"
        self.key = self.directory / f"{name}.key"
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-subj", f"/CN=pam_totp test {name}", "-days", "365",
            "-addext", "keyUsage=critical,keyCertSign,cRLSign",
            "-keyout", self.key, "-out", self.certificate)

    def issue(self, name, days=365, addresses=("127.0.0.1",)):
        """A certificate and its key, as paths."""
        stem = self.directory / f"{self.name}-{name}"
        extensions = Path(f"{stem}.ext")
        names = ",".join(f"IP:{address}" for address in addresses)
        extensions.write_text(f"subjectAltName={names}\n"
                              "extendedKeyUsage=serverAuth,clientAuth\n"
                              "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n")
        run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-subj", f"/CN={name}", "-keyout", f"{stem}.key", "-out", f"{stem}.csr")
        run("openssl", "x509", "-req", "-in", f"{stem}.csr", "-CA", self.certificate,
            "-CAkey", self.key, "-CAcreateserial", "-days", str(max(days, 1)), "-extfile",
            extensions, "-out", f"{stem}.crt", env=made_in_time(days))
        return f"{stem}.crt", f"{stem}.key"


# --- members ---

SHORT, LONG = (2,), (2, 30)  # patience with members: they are down, or the machine is slow

def free_ports(count):
    """
    Ports that no process has. The kernel gives none of them to a connection, as it could while a member
    is down, or before it is up.
    """
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    ports = []
    while len(ports) < count:
        port = random.randrange(first // 2, first)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("", port))
                ports += [port] if port not in ports else []
    return ports


def end_with_parent():
    """No member outlives a test that is killed."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class Member:
    def __init__(self, cluster, number, client_port, peer_port):
        self.cluster, self.number, self.name = cluster, number, f"m{number}"
        self.client_port, self.peer_port = client_port, peer_port
        self.data = cluster.directory / self.name
        self.log = cluster.directory / f"{self.name}.log"
        self.process = None

    @property
    def url(self):
        return f"https://{self.cluster.address(self.number)}:{self.client_port}"

    @property
    def peer_url(self):
        return f"https://{self.cluster.address(self.number)}:{self.peer_port}"

    def start(self):
        cluster = self.cluster
        certificate, key = cluster.member_certificate
        members = ",".join(f"{each.name}={each.peer_url}" for each in cluster.members)
        settings = {
            "name": self.name, "data-dir": self.data,
            "listen-client-urls": self.url, "advertise-client-urls": self.url,
            "listen-peer-urls": self.peer_url, "initial-advertise-peer-urls": self.peer_url,
            "initial-cluster": members, "initial-cluster-token": cluster.token,
            "cert-file": certificate, "key-file": key,
            "trusted-ca-file": cluster.authority.certificate,
            "peer-cert-file": certificate, "peer-key-file": key,
            "peer-trusted-ca-file": cluster.authority.certificate,
            # as shipped
            "heartbeat-interval": 50, "election-timeout": 500, "pre-vote": "true",
            "quota-backend-bytes": cluster.quota, "auto-compaction-mode": "periodic",
            "auto-compaction-retention": cluster.compaction,
        }
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*cluster.inside(self.number), cluster.binary, "--client-cert-auth",
                 "--peer-client-cert-auth",
                 *(f"--{name}={value}" for name, value in settings.items())],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=end_with_parent)

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None


class Cluster:
    """
    Use it in a `with`: it starts and waits until it answers, and kills all members at the end. With
    a network each member is on a host of it.
    """

    def __init__(self, directory, binary, members=1, authority=None, token="test", network=None,
                 compaction="1h", quota=8 << 30):
        self.directory, self.compaction, self.quota = Path(directory), compaction, quota
        self.directory.mkdir(parents=True, exist_ok=True)
        self.binary, self.token = binary, token
        self.authority = authority or Authority(self.directory / "tls")
        self.network = network
        self.member_certificate = self.authority.issue(
            "member", addresses=sorted({self.address(i) for i in range(members)}))
        self.client_certificate = self.authority.issue("verifier")
        ports = free_ports(2 * members)
        self.members = [Member(self, i, ports[2 * i], ports[2 * i + 1])
                        for i in range(members)]
        self.context = ssl.create_default_context(cafile=self.authority.certificate)
        self.context.load_cert_chain(*self.client_certificate)

    def __enter__(self):
        try:
            for member in self.members:
                member.start()
            self.wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *unused):
        for member in self.members:
            member.kill()

    def address(self, member):
        return self.network.address(member) if self.network else "127.0.0.1"

    def inside(self, member):
        return self.network.inside(member) if self.network else []

    @property
    def endpoints(self):
        return ",".join(member.url for member in self.members)

    def wait(self, seconds=30):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                self.ask("kv/range", {"key": key("x")}, patience=SHORT)
                return
            except OSError:
                time.sleep(0.1)
        raise TimeoutError(f"no answer: {[m.log.read_text()[-500:] for m in self.members]}")

    def ask(self, path, request, member=None, patience=LONG):
        """
        Ask the JSON gateway: of one member, or of the first that answers. patience: seconds, of each
        round.
        """
        failure = None
        for seconds in patience:
            for each in [member] if member else self.members:
                if not each.process:
                    continue
                try:
                    url = f"{each.url}/v3/{path}"
                    with urllib.request.urlopen(url, json.dumps(request).encode(), seconds,
                                                context=self.context) as answer:
                        return json.load(answer)
                except OSError as error:
                    failure = error
        raise failure or OSError("no member runs")

    def database_size(self):
        """Of the largest member, in bytes."""
        return max(int(self.ask("maintenance/status", {}, member)["dbSize"])
                   for member in self.members if member.process)

    def leader(self):
        for _ in range(100):
            for member in self.members:
                if not member.process:
                    continue
                try:
                    status = self.ask("maintenance/status", {}, member, SHORT)
                except OSError:
                    continue
                if status.get("leader") and status["leader"] == status["header"]["member_id"]:
                    return member
            time.sleep(0.1)
        raise TimeoutError("no leader")

    def pairs(self, first, end, revision=0):
        """All keys from `first` up to `end`, as bytes: (value, mod_revision)."""
        answer = self.ask("kv/range", {"key": key(first), "range_end": key(end),
                                       "revision": str(revision)})
        return {base64.b64decode(pair["key"]):
                (base64.b64decode(pair.get("value", "")), int(pair["mod_revision"]))
                for pair in answer.get("kvs", [])}

    def value(self, name, revision=0):
        answer = self.ask("kv/range", {"key": key(name), "revision": str(revision)})
        return base64.b64decode(answer["kvs"][0]["value"]) if "kvs" in answer else None

    def history(self, name):
        """Every value that a key has had, in order."""
        latest = int(self.ask("kv/range", {"key": key(name)})["header"]["revision"])
        values = []
        seen = 0
        for revision in range(1, latest + 1):
            answer = self.ask("kv/range", {"key": key(name), "revision": str(revision)})
            for pair in answer.get("kvs", []):
                if int(pair["mod_revision"]) > seen:
                    seen = int(pair["mod_revision"])
                    values.append(base64.b64decode(pair["value"]))
        return values

    def arguments(self, endpoints=None):
        """What the test programs begin with: endpoints, CA, certificate, key."""
        return [endpoints or self.endpoints, str(self.authority.certificate),
                *self.client_certificate]


def key(name):
    return base64.b64encode(name if isinstance(name, bytes) else name.encode()).decode()


def freeze(member):
    member.signal(signal.SIGSTOP)


def thaw(member):
    member.signal(signal.SIGCONT)


def memory_directory():
    """A directory that needs no disk: members wait for it at every write."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else "/tmp"
