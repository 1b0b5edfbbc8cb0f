# SPDX-License-Identifier: BSD-2-Clause
"""Secrets in the memory of a process."""
import base64
import os


def forms(name, secret):
    """A secret in each form in which it could lie about: as bytes, as text, as a key of HMAC."""
    return {f"{name}": secret,
            f"{name} in base32": base64.b32encode(secret).rstrip(b"="),
            f"{name} in base64": base64.b64encode(secret).rstrip(b"="),
            f"{name} in hexadecimal": secret.hex().encode(),
            f"{name}, inner pad": bytes(byte ^ 0x36 for byte in secret),
            f"{name}, outer pad": bytes(byte ^ 0x5c for byte in secret)}


def secret_forms(text, name="secret"):
    return forms(name, base64.b32decode(text + "=" * (-len(text) % 8)))


def forms_of_keys(keyring):
    with open(keyring, encoding="ascii") as file:
        keys = [line.split()[1] for line in file if not line.startswith("#")]
    return {f"{name} {i}": form for i, key in enumerate(keys)
            for name, form in forms("key", base64.b64decode(key)).items()}


def places(pid, needles):
    """Each place of each needle in the memory of a stopped process: (name, mapping, address)."""
    found = []
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps, \
            open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            words = line.split()
            start, end = (int(number, 16) for number in words[0].split("-"))
            if words[1][:2] != "rw" or words[-1].startswith("[v"):
                continue
            memory.seek(start)
            data = memory.read(end - start)
            mapping = os.path.basename(words[5]) if len(words) > 5 else "a mapping"
            for name, needle in needles.items():
                at = data.find(needle)
                while at >= 0:
                    found.append((name, mapping, start + at))
                    at = data.find(needle, at + 1)
    return found
