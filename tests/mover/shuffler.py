#!/usr/bin/python3
"""shuffler.py FOLDER SEED [ROUNDS]: changes a tree as databases and people do, and in the ways that copiers get wrong. Ends after
ROUNDS changes; without, at SIGTERM, after the change that it is at."""
import errno
import mmap
import os
import random
import shutil
import signal
import sys


class Shuffler:
    def __init__(self, folder, seed):
        self.root, self.rng, self.number, self.ended = folder, random.Random(seed), 0, False

    def fresh(self):
        self.number += 1
        folder = self.pick(os.path.isdir) if self.rng.random() < 0.5 else self.root
        return f"{folder or self.root}/n{self.rng.randrange(10**6)}-{self.number}"

    def pick(self, wanted):
        found = []
        for folder, names, files in os.walk(self.root):
            if "lost+found" in names:
                names.remove("lost+found")
            found += [p for p in (f"{folder}/{n}" for n in names + files) if not os.path.islink(p) and wanted(p)]
        return self.rng.choice(found) if found else None

    def write(self):
        size = self.rng.choice([0, 10, 5000, 70_000, 300_000, 900_000])
        with open(self.fresh(), "wb") as file:
            file.write(self.rng.randbytes(size))

    def overwrite(self, path):
        with open(path, "r+b") as file:
            size = os.fstat(file.fileno()).st_size
            for _ in range(self.rng.randrange(1, 6)):
                file.seek(self.rng.randrange(max(1, size)))
                file.write(self.rng.randbytes(self.rng.choice([1, 100, 8192])))

    def truncate(self, path):
        os.truncate(path, self.rng.randrange(os.path.getsize(path) + 50_000))

    def punch(self, path):
        size = os.path.getsize(path)
        if size > 10_000:
            file = os.open(path, os.O_RDWR)
            at = self.rng.randrange(size - 8192)
            os.system(f"fallocate -p -o {at} -l 8192 '{path}'")  # what a user types
            os.close(file)

    def mapped(self, path):
        size = os.path.getsize(path)
        if size > 4096:
            with open(path, "r+b") as file, mmap.mmap(file.fileno(), size) as memory:
                for _ in range(20):
                    at = self.rng.randrange(size - 8)
                    memory[at:at + 8] = self.rng.randbytes(8)

    def step(self):
        what = self.rng.randrange(14)
        path = self.pick(os.path.isfile)
        if path is None or what < 3:
            self.write()
        elif what == 3:
            self.overwrite(path)
        elif what == 4:
            self.truncate(path)
        elif what == 5:
            self.punch(path)
        elif what == 6:
            self.mapped(path)
        elif what == 7:
            os.rename(path, self.fresh())
        elif what == 8:
            os.link(path, self.fresh())
        elif what == 9:
            os.unlink(path)
        elif what == 10:
            os.mkdir(self.fresh())
        elif what == 11:
            self.directory(self.pick(os.path.isdir))
        elif what == 12:
            os.chmod(path, self.rng.choice([0o600, 0o644, 0o4755]))
            os.utime(path, ns=(0, self.rng.randrange(2**60)))
        else:
            os.symlink(path, self.fresh())

    def directory(self, path):
        if path is None:
            return
        try:
            shutil.rmtree(path) if self.rng.random() < 0.5 else os.rename(path, self.fresh())
        except OSError as error:  # into itself
            if error.errno not in (errno.EINVAL,):
                raise

    def run(self, rounds):
        if rounds is None:
            signal.signal(signal.SIGTERM, lambda *_: setattr(self, "ended", True))
            print("begun", flush=True)
        while not self.ended and (rounds is None or rounds > 0):
            try:
                self.step()
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
            rounds = None if rounds is None else rounds - 1


if __name__ == "__main__":
    Shuffler(sys.argv[1], sys.argv[2]).run(int(sys.argv[3]) if len(sys.argv) > 3 else None)
