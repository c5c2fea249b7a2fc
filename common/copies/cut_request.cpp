#include "common/copies/cut_request.h"

#include "common/core/names.h"
#include "common/core/text.h"

namespace holdfast::copies {
namespace {

constexpr std::size_t kObjectLimit = 253;

}  // namespace

std::string target_text(const CutRequest& request) {
    std::vector<std::string> parts;
    for (const Target& target : request.targets) parts.push_back(target.text());
    if (parts.empty()) return "-l " + request.selector;
    return join(parts, ",");
}

std::string snapshot_name(const std::string& name, const std::string& claim) {
    return bounded_name(name + "-" + claim, "", kObjectLimit);
}

}  // namespace holdfast::copies
