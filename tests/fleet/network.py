# SPDX-License-Identifier: BSD-2-Clause
"""
Hosts on a network of their own: network namespaces on a bridge, each with one address, so that one
of them can be cut off. It needs root. The process that makes it is in the bridge's namespace until
the end, and so is what it starts.
"""

import ctypes
import os
import subprocess

CLONE_NEWNET = 0x40000000


def enter(path):
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if ctypes.CDLL(None, use_errno=True).setns(descriptor, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
    finally:
        os.close(descriptor)


class Network:
    """Use it in a `with`. Host N has the address 10.99.0.N + 1."""

    def __init__(self, hosts):
        self.holders = []
        self.hosts = range(hosts)

    def hold(self):
        """A process whose namespace lives as long as it does."""
        holder = subprocess.Popen(["unshare", "--net", "sh", "-c", "echo; exec cat"],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.holders.append(holder)
        holder.stdout.readline()
        return holder.pid

    def __enter__(self):
        self.home = f"/proc/{os.getpid()}/fd/{os.open('/proc/self/ns/net', os.O_RDONLY)}"
        try:
            self.hub = self.hold()
            enter(f"/proc/{self.hub}/ns/net")
            self.ip("link add br0 type bridge")
            self.ip("address add 10.99.0.254/24 dev br0")
            self.ip("link set br0 up")
            self.ip("link set lo up")
            for host in self.hosts:
                pid = self.hold()
                self.ip(f"link add h{host} type veth peer name eth0 netns {pid}")
                self.ip(f"link set h{host} master br0 up")
                for command in ("link set lo up", "link set eth0 up",
                                f"address add {self.address(host)}/24 dev eth0"):
                    self.ip(command, host)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *unused):
        enter(self.home)
        os.close(int(self.home.rsplit("/", 1)[1]))
        for holder in self.holders:
            holder.communicate()

    def address(self, host):
        return f"10.99.0.{host + 1}"

    def inside(self, host):
        """What a command begins with that runs on that host."""
        return ["nsenter", f"--net=/proc/{self.holders[host + 1].pid}/ns/net", "--"]

    def ip(self, command, host=None):
        begin = [] if host is None else self.inside(host)
        subprocess.run([*begin, "ip", *command.split()], check=True)

    def cut(self, host):
        self.ip(f"link set h{host} down")

    def heal(self, host):
        self.ip(f"link set h{host} up")

    def cut_from_others(self, host):
        """Clients on the bridge still reach it."""
        for other in self.hosts:
            if other != host:
                self.ip(f"route add blackhole {self.address(other)}/32", host)

    def heal_with_others(self, host):
        for other in self.hosts:
            if other != host:
                self.ip(f"route del blackhole {self.address(other)}/32", host)
