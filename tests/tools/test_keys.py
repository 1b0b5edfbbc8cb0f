# SPDX-License-Identifier: BSD-2-Clause
"""totpctl key: the keys that encrypt the records, and their rotation."""

import fcntl
import json
import socket

import pytest

from host import *  # noqa: F403

KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


def ring(host):
    """Ids of the keyring's keys, in order."""
    return [line.split()[0] for line in host.keyring.read_text().splitlines()
            if line and not line.startswith("#")]


def listed(host):
    """id -> what `key list` prints about it, in its order."""
    return {key["id"]: key for key in json.loads(host.done("key", "list", "--json"))}


def sealed_by(path):
    """The id of the key that an encrypted file names (pam_totp-record(5))."""
    with open(path, "rb") as file:
        return file.read(8)[4:].hex()


def write_ring(host, text):
    host.keyring.write_text(text)
    host.keyring.chmod(0o600)


def enrol_some(host, *users):
    host.done("import", "csv", "-",
              stdin="".join(f"{user},{SECRET[:-1]}{chr(ord('A') + i)}\n"
                            for i, user in enumerate(users)))


@pytest.fixture
def people(host):
    enrol_some(host, "alice", "bob", KNOWN)
    return host


def assert_rotated(host, old, users):
    """The old key is gone, another one has replaced it, and every record opens."""
    now = ring(host)
    assert old not in now and "# rotating" not in host.keyring.read_text()
    for user in users:
        assert sealed_by(host.user_file(user)) == now[0]
        host.done("show", user)
    assert not list(host.store.rglob("*~*"))


# ---- list


def test_a_list_says_how_many_files_each_key_has_encrypted(people):
    first = ring(people)[0]
    lines = people.done("key", "list").splitlines()
    assert lines[0].split() == ["KEY", "MADE", "STATE", "RECORDS", "INVITATIONS"]
    assert lines[1].split() == [first, time.strftime("%Y-%m-%d", time.gmtime()), "seals", "3", "0"]
    assert len(lines) == 2


def test_a_list_for_programs_has_the_documented_members(people):
    text = people.keyring.read_text()
    write_ring(people, f"0000000a {KEY} 2026-01-31\n{text}")
    enrol_some(people, "carol")
    assert list(listed(people).values()) == [
        {"id": "0000000a", "made": "2026-01-31", "state": "seals", "records": 1,
         "invitations": 0},
        {"id": text[:8], "made": text.split()[2], "state": "opens", "records": 3,
         "invitations": 0}]


def test_a_missing_key_is_listed_with_the_number_of_its_files(people):
    text = people.keyring.read_text()
    write_ring(people, f"0000000a {KEY} 2026-01-31\n")
    said = people.done("key", "list")
    assert re.search(rf"^{text[:8]}  -  +missing +3 +0$", said, re.M)
    assert "restore the key" in said
    assert listed(people)[text[:8]] == {"id": text[:8], "made": None, "state": "missing",
                                        "records": 3, "invitations": 0}


def test_no_key_is_printed_or_logged(people):
    keys = [people.keyring.read_text().split()[1]]
    said = people.done("key", "list") + people.done("key", "list", "--json")
    said += people.done("key", "rotate")
    keys.append(people.keyring.read_text().split()[1])
    for key in keys:
        assert key not in said + people.logged()


def test_a_file_that_cannot_be_read_makes_the_list_incomplete(people):
    people.user_file("bob").chmod(0o644)
    ran = people.run("key", "list")
    assert ran.returncode == 1 and "users/bob: mode 0644" in ran.stderr
    assert re.search(r"seals +2 ", ran.stdout)


# ---- rotate


