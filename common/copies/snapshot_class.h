// The VolumeSnapshotClass of a volume: by the *volume's* driver, never by its storage class, and always written out,
// since the snapshot controller does not check an explicit class against the driver (external-snapshotter issue 1484)
// and finds no default among two. Pure.
#pragma once

#include "common/core/json.h"
#include "common/core/result.h"
#include "common/kube/objects/snapshot.h"

#include <nlohmann/json.hpp>

#include <map>
#include <string>
#include <vector>

namespace holdfast::copies {

class ClassChooser {
  public:
    // wanted: --snapshot-class, "" : none.
    ClassChooser(const std::vector<Json>& classes, std::string wanted);
    // The class for a driver. kRefused: `wanted` is not there or of another driver (both are named); no class, several
    // default ones, or several and no default (they are listed). what: the claim, for the message.
    Result<std::string> choose(const std::string& driver, const std::string& what);
    // What to know of the classes that were chosen: deletionPolicy, a choice that no default made.
    std::vector<std::string> notes() const;

  private:
    Result<const kube::SnapshotClass*> find(const std::string& driver, const std::string& what) const;

    std::vector<kube::SnapshotClass> classes_;
    std::string wanted_;
    std::map<std::string, const kube::SnapshotClass*> chosen_;  // by driver
};

}  // namespace holdfast::copies
