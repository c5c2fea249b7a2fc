// From parsed words to what is to grow and by how much: what is checked here needs no cluster.
#pragma once

#include "common/app/command.h"
#include "common/app/context.h"
#include "common/core/quantity.h"
#include "common/kube/resource.h"
#include "plugins/pvc-expand/record.h"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::expand {

struct ExpandOptions {
    std::string space;
    std::optional<kube::ObjectRef> target;  // a StatefulSet, Deployment or claim; nullopt: by selector
    std::string selector;
    std::vector<std::string> claims;  // --claim: what the StatefulSet's pod template mounts by name
    // Exactly one of these.
    std::optional<Quantity> size, add;
    std::optional<int> percent, until_usage;  // percent of the size now; of the size then that is used now

    std::string claim_template;  // --template, "" : all
    int canary = 0;              // ordinals that grow first; 0: all at once
    bool include_unused = false;
    Restart restart = Restart::kNever;
    bool gitops_paused = false;                  // with kOffline: the user's word, where it cannot be seen
    std::chrono::milliseconds patience{120000};  // with kIfNeeded: what filesystems have to grow by themselves
    bool watched = true;  // somebody sees the plan before it is carried out, or it is only printed

    std::string target_text() const;  // "sts/shop/db", "-l app=db"
};

// kUsage: neither or several of the sizes, a target of another kind, a number that is none. kRefused: an empty
// selector.
Result<ExpandOptions> expand_options(app::Context& context, const app::Arguments& arguments);
// recover: a size is not needed.
Result<ExpandOptions> recover_options(app::Context& context, const app::Arguments& arguments);
// kRefused: a relative size off a terminal, where nobody sees what becomes of it (safety R28). Not asked of an
// operation whose journal has the absolute sizes.
Status check_absolute(const ExpandOptions& options);

}  // namespace holdfast::expand
