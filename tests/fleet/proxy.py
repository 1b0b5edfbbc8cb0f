# SPDX-License-Identifier: BSD-2-Clause
"""
A proxy between a client and a member of etcd that has the member's key, and damages answers. It
hands every request on as it is, so that what it damages may have been done.
"""

import http.client
import json
import random
import socket
import ssl
import threading
import time

MEMBERS = ["header", "succeeded", "responses", "cluster_id", "member_id", "revision", "raft_term",
           "response_put", "response_range", "kvs", "count", "key", "value", "mod_revision",
           "create_revision", "version"]


def without(node, name):
    """The same without the members of that name, at any depth."""
    if isinstance(node, dict):
        return {key: without(value, name) for key, value in node.items() if key != name}
    if isinstance(node, list):
        return [without(each, name) for each in node]
    return node


def framed(body, status=200):
    head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


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
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.before = b""

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
            threading.Thread(target=self.serve, args=[connection], daemon=True).start()

    def serve(self, connection):
        try:
            with self.context.wrap_socket(connection, server_side=True) as stream:
                backend = http.client.HTTPSConnection("127.0.0.1", self.member.client_port,
                                                      context=self.cluster.context, timeout=5)
                reader = stream.makefile("rb")
                while self.serve_one(stream, reader, backend):
                    pass
        except (OSError, http.client.HTTPException):
            pass

    def serve_one(self, stream, reader, backend):
        line = reader.readline().split()
        if len(line) < 2:
            return False
        headers = http.client.parse_headers(reader)
        body = reader.read(int(headers["Content-Length"]))
        fault = self.choose()
        if fault == "lose":  # the request itself
            return False
        backend.request(line[0].decode(), line[1].decode(), body,
                        {"Content-Type": "application/json"})
        answer = backend.getresponse()
        whole, data = answer.status, answer.read()
        return self.hand_on(stream, fault, whole, data)

    def choose(self):
        names = [*self.faults, "none"]
        weights = [*self.faults.values(), max(0, 100 - sum(self.faults.values()))]
        fault = self.random.choices(names, weights)[0]
        self.counts[fault] += 1
        return fault

    def hand_on(self, stream, fault, status, data):
        """Whether the connection goes on."""
        if fault == "drop":
            return False
        if fault == "delay":
            time.sleep(self.random.choice([0.2, 0.9]))
        if fault == "hold":
            time.sleep(2)
            return False
        if fault == "truncate":
            # both: the length says so, and it does not
            cut = data[:self.random.randrange(len(data))]
            stream.sendall(framed(cut, status) if self.random.random() < 0.5
                           else framed(data, status)[:-len(data) + len(cut)])
            return False
        if fault == "remove" and status == 200:
            name = self.random.choice(MEMBERS)
            data = json.dumps(without(json.loads(data), name)).encode()
        if fault == "earlier" and self.before:
            data, status = self.before, 200
        if fault == "refuse":
            data, status = b'{"error":"no","code":14,"message":"etcdserver: no leader"}', 503
        if status == 200 and fault == "none":
            self.before = data
        stream.sendall(framed(data, status) * (2 if fault == "double" else 1))
        return True
