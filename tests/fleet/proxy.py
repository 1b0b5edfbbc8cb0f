# SPDX-License-Identifier: BSD-2-Clause
"""
A proxy between a client and a member of etcd that has the member's key, and damages answers. It
hands every request on as it is, so that what it damages may have been done. Both sides speak HTTP/2,
one request at a time.
"""

import random
import socket
import ssl
import threading
import time

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (ConnectionTerminated, DataReceived, RequestReceived, ResponseReceived,
                       StreamEnded, StreamReset, TrailersReceived)
from h2.exceptions import ProtocolError

# --- messages, as rpc.proto and kv.proto of etcd have them: the fields of each by number ---

HEADER = {1: "cluster_id", 2: "member_id", 3: "revision", 4: "raft_term"}
PAIR = {1: "key", 2: "create_revision", 3: "mod_revision", 4: "version", 5: "value"}
RANGE = {1: ("header", HEADER), 2: ("kvs", PAIR), 3: "more", 4: "count"}
RESPONSE = {1: ("response_range", RANGE), 2: ("response_put", {1: ("header", HEADER)}),
            3: ("response_delete_range", {1: ("header", HEADER), 2: "deleted"})}
TXN = {1: ("header", HEADER), 2: "succeeded", 3: ("responses", RESPONSE)}

FIELDS = ["header", "succeeded", "responses", "cluster_id", "member_id", "revision", "raft_term",
          "response_put", "response_range", "kvs", "count", "key", "value", "mod_revision",
          "create_revision", "version"]


def varint(number):
    """A number, 7 bits in each byte."""
    head = b""
    while number > 127:
        head += bytes([number & 127 | 128])
        number >>= 7
    return head + bytes([number])


def take_varint(data, at):
    number = shift = 0
    while True:
        number |= (data[at] & 127) << shift
        at, shift = at + 1, shift + 7
        if data[at - 1] < 128:
            return number, at


def fields(message):
    """Each field: its number, a number or bytes, and how the message has it."""
    at = 0
    while at < len(message):
        begin = at
        key, at = take_varint(message, at)
        value, at = take_varint(message, at)
        assert key & 7 in (0, 2), "neither a number nor bytes"
        if key & 7 == 2:
            value, at = message[at:at + value], at + value
        yield key >> 3, value, message[begin:at]


def without(message, known, name):
    """The same message without the fields of that name, at any depth."""
    kept = b""
    for number, value, whole in fields(message):
        field = known.get(number)
        if name in (field, field[0] if isinstance(field, tuple) else None):
            continue
        if isinstance(field, tuple) and isinstance(value, bytes):  # or it is of another message
            inner = without(value, field[1], name)
            whole = varint(number << 3 | 2) + varint(len(inner)) + inner
        kept += whole
    return kept


def framed(message):
    """As gRPC sends it: not compressed, and its length."""
    return b"\0" + len(message).to_bytes(4, "big") + message


# --- HTTP/2 ---

class Answer:
    """Headers, bytes and trailers; without trailers the headers are all."""

    def __init__(self, headers, body=b"", trailers=()):
        self.headers, self.body, self.trailers = headers, body, trailers

    def is_done(self):
        return (b"grpc-status", b"0") in self.trailers

    def changed(self, body):
        return Answer(self.headers, body, self.trailers)

    def send(self, link, stream, ends=True):
        """
        As long as the other end's window has room for all of it. Without `ends` the stream is left
        open, and there are no trailers.
        """
        link.send_headers(stream, self.headers, end_stream=ends and not self.body and
                          not self.trailers)
        for at in range(0, len(self.body), link.max_outbound_frame_size):
            link.send_data(stream, self.body[at:at + link.max_outbound_frame_size])
        if ends and self.trailers:
            link.send_headers(stream, self.trailers, end_stream=True)
        elif ends and self.body:
            link.end_stream(stream)


def error(code, message):
    return Answer([(b":status", b"200"), (b"content-type", b"application/grpc"),
                   (b"grpc-status", code), (b"grpc-message", message)])


