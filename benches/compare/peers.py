"""The servers that are compared, each if it is installed: how it is started, and what it speaks."""

import os
import shutil
import socket
import sys
import tempfile

import measure
from measure import Server

HERE = os.path.dirname(os.path.abspath(__file__))

NGIRCD = """\
[Global]
Name = bench.example.net
Info = bench
Ports = {port}
Listen = 127.0.0.1
MotdPhrase = bench
ServerUID = {user}
ServerGID = {group}
[Limits]
MaxConnections = 0
MaxConnectionsIP = 0
MaxJoins = 0
MaxPenaltyTime = 0
PingTimeout = 3600
[Options]
Ident = no
PAM = no
DNS = no
[SSL]
"""


def free_port():
    with socket.socket() as stream:
        stream.bind(("127.0.0.1", 0))
        return stream.getsockname()[1]


class Peer:
    """One kind of server."""

    def __init__(self, name, dialect, start, program=None, most=100_000, backlog=None, echo=None, echo_dialect="lines"):
        self.name, self.dialect, self.start, self.program, self.most = name, dialect, start, program, most
        self.echo, self.echo_dialect = echo, echo_dialect
        # Where only a few can wait to be let in, fewer come at once.
        self.arrival = ["--at-once", backlog - 1] if backlog else []

    def is_installed(self):
        return self.program is None or shutil.which(self.program) is not None


def command(name, words, environment=None):
    """A server that is told its port."""
    port = free_port()
    address = f"127.0.0.1:{port}"
    words = [str(word).replace("PORT", str(port)) for word in words]
    return Server(name, words, addresses={name: address}, environment=environment)


def redis():
    words = ["redis-server", "--port", "PORT", "--bind", "127.0.0.1", "--save", "", "--maxclients", "20000",
             "--client-output-buffer-limit", "pubsub", "0", "0", "0"]
    return command("redis", words)


def nats():
    words = ["nats-server", "-a", "127.0.0.1", "-p", "PORT"]
    # One core is what everybody has here; told so, Go starts no threads that would only get in each other's way.
    return command("nats", words, {"GOMAXPROCS": "1"})


def ngircd():
    port = free_port()
    config = tempfile.NamedTemporaryFile("w", suffix=".conf", prefix="parlor-bench-")
    config.write(NGIRCD.format(port=port, user=os.getuid(), group=os.getgid()))
    config.flush()
    os.chmod(config.name, 0o644)
    server = Server("ngircd", ["ngircd", "-n", "-f", config.name], addresses={"ngircd": f"127.0.0.1:{port}"})
    server.config = config
    return server


def ncat():
    return command("ncat", ["ncat", "--broker", "-l", "127.0.0.1", "PORT", "-m", "5000"])


def script(name, *flags):
    return lambda: command(name, [sys.executable, os.path.join(HERE, "servers", name + ".py"), "PORT", *flags])


def all_of(parlor, generator):
    """The floor first, for all others are compared with it."""
    return [
        Peer("floor", "lines", lambda: measure.floor(generator), echo=lambda: measure.floor(generator, "--echo")),
        Peer("parlor", "parlor", lambda: measure.parlor(parlor), echo=lambda: measure.parlor(parlor)),
        Peer("redis", "redis", redis, "redis-server", echo=redis, echo_dialect="redis"),
        Peer("nats", "nats", nats, "nats-server"),
        Peer("ngircd", "irc", ngircd, "ngircd", most=1000, backlog=10),
        Peer("ncat", "lines", ncat, "ncat", most=900, backlog=10),
        Peer("threads", "lines", script("threads"), most=1000, backlog=5, echo=script("threads", "echo")),
        # select() can't look at descriptors beyond 1023.
        Peer("select_loop", "lines", script("select_loop"), most=1000, echo=script("select_loop", "echo")),
    ]


def address_of(server, what="chat"):
    """Where it is to be spoken to."""
    return server.addresses.get(what) or next(iter(server.addresses.values()))
