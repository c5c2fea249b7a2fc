#include "tests/cli/double/place.h"

#include <sstream>
#include <vector>

namespace holdfast::double_ {

namespace {

std::vector<std::string> parts_of(const std::string& path) {
    std::vector<std::string> out;
    std::stringstream in(path);
    for (std::string part; std::getline(in, part, '/');) {
        if (!part.empty()) out.push_back(part);
    }
    return out;
}

}  // namespace

std::optional<Place> place_of(const std::string& path) {
    std::vector<std::string> parts = parts_of(path);
    if (parts.size() < 3 || (parts[0] != "api" && parts[0] != "apis")) return std::nullopt;
    const bool core = parts[0] == "api";
    const std::string group = core ? "" : parts[1];
    std::size_t at = core ? 2 : 3;
    if (parts.size() <= at) return std::nullopt;
    Place place;
    if (parts[at] == "namespaces" && parts.size() > at + 2) {
        place.space = parts[at + 1];
        at += 2;
    }
    place.resource = kube::find_plural(group, parts[at]);
    if (place.resource == nullptr || place.resource->version != parts[core ? 1 : 2]) return std::nullopt;
    if (parts.size() > at + 1) place.name = parts[at + 1];
    if (parts.size() > at + 2) place.subresource = parts[at + 2];
    return place;
}

}  // namespace holdfast::double_
