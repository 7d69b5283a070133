"""COMPRESS=DEFLATE and UNAUTHENTICATE as a client with zlib sees them: RFC 4978, RFC 8437.

Every line is read with what has come so far: whatever the server holds back would make this wait for ever.
"""

import socket
import ssl
import sys
import zlib

port, tls_port, certificate, user, password = sys.argv[1:6]


class Client:
    def __init__(self, secured):
        self.socket = socket.create_connection(("localhost", int(tls_port if secured else port)), timeout=30)
        if secured:
            context = ssl.create_default_context(cafile=certificate)
            self.socket = context.wrap_socket(self.socket, server_hostname="localhost")
        self.deflate = self.inflate = None
        self.came = b""
        self.tags = 0
        assert self.line().startswith(b"* OK")

    def read(self):
        octets = self.socket.recv(65536)
        assert octets, "the connection ended"
        if self.inflate:
            plain = self.inflate.decompress(octets)
            if self.inflate.eof:
                plain += self.inflate.unused_data
                self.inflate = None
            octets = plain
        self.came += octets

    def line(self):
        while b"\r\n" not in self.came:
            self.read()
        line, self.came = self.came.split(b"\r\n", 1)
        return line

    def octets(self, count):
        while len(self.came) < count:
            self.read()
        octets, self.came = self.came[:count], self.came[count:]
        return octets

    def send(self, octets, flush=zlib.Z_SYNC_FLUSH):
        if self.deflate:
            octets = self.deflate.compress(octets) + self.deflate.flush(flush)
        self.socket.sendall(octets)

    def answer(self, tag):
        lines = []
        while True:
            line = self.line()
            if line.startswith(b"%s " % tag):
                return line, lines
            while line.endswith(b"}"):
                count = int(line[line.rindex(b"{") + 1 : -1])
                line += self.octets(count) + self.line()
            lines.append(line)

    def says(self, command, flush=zlib.Z_SYNC_FLUSH):
        self.tags += 1
        tag = b"t%d" % self.tags
        self.send(tag + b" " + command + b"\r\n", flush)
        return self.answer(tag)

    def ok(self, command, flush=zlib.Z_SYNC_FLUSH):
        tagged, lines = self.says(command, flush)
        assert b" OK " in tagged, (command, tagged)
        return lines

    def compress(self):
        self.ok(b"COMPRESS DEFLATE")
        assert not self.came
        self.deflate = zlib.compressobj(6, zlib.DEFLATED, -15)
        self.inflate = zlib.decompressobj(-15)


def login(client):
    client.ok(b"LOGIN %s %s" % (user.encode(), password.encode()))


def noise(count):
    state, octets = 1, bytearray()
    while len(octets) < count:
        state = (state * 1103515245 + 12345) % 2**31
        octets.append(state >> 16 & 0xFF)
    return bytes(octets)


def append(client, body):
    message = b"Subject: x\r\n\r\n" + body
    client.ok(b"APPEND INBOX {%d+}\r\n" % len(message) + message)


def a_day(secured):
    client = Client(secured)
    login(client)
    client.compress()
    refused, _ = client.says(b"COMPRESS DEFLATE")
    assert b" BAD [COMPRESSIONACTIVE] " in refused, refused
    assert any(b"COMPRESS=DEFLATE" in line for line in client.ok(b"CAPABILITY"))
    # Large and small, with and without what shrinks; a literal that is asked for.
    bodies = [b"short", b"x" * 300_000, noise(200_000).hex().encode(), b""]
    for body in bodies:
        append(client, body)
    client.send(b"l1 APPEND INBOX {15}\r\n")
    assert client.line().startswith(b"+ ")
    client.send(b"Subject: y\r\n\r\nz\r\n")
    assert b" OK " in client.answer(b"l1")[0]
    client.ok(b"SELECT INBOX")
    for number, body in enumerate(bodies, 1):
        (line,) = [line for line in client.ok(b"FETCH %d BODY.PEEK[TEXT]" % number) if b" FETCH " in line]
        assert body in line, number
    # Pipelined, in pieces that end nowhere, and one flush later.
    both = client.deflate.compress(b"p1 NOOP\r\np2 NO") + client.deflate.flush(zlib.Z_SYNC_FLUSH)
    both += client.deflate.compress(b"OP\r\n") + client.deflate.flush(zlib.Z_FULL_FLUSH)
    for octet in both:
        client.socket.sendall(bytes([octet]))
    client.answer(b"p1")
    client.answer(b"p2")
    # What comes while it idles comes at once.
    client.send(b"i IDLE\r\n")
    assert client.line().startswith(b"+ ")
    other = Client(secured)
    login(other)
    append(other, b"news")
    assert client.line().endswith(b" EXISTS")
    client.send(b"DONE\r\n")
    assert b" OK " in client.answer(b"i")[0]
    return client


def leaves(client):
    client.ok(b"LOGOUT")
    while client.inflate:
        client.read()
    assert not client.came and client.socket.recv(1) == b"", "more than the end"


def changes_users(secured, last, more):
    """Ends compression with a last block, with a flush, or with a last block that comes later."""
    client = Client(secured)
    login(client)
    client.compress()
    client.ok(b"SELECT INBOX")
    client.tags += 1
    tag = b"t%d" % client.tags
    end = client.deflate.compress(tag + b" UNAUTHENTICATE\r\n") + client.deflate.flush(last)
    if more:
        end += client.deflate.flush(zlib.Z_FINISH)
    login_line = b"again LOGIN %s %s\r\n" % (user.encode(), password.encode())
    client.socket.sendall(end + login_line)
    assert b" OK " in client.answer(tag)[0]
    client.deflate = None
    assert b" OK " in client.answer(b"again")[0]
    assert client.inflate is None, "the server's stream has not ended"
    refused, _ = client.says(b"FETCH 1 UID")
    assert b" BAD " in refused, refused
    client.ok(b"SELECT INBOX")
    client.compress()
    client.ok(b"NOOP")
    leaves(client)


def is_told_of_nonsense():
    client = Client(False)
    login(client)
    client.compress()
    client.socket.sendall(b"a NOOP\r\n")
    assert client.line().startswith(b"* BYE ")


for secured in (False, True):
    leaves(a_day(secured))
    changes_users(secured, zlib.Z_FINISH, False)
    changes_users(secured, zlib.Z_SYNC_FLUSH, False)
    changes_users(secured, zlib.Z_SYNC_FLUSH, True)
is_told_of_nonsense()
print("all well")
