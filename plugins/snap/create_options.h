// The command line of `snap create` as a value. Pure.
#pragma once

#include "common/app/command.h"
#include "common/copies/cut_request.h"
#include "common/core/duration.h"
#include "plugins/snap/shared.h"

#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace holdfast::snap {

struct CreateOptions : copies::CutRequest {
    std::string name;             // "" : WORKLOAD-YYYYMMDD-HHMMSS
    std::string pre, post, hold;  // for sh -c; "" : none
    bool wait_ready = false;
    bool app_facts = true;  // ask a database in the pods about itself
    std::map<std::string, std::string> labels;
    // How long the volumes may take to be cut while the hooks hold writes back.
    std::chrono::milliseconds quiesce_limit{120000};

    bool quiesced() const { return !pre.empty() || !post.empty() || !hold.empty(); }
};

// kUsage: no target and no selector, contradictory or malformed flags; kRefused: an empty selector.
Result<CreateOptions> parse_create(const app::Arguments& arguments, std::chrono::milliseconds timeout);

// The set's name: the one given, else from the first target and the operation's start.
std::string set_name(const CreateOptions& options, SystemTime start);

}  // namespace holdfast::snap