def unlike(answer):
    """The same, each in another way not as gRPC has it."""
    done = (b"grpc-status", b"0")
    plain = [field for field in answer.headers if field[0] != b"content-type"]
    return [
        Answer([(b":status", b"500"), *answer.headers[1:]], answer.body, answer.trailers),
        Answer(plain, answer.body, answer.trailers),
        Answer([*plain, (b"content-type", b"text/html")], answer.body, answer.trailers),
        Answer([*plain, (b"content-type", b"application/grpc-web")], answer.body, answer.trailers),
        answer.changed(b"\1" + answer.body[1:]),  # compressed
        answer.changed(answer.body + b"x"),
        answer.changed(b""),
        Answer([*answer.headers, done], answer.body),
        Answer([*answer.headers, done]),
        Answer(answer.headers, answer.body, [(b"grpc-message", b"")]),
        Answer(answer.headers, answer.body, [(b"grpc-status", b"00")]),
        Answer(answer.headers, answer.body, [(b"grpc-status", b"")]),
        Answer(answer.headers, answer.body, [(b"grpc-status", b"2"), done]),
        Answer([*answer.headers, done], answer.body, [done]),
    ]


class Link:
    """A connection over TLS that speaks HTTP/2, as either end of it."""

    def __init__(self, stream, client):
        self.stream = stream
        self.http = H2Connection(H2Configuration(client_side=client, header_encoding=None))
        self.http.initiate_connection()
        self.flush()

    def flush(self):
        self.stream.sendall(self.http.data_to_send())

    def events(self):
        """What arrives, until the end."""
        while data := self.stream.recv(65536):
            for event in self.http.receive_data(data):
                if isinstance(event, ConnectionTerminated):
                    return
                if isinstance(event, DataReceived):
                    self.http.acknowledge_received_data(event.flow_controlled_length,
                                                        event.stream_id)
                yield event
            self.flush()

    def pour(self, stream, answer):
        """Send headers and body as the other end takes them; False: it has closed the connection."""
        body = memoryview(answer.body)
        self.http.send_headers(stream, answer.headers)
        while body:
            room = min(self.http.local_flow_control_window(stream),
                       self.http.max_outbound_frame_size, len(body))
            if room:
                self.http.send_data(stream, body[:room].tobytes())
                body = body[room:]
            elif data := self.stream.recv(65536):
                self.http.receive_data(data)
            else:
                return False
            self.flush()
        return True

    def exchange(self, headers, body):
        """Ask, as a client: the answer; None without one."""
        stream = self.http.get_next_available_stream_id()
        self.http.send_headers(stream, headers, end_stream=not body)
        self.flush()
        events = self.events()
        answer = Answer([])
        while body:
            room = min(self.http.local_flow_control_window(stream),
                       self.http.max_outbound_frame_size, len(body))
            if room:
                self.http.send_data(stream, body[:room], end_stream=room == len(body))
                body = body[room:]
                self.flush()
            elif next(events, None) is None:
                return None
        for event in events:
            if getattr(event, "stream_id", None) != stream:
                continue
            if isinstance(event, ResponseReceived):
                answer.headers = event.headers
            elif isinstance(event, DataReceived):
                answer.body += event.data
            elif isinstance(event, TrailersReceived):
                answer.trailers = event.headers
            elif isinstance(event, StreamReset):
                return None
            elif isinstance(event, StreamEnded):
                self.flush()
                return answer
        return None


