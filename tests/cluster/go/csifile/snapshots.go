package csifile

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// CreateSnapshot understands two parameters of a VolumeSnapshotClass:
// "delay" (a duration until readyToUse) and "fail" (an error's text).
func (d *driver) CreateSnapshot(_ context.Context, request *csi.CreateSnapshotRequest) (*csi.CreateSnapshotResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := checked("snapshot name", request.Name); err != nil {
		return nil, err
	}
	if err := checked("volume id", request.SourceVolumeId); err != nil {
		return nil, err
	}
	delay, err := snapshotDelay(request.Parameters)
	if err != nil {
		return nil, err
	}
	if s, err := d.snapshot(request.Name); err == nil {
		if s.Volume != request.SourceVolumeId {
			return nil, status.Errorf(codes.AlreadyExists, "snapshot %s is of volume %s", s.ID, s.Volume)
		}
		return &csi.CreateSnapshotResponse{Snapshot: describeSnapshot(s)}, nil
	}
	if message := request.Parameters["fail"]; message != "" {
		return nil, status.Error(codes.Internal, message)
	}
	v, err := d.volume(request.SourceVolumeId)
	if err != nil {
		return nil, err
	}
	s := &snapshot{ID: request.Name, Volume: v.ID, Size: v.Size, Block: v.Block, FSType: v.FSType, Created: time.Now()}
	if err := build(d.snapshotDir(s.ID), s, func(image string) error {
		err := d.copyImage(v, image)
		s.Ready = time.Now().Add(delay)
		return err
	}); err != nil {
		return nil, err
	}
	return &csi.CreateSnapshotResponse{Snapshot: describeSnapshot(s)}, nil
}

func snapshotDelay(parameters map[string]string) (time.Duration, error) {
	if err := checkParameters(parameters, "delay", "fail"); err != nil {
		return 0, err
	}
	text := parameters["delay"]
	if text == "" {
		return 0, nil
	}
	delay, err := time.ParseDuration(text)
	if err != nil {
		return 0, status.Errorf(codes.InvalidArgument, "parameter delay is %q, not a duration", text)
	}
	return delay, nil
}

func describeSnapshot(s *snapshot) *csi.Snapshot {
	return &csi.Snapshot{SnapshotId: s.ID, SourceVolumeId: s.Volume, SizeBytes: s.Size,
		CreationTime: timestamppb.New(s.Created), ReadyToUse: !time.Now().Before(s.Ready)}
}

func (d *driver) DeleteSnapshot(_ context.Context, request *csi.DeleteSnapshotRequest) (*csi.DeleteSnapshotResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := checked("snapshot id", request.SnapshotId); err != nil {
		return nil, err
	}
	return &csi.DeleteSnapshotResponse{}, os.RemoveAll(d.snapshotDir(request.SnapshotId))
}

func (d *driver) ListSnapshots(_ context.Context, request *csi.ListSnapshotsRequest) (*csi.ListSnapshotsResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var kept []*snapshot
	for _, s := range list[snapshot](filepath.Join(d.dir, "snapshots")) {
		if (request.SnapshotId == "" || request.SnapshotId == s.ID) &&
			(request.SourceVolumeId == "" || request.SourceVolumeId == s.Volume) {
			kept = append(kept, s)
		}
	}
	kept, next, err := page(kept, func(s *snapshot) string { return s.ID }, request.StartingToken, request.MaxEntries)
	if err != nil {
		return nil, err
	}
	reply := &csi.ListSnapshotsResponse{NextToken: next}
	for _, s := range kept {
		reply.Entries = append(reply.Entries, &csi.ListSnapshotsResponse_Entry{Snapshot: describeSnapshot(s)})
	}
	return reply, nil
}