def test_a_rotation_encrypts_everything_again_and_drops_the_old_key(people):
    old = ring(people)[0]
    people.run("invite", "bin")
    states = {path: path.read_bytes() for path in (people.store / "state").iterdir()}
    said = people.done("key", "rotate")
    assert_rotated(people, old, ("alice", "bob", KNOWN))
    new = ring(people)
    assert len(new) == 1
    assert sealed_by(people.store / "invites" / "bin") == new[0]
    assert {path: path.read_bytes() for path in (people.store / "state").iterdir()} == states
    assert f"Key {new[0]} is the active key from now on" in said and f"Key {old} is removed" in said
    assert "Encrypted again: 3 records, 1 invitation." in said and "key backup" in said
    assert stat.S_IMODE(people.keyring.stat().st_mode) == 0o600
    for what in (f'outcome=key-added reason=administrator token="" detail="key {new[0]}',
                 f'outcome=key-promoted reason=administrator token="" detail="key {new[0]}',
                 f'outcome=key-dropped reason=administrator token="" detail="key {old}'):
        assert what in people.logged()


def test_a_used_code_stays_used_and_the_next_one_works(people):
    people.enroll("dave")
    assert "allow" in people.attempt("dave", code_at(time.time()))
    people.done("key", "rotate")
    assert "allow" not in people.attempt("dave", code_at(time.time()))
    assert "allow" in people.attempt("dave", code_at(time.time() + 60), later=60)


def test_comments_and_other_hosts_keys_stay(people):
    old = people.keyring.read_text()
    write_ring(people, f"# of this host\n{old}\n# of web2\n0000000a {KEY} 2026-01-31\n")
    people.done("key", "rotate")
    text = people.keyring.read_text()
    assert text.startswith("# of this host\n")
    assert text.endswith(f"\n\n# of web2\n0000000a {KEY} 2026-01-31\n")
    assert_rotated(people, old[:8], ("alice", "bob", KNOWN))


def test_files_of_a_third_key_are_encrypted_again_too(people):
    text = people.keyring.read_text()
    write_ring(people, f"0000000a {KEY} 2026-01-31\n{text}")
    enrol_some(people, "carol")
    people.done("key", "rotate")
    assert ring(people)[1:] == [text[:8]]
    assert_rotated(people, "0000000a", ("alice", "bob", "carol", KNOWN))


def test_a_keyring_that_is_a_link_stays_one(people):
    real = people.directory / "real"
    people.keyring.rename(real)
    people.keyring.symlink_to(real)
    old = ring(people)[0]
    people.done("key", "rotate")
    assert people.keyring.is_symlink()
    assert_rotated(people, old, ("alice", "bob", KNOWN))


@pytest.mark.parametrize("promoted", [False, True])
def test_an_interrupted_rotation_continues_with_the_same_key(people, promoted):
    text = people.keyring.read_text()
    lines = [text, f"0000000a {KEY} 2026-01-31\n"]
    if promoted:
        lines.reverse()
    write_ring(people, f"# rotating from {text[:8]} to 0000000a: x\n" + "".join(lines))
    if promoted:
        enrol_some(people, "carol")  # encrypted with the new key
    before = listed(people)
    assert before["0000000a"]["state"] == ("seals" if promoted else "coming")
    assert before[text[:8]]["state"] == ("going" if promoted else "seals")
    assert "totpctl key rotate continues it" in people.done("key", "list")

    said = people.done("key", "rotate")
    assert f"Continuing the rotation from key {text[:8]} to 0000000a" in said
    assert ring(people) == ["0000000a"]
    assert_rotated(people, text[:8], ("alice", "bob", KNOWN))


def test_the_old_key_is_kept_for_files_that_cannot_be_encrypted_again(people):
    old = ring(people)[0]
    whole = people.user_file("bob").read_bytes()
    people.user_file("bob").write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    people.user_file(KNOWN).chmod(0o644)
    for _ in range(2):
        said = people.refused("key", "rotate")
        assert said.count("users/bob: cannot be opened") == 1
        assert said.count(f"users/{KNOWN}: mode 0644") == 1
        assert f"key {old} is kept, since 2 files may need it" in said
        assert '"state": "going", "records": 1,' in people.run("key", "list", "--json").stdout
        people.done("show", "alice")

    people.user_file(KNOWN).chmod(0o600)
    people.done("delete", "--yes", "bob")
    people.done("key", "rotate")
    assert_rotated(people, old, ("alice", KNOWN))


