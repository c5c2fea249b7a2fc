#!/usr/bin/python3
"""dataset.py KIND FOLDER [SCALE]: data sets for tests and benchmarks, the same bytes for the same KIND and SCALE.

odd       3,763 entries: every kind of file, every attribute, hostile names
small     many small files in leaf directories: 200,000 at scale 1
sparse    one sparse file: 8 GiB with 2 GiB of data at scale 1
database  1 GiB files of 8 KiB pages, as compressible as a pgbench database, 1.7 GiB at scale 1
"""
import errno
import os
import random
import socket
import stat
import struct
import subprocess
import sys

import oracle

ACL_USER, ACL_DEFAULT = "system.posix_acl_access", "system.posix_acl_default"
FIRST_TIME, LAST_TIME = -2**31, 2**33  # what ext4's 34 bits and xfs' big times both hold


def acl(user, perms):
    entries = [(1, 7, -1), (2, perms, user), (4, 5, -1), (16, 7, -1), (32, 4, -1)]
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *entry) for entry in entries)


def write(path, content):
    with open(path, "wb") as file:
        file.write(content)


def odd_names(root):
    folder = root + b"/names"
    os.mkdir(folder)
    for byte in range(1, 256):
        if byte != ord("/"):
            write(folder + b"/x" + bytes([byte]), bytes([byte]))
    hostile = [b"new\nline", b"\x1b[31mred", b"\xff\xfe\xfd", b"a" * 255, b"-rf", b"--help", b" ", b"\xe2\x80\xae\x67\x6e\x70",
               b"...", b"..hidden", b"\\", b"*", b"?", b"$(id)", b"`id`", b"'", b'"', b"|", b"&", b";", b"#", b"~", b"%s%n"]
    for name in hostile:
        write(folder + b"/" + name, name)
        os.mkdir(folder + b"/dir-" + name[:240])


def modes(root):
    folder = root + b"/modes"
    os.mkdir(folder)
    for number in range(512):
        path = folder + b"/%04o" % number
        write(path, b"x" * number)
        os.chown(path, number % 7 * 1000, number % 5 * 1000)
        os.chmod(path, number)
    for number in (0o4755, 0o2755, 0o1755, 0o6711, 0o7777, 0o4000, 0o2070):
        path = folder + b"/special-%04o" % number
        write(path, b"s")
        os.chown(path, 1000, 2000)
        os.chmod(path, number)
        os.mkdir(path + b"-dir")
        os.chown(path + b"-dir", 1000, 2000)
        os.chmod(path + b"-dir", number | 0o700)


def times(root, rng):
    folder = root + b"/times"
    os.mkdir(folder)
    for number in range(600):
        path = folder + b"/%03d" % number
        write(path, b"t")
        seconds = (FIRST_TIME, -1, 0, 2**31, LAST_TIME, rng.randrange(FIRST_TIME, LAST_TIME))[number % 6]
        os.utime(path, ns=(0, seconds * 10**9 + rng.randrange(10**9)))


def xattrs(root, rng):
    folder = root + b"/xattrs"
    os.mkdir(folder)
    for number in range(300):
        path = folder + b"/%03d" % number
        if number % 3:
            write(path, b"a")
        else:
            os.mkdir(path)
        for more in range(number % 4):
            os.setxattr(path, f"user.n{more}", rng.randbytes(rng.randrange(200)))
        if number % 5 == 0:
            os.setxattr(path, "trusted.holdfast", b"\0\1\2")
        if number % 7 == 0:
            os.setxattr(path, ACL_USER, acl(1000 + number, number % 8))
        if number % 3 == 0 and number % 2:
            os.setxattr(path, ACL_DEFAULT, acl(2000 + number, 7))
        if number % 3 and number % 11 == 0:
            os.chown(path, 1000, 1000)
            os.setxattr(path, "security.capability", struct.pack("<5I", 0x02000001, 1 << 10, 0, 0, 0))
    # What is made in a directory with a default ACL inherits one: here entries that have none of their own.
    inside = folder + b"/inherits"
    os.mkdir(inside)
    for number in range(6):
        write(inside + b"/%d" % number, b"plain")
        os.mkdir(inside + b"/d%d" % number)
    os.setxattr(inside, ACL_DEFAULT, acl(3000, 7))


