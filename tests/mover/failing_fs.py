"""failing_fs.py FOLDER MOUNTPOINT: shows what lies in FOLDER as a dying disk would. Reading a file "NAME.bad-N" fails with EIO where it touches
byte N or what follows; listing a directory "NAME.bad" fails, and so does writing anything. A file
"NAME.gone" is gone by the time somebody opens it. "NAME.link" is a symbolic link by then. A file "NAME.flags-N" has inode flags N, in hex."""
import ctypes
import errno
import os
import re
import sys

from fusepy import FUSE, FuseOSError, Operations


GETFLAGS = 0x80086601  # linux/fs.h; fusepy passes on what is asked of files, not of directories


class Failing(Operations):
    def __init__(self, folder):
        self.folder = folder

    def there(self, path):
        return self.folder + path

    def getattr(self, path, fh=None):
        info = os.lstat(self.there(path))
        return {f"st_{key}": getattr(info, f"st_{key}") for key in ("ino", "mode", "nlink", "uid", "gid", "size", "blocks", "mtime", "ctime")}

    def readdir(self, path, fh):
        if path.endswith(".bad"):
            raise FuseOSError(errno.EIO)
        return [".", "..", *os.listdir(self.there(path))]

    def readlink(self, path):
        return os.readlink(self.there(path))

    def open(self, path, flags):
        if flags & (os.O_WRONLY | os.O_RDWR):
            raise FuseOSError(errno.EROFS)
        if path.endswith(".gone"):
            raise FuseOSError(errno.ENOENT)
        if path.endswith(".link"):
            raise FuseOSError(errno.ELOOP)
        return os.open(self.there(path), os.O_RDONLY)

    def release(self, path, fh):
        os.close(fh)

    def read(self, path, size, offset, fh):
        bad = re.search(r"\.bad-(\d+)$", path)
        if bad and offset + size > int(bad[1]):
            raise FuseOSError(errno.EIO)
        return os.pread(fh, size, offset)

    def ioctl(self, path, cmd, arg, fip, flags, data):
        if cmd & 0xFFFFFFFF != GETFLAGS:
            raise FuseOSError(errno.ENOTTY)
        flags = re.search(r"\.flags-(\w+)$", path)
        ctypes.cast(data, ctypes.POINTER(ctypes.c_uint32))[0] = int(flags[1], 16) if flags else 0
        return 0

    def listxattr(self, path):
        return []


if __name__ == "__main__":
    FUSE(Failing(sys.argv[1]), sys.argv[2], ro=True, use_ino=True)
