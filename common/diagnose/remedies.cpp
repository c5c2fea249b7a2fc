#include "common/diagnose/remedies.h"

namespace holdfast::diagnose {

std::string remedy_install_snapshots() {
    return "install the CRDs and the snapshot controller of kubernetes-csi/external-snapshotter (on a managed cluster "
           "it is "
           "the provider's add-on), then a VolumeSnapshotClass for the volumes' driver";
}

std::string remedy_no_controller() {
    return "install or restart the snapshot controller (kubernetes-csi/external-snapshotter; on a managed cluster the "
           "provider's add-on): `kubectl get pods -A | grep snapshot-controller`";
}

std::string remedy_no_sidecar(const std::string& driver) {
    return "look at the controller pods of " + driver +
           ": `kubectl get pods -A | grep csi`; their container csi-snapshotter "
           "must run, and the driver must be able to take snapshots";
}

std::string remedy_driver(const std::string& driver) {
    return "install " + driver + ", or use a class of a driver that is here: `kubectl get csidrivers`";
}

std::string remedy_make_class(const std::string& driver) {
    return "if the driver can take snapshots, make a VolumeSnapshotClass with `driver: " + driver +
           "`; `kubectl get volumesnapshotclass` lists those that there are";
}

std::string remedy_describe(const std::string& type, const std::string& space, const std::string& name) {
    return "`kubectl describe " + type + " " + name + (space.empty() ? "" : " -n " + space) + "`";
}

}  // namespace holdfast::diagnose
