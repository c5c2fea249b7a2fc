// Package csifile is a CSI driver for tests, on one machine, for any number of
// kubelets on it. A volume is a sparse file with a real xfs or ext4 in it behind
// a loop device, so that capacity, "no space left", growth, crash-consistent
// snapshots (the filesystem is frozen while it is copied) and raw block volumes
// are as real as on a cloud disk. xfs grows while it is mounted; ext4 only
// before it is mounted where root lacks CAP_SYS_RESOURCE, so it stands for a
// disk that expands offline.
package csifile

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc"
	registration "k8s.io/kubelet/pkg/apis/pluginregistration/v1"
)

// driver is one storage system: it serves the identity and controller services
// itself, and the node service of each node by a nodeServer.
type driver struct {
	csi.UnimplementedIdentityServer
	csi.UnimplementedControllerServer
	name, dir string
	topology  bool
	attach    bool
	most      int               // volumes attached to one node; 0: no limit
	nodes     map[string]string // node name -> kubelet root
	mu        sync.Mutex        // one request at a time: the files on disk are the only state
}

type nodeServer struct {
	csi.UnimplementedNodeServer
	*driver
	node string
}

// registrar is how the kubelet's plugin watcher finds the driver.
type registrar struct {
	registration.UnimplementedRegistrationServer
	name, socket string
}

func (r *registrar) GetInfo(context.Context, *registration.InfoRequest) (*registration.PluginInfo, error) {
	return &registration.PluginInfo{Type: registration.CSIPlugin, Name: r.name, Endpoint: r.socket,
		SupportedVersions: []string{"1.0.0"}}, nil
}

func (r *registrar) NotifyRegistrationStatus(_ context.Context, result *registration.RegistrationStatus) (*registration.RegistrationStatusResponse, error) {
	fmt.Fprintf(os.Stderr, "%s registered: %v %s\n", r.socket, result.PluginRegistered, result.Error)
	return &registration.RegistrationStatusResponse{}, nil
}

// logged writes every call that changes something or fails.
func logged(ctx context.Context, request any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	began := time.Now()
	reply, err := handler(ctx, request)
	if err != nil || !strings.Contains(info.FullMethod, "Get") && !strings.HasSuffix(info.FullMethod, "Probe") {
		fmt.Fprintf(os.Stderr, "%s %s %s err=%v\n", began.Format("15:04:05.000"), info.FullMethod, time.Since(began), err)
	}
	return reply, err
}

func serve(socket string, register func(*grpc.Server)) error {
	os.Remove(socket)
	if err := os.MkdirAll(filepath.Dir(socket), 0o750); err != nil {
		return err
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	server := grpc.NewServer(grpc.UnaryInterceptor(logged))
	register(server)
	go server.Serve(listener)
	return nil
}

func (d *driver) serveController() error {
	return serve(filepath.Join(d.dir, "csi.sock"), func(server *grpc.Server) {
		csi.RegisterIdentityServer(server, d)
		csi.RegisterControllerServer(server, d)
	})
}

func (d *driver) serveNode(name string) error {
	socket := filepath.Join(d.nodes[name], "plugins", d.name, "csi.sock")
	if err := serve(socket, func(server *grpc.Server) {
		csi.RegisterIdentityServer(server, d)
		csi.RegisterNodeServer(server, &nodeServer{driver: d, node: name})
	}); err != nil {
		return err
	}
	return serve(filepath.Join(d.nodes[name], "plugins_registry", d.name+"-reg.sock"), func(server *grpc.Server) {
		registration.RegisterRegistrationServer(server, &registrar{name: d.name, socket: socket})
	})
}

// Main serves until it is killed.
func Main() error {
	d := &driver{nodes: map[string]string{}}
	var nodes string
	flag.StringVar(&d.name, "name", "", "the driver's name")
	flag.StringVar(&d.dir, "dir", "", "where volumes and snapshots are kept")
	flag.BoolVar(&d.topology, "topology", false, "a volume is reachable only from the node it was made for")
	flag.BoolVar(&d.attach, "attach", false, "a volume is attached to a node before it is used there, as CSIDriver.attachRequired says too")
	flag.IntVar(&d.most, "most", 0, "how many volumes can be attached to one node, 0: any number")
	flag.StringVar(&nodes, "nodes", "", "NAME=KUBELET_ROOT, comma between")
	flag.Parse()
	var names []string
	for _, pair := range strings.Split(nodes, ",") {
		if name, root, ok := strings.Cut(pair, "="); ok {
			d.nodes[name] = root
			names = append(names, name)
		}
	}
	sort.Strings(names)
	if err := errors.Join(os.MkdirAll(filepath.Join(d.dir, "volumes"), 0o700),
		os.MkdirAll(filepath.Join(d.dir, "snapshots"), 0o700), d.serveController()); err != nil {
		return err
	}
	for _, name := range names {
		if err := d.serveNode(name); err != nil {
			return err
		}
	}
	select {}
}
