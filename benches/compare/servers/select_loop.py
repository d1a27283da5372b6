"""One thread and select(), which asks about every connection each time: gives each chunk to all others.

    select_loop.py PORT [echo]
"""

import select
import socket
import sys


def serve(streams, stream, echo):
    try:
        chunk = stream.recv(4096)
    except OSError:
        chunk = b""
    if not chunk:
        streams.remove(stream)
        stream.close()
        return
    for hearer in [stream] if echo else streams:
        if echo or hearer is not stream:
            try:
                hearer.sendall(chunk)
            except OSError:
                pass  # its own read will notice


def main():
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", int(sys.argv[1])))
    listener.listen(511)
    streams = []
    while True:
        readable, _, _ = select.select([listener, *streams], [], [])
        for stream in readable:
            if stream is listener:
                newcomer, _ = listener.accept()
                newcomer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                streams.append(newcomer)
            else:
                serve(streams, stream, "echo" in sys.argv)


main()
