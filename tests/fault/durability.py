# SPDX-License-Identifier: BSD-2-Clause
"""
Durability: the order of writes, syncs and names of every change of a store, a keyring or a file for
an administrator, as the kernel sees them. And each sync is needed: the same order without it is
found to be wrong.

durability.py LOGIN TOOLS [TEST...]   as fault.py, whose scene this uses
"""
import collections
import os
import pwd
import re

import fault
import flows
from fault import LOGIN, TOOLS, require, run, say

# path: absolute; to: the new name
Event = collections.namedtuple("Event", "what path to", defaults=[None])

CALLS = ("open,openat,creat,write,pwrite64,writev,pwritev,ftruncate,fsync,fdatasync,syncfs,rename,"
         "renameat,renameat2,link,linkat,unlink,unlinkat,rmdir,mkdir,mkdirat,exit_group")
LINE = re.compile(r"\d+\s+(\w+)\((.*)\)\s+= (-?\d+)(?:<(.*?)>)?")
DESCRIPTOR = re.compile(r"(?:\d+|AT_FDCWD)<(.*?)>(?:\(deleted\))?$")


# ---- the recorder

def named(words):
    """The paths of a call's arguments, each a name that may come after the directory it is in."""
    found, directory = [], "/"
    for word in words:
        descriptor = DESCRIPTOR.match(word)
        if descriptor:
            directory = descriptor[1]
        elif word.startswith('"'):
            found.append(os.path.normpath(os.path.join(directory, word.strip('"'))))
    return found


def event_of(call, words, opened):
    """What a call that succeeded has changed; None: nothing."""
    if call in ("open", "openat", "creat"):
        return Event("create", opened) if "O_EXCL" in "".join(words) or call == "creat" else None
    if call == "exit_group":
        return Event("end", "")
    if call in ("fsync", "fdatasync", "syncfs"):
        return Event("sync everything" if call == "syncfs" else "sync",
                     DESCRIPTOR.match(words[0])[1])
    if call.endswith(("write", "write64", "writev", "ftruncate")):
        return Event("report" if words[0].startswith("1<") else "write",
                     DESCRIPTOR.match(words[0])[1])
    if call.startswith(("rename", "link")):
        return Event("rename" if call.startswith("rename") else "link", *named(words))
    return Event("create" if call.startswith("mkdir") else "remove", *named(words))


def record(scene, *words):
    """What a program that must succeed does to files of the scene, and when it says so."""
    log = scene.path("strace")
    run("strace", "-f", "-qq", "-y", "-s", "256", "-o", log, "-e", f"trace={CALLS}", *words)
    events = []
    with open(log, encoding="ascii", errors="replace") as lines:
        for line in lines:
            match = LINE.match(line)
            if match and (match[1] == "exit_group" or int(match[3]) >= 0):
                events.append(event_of(match[1], match[2].split(", "), match[4]))
            elif "exit_group" in line:
                events.append(Event("end", ""))
    os.unlink(log)
    return [event for event in events if event and (event.what in ("end", "report") or
                                                    event.path.startswith(scene.dir))]


# ---- the rules

class Disk:
    """What a power cut could take back."""

    def __init__(self):
        self.unsynced = set()  # files whose bytes may be lost
        self.unnamed = collections.defaultdict(set)  # names that may be lost, or come back
        self.made = set()  # by this program
        self.wrong = []

    def change(self, path):
        self.unnamed[os.path.dirname(path)].add(path)

    def happen(self, event):
        what, path = event.what, event.path
        if what == "create":
            self.made.add(path)
            self.change(path)
        elif what == "write":
            self.unsynced.add(path)
        elif what == "sync":
            self.unsynced.discard(path)
            self.unnamed.pop(path, None)
        elif what == "sync everything":  # of a file system, which may be no larger than that
            self.unsynced -= {name for name in self.unsynced if name.startswith(path)}
            for parent in [parent for parent in self.unnamed if parent.startswith(path)]:
                del self.unnamed[parent]
            self.unnamed[os.path.dirname(path)].discard(path)
        elif what in ("rename", "link"):
            self.rename(path, event.to)
        elif what == "remove":
            self.remove(path)

    def rename(self, path, to):
        if path in self.unsynced:
            self.wrong.append(f"{to} gets bytes that are not synced")
        parent = os.path.dirname(to)
        store = os.path.dirname(parent)
        if os.path.basename(parent) == "users":
            states = os.path.join(store, "state")
            if self.unnamed.get(states) or any(name.startswith(states) for name in self.unsynced):
                self.wrong.append(f"{to} may be there without its login state")
        keyring = os.path.join(os.path.dirname(store), "keyring")
        if keyring in self.unnamed[os.path.dirname(keyring)]:
            self.wrong.append(f"{to} may be there without its key")
        if os.path.basename(to) == "keyring" and any(
                "store" in parent and names for parent, names in self.unnamed.items()):
            self.wrong.append("the keyring may lose the key of a record that comes back")
        self.unnamed[os.path.dirname(path)].discard(path)
        self.change(to)

    def remove(self, path):
        self.unsynced.discard(path)
        parent = os.path.dirname(path)
        users = os.path.join(os.path.dirname(parent), "users")
        if os.path.basename(parent) == "state" and self.unnamed.get(users):
            self.wrong.append(f"{path} is removed while its credential may come back")
        if path in self.made:
            self.unnamed[parent].discard(path)
        else:
            self.change(path)

    def lost(self):
        return sorted(self.unsynced) + sorted(name for names in self.unnamed.values()
                                              for name in names)


