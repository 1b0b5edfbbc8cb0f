# SPDX-License-Identifier: BSD-2-Clause
"""What fails: in a program that failing.c's library is preloaded into, and at system calls."""
import mmap
import os
import re
import struct

LONG = bool(os.environ.get("FAULT_LONG"))
POINTS = 8  # of each sweep, in the short form
EVER = (1 << 64) - 1
LAYOUT = "=QQQQQ32s"  # struct plan


class Plan:
    """Shared with the program, which may be running."""

    def __init__(self, library, path):
        with open(path, "wb") as file:
            file.write(bytes(struct.calcsize(LAYOUT)))
        os.chmod(path, 0o666)
        with open(path, "r+b") as file:
            self.memory = mmap.mmap(file.fileno(), 0)
        self.variables = {"LD_PRELOAD": library, "FAILING": path}
        self.names = {}  # of calls that have failed, by their numbers

    def make(self, first=0, last=0, is_marked=False, is_short=False):
        """These calls fail, or get one byte. Counts from 1 again."""
        struct.pack_into(LAYOUT, self.memory, 0, first, last, is_marked, is_short, 0, b"")

    @property
    def count(self):
        return struct.unpack_from(LAYOUT, self.memory)[4]

    @property
    def failed(self):
        """The name of the last function that failed."""
        return struct.unpack_from(LAYOUT, self.memory)[5].rstrip(b"\0").decode()


def sample(items):
    """All of them; in the short form some from everywhere."""
    return list(items) if LONG else list(items)[::max(1, len(items) // POINTS)]


def faults(total, choose=sample):
    """The numbers of the first call and of the last one that fail: each once, and each with all after it."""
    return [(number, last) for last_of in (lambda n: n, lambda n: EVER)
            for number in choose(range(1, total + 1)) for last in [last_of(number)]]


# ---- system calls

CHANGE = ("EIO", "ENOSPC", "EROFS", "EACCES", "EINTR")
ERRORS = {
    "openat": CHANGE + ("EMFILE",),
    "socket": ("EIO", "EMFILE", "EACCES"),
    "read": ("EIO", "EINTR"), "pread64": ("EIO", "EINTR"),
    "write": ("EIO", "ENOSPC", "EINTR"), "pwrite64": ("EIO", "ENOSPC", "EROFS", "EINTR"),
    "fsync": ("EIO", "ENOSPC", "EROFS"), "fdatasync": ("EIO", "ENOSPC", "EROFS"),
    "syncfs": ("EIO", "ENOSPC", "EROFS"),
    "connect": ("ECONNREFUSED", "EINTR", "EACCES"),
    "sendto": ("EPIPE", "EINTR", "EACCES"), "sendmsg": ("EPIPE", "EINTR", "EMFILE"),
    "recvfrom": ("ECONNRESET", "EINTR"), "recvmsg": ("ECONNRESET", "EINTR", "EMFILE"),
    "poll": ("ENOMEM", "EINTR"),
    "fcntl": ("EIO", "EINTR", "ENOLCK"), "flock": ("EIO", "EINTR", "ENOLCK"),
    "mmap": ("ENOMEM",), "munmap": (), "mprotect": ("ENOMEM",),
    "brk": (),  # it returns where the heap ends, which libc takes any error for
    "getppid": (), "exit_group": (), "rt_sigreturn": (),
    "futex": (),  # glibc's own, which aborts
    "rt_sigprocmask": (),  # also fork's own, which takes it that this never fails
}
FAULTS_OF_NAMES = re.compile(r"(rename|link|unlink|mkdir|rmdir)")


def faults_of(call):
    """Everything that can happen at this system call, in the words of strace."""
    errors = CHANGE if FAULTS_OF_NAMES.match(call.name) else ERRORS.get(call.name, ("EIO",))
    return ["signal=KILL"] + [f"error={error}" for error in errors]
