#include "common/kube/client.h"

#include "common/kube/discovery.h"
#include "common/kube/list.h"
#include "common/kube/objects/workload.h"
#include "common/kube/reply.h"
#include "common/kube/request.h"
#include "common/kube/server_time.h"
#include "common/kube/watch.h"
#include "common/kube/wrappers/dated.h"

namespace holdfast::kube {

namespace {

class HttpCluster : public Cluster, public TellsTime {
  public:
    HttpCluster(std::unique_ptr<http::Transport> transport, std::string field_manager, Clock& clock, Console& console)
        : transport_(std::make_unique<Dated>(std::move(transport), clock)),
          field_manager_(std::move(field_manager)),
          clock_(clock),
          warnings_(console) {}

    Result<Json> get(const ObjectRef& ref) override { return std::move(get_all({ref}).front()); }
    std::vector<Result<Json>> get_all(const std::vector<ObjectRef>& refs) override;
    Result<std::string> for_each(const Resource& resource, const std::string& space, const ListOptions& options,
                                 const std::function<bool(Json&&)>& each,
                                 const std::function<void()>& restart) override {
        return read_list(*transport_, warnings_, resource, space, options, each, restart);
    }
    Result<std::unique_ptr<Watch>> watch(const Resource& resource, const std::string& space, const ListOptions& options,
                                         const std::string& resource_version) override;
    Result<Discovery> discover() override;
    Result<std::string> server_version() override;
    std::optional<SystemTime> server_time() override { return transport_->now(); }
    Result<Json> node_summary(const std::string& node) override {
        return call(get_request(object_path({kNodes, "", node}, "proxy/stats/summary")));
    }
    Result<std::vector<bool>> allowed(const std::vector<AccessCheck>& checks) override;

    Result<Json> create(const Json& manifest, DryRun dry_run) override {
        return std::move(create_all({manifest}, dry_run, {}).front());
    }
    std::vector<Result<Json>> create_all(const std::vector<Json>& manifests, DryRun dry_run,
                                         const std::function<void(std::size_t)>& on_done) override;
    Result<Json> patch(const ObjectRef& ref, PatchType type, const Json& body, const Preconditions& preconditions,
                       DryRun dry_run, const std::string& subresource) override {
        return std::move(patch_all({{ref, type, body, preconditions, subresource}}, dry_run).front());
    }
    std::vector<Result<Json>> patch_all(const std::vector<PatchCall>& calls, DryRun dry_run) override;
    std::vector<Result<Json>> replace_all(const std::vector<ReplaceCall>& calls, DryRun dry_run) override;
    Result<Json> replace(const ObjectRef& ref, const Json& object, DryRun dry_run) override {
        return std::move(replace_all({{ref, object}}, dry_run).front());
    }
    Status remove(const ObjectRef& ref, const Preconditions& preconditions, Propagation propagation,
                  DryRun dry_run) override {
        TRY(call(remove_request(ref, preconditions, propagation, {field_manager_, dry_run})));
        return {};
    }
    Status evict(const ObjectRef& pod, const Preconditions& preconditions, DryRun dry_run) override {
        TRY(call(evict_request(pod, preconditions, {field_manager_, dry_run})));
        return {};
    }

  private:
    Result<Json> judge(const http::Request& request, const Result<http::Response>& response) {
        if (!response.ok()) return response.error();
        warnings_.look_at(*response);
        return object_of(*response, request);
    }
    Result<Json> call(const http::Request& request) { return judge(request, transport_->send(request)); }

