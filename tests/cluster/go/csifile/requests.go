package csifile

import (
	"strconv"
	"strings"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// The smallest and the largest volume. Whoever asks for more gets OutOfRange,
// as from an array that is too small.
const (
	smallest = 16 * mib
	largest  = 1 << 20 * mib // 1 TiB
)

// sizeOf is the size that a request for this range gets, in whole MiB.
func sizeOf(wanted *csi.CapacityRange) (int64, error) {
	required, limit := wanted.GetRequiredBytes(), wanted.GetLimitBytes()
	if required < 0 || limit < 0 || limit > 0 && limit < required {
		return 0, status.Errorf(codes.InvalidArgument, "no size is at least %d and at most %d", required, limit)
	}
	if required > largest {
		return 0, status.Errorf(codes.OutOfRange, "%d bytes are more than a volume can have, %d", required, int64(largest))
	}
	size := (max(required, smallest) + mib - 1) / mib * mib
	if limit > 0 && size > limit {
		return 0, status.Errorf(codes.OutOfRange, "%d bytes are over the limit of %d", size, limit)
	}
	return size, nil
}

// checkCapabilities: there is at least one, and each says how and from where
// the volume is used, all as a filesystem or all as a block device.
func checkCapabilities(all ...*csi.VolumeCapability) error {
	if len(all) == 0 {
		return status.Error(codes.InvalidArgument, "no volume capabilities")
	}
	for _, one := range all {
		switch {
		case one == nil || one.GetMount() == nil && one.GetBlock() == nil:
			return status.Error(codes.InvalidArgument, "a volume capability without an access type")
		case one.GetAccessMode().GetMode() == csi.VolumeCapability_AccessMode_UNKNOWN:
			return status.Error(codes.InvalidArgument, "a volume capability without an access mode")
		case (one.GetBlock() != nil) != (all[0].GetBlock() != nil):
			return status.Error(codes.InvalidArgument, "volume capabilities both for a filesystem and for a block device")
		}
	}
	return nil
}

// checkUse: the volume can be used as the capability says.
func checkUse(v *volume, wanted *csi.VolumeCapability) error {
	if err := checkCapabilities(wanted); err != nil {
		return err
	}
	if (wanted.GetBlock() != nil) != v.Block {
		return status.Errorf(codes.InvalidArgument, "volume %s is of another volume mode", v.ID)
	}
	return nil
}

func multiNode(mode csi.VolumeCapability_AccessMode_Mode) bool {
	switch mode {
	case csi.VolumeCapability_AccessMode_MULTI_NODE_MULTI_WRITER, csi.VolumeCapability_AccessMode_MULTI_NODE_READER_ONLY,
		csi.VolumeCapability_AccessMode_MULTI_NODE_SINGLE_WRITER:
		return true
	}
	return false
}

// checkParameters: a class's parameters are those that this driver knows, and
// the metadata that the sidecars add.
func checkParameters(given map[string]string, known ...string) error {
next:
	for name := range given {
		for _, one := range known {
			if name == one {
				continue next
			}
		}
		if !strings.HasPrefix(name, "csi.storage.k8s.io/") {
			return status.Errorf(codes.InvalidArgument, "unknown parameter %q", name)
		}
	}
	return nil
}

// checkAttributes: what a VolumeAttributesClass may set.
func checkAttributes(given map[string]string) error {
	for name, value := range given {
		if name != "iops" && name != "throughput" {
			return status.Errorf(codes.InvalidArgument, "unknown attribute %q", name)
		}
		if number, err := strconv.ParseUint(value, 10, 32); err != nil || number == 0 {
			return status.Errorf(codes.InvalidArgument, "attribute %s is %q, not a number", name, value)
		}
	}
	return nil
}

func checkPath(what, path string) error {
	if path == "" {
		return status.Errorf(codes.InvalidArgument, "no %s", what)
	}
	return nil
}
