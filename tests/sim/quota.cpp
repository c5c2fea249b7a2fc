// ResourceQuota: admission compares with status.used and raises it; the controller counts again what is there
// (kubernetes apiserver pkg/admission/plugin/resourcequota, pkg/controller/resourcequota, pkg/quota/v1/evaluator/core).
#include "common/core/quantity.h"
#include "common/kube/objects/workload.h"
#include "tests/sim/admission.h"
#include "tests/sim/api.h"
#include "tests/sim/controllers/controllers.h"

namespace holdfast::sim {
namespace {

constexpr char kOfClass[] = ".storageclass.storage.k8s.io/";

long long number(const Json& quantity) {
    const auto parsed = Quantity::parse(quantity.is_string() ? quantity.get<std::string>() : quantity.dump());
    return parsed.ok() ? parsed->bytes() : 0;
}

bool is_storage(const std::string& what) { return what.ends_with("requests.storage"); }

// As the API writes it: "64Mi", "1".
std::string text(const std::string& what, long long value) {
    return is_storage(what) ? Quantity::from_bytes(value).text() : std::to_string(value);
}

// What the object counts for under this name of a quota.
long long cost(const std::string& what, const kube::Resource& resource, const Json& object) {
    if (what == "count/" + resource.qualified()) return 1;
    std::string name = what;
    if (const std::size_t at = what.find(kOfClass); at != std::string::npos) {
        if (kube::text_at(object, "/spec/storageClassName") != what.substr(0, at)) return 0;
        name = what.substr(at + sizeof kOfClass - 1);
    }
    if (is_storage(name) && resource == kube::kClaims)
        return number(Json(kube::text_at(object, "/spec/resources/requests/storage")));
    return resource.group.empty() && name == resource.plural ? 1 : 0;
}

}  // namespace

Status check_quota(Sim& sim, const kube::ObjectRef& ref, const Json* before, const Json& after, bool dry_run) {
    if (!ref.resource.namespaced) return {};
    for (const ObjectPtr& quota : sim.store.list(kube::kResourceQuotas, ref.space)) {
        const Json* hard = kube::find_at(*quota, "/status/hard");
        if (hard == nullptr) continue;
        Json used = (*quota)["status"].value("used", Json::object());
        for (const auto& [what, limit] : hard->items()) {
            const long long more =
                cost(what, ref.resource, after) - (before == nullptr ? 0 : cost(what, ref.resource, *before));
            if (more <= 0) continue;
            const long long total = number(used.value(what, Json("0"))) + more;
            if (total > number(limit))
                return api_error(ErrorKind::kForbidden, 403, "Forbidden",
                                 ref.resource.qualified() + " \"" + ref.name +
                                     "\" is forbidden: exceeded quota: " + kube::name_of(*quota) +
                                     ", requested: " + what + "=" + text(what, more) + ", used: " + what + "=" +
                                     text(what, total - more) + ", limited: " + what + "=" + limit.get<std::string>());
            used[what] = text(what, total);
        }
        if (!dry_run) sim.edit(quota.ref(), [&](Json& one) { one["status"]["used"] = used; });
    }
    return {};
}

void run_quota(Sim& sim) {
    for (const ObjectPtr& quota : sim.store.list(kube::kResourceQuotas, "")) {
        const Json* hard = kube::find_at(*quota, "/spec/hard");
        if (hard == nullptr) continue;
        Json used = Json::object();
        for (const auto& [what, limit] : hard->items()) {
            long long total = 0;
            for (const ObjectPtr& object : sim.store.everything()) {
                if (kube::space_of(*object) == kube::space_of(*quota))
                    total += cost(what, object.ref().resource, *object);
            }
            used[what] = text(what, total);
        }
        sim.edit(quota.ref(), [&](Json& one) { one["status"] = {{"hard", *hard}, {"used", used}}; });
    }
}

}  // namespace holdfast::sim