def wrongs(events):
    """Sentences about the order of the events; none: it is right."""
    disk = Disk()
    changes = [i for i, event in enumerate(events) if event.what not in ("report", "end", "sync")]
    reports = [i for i, event in enumerate(events) if event.what == "report" and
               changes and i > changes[-1]]
    for i, event in enumerate(events):
        if event.what == "end" or i in reports[:1]:
            disk.wrong += [f"success is reported, and a power cut undoes {name}"
                           for name in disk.lost()]
            break
        disk.happen(event)
    return disk.wrong


def is_durable(scene, words, least, needless=()):
    """
    The order is right, and wrong without any of at least `least` syncs. needless: one sync of each
    of these may be missing, but not all.
    """
    events = record(scene, *words)
    found = wrongs(events)
    require(not found, "\n".join(found))
    syncs = [i for i, event in enumerate(events) if event.what.startswith("sync")]
    names = [os.path.relpath(events[i].path, scene.dir) for i in syncs]
    unnoticed = [name for name, i in zip(names, syncs) if not wrongs(events[:i] + events[i + 1:])]
    say(f"{len(syncs)} syncs: {', '.join(names)}; without {', '.join(unnoticed) or 'any'}: nothing "
        "is wrong")
    require(sorted(unnoticed) == sorted(needless), f"nothing needs the syncs of {unnoticed}")
    for name in set(unnoticed):
        others = [event for i, event in enumerate(events)
                  if i not in syncs or os.path.relpath(event.path, scene.dir) != name]
        require(wrongs(others), f"nothing needs any sync of {name}")
    require(len(syncs) - len(unnoticed) >= least, f"{len(syncs)} syncs")


def tool_is_durable(scene, name, *words, **wanted):
    is_durable(scene, (os.path.join(TOOLS, name), "--conf", scene.path("conf"), *words), **wanted)


def tool(scene, name, *words):
    done = scene.tool(name, *words)
    require(done.returncode == 0, f"{name} {words}: {done.stderr}")


# ---- what is written

def a_login_is_durable(scene):
    is_durable(scene, (LOGIN, scene.dir, scene.fresh()), least=1)


def an_enrollment_is_durable(scene):
    tool_is_durable(scene, "totp-enroll", "--user", "bin", "--no-confirm", "--json", least=4)


def an_enrollment_by_invitation_is_durable(scene):
    tool(scene, "totpctl", "invite", "bin")
    tool_is_durable(scene, "totp-enroll", "--user", "bin", "--no-confirm", "--json", least=5)


def a_replacement_is_durable(scene):
    tool_is_durable(scene, "totp-enroll", "--user", "daemon", "--force", "--no-confirm", "--json",
                    least=5)


def a_deletion_is_durable(scene):
    tool_is_durable(scene, "totpctl", "delete", "--yes", "daemon", least=2)


def a_change_of_a_login_state_is_durable(scene):
    flows.Unlock.prepare(None, scene)
    tool_is_durable(scene, "totpctl", "unlock", "daemon", least=1)


def many(scene, number=18):
    """A list of accounts to import."""
    users = [entry.pw_name for entry in pwd.getpwall() if entry.pw_name != "daemon"][:number]
    with open(scene.path("list"), "w", encoding="ascii") as file:
        file.writelines(f"{user},{flows.IMPORTED}\n" for user in users)
    return users


