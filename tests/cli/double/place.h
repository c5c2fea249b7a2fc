// Which object or collection a path of the API server means.
#pragma once

#include "common/kube/resource.h"

#include <optional>
#include <string>

namespace holdfast::double_ {

struct Place {
    const kube::Resource* resource = nullptr;
    std::string space, name, subresource;  // name "" : a collection
    kube::ObjectRef ref() const { return {*resource, space, name}; }
};

// /api/v1/namespaces/NS/pods/NAME/SUB and its like; nullopt: no resource that common/kube/resource.h knows.
std::optional<Place> place_of(const std::string& path);

}  // namespace holdfast::double_
