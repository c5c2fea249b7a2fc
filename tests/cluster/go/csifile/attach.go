package csifile

import (
	"context"
	"path/filepath"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func (d *driver) ControllerPublishVolume(_ context.Context, request *csi.ControllerPublishVolumeRequest) (*csi.ControllerPublishVolumeResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := checked("volume id", request.VolumeId); err != nil {
		return nil, err
	}
	if err := checked("node id", request.NodeId); err != nil {
		return nil, err
	}
	if err := checkCapabilities(request.VolumeCapability); err != nil {
		return nil, err
	}
	v, err := d.volume(request.VolumeId)
	if err != nil {
		return nil, err
	}
	if err := checkUse(v, request.VolumeCapability); err != nil {
		return nil, err
	}
	if _, known := d.nodes[request.NodeId]; !known || (v.Node != "" && v.Node != request.NodeId) {
		return nil, status.Errorf(codes.NotFound, "volume %s is not reachable from node %s", v.ID, request.NodeId)
	}
	how := "rw"
	if request.Readonly {
		how = "ro"
	}
	switch was := v.Attached[request.NodeId]; was {
	case how:
		return &csi.ControllerPublishVolumeResponse{}, nil
	case "":
	default:
		return nil, status.Errorf(codes.AlreadyExists, "volume %s is attached to node %s as %s", v.ID, request.NodeId, was)
	}
	if err := d.mayAttach(v, request.NodeId); err != nil {
		return nil, err
	}
	if v.Attached == nil {
		v.Attached = map[string]string{}
	}
	v.Attached[request.NodeId] = how
	return &csi.ControllerPublishVolumeResponse{}, save(d.volumeDir(v.ID), v)
}

func (d *driver) mayAttach(v *volume, node string) error {
	for other := range v.Attached {
		if !v.Shared {
			return status.Errorf(codes.FailedPrecondition, "volume %s is attached to node %s", v.ID, other)
		}
	}
	if d.most == 0 {
		return nil
	}
	count := 0
	for _, other := range list[volume](filepath.Join(d.dir, "volumes")) {
		if other.Attached[node] != "" {
			count++
		}
	}
	if count >= d.most {
		return status.Errorf(codes.ResourceExhausted, "node %s has %d volumes already", node, count)
	}
	return nil
}

// ControllerUnpublishVolume without a node detaches the volume from every node.
func (d *driver) ControllerUnpublishVolume(_ context.Context, request *csi.ControllerUnpublishVolumeRequest) (*csi.ControllerUnpublishVolumeResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	v, err := d.volume(request.VolumeId)
	if status.Code(err) == codes.NotFound {
		return &csi.ControllerUnpublishVolumeResponse{}, nil
	}
	if err != nil {
		return nil, err
	}
	if request.NodeId == "" {
		v.Attached = nil
	}
	delete(v.Attached, request.NodeId)
	return &csi.ControllerUnpublishVolumeResponse{}, save(d.volumeDir(v.ID), v)
}
