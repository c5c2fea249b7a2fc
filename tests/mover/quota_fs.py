"""quota_fs.py FOLDER MOUNTPOINT: shows what lies in FOLDER, and has a quota: once files have more bytes than the file FOLDER.quota says, nothing
can be written or made any more (EDQUOT). Kernels that tests run on need not have been built with quotas of their own."""
import errno
import os
import sys

from fusepy import FUSE, FuseOSError

import failing_fs


class Quota(failing_fs.Failing):
    use_ns, flag_utime_omit_ok = True, 1

    def getattr(self, path, fh=None):
        info = os.lstat(self.there(path))
        return {**super().getattr(path, fh), "st_mtime": info.st_mtime_ns, "st_ctime": info.st_ctime_ns}

    def __init__(self, folder):
        super().__init__(folder)
        self.sizes = {}

    def spent(self):
        with open(self.folder + ".quota", encoding="ascii") as limit:
            most = int(limit.read())
        if sum(list(self.sizes.values())) >= most:
            raise FuseOSError(errno.EDQUOT)

    def open(self, path, flags):
        return os.open(self.there(path), flags & os.O_ACCMODE)

    def create(self, path, mode, fi=None):
        self.spent()
        return os.open(self.there(path), os.O_RDWR | os.O_CREAT | os.O_EXCL, mode)

    def write(self, path, data, offset, fh):
        if offset + len(data) > self.sizes.get(path, 0):  # what is written over takes nothing more
            self.spent()
        self.sizes[path] = max(self.sizes.get(path, 0), offset + len(data))
        return os.pwrite(fh, data, offset)

    def truncate(self, path, length, fh=None):
        os.truncate(self.there(path), length)

    def mkdir(self, path, mode):
        self.spent()
        os.mkdir(self.there(path), mode)

    def unlink(self, path):
        self.sizes.pop(path, None)
        os.unlink(self.there(path))

    def rmdir(self, path):
        os.rmdir(self.there(path))

    def rename(self, old, new):
        self.sizes[new] = self.sizes.pop(old, 0)
        os.rename(self.there(old), self.there(new))

    def chmod(self, path, mode):
        os.chmod(self.there(path), mode)

    def chown(self, path, uid, gid):
        os.lchown(self.there(path), uid, gid)

    def utimens(self, path, times=None):
        os.utime(self.there(path), ns=(os.lstat(self.there(path)).st_atime_ns, times[1]))

    def fsync(self, path, datasync, fh):
        os.fsync(fh)

    def statfs(self, path):
        info = os.statvfs(self.folder)
        return {key: getattr(info, key) for key in ("f_bavail", "f_bfree", "f_blocks", "f_bsize", "f_favail", "f_ffree", "f_files", "f_frsize", "f_namemax")}


if __name__ == "__main__":
    FUSE(Quota(sys.argv[1]), sys.argv[2], use_ino=True, raw_fi=False)
