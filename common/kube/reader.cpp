#include "common/kube/reader.h"

namespace holdfast::kube {

bool Discovery::has(const Resource& resource) const {
    return resources.contains(resource.api_version() + "/" + resource.plural);
}

Result<std::optional<Json>> ClusterReader::find(const ObjectRef& ref) {
    auto found = get(ref);
    if (found.ok()) return std::optional<Json>(std::move(*found));
    if (found.error().kind == ErrorKind::kNotFound) return std::optional<Json>();
    return found.error();
}

Result<Json> ClusterReader::node_summary(const std::string& node) {
    return Error{ErrorKind::kUnavailable, "node " + node + " has no kubelet to ask", "", 0, ""};
}

Result<List> ClusterReader::list(const Resource& resource, const std::string& space, const ListOptions& options) {
    List list;
    TRY_ASSIGN(list.resource_version, for_each(
                                          resource, space, options,
                                          [&](Json&& item) {
                                              list.items.push_back(std::move(item));
                                              return true;
                                          },
                                          [&] { list.items.clear(); }));
    return list;
}

}  // namespace holdfast::kube
