package csifile

import (
	"errors"
	"os"
	"os/exec"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// A mount point is a folder whose device differs from its parent's, or a bind
// mount; /proc/self/mountinfo knows both.
func mounted(path string) bool {
	data, _ := os.ReadFile("/proc/self/mountinfo")
	for _, line := range strings.Split(string(data), "\n") {
		if fields := strings.Fields(line); len(fields) > 4 && fields[4] == path {
			return true
		}
	}
	return false
}

func unmount(path string) error {
	for mounted(path) {
		if _, err := run("umount", path); err != nil {
			return err
		}
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// mountpoint returns a path where the volume's filesystem is mounted, or "".
func mountpoint(v *volume) string {
	for _, path := range v.Staged {
		if !v.Block && mounted(path) {
			return path
		}
	}
	return ""
}

// device returns the loop device behind the volume, or "".
func (d *driver) device(v *volume) (string, error) {
	out, err := run("losetup", "--associated", d.image(v), "--noheadings", "--output", "NAME")
	return strings.TrimSpace(strings.SplitN(out, "\n", 2)[0]), err
}

func (d *driver) attachLoop(v *volume) (string, error) {
	if device, err := d.device(v); err != nil || device != "" {
		return device, err
	}
	return run("losetup", "--find", "--show", "--nooverlap", d.image(v))
}

// makeFilesystem: nothing is discarded, the file is sparse already.
func makeFilesystem(kind, image string) error {
	options := []string{"-q", "-F", "-m0", image}
	if kind == "xfs" {
		options = []string{"-q", "-f", "--unsupported", image} // that is, smaller than 300 MiB
	}
	_, err := run("mkfs."+kind, options...)
	return err
}

// growUnmounted and growMounted make the filesystem as large as its device.
func growUnmounted(v *volume, device string) error {
	if v.FSType != "ext4" {
		return nil
	}
	var exit *exec.ExitError
	if _, err := run("e2fsck", "-f", "-p", device); errors.As(err, &exit) && exit.ExitCode() > 1 {
		return err // 1 says that it repaired
	}
	_, err := run("resize2fs", device)
	return err
}

func growMounted(v *volume, device, path string) error {
	if v.FSType == "xfs" {
		_, err := run("xfs_growfs", path)
		return err
	}
	if _, err := run("resize2fs", device); err != nil {
		return status.Errorf(codes.FailedPrecondition, "volume %s is in use and grows when it is mounted again: %v", v.ID, err)
	}
	return nil
}

// copyImage copies a volume's file at one moment: the filesystem is frozen
// meanwhile, a block device's cache is flushed.
func (d *driver) copyImage(v *volume, to string) error {
	if at := mountpoint(v); at != "" {
		if _, err := run("fsfreeze", "--freeze", at); err != nil {
			return err
		}
		defer run("fsfreeze", "--unfreeze", at)
	} else if device, _ := d.device(v); device != "" {
		if _, err := run("blockdev", "--flushbufs", device); err != nil {
			return err
		}
	}
	return copyFile(d.image(v), to)
}

func copyFile(from, to string) error {
	_, err := run("cp", "--reflink=auto", "--sparse=always", from, to)
	return err
}