def test_a_file_that_no_key_opens_does_not_stop_a_rotation(people):
    old, text = ring(people)[0], people.keyring.read_text()
    people.user_file("bob").write_bytes(b"not sealed at all")
    write_ring(people, f"0000000a {KEY} 2026-01-31\n{text}")
    enrol_some(people, "carol")
    write_ring(people, text)  # carol's key is missing now
    people.done("key", "rotate")
    assert_rotated(people, old, ("alice", KNOWN))
    assert listed(people)["0000000a"]["state"] == "missing"


def test_an_empty_store_can_be_rotated(host):
    old = ring(host)[0]
    host.done("key", "rotate")
    assert_rotated(host, old, ())


def test_a_full_keyring_accepts_no_further_key(people):
    keys = "".join(f"{i:08x} {KEY} 2026-01-31\n" for i in range(31))
    write_ring(people, people.keyring.read_text() + keys)
    before = people.files()
    assert "32 keys are there already" in people.refused("key", "rotate")
    assert people.files() == before


def test_two_rotations_at_the_same_time_become_one(people):
    old = ring(people)[0]
    fd = os.open(people.store / "state", os.O_RDONLY)
    fcntl.flock(fd, fcntl.LOCK_EX)
    before = people.files()
    assert "another program is changing the keys" in people.refused("key", "rotate")
    assert people.files() == before
    os.close(fd)
    people.done("key", "rotate")
    assert_rotated(people, old, ("alice", "bob", KNOWN))


def test_a_totpd_without_a_service_manager_must_be_restarted_first(people):
    old = ring(people)[0]
    (people.directory / "run").mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as totpd:
        totpd.bind(str(people.directory / "run" / "socket"))
        totpd.listen(16)
        said = people.refused("key", "rotate")
        assert "restart totpd" in said and "again" in said
        assert ring(people)[0] == old and len(ring(people)) == 2
        assert {key["state"] for key in listed(people).values()} == {"seals", "coming"}
        said = people.done("key", "rotate")
        assert said.count("Restart totpd") == 2
    assert_rotated(people, old, ("alice", "bob", KNOWN))


def test_a_closed_pipe_does_not_stop_it(people):
    old = ring(people)[0]
    reader, writer = os.pipe()
    os.close(reader)
    ran = subprocess.run([TOTPCTL, "--conf", people.conf, "key", "rotate"], stdout=writer,
                         stderr=subprocess.PIPE, text=True)
    os.close(writer)
    assert ran.returncode == 1
    assert_rotated(people, old, ("alice", "bob", KNOWN))


def test_a_lost_keyring_is_not_rotated(people):
    people.keyring.unlink()
    before = people.files()
    for words in ("list",), ("rotate",):
        assert "restore it from your backup" in people.refused("key", *words)
    assert people.files() == before


# ---- backup and restore

PHRASE = "correct horse battery staple"


def phrase(host, text=PHRASE):
    path = host.directory / "phrase"
    path.write_text(text + "\n")
    path.chmod(0o600)
    return "--passphrase-file", path


def backup(host, name="copy"):
    said = host.done("key", "backup", host.directory / name, *phrase(host))
    assert ring(host)[0] in said
    return host.directory / name


def restore(host, path):
    return host.done("key", "restore", path, *phrase(host))


def test_a_lost_keyring_is_restored_as_it_was(people):
    people.keyring.write_text("# of web1\n" + people.keyring.read_text())
    before = people.keyring.read_bytes()
    path = backup(people)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert before.split()[4] not in path.read_bytes()
    people.keyring.unlink()
    people.keyring.parent.rmdir()
    assert f"1 key; the active key is {before.split()[3].decode()}" in restore(people, path)
    assert people.keyring.read_bytes() == before
    assert stat.S_IMODE(people.keyring.stat().st_mode) == 0o600
    people.done("show", "alice")
    for what in "key-copied", "key-restored":
        assert f"outcome={what} " in people.logged()
    assert PHRASE not in people.logged()


