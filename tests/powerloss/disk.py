# SPDX-License-Identifier: BSD-2-Clause
"""
A disk that logs what is written to it and when it is flushed, and what a power cut leaves of it.

The disk is a file of qemu-storage-daemon (FUSE) behind a loop device. A sync in the file system
becomes a flush in the log. At a cut, everything before the last flush is on the disk; of what was
written later, any part may be.
"""
import collections
import contextlib
import glob
import os
import pathlib
import shutil
import struct
import subprocess
import time

from disks import loop_nodes
from fault import require, run

TOP = pathlib.Path(__file__).resolve().parents[2]
ROOT = TOP / "build/root"  # where install-deps unpacks programs
SECTOR, BLOCK = 512, 4096
FLUSH, DISCARD = 1, 4  # flags of an entry
STATE_MARK = b"PTST"  # a slot of a login state begins with it
DAMAGES = ("none", "all", "some", "torn", "shorn")  # what is left of the writes since the flush

# ext4 without a journal is repaired at the start of a host
KINDS = {
    "ext4": (48, ["mkfs.ext4", "-q", "-E", "nodiscard", "-J", "size=4"], []),
    "xfs": (300, ["mkfs.xfs", "-q"], []),
    "btrfs": (128, ["mkfs.btrfs", "-q"], ["btrfs", "device", "scan", "--forget"]),
    "ext4-without-journal": (32, ["mkfs.ext4", "-q", "-O", "^has_journal"], ["e2fsck", "-fy"]),
}

Entry = collections.namedtuple("Entry", "at flags data")  # at: a byte of the disk


def daemon():
    """The program and its environment; None: it is not there."""
    unpacked = ROOT / "usr/bin/qemu-storage-daemon"
    found = str(unpacked) if unpacked.exists() else shutil.which(unpacked.name)
    libraries = glob.glob(f"{ROOT}/lib/*-linux-gnu*") + glob.glob(f"{ROOT}/usr/lib/*-linux-gnu*")
    return found and (found, dict(os.environ, LD_LIBRARY_PATH=":".join(libraries)))


def lacks():
    """What this machine lacks; None: nothing."""
    if not daemon():
        return "qemu-storage-daemon is missing"
    if not os.path.exists("/dev/fuse"):
        return "FUSE is missing"
    if not os.path.exists("/dev/loop-control"):
        return "loop devices are missing"
    missing = [words[0] for _, words, _ in KINDS.values() if not shutil.which(words[0])]
    return f"{missing[0]} is missing" if missing else None


def nodes():
    """/dev belongs to this namespace."""
    loop_nodes()
    for name, major, minor in ("fuse", 10, 229), ("btrfs-control", 10, 234):
        if not os.path.exists(f"/dev/{name}"):
            os.mknod(f"/dev/{name}", 0o20600, os.makedev(major, minor))


@contextlib.contextmanager
def mounted(device, where):
    """A file, through a loop device, or a loop device."""
    run("mount", *([] if device.startswith("/dev/") else ["-o", "loop"]), device, where)
    try:
        yield
    finally:
        run("umount", where)


def make(kind, image, directory):
    """An image of a new file system that holds what is in the directory."""
    size, words, _ = KINDS[kind]
    with open(image, "wb") as file:
        file.truncate(size << 20)
    run(*words, image)
    os.mkdir(f"{image}.mount")
    with mounted(image, f"{image}.mount"):
        run("cp", "-a", f"{directory}/.", f"{image}.mount")


class Logged:
    """The image as a disk: its file system is mounted, and all that is written is logged."""

    def __init__(self, image, where):
        self.image, self.where, self.log = image, where, f"{image}.log"
        self.entries = []

    def __enter__(self):
        served = f"{self.image}.disk"
        for path, size in (served, 0), (self.log, 2 << 30):
            with open(path, "wb") as file:
                file.truncate(size)
        program, environment = daemon()
        self.daemon = subprocess.Popen([
            program,
            "--blockdev", f"driver=file,node-name=image,filename={self.image}",
            "--blockdev", f"driver=file,node-name=log,filename={self.log}",
            "--blockdev", "driver=blklogwrites,node-name=disk,file=image,log=log,"
                          f"log-sector-size={SECTOR}",
            "--export", f"type=fuse,id=disk,node-name=disk,mountpoint={served},writable=on",
        ], env=environment)
        while os.path.getsize(served) == 0:
            require(self.daemon.poll() is None, "qemu-storage-daemon has ended")
            time.sleep(0.01)
        self.device = run("losetup", "-f", "--show", served).stdout.strip()
        run("mount", self.device, self.where)
        return self

    def __exit__(self, *unused):
        run("umount", self.where)
        run("losetup", "-d", self.device)
        self.daemon.terminate()
        self.daemon.wait()
        self.entries = list(read_log(self.log))
        os.unlink(self.log)

    def count(self):
        """The entries in the log, up to the last flush at least."""
        with open(self.log, "rb") as log:
            return struct.unpack_from("<QQQ", log.read(SECTOR))[2]