    std::unique_ptr<Dated> transport_;
    std::string field_manager_;
    Clock& clock_;
    Warnings warnings_;
    std::optional<Discovery> discovery_;
};

std::vector<Result<Json>> HttpCluster::get_all(const std::vector<ObjectRef>& refs) {
    std::vector<http::Request> requests;
    for (const ObjectRef& ref : refs) requests.push_back(get_request(object_path(ref)));
    const auto answers = transport_->send_all(requests);
    std::vector<Result<Json>> out;
    for (std::size_t i = 0; i < refs.size(); ++i) {
        auto object = judge(requests[i], answers[i]);
        if (!object.ok()) object = named_if_type_is_missing(object.error(), refs[i].resource);
        if (object.ok()) {
            if (const Status good = check_object(*object, refs[i].resource, refs[i].name); !good.ok())
                object = good.error();
        }
        out.push_back(std::move(object));
    }
    return out;
}

Result<std::unique_ptr<Watch>> HttpCluster::watch(const Resource& resource, const std::string& space,
                                                  const ListOptions& options, const std::string& resource_version) {
    // Spread over 300 to 600 s, so that many clients do not come back at the same moment.
    const auto ticks = clock_.steady_now().time_since_epoch().count();
    const http::Request request =
        watch_request(resource, space, options, resource_version, 300 + static_cast<int>((ticks / 1000) % 300));
    TRY_ASSIGN(auto stream, transport_->open(request));
    warnings_.look_at(stream->head());
    if (stream->head().status == 200) {
        const std::string type = stream->head().header("content-type").value_or("");
        if (type.find("html") == std::string::npos) return make_watch(std::move(stream), resource);
    }
    http::Response whole = stream->head();
    while (whole.body.size() < (std::size_t{1} << 20)) {
        const auto part = stream->read(std::chrono::seconds(5));
        if (!part.ok() || !*part) break;
        whole.body += **part;
    }
    if (whole.status == 200) return object_of(whole, request).error();
    return error_of_status(whole, request);
}

Result<Discovery> HttpCluster::discover() {
    if (!discovery_) {
        TRY_ASSIGN(discovery_, read_discovery(*transport_));
    }
    return *discovery_;
}

Result<std::string> HttpCluster::server_version() {
    TRY_ASSIGN(const Json version, call(get_request("/version")));
    return text_at(version, "/gitVersion");
}

Result<std::vector<bool>> HttpCluster::allowed(const std::vector<AccessCheck>& checks) {
    std::vector<http::Request> requests;
    for (const AccessCheck& check : checks) requests.push_back(access_request(check));
    const auto answers = transport_->send_all(requests);
    std::vector<bool> out;
    for (std::size_t i = 0; i < checks.size(); ++i) {
        TRY_ASSIGN(const Json review, judge(requests[i], answers[i]));
        out.push_back(bool_at(review, "/status/allowed", false));
    }
    return out;
}

std::vector<Result<Json>> HttpCluster::create_all(const std::vector<Json>& manifests, DryRun dry_run,
                                                  const std::function<void(std::size_t)>& on_done) {
    std::vector<Result<Json>> out(manifests.size(), Result<Json>(Error{}));
    std::vector<http::Request> requests;
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < manifests.size(); ++i) {
        auto request = create_request(manifests[i], {field_manager_, dry_run});
        if (!request.ok()) {
            out[i] = request.error();
            if (on_done) on_done(i);
            continue;
        }
        requests.push_back(std::move(*request));
        places.push_back(i);
    }
    const auto answers = transport_->send_all(requests, [&](std::size_t i, const Result<http::Response>&) {
        if (on_done) on_done(places[i]);
    });
    for (std::size_t i = 0; i < requests.size(); ++i) out[places[i]] = judge(requests[i], answers[i]);
    return out;
}

// A server compares a patch's uid only by calling it immutable (422): what it means is that the object was replaced.
Result<Json> replaced_if_immutable(Result<Json> changed, const PatchCall& call) {
    const bool immutable = !changed.ok() && !call.preconditions.uid.empty() &&
                           changed.error().message.find("metadata.uid: Invalid value") != std::string::npos;
    if (!immutable) return changed;
    return Error{ErrorKind::kConflict, call.ref.text() + ": the object was deleted and made anew since it was read", "",
                 409, "Conflict"};
}

std::vector<Result<Json>> HttpCluster::patch_all(const std::vector<PatchCall>& calls, DryRun dry_run) {
    std::vector<http::Request> requests;
    for (const PatchCall& one : calls)
        requests.push_back(
            patch_request(one.ref, one.type, one.body, one.preconditions, {field_manager_, dry_run}, one.subresource));
    const auto answers = transport_->send_all(requests);
    std::vector<Result<Json>> out;
    for (std::size_t i = 0; i < calls.size(); ++i)
        out.push_back(replaced_if_immutable(judge(requests[i], answers[i]), calls[i]));
    return out;
}

std::vector<Result<Json>> HttpCluster::replace_all(const std::vector<ReplaceCall>& calls, DryRun dry_run) {
    std::vector<http::Request> requests;
    std::vector<Result<Json>> out(calls.size(), Result<Json>(Error{}));
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < calls.size(); ++i) {
        const ReplaceCall& one = calls[i];
        if (text_at(one.object, "/metadata/resourceVersion").empty()) {
            out[i] = Error{ErrorKind::kInternal,
                           one.ref.text() + ": cannot be replaced without its resourceVersion; nothing was changed", "",
                           0, ""};
            continue;
        }
        requests.push_back(replace_request(one.ref, one.object, {field_manager_, dry_run}));
        places.push_back(i);
    }
    const auto answers = transport_->send_all(requests);
    for (std::size_t i = 0; i < requests.size(); ++i) out[places[i]] = judge(requests[i], answers[i]);
    return out;
}

}  // namespace

std::unique_ptr<Cluster> make_client(std::unique_ptr<http::Transport> transport, std::string field_manager,
                                     Clock& clock, Console& console) {
    return std::make_unique<HttpCluster>(std::move(transport), std::move(field_manager), clock, console);
}

}  // namespace holdfast::kube
