# SPDX-License-Identifier: BSD-2-Clause
"""totpd's messages, written from their description in totpd-protocol(5) alone."""
import socket
import struct
import time

REQUEST, RESPONSE = 817, 1067
(LOOK, CHECK, STATUS, ENROLL, ADD, REPLACE, REMOVE, RENAME, RECOVERY, DISABLE,
 IN_LOGIN) = range(1, 12)
ERRORS = ("ok system nomem crypto argument format range unsafe seal not_found exists stale timeout "
          "unsupported uncertain peer forbidden other_store").split()
VERDICTS = ("deny", "wait", "allow")


def text(string, size):
    data = string.encode()
    assert len(data) <= size
    return data + bytes(size - len(data))


def answer(typed):
    """A code (digits), a recovery code, or nothing."""
    typed = (typed or "").replace("-", "").replace(" ", "")
    if not typed:
        return bytes(22)
    if typed.isdigit() and len(typed) <= 8:
        return bytes((4, len(typed))) + text(typed, 8) + bytes(12)
    return b"\5\0" + bytes(8) + text(typed, 12)


def request(op, user, code=None, service="test", source=bytes(17), label="", new_label="",
            token=None, store=bytes(16), store_dir="/var/lib/pam_totp", by_invitation=False,
            recovery_codes=0, seconds=10):
    """seconds: for how long the client waits; token: (type, algorithm, digits, period, label,
    secret, counter, typed); store: an id, or zeros for the store at store_dir."""
    kind, algorithm, digits, period, name, secret, counter, typed = token or (
        0, 0, 0, 0, "", b"", 0, None)
    message = (b"PTQ2" + bytes((op,)) + text(user, 200) + text(service, 32) + source +
               answer(code) + text(label, 32) + text(new_label, 32) +
               struct.pack(">BBBH", kind, algorithm, digits, period) + text(name, 32) +
               bytes((len(secret),)) + secret + bytes(128 - len(secret)) +
               struct.pack(">Q", counter) + answer(typed) +
               store + text(store_dir, 255) + bytes((by_invitation, recovery_codes)) +
               struct.pack(">Q", time.monotonic_ns() + int(seconds * 1e9)))
    assert len(message) == REQUEST
    return message


class Response:
    def __init__(self, data):
        assert len(data) == RESPONSE and data[:4] == b"PTA2", data
        self.op, self.error = data[4], ERRORS[data[5]]
        self.why = data[6:261].rstrip(b"\0").decode()
        self.flags = data[261]
        self.enrolled = bool(self.flags & 1)
        self.verdict, self.reason = VERDICTS[data[262]], data[263]
        self.label = data[264:296].rstrip(b"\0").decode()
        self.wait, flags, self.offset = struct.unpack(">IBq", data[296:309])
        self.off = bool(flags & 1)
        self.failures = struct.unpack(">I", data[310:314])[0]
        self.labels = [data[377 + 53 * i:409 + 53 * i].rstrip(b"\0").decode()
                       for i in range(data[371])]
        self.codes = [data[797 + 12 * i:809 + 12 * i].decode() for i in range(data[796])]

    def __repr__(self):
        return f"<{self.op} {self.error} {self.why!r} {self.verdict} {self.reason} {self.flags}>"


def connect(path="/run/pam_totp/socket", seconds=10):
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.settimeout(seconds)
    end = time.monotonic() + seconds
    while True:
        try:
            connection.connect(path)
            return connection
        except BlockingIOError:  # as many wait as the kernel allows
            if time.monotonic() > end:
                raise
            time.sleep(0.01)


def ask(message, path="/run/pam_totp/socket", seconds=10, tries=1):
    """Send one message, again if it was not read; None if it gets no response."""
    for _ in range(tries):
        with connect(path, seconds) as connection:
            try:
                connection.send(message)
                data = connection.recv(4096)
                return Response(data) if data else None
            except (BrokenPipeError, ConnectionResetError):
                pass
    return None
