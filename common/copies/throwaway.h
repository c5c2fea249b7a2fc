// Throwaway instances of a workload's database (or of a container to run a check in), on claims restored from a set.
// Pure.
#pragma once

#include "common/copies/claims.h"
#include "common/copies/source.h"
#include "common/kube/objects/snapshot_set.h"

#include <map>
#include <string>
#include <vector>

namespace holdfast::copies {

// How the pods run: which image, as whom, and where the data is.
struct Engine {
    std::string container;  // name of the recorded container, "" : none
    std::string image, pull_policy;
    std::string expected_image;  // imageID that the started container must have; "" : none was recorded
    std::vector<std::string> pull_secrets;
    Json pod_security, container_security, resources;
    Json volume_mounts, volume_devices;  // of the recorded container
    bool database = true;                // false: a container that idles, for --exec
    bool masks = false;                  // its statements have to reach all that is on the volumes
    bool lasting = false;                // the copy is written to, and used by a workload afterwards
    std::string data_directory, major;   // "" : to be found, any
    std::string user, default_database;  // bootstrap superuser, and the database that clients mean
};
// kRefused: nothing says which image (--image).
Result<Engine> choose_engine(const Source& source, const std::string& image, bool database);

// Whether two imageIDs, or an imageID and an image with a digest, are of the same content.
bool same_image(const std::string& left, const std::string& right);

struct ThrowawayClaim {
    const Member* member = nullptr;
    ClaimSpec spec;
    std::string volume;  // name in the pod
    Json mounts = Json::array(), devices = Json::array();
};
// One database: an ordinal of a StatefulSet, the only pod of a Deployment, or a claim for itself.
struct Instance {
    int ordinal = -1;  // -1: it has none
    std::string pod;
    std::vector<ThrowawayClaim> claims;
    bool waits_for_pod = false;  // a class binds only where a pod is scheduled
    std::string text() const;    // "ordinal 0", "claim data"
};
// One on these claims, each mounted where the recorded container has it.
Instance instance_on(const Source& source, const Engine& engine, std::string pod, std::vector<ThrowawayClaim> claims);
// Every instance of the source, lowest ordinal first. kRefused as choose_claim.
Result<std::vector<Instance>> instances_of(const Source& source, const Engine& engine, const std::string& operation,
                                           const std::string& space);

// Labels of everything that a drill or open makes, as no selector of the source matches them.
std::map<std::string, std::string> throwaway_labels(const std::string& operation, const std::string& role);
Json throwaway_claim_manifest(const ThrowawayClaim& claim, const std::string& role);
Json throwaway_pod_manifest(const Instance& instance, const Engine& engine, const Source& source,
                            const std::string& space, const std::string& role);
// Denies these pods all traffic where the network plugin heeds it; nothing relies on it (safety R25).
Json throwaway_policy_manifest(const std::string& operation, const std::string& space, const std::string& role);

}  // namespace holdfast::copies