def read_log(path):
    """The log has the format of the kernel's dm-log-writes."""
    with open(path, "rb") as log:
        _, version, count, sector = struct.unpack_from("<QQQI", log.read(SECTOR))
        require((version, sector) == (1, SECTOR), f"log version {version}, sectors of {sector}")
        for _ in range(count):
            at, sectors, flags, _ = struct.unpack_from("<QQQQ", log.read(SECTOR))
            length = sectors * SECTOR
            data = bytes(length) if flags & DISCARD else log.read(length)
            yield Entry(at * SECTOR, flags, data)


def is_flush(entry):
    return bool(entry.flags & FLUSH)


def is_state(entry):
    """Does it write slots of login states? They alone are overwritten in place."""
    return any(entry.data.startswith(STATE_MARK, at) for at in range(0, len(entry.data), BLOCK))


def tear(entry, chance):
    """The first sectors of a write are on the disk, and the others are not."""
    sectors = chance.randrange(1, max(2, len(entry.data) // SECTOR))
    return entry._replace(data=entry.data[:sectors * SECTOR])


def shear(entry, chance):
    """A sector of each block that is written is garbage."""
    data = bytearray(entry.data)
    for at in range(0, len(data), BLOCK):
        sector = at + SECTOR * chance.randrange(min(BLOCK, len(data) - at) // SECTOR)
        data[sector:sector + SECTOR] = chance.randbytes(SECTOR)
    return entry._replace(data=bytes(data))


def left_of(writes, damage, chance):
    """
    What a cut leaves of writes that were not flushed. Only slots of states are torn: how a file
    system protects its own blocks is its affair.
    """
    if damage in ("none", "all"):
        return writes if damage == "all" else []
    left = [write for write in writes if chance.random() < 0.5]
    if damage == "some":
        return left
    torn = [write for write in writes if is_state(write)][-1:]
    return ([write for write in left if write not in torn] +
            [(shear if damage == "shorn" else tear)(write, chance) for write in torn])


class Cuts:
    """
    Power cuts of one logged disk: `image` is what it was before the first entry. Cuts must be made
    in the order of the entries.
    """

    def __init__(self, kind, image, entries):
        self.kind, self.durable, self.entries = kind, image, entries
        self.flushed = 0

    def make(self, position, damage, chance):
        """The image after this number of entries, repaired as when a host starts: a new file."""
        flushes = [i for i in range(self.flushed, position) if is_flush(self.entries[i])]
        if flushes:
            write_all(self.durable, self.entries[self.flushed:flushes[-1]])
            self.flushed = flushes[-1] + 1
        image = f"{self.durable}.cut"
        run("cp", "--sparse=always", self.durable, image)
        write_all(image, left_of(self.entries[self.flushed:position], damage, chance))
        words = KINDS[self.kind][2]
        if words[:1] == ["e2fsck"]:
            done = run(*words, image, check=False)
            require(done.returncode in (0, 1), f"{words}: {done.stdout}")
        elif words:
            run(*words)
        return image


def write_all(image, entries):
    with open(image, "r+b") as file:
        for entry in entries:
            file.seek(entry.at)
            file.write(entry.data)


def positions(entries, known, number, chance):
    """
    Where to cut: at flushes, just before and after them; where something was acknowledged
    (`known`); where a state is being written; and anywhere.
    """
    flushes = [at for i, entry in enumerate(entries) if is_flush(entry) for at in (i, i + 1)]
    states = [i + 1 for i, entry in enumerate(entries) if is_state(entry)]
    require(flushes and states, f"{len(entries)} entries without a flush or a state")
    wanted = set()
    for _ in range(50 * number):
        if len(wanted) == number:
            break
        where = chance.choice((flushes, known, states, range(len(entries) + 1)))
        wanted.add((chance.choice(where), chance.choice(DAMAGES)))
    return sorted(wanted)
