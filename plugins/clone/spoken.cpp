#include "plugins/clone/spoken.h"

#include "common/core/refusal.h"
#include "common/core/text.h"
#include "common/kube/objects/redact.h"
#include "plugins/clone/set_path.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace holdfast::clone {
namespace {

// Both have the same shape: only texts have been replaced.
void collect_hashed(const Json& plain, const Json& hashed, std::set<std::string>& found) {
    if (plain.is_string()) {
        if (plain != hashed) found.insert(plain.get<std::string>());
        return;
    }
    if (!plain.is_structured()) return;
    auto other = hashed.begin();
    for (auto one = plain.begin(); one != plain.end(); ++one, ++other) collect_hashed(*one, *other, found);
}

}  // namespace

std::set<std::string> secrets_in(const Json& manifest) {
    Json hashed = manifest;
    kube::hash_secrets(hashed);
    std::set<std::string> found;
    collect_hashed(manifest, hashed, found);
    return found;
}

namespace {

Status check_no_secret(const std::string& flag, const std::set<std::string>& before, const Json& manifest) {
    const std::set<std::string> now = secrets_in(manifest);
    const bool fresh =
        std::any_of(now.begin(), now.end(), [&](const std::string& one) { return !before.contains(one); });
    if (!fresh) return {};
    return refused(escape_line(flag) +
                       ": its value looks like a secret, and a command line is read by others: in the process list, in "
                       "the shell's history, in the journal of this operation",
                   "put it into a Secret of the clone's namespace and name that: --set "
                   "'spec.template.spec.containers[0].env[0]={\"name\":\"NAME\",\"valueFrom\":{\"secretKeyRef\":"
                   "{\"name\":\"SECRET\",\"key\":\"KEY\"}}}'");
}

}  // namespace

Status take_from_line(const CloneOptions& options, Json& manifest) {
    const std::set<std::string> was = secrets_in(manifest);
    for (const auto& [path, value] : options.sets) {
        TRY(set_path(manifest, path, value));
        TRY(check_no_secret("--set " + path, was, manifest));
    }
    for (const auto& [name, value] : options.env) {
        TRY(set_env(manifest["spec"]["template"]["spec"], name, value));
        TRY(check_no_secret("--env " + name, was, manifest));
    }
    return {};
}

}  // namespace holdfast::clone
