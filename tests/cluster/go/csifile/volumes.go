package csifile

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// CreateVolume understands two parameters of a StorageClass: "fail", the text of
// the error with which every claim of that class is refused, and "expand", which
// may be "offline": such a volume grows only while no node has it.
func (d *driver) CreateVolume(_ context.Context, request *csi.CreateVolumeRequest) (*csi.CreateVolumeResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	v, err := d.wanted(request)
	if err != nil {
		return nil, err
	}
	if message := request.Parameters["fail"]; message != "" {
		return nil, status.Error(codes.ResourceExhausted, message)
	}
	if made, err := d.volume(v.ID); err == nil {
		if err := sameAs(made, v, request.CapacityRange); err != nil {
			return nil, err
		}
		return &csi.CreateVolumeResponse{Volume: d.describeVolume(made, request.VolumeContentSource)}, nil
	}
	fill, err := d.content(request.VolumeContentSource, v)
	if err != nil {
		return nil, err
	}
	if err := build(d.volumeDir(v.ID), v, fill); err != nil {
		return nil, err
	}
	return &csi.CreateVolumeResponse{Volume: d.describeVolume(v, request.VolumeContentSource)}, nil
}

// wanted is the volume that the request describes.
func (d *driver) wanted(request *csi.CreateVolumeRequest) (*volume, error) {
	if err := checked("volume name", request.Name); err != nil {
		return nil, err
	}
	if err := checkCapabilities(request.VolumeCapabilities...); err != nil {
		return nil, err
	}
	if err := checkParameters(request.Parameters, "fail", "expand"); err != nil {
		return nil, err
	}
	if err := checkAttributes(request.MutableParameters); err != nil {
		return nil, err
	}
	size, err := sizeOf(request.CapacityRange)
	if err != nil {
		return nil, err
	}
	v := &volume{ID: request.Name, Size: size, Attributes: request.MutableParameters, Offline: request.Parameters["expand"] == "offline"}
	for _, capability := range request.VolumeCapabilities {
		v.Block = capability.GetBlock() != nil
		v.FSType = capability.GetMount().GetFsType()
		v.Shared = v.Shared || multiNode(capability.GetAccessMode().GetMode())
	}
	if v.FSType == "" && !v.Block {
		v.FSType = "xfs"
	}
	if !v.Block && v.FSType != "ext4" && v.FSType != "xfs" {
		return nil, status.Errorf(codes.InvalidArgument, "no filesystem %q", v.FSType)
	}
	if snapshot := request.VolumeContentSource.GetSnapshot(); snapshot != nil {
		v.Source = "snapshot " + snapshot.SnapshotId
	} else if from := request.VolumeContentSource.GetVolume(); from != nil {
		v.Source = "volume " + from.VolumeId
	}
	v.Node, err = d.place(request.AccessibilityRequirements)
	return v, err
}

// place chooses the node that a volume of a local disk is on.
func (d *driver) place(wanted *csi.TopologyRequirement) (string, error) {
	if !d.topology {
		return "", nil
	}
	all := append(wanted.GetPreferred(), wanted.GetRequisite()...)
	for _, topology := range all {
		if node := topology.Segments[d.name+"/node"]; d.nodes[node] != "" {
			return node, nil
		}
	}
	if len(all) > 0 {
		return "", status.Errorf(codes.ResourceExhausted, "no node of %s is among those that the volume may be on", d.name)
	}
	return "", nil
}

// sameAs: a request that comes again gets the volume that it made, and one
// that only has its name is refused.
func sameAs(made, wanted *volume, size *csi.CapacityRange) error {
	limit := size.GetLimitBytes()
	if made.Size < size.GetRequiredBytes() || limit > 0 && made.Size > limit {
		return status.Errorf(codes.AlreadyExists, "volume %s has %d bytes", made.ID, made.Size)
	}
	if made.Block != wanted.Block || made.Source != wanted.Source || made.Shared != wanted.Shared {
		return status.Errorf(codes.AlreadyExists, "volume %s is of another mode or source", made.ID)
	}
	return nil
}

// content returns what fills the new volume's file, from where the request says.
func (d *driver) content(source *csi.VolumeContentSource, v *volume) (func(image string) error, error) {
	resized := func(copy func(image string) error) func(string) error {
		return func(image string) error {
			if err := copy(image); err != nil {
				return err
			}
			return os.Truncate(image, v.Size)
		}
	}
	switch {
	case source.GetSnapshot() != nil:
		s, err := d.snapshot(source.GetSnapshot().SnapshotId)
		if err != nil {
			return nil, err
		}
		if time.Now().Before(s.Ready) {
			return nil, status.Errorf(codes.Unavailable, "snapshot %s is not ready", s.ID)
		}
		v.FSType = s.FSType
		return resized(func(image string) error {
			return copyFile(filepath.Join(d.snapshotDir(s.ID), "data.img"), image)
		}), fits("snapshot "+s.ID, s.Block, s.Size, v)
	case source.GetVolume() != nil:
		from, err := d.volume(source.GetVolume().VolumeId)
		if err != nil {
			return nil, err
		}
		v.FSType = from.FSType
		return resized(func(image string) error { return d.copyImage(from, image) }), fits("volume "+from.ID, from.Block, from.Size, v)
	}
	return func(image string) error {
		if err := os.WriteFile(image, nil, 0o600); err != nil {
			return err
		}
		if err := os.Truncate(image, v.Size); err != nil || v.Block {
			return err
		}
		return makeFilesystem(v.FSType, image)
	}, nil
}