def an_import_is_durable(scene):
    many(scene)
    tool_is_durable(scene, "totpctl", "import", "csv", scene.path("list"), least=3)


def a_bulk_enrollment_is_durable(scene):
    tool_is_durable(scene, "totpctl", "enroll", "bin", "nobody", "--letters", scene.path("letters"),
                    least=4)


def an_invitation_is_durable(scene):
    tool_is_durable(scene, "totpctl", "invite", "bin", least=2)


def the_first_invitation_of_an_older_store_is_durable(scene):
    os.rmdir(scene.path("store/invites"))
    tool_is_durable(scene, "totpctl", "invite", "bin", least=3)


def an_invitation_that_is_taken_back_is_durable(scene):
    tool(scene, "totpctl", "invite", "bin")
    tool_is_durable(scene, "totpctl", "uninvite", "bin", least=1)


def a_rotation_of_few_records_is_durable(scene):
    tool(scene, "totpctl", "invite", "bin")
    tool_is_durable(scene, "totpctl", "key", "rotate", least=7, needless=[
        ".", *["store/users"] * 3, *["store/invites"] * 3])  # a second pass finds nothing to do


def a_rotation_of_many_records_is_durable(scene):
    users = many(scene)
    tool(scene, "totpctl", "import", "csv", scene.path("list"))
    tool(scene, "totpctl", "delete", "--yes", users[0])
    tool(scene, "totpctl", "invite", users[0])
    tool_is_durable(scene, "totpctl", "key", "rotate", least=6, needless=[
        ".", *["store/users"] * 2, *["store/invites"] * 3])


def a_new_store_and_a_new_keyring_are_durable(scene):
    os.mkdir(scene.path("var"))
    with open(scene.path("conf"), "w", encoding="ascii") as file:
        file.write(f"store_dir = {scene.path('var/store')}\nkeyring = {scene.path('etc/keyring')}\n")
    tool_is_durable(scene, "totpctl", "init", least=5)


def a_store_that_is_given_to_the_service_account_is_durable(scene):
    many(scene, 2)
    tool(scene, "totpctl", "import", "csv", scene.path("list"))
    tool(scene, "totpctl", "invite", "nobody")
    flows.make_service_account(scene)
    tool_is_durable(scene, "totpctl", "init", least=12)
    require(flows.is_given(scene), "a file is still root's")


def an_upgrade_is_durable(scene):
    tool_is_durable(scene, flows.Upgrade.later, "upgrade", least=2)


def an_export_file_is_durable(scene):
    flows.Export.prepare(None, scene)
    tool_is_durable(scene, "totpctl", "export", scene.path("export"), "--passphrase-file",
                    scene.path("passphrase"), least=2)


def a_backup_of_the_keys_is_durable(scene):
    flows.Export.prepare(None, scene)
    tool_is_durable(scene, "totpctl", "key", "backup", scene.path("backup"), "--passphrase-file",
                    scene.path("passphrase"), least=2)


def restored_keys_are_durable(scene):
    flows.Export.prepare(None, scene)
    tool(scene, "totpctl", "key", "backup", scene.path("backup"), "--passphrase-file",
         scene.path("passphrase"))
    tool(scene, "totpctl", "key", "rotate")
    tool_is_durable(scene, "totpctl", "key", "restore", scene.path("backup"), "--passphrase-file",
                    scene.path("passphrase"), least=2)


TESTS = [
    a_login_is_durable,
    an_enrollment_is_durable,
    an_enrollment_by_invitation_is_durable,
    a_replacement_is_durable,
    a_deletion_is_durable,
    a_change_of_a_login_state_is_durable,
    an_import_is_durable,
    a_bulk_enrollment_is_durable,
    an_invitation_is_durable,
    the_first_invitation_of_an_older_store_is_durable,
    an_invitation_that_is_taken_back_is_durable,
    a_rotation_of_few_records_is_durable,
    a_rotation_of_many_records_is_durable,
    a_new_store_and_a_new_keyring_are_durable,
    a_store_that_is_given_to_the_service_account_is_durable,
    an_upgrade_is_durable,
    an_export_file_is_durable,
    a_backup_of_the_keys_is_durable,
    restored_keys_are_durable,
]

if __name__ == "__main__":
    fault.begin(TESTS)