def links(root):
    folder = root + b"/links"
    os.mkdir(folder)
    os.mkdir(folder + b"/far")
    for number in range(300):
        write(folder + b"/b%03d" % number, b"linked %d" % number)
        os.link(folder + b"/b%03d" % number, folder + (b"/far/z%03d" if number % 2 else b"/a%03d") % number)
    for number in range(200):
        text = (b"nowhere", b"../../../../etc/passwd", b"/", b".", b"x" * 4000, b"\xff\n")[number % 6]
        os.symlink(text, folder + b"/s%03d" % number)
        os.lchown(folder + b"/s%03d" % number, number, number + 1)
        os.utime(folder + b"/s%03d" % number, ns=(0, number * 10**9 + 7), follow_symlinks=False)
    os.symlink(b"twice", folder + b"/link-to-link")
    os.link(folder + b"/link-to-link", folder + b"/link-to-link-2", follow_symlinks=False)


def specials(root):
    folder = root + b"/specials"
    os.mkdir(folder)
    for number in range(60):
        os.mkfifo(folder + b"/fifo%02d" % number, 0o600 | number)
    here = os.getcwd()
    os.chdir(folder)  # a socket's path is at most 108 bytes
    for number in range(20):
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(b"socket%02d" % number)
        os.chown(b"socket%02d" % number, number, 5)
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(b"short")
    os.rename(b"short", b"l" * 255)
    os.chdir(here)
    for number in range(20):
        kind = stat.S_IFCHR if number % 2 else stat.S_IFBLK
        os.mknod(folder + b"/device%02d" % number, kind | 0o640, os.makedev(number, 1 << (number % 20)))


def holes(root, rng):
    folder = root + b"/holes"
    os.mkdir(folder)
    for name, size, places in ((b"small", 200_000, [100_000]), (b"middle", 10 << 20, [0, 5 << 20, (10 << 20) - 1]),
                               (b"huge", 1 << 40, [1 << 39, 4096]), (b"empty", 1 << 30, []), (b"end", 3_000_000, [2_999_999])):
        file = os.open(folder + b"/" + name, os.O_RDWR | os.O_CREAT, 0o644)
        os.ftruncate(file, size)
        for place in places:
            os.pwrite(file, rng.randbytes(min(5000, size - place)), place)
        os.close(file)
    write(folder + b"/zeros", bytes(300_000))


def deep(root):
    path = root + b"/deep"
    os.mkdir(path)
    for number in range(200):
        path += b"/d%03d" % number
        os.mkdir(path)
    write(path + b"/bottom", b"here")


def flags(root):
    folder = root + b"/flags"
    os.mkdir(folder)
    locked = []
    for name, bits in ((b"immutable", oracle.IMMUTABLE), (b"append", oracle.APPEND), (b"nodump", oracle.NODUMP),
                       (b"noatime", oracle.NOATIME), (b"sync", oracle.SYNC), (b"both", oracle.IMMUTABLE | oracle.NODUMP)):
        write(folder + b"/" + name, b"f" * 10)
        write(folder + b"/large-" + name, b"F" * 400_000)
        os.mkdir(folder + b"/dir-" + name)
        write(folder + b"/dir-" + name + b"/inside", b"i")
        locked += [(folder + b"/" + name, bits), (folder + b"/large-" + name, bits), (folder + b"/dir-" + name, bits)]
    for path, bits in locked:
        oracle.set_flags(path, bits)


def projects(root):
    folder = root + b"/projects"
    os.mkdir(folder)
    try:
        for number in range(1, 9):
            write(folder + b"/%d" % number, b"p")
            oracle.set_project(folder + b"/%d" % number, number * 1000)
    except OSError as error:
        if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOTTY):
            raise


