package csifile

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const mib = int64(1) << 20

// volume and snapshot are what is kept on disk, as meta.json beside data.img.
type volume struct {
	ID         string            `json:"id"`
	Size       int64             `json:"size"`
	Block      bool              `json:"block,omitempty"`
	FSType     string            `json:"fsType,omitempty"`
	Node       string            `json:"node,omitempty"` // topology: reachable from this node only
	Source     string            `json:"source,omitempty"`
	Offline    bool              `json:"offline,omitempty"`    // expands only while no node has it
	Attributes map[string]string `json:"attributes,omitempty"` // of the VolumeAttributesClass
	Shared     bool              `json:"shared,omitempty"`     // ReadWriteMany or ReadOnlyMany
	Attached   map[string]string `json:"attached,omitempty"`   // node -> "rw" or "ro"
	Staged     map[string]string `json:"staged,omitempty"`     // node -> staging path
}

type snapshot struct {
	ID      string    `json:"id"`
	Volume  string    `json:"volume"`
	Size    int64     `json:"size"`
	Block   bool      `json:"block,omitempty"`
	FSType  string    `json:"fsType,omitempty"`
	Created time.Time `json:"created"`
	Ready   time.Time `json:"ready"`
}

func run(name string, args ...string) (string, error) {
	out, err := exec.Command(name, args...).CombinedOutput()
	text := strings.TrimSpace(string(out))
	if err != nil {
		return text, fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, text)
	}
	return text, nil
}

func load[T any](path string) (*T, error) {
	data, err := os.ReadFile(filepath.Join(path, "meta.json"))
	if err != nil {
		return nil, err
	}
	value := new(T)
	return value, json.Unmarshal(data, value)
}

func save(path string, value any) error {
	data, err := json.MarshalIndent(value, "", " ")
	if err != nil {
		return err
	}
	next := filepath.Join(path, "meta.json.next")
	if err := os.WriteFile(next, data, 0o600); err != nil {
		return err
	}
	return os.Rename(next, filepath.Join(path, "meta.json"))
}

// build makes a volume's or snapshot's folder under another name, which list
// does not show, and renames it when fill has completed it.
func build(path string, value any, fill func(image string) error) error {
	next := filepath.Join(filepath.Dir(path), ".next-"+filepath.Base(path))
	if err := errors.Join(os.RemoveAll(next), os.MkdirAll(next, 0o700)); err != nil {
		return err
	}
	defer os.RemoveAll(next)
	if err := fill(filepath.Join(next, "data.img")); err != nil {
		return err
	}
	return errors.Join(save(next, value), os.Rename(next, path))
}

// list returns what is complete, in the order of the identifiers.
func list[T any](path string) []*T {
	var all []*T
	entries, _ := os.ReadDir(path)
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), ".") {
			continue
		}
		if value, err := load[T](filepath.Join(path, entry.Name())); err == nil {
			all = append(all, value)
		}
	}
	return all
}

// page cuts one page out of all, which is in the order of id. A token is the
// last identifier of the page before, so that whatever is deleted or made
// between two pages, nothing is listed twice and nothing old is left out.
func page[T any](all []*T, id func(*T) string, token string, most int32) (cut []*T, next string, err error) {
	const mark = "after:"
	if most < 0 {
		return nil, "", status.Errorf(codes.InvalidArgument, "max_entries is %d", most)
	}
	if token != "" {
		last, ok := strings.CutPrefix(token, mark)
		if !ok {
			return nil, "", status.Errorf(codes.Aborted, "bad token %q", token)
		}
		for len(all) > 0 && id(all[0]) <= last {
			all = all[1:]
		}
	}
	if most > 0 && len(all) > int(most) {
		all = all[:most]
		next = mark + id(all[most-1])
	}
	return all, next, nil
}

// An identifier comes from the caller and becomes a folder's name.
func checked(what, id string) error {
	if id == "" || len(id) > 200 || strings.ContainsAny(id, "/\x00") || strings.HasPrefix(id, ".") {
		return status.Errorf(codes.InvalidArgument, "bad %s %q", what, id)
	}
	return nil
}

func (d *driver) volumeDir(id string) string   { return filepath.Join(d.dir, "volumes", id) }
func (d *driver) snapshotDir(id string) string { return filepath.Join(d.dir, "snapshots", id) }
func (d *driver) image(v *volume) string       { return filepath.Join(d.volumeDir(v.ID), "data.img") }

func (d *driver) volume(id string) (*volume, error) {
	if err := checked("volume id", id); err != nil {
		return nil, err
	}
	v, err := load[volume](d.volumeDir(id))
	if errors.Is(err, os.ErrNotExist) {
		return nil, status.Errorf(codes.NotFound, "no volume %s", id)
	}
	return v, err
}

func (d *driver) snapshot(id string) (*snapshot, error) {
	if err := checked("snapshot id", id); err != nil {
		return nil, err
	}
	s, err := load[snapshot](d.snapshotDir(id))
	if errors.Is(err, os.ErrNotExist) {
		return nil, status.Errorf(codes.NotFound, "no snapshot %s", id)
	}
	return s, err
}