func fits(source string, block bool, size int64, v *volume) error {
	if block != v.Block {
		return status.Errorf(codes.InvalidArgument, "%s is of another volume mode", source)
	}
	if size > v.Size {
		return status.Errorf(codes.OutOfRange, "%s needs %d bytes", source, size)
	}
	return nil
}

func (d *driver) describeVolume(v *volume, source *csi.VolumeContentSource) *csi.Volume {
	reply := &csi.Volume{VolumeId: v.ID, CapacityBytes: v.Size, ContentSource: source}
	if v.Node != "" {
		reply.AccessibleTopology = []*csi.Topology{{Segments: map[string]string{d.name + "/node": v.Node}}}
	}
	return reply
}

func (d *driver) DeleteVolume(_ context.Context, request *csi.DeleteVolumeRequest) (*csi.DeleteVolumeResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	v, err := d.volume(request.VolumeId)
	if status.Code(err) == codes.NotFound {
		return &csi.DeleteVolumeResponse{}, nil
	}
	if err != nil {
		return nil, err
	}
	if len(v.Attached)+len(v.Staged) > 0 {
		return nil, status.Errorf(codes.FailedPrecondition, "volume %s is in use", v.ID)
	}
	return &csi.DeleteVolumeResponse{}, os.RemoveAll(d.volumeDir(v.ID))
}

func (d *driver) ValidateVolumeCapabilities(_ context.Context, request *csi.ValidateVolumeCapabilitiesRequest) (*csi.ValidateVolumeCapabilitiesResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	v, err := d.volume(request.VolumeId)
	if err != nil {
		return nil, err
	}
	if err := checkCapabilities(request.VolumeCapabilities...); err != nil {
		return nil, err
	}
	for _, capability := range request.VolumeCapabilities {
		if err := checkUse(v, capability); err != nil {
			return &csi.ValidateVolumeCapabilitiesResponse{Message: err.Error()}, nil
		}
		if multiNode(capability.GetAccessMode().GetMode()) && !v.Shared {
			return &csi.ValidateVolumeCapabilitiesResponse{Message: "the volume is for one node at a time"}, nil
		}
	}
	return &csi.ValidateVolumeCapabilitiesResponse{Confirmed: &csi.ValidateVolumeCapabilitiesResponse_Confirmed{
		VolumeContext: request.VolumeContext, VolumeCapabilities: request.VolumeCapabilities, Parameters: request.Parameters}}, nil
}

func (d *driver) ListVolumes(_ context.Context, request *csi.ListVolumesRequest) (*csi.ListVolumesResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	all, next, err := page(list[volume](filepath.Join(d.dir, "volumes")), func(v *volume) string { return v.ID },
		request.StartingToken, request.MaxEntries)
	if err != nil {
		return nil, err
	}
	reply := &csi.ListVolumesResponse{NextToken: next}
	for _, v := range all {
		reply.Entries = append(reply.Entries, &csi.ListVolumesResponse_Entry{Volume: d.describeVolume(v, nil)})
	}
	return reply, nil
}

func (d *driver) GetCapacity(context.Context, *csi.GetCapacityRequest) (*csi.GetCapacityResponse, error) {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(d.dir, &fs); err != nil {
		return nil, err
	}
	return &csi.GetCapacityResponse{AvailableCapacity: int64(fs.Bavail) * fs.Bsize}, nil
}

func (d *driver) ControllerExpandVolume(_ context.Context, request *csi.ControllerExpandVolumeRequest) (*csi.ControllerExpandVolumeResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	v, err := d.volume(request.VolumeId)
	if err != nil {
		return nil, err
	}
	if request.CapacityRange == nil {
		return nil, status.Error(codes.InvalidArgument, "no capacity range")
	}
	size, err := sizeOf(request.CapacityRange)
	if err != nil {
		return nil, err
	}
	if limit := request.CapacityRange.LimitBytes; limit > 0 && v.Size > limit {
		return nil, status.Errorf(codes.OutOfRange, "volume %s has %d bytes already", v.ID, v.Size)
	}
	if size > v.Size && v.Offline && len(v.Attached)+len(v.Staged) > 0 {
		return nil, status.Errorf(codes.FailedPrecondition, "volume %s is in use, and expands only offline", v.ID)
	}
	if size > v.Size {
		if err := os.Truncate(d.image(v), size); err != nil {
			return nil, err
		}
		v.Size = size
		if err := save(d.volumeDir(v.ID), v); err != nil {
			return nil, err
		}
		if device, _ := d.device(v); device != "" {
			if _, err := run("losetup", "--set-capacity", device); err != nil {
				return nil, err
			}
		}
	}
	return &csi.ControllerExpandVolumeResponse{CapacityBytes: v.Size, NodeExpansionRequired: !v.Block}, nil
}

func (d *driver) ControllerModifyVolume(_ context.Context, request *csi.ControllerModifyVolumeRequest) (*csi.ControllerModifyVolumeResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	v, err := d.volume(request.VolumeId)
	if err != nil {
		return nil, err
	}
	if err := checkAttributes(request.MutableParameters); err != nil {
		return nil, err
	}
	if v.Attributes == nil {
		v.Attributes = map[string]string{}
	}
	maps.Copy(v.Attributes, request.MutableParameters)
	return &csi.ControllerModifyVolumeResponse{}, save(d.volumeDir(v.ID), v)
}