def test_an_old_copy_adds_missing_keys_and_removes_none(people):
    old, path = ring(people)[0], backup(people)
    earlier = people.user_file("alice").read_bytes()
    people.done("key", "rotate")
    new = ring(people)[0]
    people.user_file("alice").write_bytes(earlier)  # of a backup of the store
    assert "does not hold" in people.refused("show", "alice")
    assert "Restored: 1 old key; the active key stays" in restore(people, path)
    assert ring(people) == [new, old]
    people.done("show", "alice")
    people.done("show", "bob")

    before = people.files()
    assert "has all 1 key of the copy: nothing is changed" in restore(people, path)
    assert people.files() == before


def test_a_rotation_continues_from_a_copy_made_during_it(people):
    text = people.keyring.read_text()
    write_ring(people, f"# rotating from {text[:8]} to 0000000a: x\n{text}0000000a {KEY} 2026-01-31\n")
    path = backup(people)
    people.keyring.unlink()
    restore(people, path)
    people.done("key", "rotate")
    assert ring(people) == ["0000000a"]


def test_a_different_key_with_the_same_id_is_not_merged(people):
    path = backup(people)
    text = people.keyring.read_text().split()
    write_ring(people, f"{text[0]} {KEY} {text[2]}\n")
    before = people.files()
    said = people.refused("key", "restore", path, *phrase(people))
    assert f"key {text[0]} is another one here" in said
    assert people.files() == before


def test_keys_that_are_still_missing_are_reported(people):
    text = people.keyring.read_text()
    write_ring(people, f"0000000a {KEY} 2026-01-31\n")
    path = backup(people)
    people.keyring.unlink()
    said = people.refused("key", "restore", path, *phrase(people))
    assert f"key {text[:8]}, which has sealed 3 more, is in neither" in said
    assert ring(people) == ["0000000a"]


def test_a_copy_that_does_not_open_changes_nothing(people):
    path = backup(people)
    whole = path.read_bytes()
    people.done("export", people.directory / "export", *phrase(people))
    people.keyring.unlink()

    def refused(sentence, text=PHRASE):
        words = phrase(people, text)
        before = people.files()
        assert sentence in people.refused("key", "restore", path, *words)
        assert people.files() == before

    refused("another passphrase", PHRASE + "!")
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    refused("another passphrase, or the file was changed")
    for spoiled in b"", whole[:40], b"x" * 9000, (people.directory / "export").read_bytes():
        path.write_bytes(spoiled)
        refused("not a copy made by 'totpctl key backup'")


def test_a_copy_overwrites_nothing(people):
    path = backup(people)
    before = path.read_bytes()
    assert "File exists" in people.refused("key", "backup", path, *phrase(people))
    assert path.read_bytes() == before


def test_a_copy_that_cannot_be_encrypted_leaves_no_file(people):
    said = people.refused("key", "backup", people.directory / "copy", *phrase(people, "short"))
    assert "passphrase: expected 12 to 128 bytes" in said
    assert not (people.directory / "copy").exists()


def test_a_new_host_gets_its_keyring_before_its_store(bare):
    bare.done("init")
    path = backup(bare)
    before = bare.keyring.read_bytes()
    for name in bare.store.rglob("*"):
        if name.is_file():
            name.unlink()
    bare.keyring.unlink()
    restore(bare, path)
    assert bare.keyring.read_bytes() == before
    bare.done("init")
    assert bare.keyring.read_bytes() == before


def test_a_full_keyring_accepts_no_restored_key(people):
    path = backup(people)
    write_ring(people, "".join(f"{i:08x} {KEY} 2026-01-31\n" for i in range(32)))
    before = people.files()
    assert "no room" in people.refused("key", "restore", path, *phrase(people))
    assert people.files() == before


def test_a_damaged_keyring_must_be_moved_away_first(people):
    path = backup(people)
    write_ring(people, "damaged\n")
    assert "move it away first" in people.refused("key", "restore", path, *phrase(people))
    assert people.keyring.read_text() == "damaged\n"