class Proxy:
    """Use it in a `with`. `faults` is how often each fault is chosen, by its name."""

    def __init__(self, cluster, member, faults, seed=1):
        self.cluster, self.member = cluster, member
        self.faults, self.random = faults, random.Random(seed)
        self.counts = dict.fromkeys([*faults, "none"], 0)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*cluster.member_certificate)
        self.context.load_verify_locations(cluster.authority.certificate)
        self.context.verify_mode = ssl.CERT_REQUIRED
        self.context.set_alpn_protocols(["h2"])
        self.backend = ssl.create_default_context(cafile=cluster.authority.certificate)
        self.backend.load_cert_chain(*cluster.client_certificate)
        self.backend.set_alpn_protocols(["h2"])
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.before = None
        self.first = {}  # the first answer to each request

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}"

    def __enter__(self):
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *unused):
        self.listener.close()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.serve, args=[connection], daemon=True).start()

    def connect(self):
        connection = socket.create_connection(("127.0.0.1", self.member.client_port), timeout=5)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self.backend.wrap_socket(connection, server_hostname="127.0.0.1")

    def serve(self, connection):
        try:
            with self.context.wrap_socket(connection, server_side=True) as stream, \
                    self.connect() as behind:
                link, backend = Link(stream, client=False), Link(behind, client=True)
                headers, bodies = {}, {}
                for event in link.events():
                    if isinstance(event, RequestReceived):
                        headers[event.stream_id], bodies[event.stream_id] = event.headers, b""
                    elif isinstance(event, DataReceived):
                        bodies[event.stream_id] += event.data
                    elif isinstance(event, StreamEnded) and not self.serve_one(
                            link, event.stream_id, backend, headers.pop(event.stream_id),
                            bodies.pop(event.stream_id)):
                        return
        except (OSError, ProtocolError):
            pass

    def serve_one(self, link, stream, backend, headers, body):
        """Whether the connection goes on."""
        fault = self.choose()
        if fault == "lose":  # the request itself
            return False
        answer = backend.exchange(headers, body)
        if not answer:
            return False
        first = self.first.setdefault(body, answer)
        goes_on = self.hand_on(link, stream, fault, first if fault == "old" else answer)
        link.flush()
        return goes_on

    def choose(self):
        names = [*self.faults, "none"]
        weights = [*self.faults.values(), max(0, 100 - sum(self.faults.values()))]
        fault = self.random.choices(names, weights)[0]
        self.counts[fault] += 1
        return fault

    def hand_on(self, link, stream, fault, answer):
        if fault == "drop":
            return False
        if fault == "delay":
            time.sleep(self.random.choice([0.2, 0.9]))
        if fault == "hold":
            time.sleep(2)
            return False
        if fault == "stall":  # as if the host went away
            time.sleep(60)
            return False
        if fault == "truncate":
            return self.truncate(link, stream, answer)
        if fault == "remove" and answer.is_done():
            name = self.random.choice(FIELDS)
            answer = answer.changed(framed(without(answer.body[5:], TXN, name)))
        if fault == "earlier" and self.before:
            answer = self.before
        if fault == "refuse":
            answer = error(b"14", b"etcdserver: no leader")
        if fault == "reject":
            answer = error(b"3", b"etcdserver: key%20is not provided")
        if fault == "huge":
            return link.pour(stream, answer.changed(framed(bytes(9 << 20))))
        if fault == "unlike" and answer.is_done():
            answer = self.random.choice(unlike(answer))
        if fault == "reset":  # as if it had not been looked at, or in the midst of the answer
            if self.random.random() < 0.5:
                answer.send(link.http, stream, ends=False)
            link.http.reset_stream(stream, self.random.choice(list(ErrorCodes)))
            return True
        if fault == "goaway":  # which says that this request was not looked at
            link.http.close_connection(last_stream_id=stream - 2 if stream > 1 else 0)
            return False
        if answer.is_done() and fault == "none":
            self.before = answer
        if fault == "double":
            return self.double(link, stream, answer)
        answer.send(link.http, stream)
        return True

    def truncate(self, link, stream, answer):
        """The lengths say so, or do not; it ends as it must, or without trailers, or not at all."""
        cut = answer.body[:self.random.randrange(len(answer.body))]
        how = self.random.randrange(5)
        if how == 0:
            answer.changed(cut).send(link.http, stream)
        elif how == 1:
            answer.changed(framed(cut[5:])).send(link.http, stream)
        elif how == 2:
            Answer(answer.headers, answer.body).send(link.http, stream)
        elif how == 3:
            answer.changed(cut).send(link.http, stream, ends=False)
            return False
        else:
            answer.send(link.http, stream, ends=False)
            return False
        return True

    def double(self, link, stream, answer):
        """The message twice, or all that is sent."""
        if self.random.random() < 0.5:
            answer.changed(answer.body * 2).send(link.http, stream)
        else:
            link.flush()
            answer.send(link.http, stream)
            link.stream.sendall(link.http.data_to_send() * 2)
        return True