def sizes(root, rng):
    folder = root + b"/sizes"
    os.mkdir(folder)
    for size in (0, 1, 4095, 4096, 4097, 16383, 16384, 16385, 262143, 262144, 262145, 1048575, 1048576, 1048577, 5_000_001):
        write(folder + b"/%d" % size, rng.randbytes(size))
    for name in (b"plain", b"other"):
        os.mkdir(folder + b"/" + name)
    count = sum(len(names) + len(files) for _, names, files in os.walk(root)) - os.path.exists(root + b"/lost+found")
    for number in range(3763 - count):
        write(folder + b"/" + (b"plain", b"other")[number % 2] + b"/%05d" % number, rng.randbytes(number % 3000))


def odd(root, rng):
    odd_names(root)
    modes(root)
    times(root, rng)
    xattrs(root, rng)
    links(root)
    specials(root)
    holes(root, rng)
    deep(root)
    flags(root)
    projects(root)
    sizes(root, rng)
    os.setxattr(root, "user.root", b"of all")
    os.chown(root, 4711, 4712)
    os.chmod(root, 0o2751)


def small(root, rng, scale):
    leaves = max(1, int(2000 * scale))
    block = rng.randbytes(1 << 20)
    for leaf in range(leaves):
        folder = root + b"/%02d/%04d" % (leaf % 40, leaf)
        os.makedirs(folder)
        for number in range(100):
            size = int(rng.lognormvariate(7.6, 1.3)) % 60000
            at = rng.randrange(len(block) - size)
            write(folder + b"/file-%03d" % number, block[at:at + size])


def sparse(root, rng, scale):
    size = int((8 << 30) * scale)
    file = os.open(root + b"/sparse", os.O_RDWR | os.O_CREAT, 0o600)
    os.ftruncate(file, size)
    block = rng.randbytes(4 << 20)
    for _ in range(max(1, int(2260 * scale))):
        length = rng.randrange(4096, 1900 << 10) & ~4095
        at = rng.randrange(size - length) & ~4095
        os.pwrite(file, block[:length], at)
    os.close(file)


PAGE, ROW, ROWS = 8192, 104, 70


def page(number):
    rows = struct.pack("<IIiQ", 0, 1, 0, 0).ljust(ROW, b" ") * ROWS
    return (struct.pack("<QHHHHHHI", number, 0, 0, 304, PAGE - len(rows) % PAGE, PAGE, PAGE + 4, 0) + rows).ljust(PAGE, b"\0")


def database(root, rng, scale):
    """Pages as pgbench's: full of blanks, each row with a number and a balance of its own, so that no page is another's copy."""
    os.makedirs(root + b"/base/16384")
    left, number, row = int(1.7 * (1 << 30) * scale), 0, 0
    pages = bytearray(b"".join(page(i) for i in range(128)))
    while left > 0:
        with open(root + b"/base/16384/%d" % (24576 + number), "wb") as file:
            for _ in range(min(left, 1 << 30) // len(pages) + 1):
                for at in range(24, len(pages), PAGE):
                    ids, balances = struct.pack(f"<{ROWS}I", *range(row, row + ROWS)), rng.randbytes(2 * ROWS)
                    row += ROWS
                    for byte in range(4):
                        pages[at + byte:at + ROWS * ROW:ROW] = ids[byte::4]
                    for byte in range(2):
                        pages[at + 8 + byte:at + ROWS * ROW:ROW] = balances[byte::2]
                file.write(pages)
        left -= 1 << 30
        number += 1


def make(kind, folder, scale=1.0):
    root, rng = os.fsencode(folder), random.Random(f"{kind} {scale}")
    before = os.umask(0o022)
    try:
        odd(root, rng) if kind == "odd" else {"small": small, "sparse": sparse, "database": database}[kind](root, rng, scale)
    finally:
        os.umask(before)


if __name__ == "__main__":
    os.makedirs(sys.argv[2], exist_ok=True)
    make(sys.argv[1], sys.argv[2], float(sys.argv[3]) if len(sys.argv) > 3 else 1.0)
    subprocess.run(["sync", "-f", sys.argv[2]], check=True)
