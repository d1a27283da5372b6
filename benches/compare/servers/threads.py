"""A thread for every client: as the books begin. Listens with 5, reads 1024 bytes, gives each chunk to all others.

    threads.py PORT [echo]
"""

import socket
import sys
import threading

members = []
lock = threading.Lock()


def serve(stream, echo):
    while chunk := read(stream):
        with lock:
            hearers = [stream] if echo else [member for member in members if member is not stream]
        for hearer in hearers:
            try:
                hearer.sendall(chunk)
            except OSError:
                pass  # its own thread will notice
    with lock:
        members.remove(stream)
    stream.close()


def read(stream):
    try:
        return stream.recv(1024)
    except OSError:
        return b""


def main():
    threading.stack_size(256 * 1024)
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", int(sys.argv[1])))
    listener.listen(5)
    while True:
        stream, _ = listener.accept()
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with lock:
            members.append(stream)
        threading.Thread(target=serve, args=(stream, "echo" in sys.argv), daemon=True).start()


main()
