"""What the mover's benchmarks run in: an ssh server of their own, filesystems and devices on loop devices, limits of processors, links and disks."""
import mmap
import os
import random
import shutil
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path


def run(*words, **more):
    return subprocess.run([str(w) for w in words], check=True, stdout=subprocess.DEVNULL, **more)


class Sshd:
    """An ssh server of the run's own, with keys of its own, for this user alone."""

    def __init__(self, folder, address="127.0.0.1", within=()):
        self.folder, self.address = folder, address
        for name in ("host", "user"):
            if not (folder / name).exists():
                run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name)
        shutil.copy(folder / "user.pub", folder / "authorized")
        os.makedirs("/run/sshd", exist_ok=True)  # where sshd wants its privilege separation
        port = random.randrange(20000, 40000)
        self.process = subprocess.Popen([*within, "/usr/sbin/sshd", "-D", "-e", "-f", "/dev/null", "-p", str(port), "-h", folder / "host", "-o",
                                         f"AuthorizedKeysFile={folder}/authorized", "-o", f"ListenAddress={address}", "-o", "PidFile=none",
                                         "-o", "StrictModes=no", "-o", "PermitRootLogin=yes"], stderr=subprocess.DEVNULL)
        self.command = (f"ssh -p {port} -i {folder}/user -o IdentitiesOnly=yes -o StrictHostKeyChecking=no "
                        f"-o UserKnownHostsFile={folder}/known -o LogLevel=ERROR")
        for _ in range(100):
            if subprocess.run([*self.command.split(), address, "true"], stderr=subprocess.DEVNULL).returncode == 0:
                return
            time.sleep(0.1)
        sys.exit("the ssh server does not answer")

    def end(self):
        self.process.terminate()
        self.process.wait()


class Disk:
    """A file on a loop device past the page cache, with an ext4 on it, mounted, or without one."""

    def __init__(self, folder, name, gib):
        self.image, self.path = folder / f"{name}.img", folder / name
        self.path.mkdir()
        self.size = int(gib * (1 << 30)) // 4096 * 4096
        self.loop, self.mounted = None, False

    def bare(self):
        self.away()
        self.image.unlink(missing_ok=True)
        with open(self.image, "wb") as file:
            file.truncate(self.size)
        self.attach()

    def attach(self):
        found = subprocess.run(["losetup", "--direct-io=on", "-f", "--show", self.image], check=True, capture_output=True, text=True)
        self.loop = found.stdout.strip()

    def fresh(self):
        self.bare()
        run("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0", "-i", "8192", self.loop)
        self.mount()

    def mount(self):
        if not self.loop:
            self.attach()
        run("mount", self.loop, self.path)
        self.mounted = True

    def unmount(self):
        if self.mounted:
            run("umount", self.path)
        self.mounted = False

    def cold(self):
        """Nothing of it is in the page cache."""
        mounted = self.mounted
        self.unmount()
        run("losetup", "-d", self.loop)
        self.attach()
        if mounted:
            self.mount()

    def away(self):
        self.unmount()
        if self.loop:
            run("losetup", "-d", self.loop)
        self.loop = None


PIECE = 1 << 20


