// Who owns which field, as server-side apply needs it: apiserver pkg/endpoints/handlers/fieldmanager with
// structured-merge-diff, for one client that both applies and updates, which are two managers there. Fields are the
// leaves of maps; a list is one field. What controllers write is not followed.
#pragma once

#include "common/core/json.h"
#include "common/core/result.h"
#include "common/kube/resource.h"

#include <nlohmann/json.hpp>

#include <map>
#include <set>
#include <string>

namespace holdfast::sim {

class Ownership {
  public:
    // A create, an update or a patch: what it changes is the updater's alone from then on.
    void wrote(const Json& before, const Json& after);
    // The object with what is applied, and without what was applied before and nobody owns now. 409 if the updater owns
    // a field that is to get another value; nothing is noted then.
    Result<Json> applied(const kube::ObjectRef& ref, const Json& live, const Json& body) const;
    void note_applied(const std::string& uid, const Json& body);

  private:
    using Fields = std::set<std::string>;  // JSON pointers
    struct Owned {
        Fields updater, applier;
    };
    std::map<std::string, Owned> objects_;  // by uid
};

}  // namespace holdfast::sim
