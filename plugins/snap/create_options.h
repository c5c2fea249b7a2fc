// The command line of `snap create` as a value. Pure.
#pragma once

#include "common/app/command.h"
#include "common/core/duration.h"
#include "plugins/snap/targets.h"

#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace holdfast::snap {

struct CreateOptions {
    std::vector<Target> targets;
    std::string selector;             // of claims; "" : none given
    std::vector<std::string> claims;  // --claim
    std::string name;                 // "" : WORKLOAD-YYYYMMDD-HHMMSS
    std::string snapshot_class;       // "" : the default of the volume's driver
    std::string pre, post, hold;      // for sh -c; "" : none
    std::string container;            // "" : the pod's default, else the first that mounts a claim
    bool wait_ready = false;
    bool app_facts = true;  // ask a database in the pods about itself
    std::map<std::string, std::string> labels;
    // How long the volumes may take to be cut while the hooks hold writes back.
    std::chrono::milliseconds quiesce_limit{120000};

    bool quiesced() const { return !pre.empty() || !post.empty() || !hold.empty(); }
};

// kUsage: no target and no selector, contradictory or malformed flags; kRefused: an empty selector.
Result<CreateOptions> parse_create(const app::Arguments& arguments, std::chrono::milliseconds timeout);

// "sts/postgres", "sts/a,deploy/b", "-l app=db": how the set names what it was made of.
std::string target_text(const CreateOptions& options);

// The set's name: the one given, else from the first target and the operation's start.
std::string set_name(const CreateOptions& options, SystemTime start);

// VolumeSnapshot's name of one member: SETNAME-CLAIM, cut and hashed where it would be too long.
std::string snapshot_name(const std::string& set, const std::string& claim);

}  // namespace holdfast::snap