def pieces_of(folder):
    """Where there is data in the large files beneath: (path, offset), in pieces of 1 MiB at most."""
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.stat().st_size > PIECE):
        with open(path, "rb") as file:
            at, size = 0, path.stat().st_size
            while at < size:
                try:
                    at = file.seek(at, os.SEEK_DATA)
                except OSError:
                    break  # a hole to the end
                until = file.seek(at, os.SEEK_HOLE)
                yield from ((path, offset) for offset in range(at // 4096 * 4096, until, PIECE))
                at = until


def past_the_cache(pieces, write=False):
    """Four threads read the pieces, or write zeros there, and do nothing else."""
    def work(mine):
        with mmap.mmap(-1, PIECE) as memory:
            for path, offset in mine:
                file = os.open(path, (os.O_WRONLY if write else os.O_RDONLY) | os.O_DIRECT)
                (os.pwritev if write else os.preadv)(file, [memory], offset)
                os.close(file)

    threads = [threading.Thread(target=work, args=(pieces[i::4],)) for i in range(4)]
    for thread in threads:
        thread.start()
    return threads


def bare(source, target=None, back=False):
    """What any copy must do at least: reads the data of `source`'s large files and writes as much to `target`, at once; then reads it back."""
    reading, there = list(pieces_of(source.path)), []
    threads = past_the_cache(reading)
    if target:
        with open(target.path / "bare", "wb") as file:
            os.posix_fallocate(file.fileno(), 0, len(reading) * PIECE)
        there = [(target.path / "bare", number * PIECE) for number in range(len(reading))]
        threads += past_the_cache(there, write=True)
    for thread in threads:
        thread.join()
    if target:
        run("sync", "-f", target.path)
    for thread in past_the_cache(there) if back else ():
        thread.join()


CGROUPS = Path("/sys/fs/cgroup")


@contextmanager
def half_a_processor():
    """Two prefixes of commands: each runs what follows with 0.5 CPU, all that it starts together."""
    made = []
    for name in ("source", "target"):
        if (CGROUPS / "cpu").is_dir():
            group = CGROUPS / "cpu" / f"holdfast-bench-{name}"
            group.mkdir(exist_ok=True)
            (group / "cpu.cfs_period_us").write_text("100000")
            (group / "cpu.cfs_quota_us").write_text("50000")
        else:
            group = CGROUPS / f"holdfast-bench-{name}"
            group.mkdir(exist_ok=True)
            (group / "cpu.max").write_text("50000 100000")
        made.append(group)
    try:
        # The mover reads its limit where a container shows it: at the root of the cgroup filesystem.
        yield [["unshare", "-m", "--propagation", "slave", "sh", "-c", f"echo $$ > {group}/cgroup.procs; mount --bind {group} "
                f"{CGROUPS / 'cpu' if (CGROUPS / 'cpu').is_dir() else CGROUPS}; exec \"$@\"", "sh"] for group in made]
    finally:
        for group in made:
            for _ in range(50):
                try:
                    group.rmdir()
                    break
                except OSError:
                    time.sleep(0.1)


@contextmanager
def gigabit():
    """(prefix of commands at the far end, its address): a link of 1 Gbit/s in both directions to a network namespace."""
    name, near, far = f"hf-bench-{os.getpid() % 10000}", f"hfb{os.getpid() % 10000}n", f"hfb{os.getpid() % 10000}f"
    run("ip", "netns", "add", name)
    try:
        run("ip", "link", "add", near, "type", "veth", "peer", "name", far, "netns", name)
        within = ["ip", "netns", "exec", name]
        run("ip", "addr", "add", "10.213.7.1/30", "dev", near)
        run(*within, "ip", "addr", "add", "10.213.7.2/30", "dev", far)
        for prefix, device in (([], near), (within, far)):
            run(*prefix, "ip", "link", "set", device, "up")
            run(*prefix, "tc", "qdisc", "add", "dev", device, "root", "tbf", "rate", "1gbit", "burst", "256kb", "latency", "50ms")
        run(*within, "ip", "link", "set", "lo", "up")
        yield within, "10.213.7.2"
    finally:
        run("ip", "netns", "del", name)


@contextmanager
def slow_disks(disks, requests_per_second=3000, bytes_per_second=125_000_000):
    """Both directions of the disks' devices are limited, whoever asks: the kernel's own write-back, too."""
    if not (CGROUPS / "blkio/blkio.throttle.read_iops_device").exists():
        raise SystemExit("no cgroup v1 blkio here: a disk cannot be limited for all who use it")
    numbers = [f"{os.major(os.stat(d.loop).st_rdev)}:{os.minor(os.stat(d.loop).st_rdev)}" for d in disks]

    def limit(requests, bytes_):
        for number in numbers:
            for what, most in (("iops", requests), ("bps", bytes_)):
                for direction in ("read", "write"):
                    (CGROUPS / f"blkio/blkio.throttle.{direction}_{what}_device").write_text(f"{number} {most}")

    limit(requests_per_second, bytes_per_second)
    try:
        yield
    finally:
        limit(0, 0)
