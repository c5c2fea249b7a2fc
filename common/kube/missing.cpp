#include "common/kube/missing.h"

#include "common/core/text.h"
#include "common/kube/objects/workload.h"

namespace holdfast::kube {

Error missing_object(ClusterReader& reader, const ObjectRef& ref) {
    std::vector<std::string> names;
    const auto list = reader.list(ref.resource, ref.space);
    if (list.ok()) {
        for (const Json& item : list->items) names.push_back(name_of(item));
    }
    Error error{ErrorKind::kNotFound, ref.text() + " not found; nothing was changed"};
    std::vector<std::string> near = nearest(ref.name, names);
    for (std::string& name : near) name.insert(0, ref.resource.short_name + "/");
    if (!near.empty())
        error.hint = "did you mean " + join(near, ", ") + "?";
    else if (list.ok() && names.empty())
        error.hint = "there is no " + ref.resource.kind + " in namespace " + ref.space + "; is -n right?";
    return error;
}

}  // namespace holdfast::kube
