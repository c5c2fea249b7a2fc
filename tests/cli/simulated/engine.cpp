#include "tests/cli/simulated/engine.h"

#include "tests/cli/double/documents.h"
#include "tests/cli/simulated/pages.h"
#include "tests/sim/actors.h"
#include "tests/sim/api.h"

#include "common/kube/objects/workload.h"

namespace holdfast::simulated {

namespace {

using double_::Call;
using double_::Place;
using double_::Reply;

Reply bad_request(const std::string& why) { return double_::status_reply(400, "BadRequest", why); }

Reply reply_of(const Result<Json>& answer, int status = 200) {
    return answer.ok() ? double_::json_reply(status, *answer) : error_reply(answer.error());
}

kube::DryRun dry_run_of(const Call& call, const Json& options = Json::object()) {
    const bool dry = parameter(call, "dryRun") == "All" || options.value("dryRun", Json::array()) == Json{"All"};
    return dry ? kube::DryRun::kServer : kube::DryRun::kNone;
}

kube::PatchType patch_type(const Call& call) {
    const auto found = call.headers.find("content-type");
    const std::string type = found == call.headers.end() ? "" : found->second;
    if (type == "application/json-patch+json") return kube::PatchType::kJson;
    if (type == "application/strategic-merge-patch+json") return kube::PatchType::kStrategic;
    if (type == "application/apply-patch+yaml") return kube::PatchType::kApply;
    return kube::PatchType::kMerge;
}

// A patch's own metadata.uid and resourceVersion are what the server compares.
kube::Preconditions preconditions_of(const Json& body) {
    if (body.is_object()) return {kube::uid_of(body), kube::version_of(body)};
    kube::Preconditions found;
    for (const Json& operation : body) {
        const std::string path = operation.value("path", "");
        if (path == "/metadata/uid") found.uid = operation.value("value", "");
        if (path == "/metadata/resourceVersion") found.resource_version = operation.value("value", "");
    }
    return found;
}

kube::Propagation propagation_of(const Json& options) {
    const std::string policy = options.value("propagationPolicy", "Background");
    if (policy == "Orphan") return kube::Propagation::kOrphan;
    return policy == "Foreground" ? kube::Propagation::kForeground : kube::Propagation::kBackground;
}

class Api : public double_::Engine {
  public:
    explicit Api(Side side) : side_(side) {}

    std::optional<Reply> answer(const Call& call) override {
        if (call.method == "GET") {
            if (auto document = double_::discovery_document(call.path)) return double_::json_reply(200, *document);
        }
        const auto place = double_::place_of(call.path);
        if (!place) return std::nullopt;
        if (call.method == "GET" && place->name.empty() && parameter(call, "watch") == "true")
            return watch_reply(side_, call, *place);
        const Json body = call.body.empty() ? Json::object() : Json::parse(call.body, nullptr, false);
        if (body.is_discarded()) return bad_request("the body is not JSON");
        return side_.with([&](sim::Sim& sim) { return carry_out(sim, call, *place, body); });
    }

  private:
    static std::optional<Reply> carry_out(sim::Sim& sim, const Call& call, const Place& place, const Json& body) {
        if (*place.resource == kube::kAccessReviews) return review(sim, body);
        if (*place.resource == kube::kNodes && place.subresource == "proxy") return kubelet(sim, call, place);
        const bool known_part = place.subresource.empty() || place.subresource == "status" ||
                                place.subresource == "scale" ||
                                (place.subresource == "eviction" && call.method == "POST");
        if (!known_part) return std::nullopt;
        if (call.method == "GET")
            return place.name.empty() ? list_reply(sim, call, place) : reply_of(sim::api_get(sim, place.ref()));
        if (call.method == "POST" && place.name.empty()) return create(sim, call, place, body);
        if (place.subresource == "eviction") return evict(sim, call, place, body);
        if (call.method == "PATCH")
            return reply_of(sim::api_patch(sim, place.ref(), patch_type(call), body, preconditions_of(body),
                                           dry_run_of(call), place.subresource));
        if (call.method == "PUT") return reply_of(sim::api_replace(sim, place.ref(), body, dry_run_of(call)));
        if (call.method == "DELETE" && !place.name.empty()) return remove(sim, call, place, body);
        return std::nullopt;
    }

    // The API server hands on what the node's kubelet says, of which there is its summary alone.
    static std::optional<Reply> kubelet(const sim::Sim& sim, const Call& call, const Place& place) {
        if (call.method != "GET" || call.path != "/api/v1/nodes/" + place.name + "/proxy/stats/summary")
            return std::nullopt;
        if (const auto node = sim::api_get(sim, {kube::kNodes, "", place.name}); !node.ok())
            return error_reply(node.error());
        return double_::json_reply(200, sim::summary_of(sim, place.name));
    }

    static Reply review(const sim::Sim& sim, Json body) {
        const Json* asked = kube::find_at(body, "/spec/resourceAttributes");
        if (asked == nullptr) return bad_request("spec.resourceAttributes is missing");
        const kube::Resource* resource = kube::find_plural(asked->value("group", ""), asked->value("resource", ""));
        const bool allowed = resource != nullptr &&
                             (!sim.may || sim.may({asked->value("verb", ""), *resource, asked->value("namespace", ""),
                                                   asked->value("subresource", ""), asked->value("name", "")}));
        body["status"] = Json{{"allowed", allowed}};
        return double_::json_reply(201, body);
    }

    static Reply create(sim::Sim& sim, const Call& call, const Place& place, Json body) {
        if (kube::text_at(body, "/apiVersion") != place.resource->api_version() ||
            kube::text_at(body, "/kind") != place.resource->kind)
            return bad_request("the object's apiVersion and kind are not those of the resource");
        if (kube::name_of(body).empty()) return double_::status_reply(422, "Invalid", "metadata.name: Required value");
        if (place.resource->namespaced) {
            const std::string space = kube::space_of(body);
            if (!space.empty() && space != place.space)
                return bad_request("the namespace of the object does not match the request's");
            body["metadata"]["namespace"] = place.space;
        }
        return reply_of(sim::api_create(sim, body, dry_run_of(call)), 201);
    }

    static Reply evict(sim::Sim& sim, const Call& call, const Place& place, const Json& body) {
        const Json options = body.value("deleteOptions", Json::object());
        const Json wanted = options.value("preconditions", Json::object());
        const Status done =
            sim::api_evict(sim, place.ref(), {wanted.value("uid", ""), wanted.value("resourceVersion", "")},
                           dry_run_of(call, options));
        if (!done.ok()) return error_reply(done.error());
        return double_::json_reply(201, Json{{"kind", "Status"}, {"apiVersion", "v1"}, {"status", "Success"}});
    }

    static Reply remove(sim::Sim& sim, const Call& call, const Place& place, const Json& options) {
        const Json wanted = options.value("preconditions", Json::object());
        const Status done =
            sim::api_remove(sim, place.ref(), {wanted.value("uid", ""), wanted.value("resourceVersion", "")},
                            propagation_of(options), dry_run_of(call, options));
        if (!done.ok()) return error_reply(done.error());
        if (const auto left = sim.store.find(place.ref())) return double_::json_reply(200, *left);
        return double_::json_reply(
            200, Json{{"kind", "Status"}, {"apiVersion", "v1"}, {"metadata", Json::object()}, {"status", "Success"}});
    }

    Side side_;
};

}  // namespace

std::unique_ptr<double_::Engine> make_engine(Side side) { return std::make_unique<Api>(side); }

}  // namespace holdfast::simulated
