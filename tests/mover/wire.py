"""A receiver that is started and stopped, and a connection in between that counts bytes, is slow, and breaks when told to."""
import os
import re
import socket
import subprocess
import threading
import time

from conftest import MOVER


class Receiver:
    def __init__(self, target, key, *words, under=(), **more):
        self.process = subprocess.Popen([*under, MOVER, "receive", target, "--listen", "127.0.0.1:0", "--key-file", key, *words],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)
        self.address = re.fullmatch(r"listening on (\S+)\n", self.process.stdout.readline())[1]

    def kill(self):
        self.process.kill()
        self.process.communicate()

    def end(self, expect=0):
        _, said = self.process.communicate(timeout=120)
        assert self.process.returncode == expect, said
        return said


class FrameCounter:
    """Counts the frames that pass in one direction by what can be seen of TLS: a frame is written as records of 16 KiB of which the last is
    shorter. Gives what belongs to whole frames apart from the rest."""
    LONGEST = 16384 + 17  # a full record: content, its kind, the tag

    def __init__(self):
        self.waiting, self.frames = b"", 0

    def take(self, data, until=None):
        """All of `data`, or, once `until` frames have passed, only what belongs to them."""
        self.waiting += data
        passed = 0
        while len(self.waiting) >= 5 + passed:
            kind, length = self.waiting[passed], int.from_bytes(self.waiting[passed + 3:passed + 5], "big")
            if len(self.waiting) < passed + 5 + length:
                break
            passed += 5 + length
            self.frames += kind == 23 and length < self.LONGEST
            if self.frames == until:
                break
        whole, self.waiting = self.waiting[:passed], self.waiting[passed:]
        return whole


class Proxy:
    """Listens on its own address and passes everything on to another. `cut_frame`: after so many frames of the sender the connection is cut,
    at their boundary. `cut_at`: after so many bytes of both directions no more go in
    that direction; once `evidence` answers True, `cut` is called."""

    def __init__(self, to, cut_at=None, cut=None, bytes_per_second=None, evidence=lambda: True, cut_frame=None):
        self.to, self.cut_at, self.cut, self.rate, self.evidence = to, cut_at, cut, bytes_per_second, evidence
        self.cut_frame, self.frames = cut_frame, FrameCounter()
        self.passed, self.lock = 0, threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.sockets = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
                host, port = self.to.rsplit(":", 1)
                far = socket.create_connection((host, int(port)))
                far.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)  # what lies in buffers is lost at a break
            except OSError:
                return
            self.sockets += [near, far]
            for one, other, frames in ((near, far, self.frames), (far, near, None)):
                threading.Thread(target=self.forward, args=(one, other, frames), daemon=True).start()

    def forward(self, one, other, frames):
        try:
            while data := one.recv(16384):
                if frames:
                    data = frames.take(data, self.cut_frame)
                    if frames.frames == self.cut_frame:
                        other.sendall(data)
                        return
                with self.lock:
                    left = None if self.cut_at is None else self.cut_at - self.passed
                    self.passed += len(data)
                if left is not None and len(data) >= left:
                    other.sendall(data[:max(0, left)])
                    self.cut_at = None
                    while not self.evidence():
                        time.sleep(0.01)
                    self.cut(self)
                    return
                other.sendall(data)
                if self.rate:
                    time.sleep(len(data) / self.rate)
        except OSError:
            pass
        finally:
            self.close_connections()

    def close_connections(self):
        for one in self.sockets:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.listener.close()
        self.close_connections()


def make_key(path):
    path.write_text(os.urandom(32).hex())
    path.chmod(0o600)
    return path
