package csifile

import (
	"context"
	"os"
	"strings"
	"syscall"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func (n *nodeServer) NodeStageVolume(_ context.Context, request *csi.NodeStageVolumeRequest) (*csi.NodeStageVolumeResponse, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	at := request.StagingTargetPath
	if err := checkPath("staging target path", at); err != nil {
		return nil, err
	}
	v, err := n.usable(request.VolumeId, request.VolumeCapability)
	if err != nil {
		return nil, err
	}
	if n.attach && v.Attached[n.node] == "" {
		return nil, status.Errorf(codes.FailedPrecondition, "volume %s is not attached to node %s", v.ID, n.node)
	}
	if was := v.Staged[n.node]; was != "" && was != at {
		return nil, status.Errorf(codes.AlreadyExists, "volume %s is staged at %s", v.ID, was)
	}
	device, err := n.attachLoop(v)
	if err != nil {
		return nil, err
	}
	if !v.Block && !mounted(at) {
		if err := mountStaged(v, device, at, request.VolumeCapability.GetMount().GetMountFlags()); err != nil {
			return nil, err
		}
	}
	if v.FSType == "xfs" {
		if err := growMounted(v, device, at); err != nil {
			return nil, err
		}
	}
	if v.Staged == nil {
		v.Staged = map[string]string{}
	}
	v.Staged[n.node] = at
	return &csi.NodeStageVolumeResponse{}, save(n.volumeDir(v.ID), v)
}

// usable is the volume, if it exists and can be used so. What the request lacks
// is said before what the storage lacks.
func (n *nodeServer) usable(id string, wanted *csi.VolumeCapability) (*volume, error) {
	if err := checked("volume id", id); err != nil {
		return nil, err
	}
	if err := checkCapabilities(wanted); err != nil {
		return nil, err
	}
	v, err := n.volume(id)
	if err != nil {
		return nil, err
	}
	return v, checkUse(v, wanted)
}

// mountStaged: the first node that stages a volume mounts it; another one, on
// the same machine after all, gets a bind mount of that.
func mountStaged(v *volume, device, at string, options []string) error {
	if err := os.MkdirAll(at, 0o750); err != nil {
		return err
	}
	if from := mountpoint(v); from != "" {
		_, err := run("mount", "--bind", from, at)
		return err
	}
	if err := growUnmounted(v, device); err != nil {
		return err
	}
	if v.FSType == "xfs" {
		options = append(options, "nouuid") // a clone has its source's
	}
	if _, err := run("mount", "-t", v.FSType, "-o", strings.Join(append(options, "rw"), ","), device, at); err != nil {
		return err
	}
	// In use, so this only marks it: it goes with the mount, however that ends.
	_, err := run("losetup", "--detach", device)
	return err
}

func (n *nodeServer) NodeUnstageVolume(_ context.Context, request *csi.NodeUnstageVolumeRequest) (*csi.NodeUnstageVolumeResponse, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := checkPath("staging target path", request.StagingTargetPath); err != nil {
		return nil, err
	}
	v, err := n.volume(request.VolumeId)
	if err != nil && status.Code(err) != codes.NotFound {
		return nil, err
	}
	if v == nil || !v.Block {
		if err := unmount(request.StagingTargetPath); err != nil {
			return nil, err
		}
	}
	if v == nil {
		return &csi.NodeUnstageVolumeResponse{}, nil
	}
	delete(v.Staged, n.node)
	if len(v.Staged) == 0 {
		if device, _ := n.device(v); device != "" {
			run("losetup", "--detach", device) // a block volume's; another is gone, or on its way
		}
	}
	return &csi.NodeUnstageVolumeResponse{}, save(n.volumeDir(v.ID), v)
}

func (n *nodeServer) NodePublishVolume(_ context.Context, request *csi.NodePublishVolumeRequest) (*csi.NodePublishVolumeResponse, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := checkPath("target path", request.TargetPath); err != nil {
		return nil, err
	}
	v, err := n.usable(request.VolumeId, request.VolumeCapability)
	if err != nil {
		return nil, err
	}
	if v.Staged[n.node] == "" || v.Staged[n.node] != request.StagingTargetPath {
		return nil, status.Errorf(codes.FailedPrecondition, "volume %s is not staged at %q", v.ID, request.StagingTargetPath)
	}
	if mounted(request.TargetPath) {
		return &csi.NodePublishVolumeResponse{}, nil
	}
	from := request.StagingTargetPath
	if v.Block {
		if from, err = n.device(v); err != nil {
			return nil, err
		}
		err = os.WriteFile(request.TargetPath, nil, 0o640)
	} else {
		err = os.MkdirAll(request.TargetPath, 0o750)
	}
	if err != nil {
		return nil, err
	}
	if _, err := run("mount", "--bind", from, request.TargetPath); err != nil {
		return nil, err
	}
	if request.Readonly || v.Attached[n.node] == "ro" {
		if _, err := run("mount", "-o", "remount,bind,ro", request.TargetPath); err != nil {
			return nil, err
		}
	}
	return &csi.NodePublishVolumeResponse{}, nil
}

func (n *nodeServer) NodeUnpublishVolume(_ context.Context, request *csi.NodeUnpublishVolumeRequest) (*csi.NodeUnpublishVolumeResponse, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := checked("volume id", request.VolumeId); err != nil {
		return nil, err
	}
	if err := checkPath("target path", request.TargetPath); err != nil {
		return nil, err
	}
	return &csi.NodeUnpublishVolumeResponse{}, unmount(request.TargetPath)
}

func (n *nodeServer) NodeExpandVolume(_ context.Context, request *csi.NodeExpandVolumeRequest) (*csi.NodeExpandVolumeResponse, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	v, err := n.volume(request.VolumeId)
	if err != nil {
		return nil, err
	}
	if err := checkPath("volume path", request.VolumePath); err != nil {
		return nil, err
	}
	device, err := n.device(v)
	if err != nil || device == "" {
		return nil, status.Errorf(codes.FailedPrecondition, "volume %s has no device: %v", v.ID, err)
	}
	if _, err := run("losetup", "--set-capacity", device); err != nil {
		return nil, err
	}
	if !v.Block {
		if err := growMounted(v, device, mountpoint(v)); err != nil {
			return nil, err
		}
	}
	return &csi.NodeExpandVolumeResponse{CapacityBytes: v.Size}, nil
}

func (n *nodeServer) NodeGetVolumeStats(_ context.Context, request *csi.NodeGetVolumeStatsRequest) (*csi.NodeGetVolumeStatsResponse, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := checkPath("volume path", request.VolumePath); err != nil {
		return nil, err
	}
	v, err := n.volume(request.VolumeId)
	if err != nil {
		return nil, err
	}
	if !mounted(request.VolumePath) {
		return nil, status.Errorf(codes.NotFound, "volume %s is not at %s", v.ID, request.VolumePath)
	}
	usage := &csi.VolumeUsage{Unit: csi.VolumeUsage_BYTES, Total: v.Size}
	if !v.Block {
		var fs syscall.Statfs_t
		if err := syscall.Statfs(request.VolumePath, &fs); err != nil {
			return nil, status.Error(codes.NotFound, err.Error())
		}
		usage.Total, usage.Available = int64(fs.Blocks)*fs.Bsize, int64(fs.Bavail)*fs.Bsize
		usage.Used = int64(fs.Blocks-fs.Bfree) * fs.Bsize
	}
	return &csi.NodeGetVolumeStatsResponse{Usage: []*csi.VolumeUsage{usage}}, nil
}
