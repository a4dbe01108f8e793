"""python3 reload.py <command …>: runs a command and starts it again when a source file below this folder changes.

It sleeps in the kernel (inotify) until something happens, so that an idle project costs nothing.
"""

import ctypes
import os
import select
import signal
import struct
import subprocess
import sys

CLOSE_WRITE, MOVED_FROM, MOVED_TO, CREATE, DELETE = 0x8, 0x40, 0x80, 0x100, 0x200
MASK = CLOSE_WRITE | MOVED_FROM | MOVED_TO | CREATE | DELETE
SKIPPED = {"__pycache__", "node_modules", "venv"}
SETTLE_MS = 150
STOP_SECONDS = 8

libc = ctypes.CDLL(None, use_errno=True)


class Watch:
    def __init__(self, root):
        self.root = root
        self.fd = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        self.poll = select.poll()
        self.poll.register(self.fd, select.POLLIN)
        self.add_folders()

    def add_folders(self):
        for folder, names, _ in os.walk(self.root):
            names[:] = [name for name in names if name not in SKIPPED and not name.startswith(".")]
            libc.inotify_add_watch(self.fd, os.fsencode(folder), MASK)

    def changed(self, timeout_ms):
        """True when a source file changed within the time; new folders are watched from then on."""
        if not self.poll.poll(timeout_ms):
            return False
        data = os.read(self.fd, 65536)
        names, at = [], 0
        while at < len(data):
            _, _, _, length = struct.unpack_from("iIII", data, at)
            names.append(os.fsdecode(data[at + 16 : at + 16 + length].rstrip(b"\0")))
            at += 16 + length
        self.add_folders()
        return any(not name.startswith(".") and not name.endswith((".pyc", "~")) for name in names)


def stop(child):
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def main(command):
    watch = Watch(os.getcwd())
    child = subprocess.Popen(command)

    def end(*_):
        stop(child)
        sys.exit(0)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    while True:
        if not watch.changed(None):
            continue
        while watch.changed(SETTLE_MS):
            pass
        print("a file changed: starting again", flush=True)
        stop(child)
        child = subprocess.Popen(command)


if __name__ == "__main__":
    main(sys.argv[1:])
