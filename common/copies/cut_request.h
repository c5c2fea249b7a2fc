// Whose volumes are to be cut, as a command line says it. A value. Pure.
#pragma once

#include "common/copies/targets.h"

#include <string>
#include <vector>

namespace holdfast::copies {

struct CutRequest {
    std::vector<Target> targets;
    std::string selector;             // of claims; "" : none given
    std::vector<std::string> claims;  // --claim
    std::string snapshot_class;       // "" : the default of the volume's driver
    std::string container;            // of pods; "" : the pod's default, else the first that mounts a claim
    bool as_set = true;               // the snapshots are to be kept as a set, whose ConfigMap's name must be free
    std::string plugin = "snap";      // whose doctor is named in remedies
};

// "sts/postgres", "sts/a,deploy/b", "-l app=db": what is cut, as its user would type it.
std::string target_text(const CutRequest& request);

// A VolumeSnapshot's name: NAME-CLAIM, cut and hashed where it would be too long. name: of the set.
std::string snapshot_name(const std::string& name, const std::string& claim);

}  // namespace holdfast::copies
