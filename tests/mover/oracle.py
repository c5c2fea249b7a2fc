"""What a tree holds, read without the mover's code: two trees are the same if their facts are equal."""
import ctypes
import fcntl
import hashlib
import os
import stat
import struct

FS_IOC_GETFLAGS, FS_IOC_SETFLAGS = 0x80086601, 0x40086602
FS_IOC_FSGETXATTR, FS_IOC_FSSETXATTR = 0x801C581F, 0x401C5820
IMMUTABLE, APPEND, NODUMP, NOATIME, SYNC, DIRSYNC, PROJINHERIT = 0x10, 0x20, 0x40, 0x80, 0x8, 0x10000, 0x20000000
KEPT = IMMUTABLE | APPEND | NODUMP | NOATIME | SYNC | DIRSYNC | PROJINHERIT


def flags_of(file):
    buffer = bytearray(8)
    try:
        fcntl.ioctl(file, FS_IOC_GETFLAGS, buffer)
    except OSError:
        return 0
    return struct.unpack("<i", buffer[:4])[0] & KEPT


def set_flags(path, flags):
    file = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        buffer = bytearray(8)
        fcntl.ioctl(file, FS_IOC_GETFLAGS, buffer)
        now = struct.unpack("<i", buffer[:4])[0]
        fcntl.ioctl(file, FS_IOC_SETFLAGS, struct.pack("<q", (now & ~KEPT) | flags))
    finally:
        os.close(file)


def flags_at(path):
    file = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        return flags_of(file)
    finally:
        os.close(file)


def project_of(file):
    buffer = bytearray(28)
    try:
        fcntl.ioctl(file, FS_IOC_FSGETXATTR, buffer)
    except OSError:
        return 0
    return struct.unpack("<5I8x", buffer)[3]


def set_project(path, project):
    file = os.open(path, os.O_RDONLY)
    try:
        buffer = bytearray(28)
        fcntl.ioctl(file, FS_IOC_FSGETXATTR, buffer)
        numbers = list(struct.unpack("<5I", buffer[:20]))
        numbers[3] = project
        fcntl.ioctl(file, FS_IOC_FSSETXATTR, struct.pack("<5I", *numbers) + bytes(buffer[20:]))
    finally:
        os.close(file)


def content_of(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        at = 0
        while at < size:  # holes of any size cost nothing
            try:
                data = os.lseek(file.fileno(), at, os.SEEK_DATA)
            except OSError:
                break
            hole = os.lseek(file.fileno(), data, os.SEEK_HOLE)
            for start in range(data, hole, 1 << 20):
                piece = os.pread(file.fileno(), min(1 << 20, hole - start), start)
                # Zeros and holes read the same: blocks of zeros do not count, so that places do not matter.
                for block in range(0, len(piece), 4096):
                    part = piece[block:block + 4096]
                    if part.strip(b"\0"):
                        digest.update(struct.pack("<Q", start + block) + part)
            at = hole
    return digest.hexdigest()


def entry_facts(path, info):
    facts = {"mode": info.st_mode, "uid": info.st_uid, "gid": info.st_gid, "mtime": info.st_mtime_ns}
    if stat.S_ISLNK(info.st_mode):
        facts["link"] = os.readlink(path)
    if stat.S_ISCHR(info.st_mode) or stat.S_ISBLK(info.st_mode):
        facts["device"] = info.st_rdev
    try:
        facts["xattrs"] = {name: os.getxattr(path, name, follow_symlinks=False)
                           for name in sorted(os.listxattr(path, follow_symlinks=False)) if not name.startswith("trusted.SGI_ACL_")}
    except OSError as error:
        facts["xattrs"] = str(error.errno)
    if stat.S_ISREG(info.st_mode) or stat.S_ISDIR(info.st_mode):
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        facts["flags"], facts["project"] = flags_of(file), project_of(file)
        os.close(file)
    if stat.S_ISREG(info.st_mode):
        facts["size"], facts["content"] = info.st_size, content_of(path)
    return facts


def facts_of(root):
    """relative path -> what is there; "links" has the first name of files with several."""
    root = os.fsencode(root)
    found, first = {}, {}
    waiting = [b""]
    while waiting:
        relative = waiting.pop()
        path = root + b"/" + relative if relative else root
        info = os.lstat(path)
        found[relative] = entry_facts(path, info)
        if stat.S_ISDIR(info.st_mode):
            waiting += [relative + b"/" + name if relative else name for name in os.listdir(path)
                        if not (relative == b"" and name == b"lost+found")]
        elif info.st_nlink > 1:
            first.setdefault(info.st_ino, []).append(relative)
    for names in first.values():
        for name in names:
            found[name]["links"] = min(names)
    return found


def allocated(root):
    """Bytes on the disk of all files."""
    total, seen = 0, set()
    for folder, _, files in os.walk(os.fsencode(root)):
        for name in files:
            info = os.lstat(os.path.join(folder, name))
            if stat.S_ISREG(info.st_mode) and info.st_ino not in seen:
                seen.add(info.st_ino)
                total += info.st_blocks * 512
    return total


def differences(one, other, most=10):
    """Of two answers of facts_of: readable, empty if they are equal."""
    out = [f"only left: {name}" for name in sorted(one.keys() - other.keys())]
    out += [f"only right: {name}" for name in sorted(other.keys() - one.keys())]
    for name in sorted(one.keys() & other.keys()):
        for key in sorted(one[name].keys() | other[name].keys()):
            if one[name].get(key) != other[name].get(key):
                out.append(f"{name}: {key}: {str(one[name].get(key))[:120]} / {str(other[name].get(key))[:120]}")
    return out[:most]


def unshare_mounts():
    """Mounts of this process and its children go with it."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(0x00020000) != 0 or libc.mount(None, b"/", None, 0x4000 | (1 << 18), None) != 0:
        raise OSError(ctypes.get_errno(), "unshare mounts")
