# SPDX-License-Identifier: BSD-2-Clause
"""Requests to totpd from an attacker who has read the manual."""
import random

import wire

PLACES = (0, 4, 5, 205, 237, 254, 276, 308, 340, 341, 342, 343, 345, 377, 378, 506, 514)  # fields
SECRET = b"12345678901234567890"


def code(right=()):
    """None of those that are right."""
    while True:
        made = f"{random.randrange(10 ** 6):06}"
        if made not in right:
            return made


def request(user, right):
    """Any operation, complete, with wrong codes."""
    letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    proof = random.choice((code(right), "".join(random.choices(letters, k=12)), None))
    label = random.choice(("phone", "other", ""))
    op = random.choice((wire.LOOK, wire.CHECK, wire.STATUS, wire.ENROLL, wire.ADD, wire.REPLACE,
                        wire.REMOVE, wire.RENAME, wire.RECOVERY, wire.DISABLE))
    token = None
    if op in (wire.ENROLL, wire.ADD, wire.REPLACE):
        token = random.choice(((1, 1, 6, 30, "other", SECRET, 0, code()),
                               (2, 1, 6, 0, "other", SECRET, 5, code())))
    if op in (wire.LOOK, wire.STATUS, wire.ENROLL):
        proof = None
    return wire.request(op, user, proof, token=token, new_label="new" if op == wire.RENAME else "",
                        label=label if op in (wire.REPLACE, wire.REMOVE, wire.RENAME) else "")


def spoil(message):
    """
    Leave it, change some bytes, mostly at the beginning of a field or in its length; or send noise.
    """
    message = bytearray(message)
    kind = random.randrange(5)
    if kind == 0:
        return random.randbytes(random.randrange(1, 1200))
    if kind == 1:
        return bytes(message[:random.randrange(1, len(message))]) + bytes(random.randrange(3))
    if kind == 2:
        for _ in range(random.randrange(1, 8)):
            at = random.choice((random.choice(PLACES), random.randrange(len(message))))
            message[at] = random.choice((0, 1, 255, random.randrange(256)))
    return bytes(message)


def word(answer):
    if answer is None:
        return "silence"
    if answer.error != "ok":
        return answer.error
    return "looked" if answer.op in (wire.LOOK, wire.STATUS) else answer.verdict


def make(path, user, count, right):
    """Send this many, none with one of the right codes; what came of each."""
    random.seed(6238)
    return [word(wire.ask(spoil(request(user, right)), path)) for _ in range(count)]
