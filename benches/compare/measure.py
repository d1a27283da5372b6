"""Servers pinned to one core, the generator on another: what bars and run have in common."""

import contextlib
import json
import os
import re
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, GENERATOR_CORE = CORES[0], CORES[-1]
READY = 30.0
# The machine is quiet when whatever else runs takes no more than this of the two cores, in per cent.
QUIET = 2.0
LOOKING = 3.0
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BEGAN = time.monotonic()


def say(text):
    """Progress is for standard error, with the seconds since the beginning; standard output is the answer."""
    print(f"{time.monotonic() - BEGAN:6.0f} s  {text}", file=sys.stderr, flush=True)


def built():
    """The release binary of this tree."""
    subprocess.run(["cargo", "build", "--release", "--locked"], cwd=ROOT, check=True)
    return os.path.join(os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target")), "release", "parlor")


def insist(descriptors):
    """Ends with what is missing of what every measurement needs."""
    missing = [] if shutil.which("taskset") else ["taskset, which util-linux brings"]
    if len(CORES) < 2:
        missing.append("two cores, one for the server and one for the generator")
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if most != resource.RLIM_INFINITY and most < descriptors:
        missing.append(f"{descriptors} descriptors for each process, for now it is {most} (ulimit -Hn)")
    if missing:
        sys.exit("needed: " + "; ".join(missing))


def taken_by_others():
    """What is taken of the two cores while nothing of ours runs, in per cent; what a host takes away counts too."""

    def figures():
        with open("/proc/stat") as table:
            lines = {words[0]: [int(word) for word in words[1:9]] for words in map(str.split, table)}
        both = [lines[f"cpu{core}"] for core in (SERVER_CORE, GENERATOR_CORE)]
        # The fourth and the fifth are idle.
        return sum(map(sum, both)), sum(core[3] + core[4] for core in both)

    before = figures()
    time.sleep(LOOKING)
    whole, idle = (after - then for after, then in zip(figures(), before))
    return 100 * (1 - idle / whole)


def how_quiet():
    """In words, and the same to standard error."""
    taken = taken_by_others()
    words = f"others took {taken:.1f} % of the two cores"
    say(f"quiet: {words}" if taken <= QUIET else f"NOT QUIET, figures will be off: {words}; quiet is up to {QUIET:g} %")
    return words


class Server:
    """A process on the servers' core, and the addresses that it reported or was given."""

    def __init__(self, name, command, listening=None, addresses=None, environment=None):
        self.name = name
        self.log = tempfile.NamedTemporaryFile(prefix="parlor-bench-", suffix=".log")
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            ["taskset", "-c", str(SERVER_CORE), *command],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
        )
        self.pid = self.process.pid
        self.addresses = dict(addresses or {})
        self.wait_until_it_listens(listening or [])
        self.ready_after = time.monotonic() - self.started

    def wait_until_it_listens(self, listening):
        while time.monotonic() - self.started < READY:
            text = open(self.log.name, errors="replace").read()
            for service, address in re.findall(r"listening (\S+) (\S+)", text):
                self.addresses[service] = address
            if all(service in self.addresses for service in listening) and all(
                accepts(address) for service, address in self.addresses.items() if service not in listening
            ):
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.0005)
        text = open(self.log.name, errors="replace").read()
        self.stop()
        raise RuntimeError(f"{self.name} did not start: {text[-500:]}")

    def finish(self):
        """Asks it to stop, and answers what valgrind counted."""
        self.process.terminate()
        self.process.wait()
        text = open(self.log.name, errors="replace").read()
        return int(re.search(r"Collected\s*:\s*(\d+)", text).group(1))

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def accepts(address):
    """Is somebody listening there? Looked up in the kernel's table, so that no connection disturbs the server."""
    port = int(address.rsplit(":", 1)[1])
    with open("/proc/net/tcp") as table:
        return any(line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A" for line in list(table)[1:])


def under_valgrind(start, binary):
    """The same server, its instructions counted."""
    counting = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    return start(binary, before=counting)


def parlor(binary, *flags, history=False, name="parlor", before=()):
    """The chat and an echo. Flood control and, unless asked for, the history are off, as the bars say."""
    recording = [] if history else ["--no-history"]
    command = [*before, binary, "serve", "--listen", "chat=127.0.0.1:0", "--listen", "echo=127.0.0.1:0", "--flood", "off",
               "--max-connections", "30000", *recording, *flags]
    return Server(name, command, listening=["chat", "echo"])


def floor(generator, *flags, before=()):
    """The least that a server can do."""
    return Server("floor", [*before, generator, "bench", "floor", "127.0.0.1:0", *flags], listening=["floor"])


class Failed(RuntimeError):
    """A measurement of which a check failed is no measurement."""


def bench(generator, what, address, *options, pid=None, binary_core=None):
    """One run of the generator; its report."""
    core = GENERATOR_CORE if binary_core is None else binary_core
    watched = ["--pid", str(pid)] if pid else []
    command = ["taskset", "-c", str(core), generator, "bench", what, address, "--json", *watched, *map(str, options)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        report = json.loads(done.stdout)
    except ValueError:
        raise Failed(f"{' '.join(command)}: {done.stderr[-500:]}") from None
    if done.returncode != 0 or not report["ok"]:
        raise Failed(f"{' '.join(command)}: a check failed: {done.stdout}")
    return report


@contextlib.contextmanager
def idlers(generator, address, count, *options):
    """So many connections that stay, and say nothing."""
    command = ["taskset", "-c", str(GENERATOR_CORE), generator, "bench", "idle", address, "--connections", str(count),
               "--duration", "100000", *options]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        for line in process.stderr:
            if line.startswith(f"{count} connected"):
                break
        else:
            raise Failed(f"{' '.join(command)}: not everybody came")
        # What it goes on saying must not stop it.
        threading.Thread(target=process.stderr.read, daemon=True).start()
        yield
        if process.poll() is not None:
            raise Failed(f"{' '.join(command)}: they did not stay to the end")
    finally:
        process.kill()
        process.wait()


def resident(pid):
    """In MiB."""
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(r"VmRSS:\s*(\d+)", status.read()).group(1)) / 1024


def stripped_size(binary):
    """In MiB; without `strip` as it is."""
    with tempfile.NamedTemporaryFile() as copy:
        done = shutil.which("strip") and subprocess.run(["strip", "-o", copy.name, binary], check=False).returncode == 0
        return os.path.getsize(copy.name if done else binary) / 2**20


def median(values):
    return statistics.median(values)
