#include "common/kube/discovery.h"

#include "common/kube/objects/workload.h"
#include "common/kube/reply.h"
#include "common/kube/request.h"

namespace holdfast::kube {

namespace {

constexpr char kAggregated[] =
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

std::string group_version(const std::string& group, const std::string& version) {
    return group.empty() ? version : group + "/" + version;
}

const Json& array_at(const Json& object, const char* pointer) {
    static const Json kNone = Json::array();
    const Json* found = find_at(object, pointer);
    return found != nullptr && found->is_array() ? *found : kNone;
}

http::Request discovery_request(const char* path) {
    http::Request request = get_request(path, kPageLimit);
    request.headers = {{"Accept", kAggregated}};
    return request;
}

// Group versions that the old documents name: APIVersions (core) and APIGroupList.
std::vector<std::string> versions_of(const Json& document) {
    std::vector<std::string> out;
    for (const Json& version : array_at(document, "/versions")) {
        if (version.is_string()) out.push_back(version.get<std::string>());
    }
    for (const Json& group : array_at(document, "/groups")) {
        for (const Json& version : array_at(group, "/versions")) out.push_back(text_at(version, "/groupVersion"));
    }
    return out;
}

std::string list_path(const std::string& version) {
    return (version.find('/') == std::string::npos ? "/api/" : "/apis/") + version;
}

void add_each(http::Transport& transport, const std::vector<std::string>& versions, Discovery& discovery) {
    std::vector<http::Request> requests;
    for (const std::string& version : versions) requests.push_back(get_request(list_path(version)));
    const auto answers = transport.send_all(requests);
    for (std::size_t i = 0; i < versions.size(); ++i) {
        const auto list = answers[i].ok() ? object_of(*answers[i], requests[i]) : Result<Json>(answers[i].error());
        if (!list.ok()) {
            discovery.incomplete.insert(versions[i]);
            continue;
        }
        for (const Json& resource : array_at(*list, "/resources"))
            discovery.resources.insert(versions[i] + "/" + text_at(resource, "/name"));
    }
}

}  // namespace

void add_aggregated(const Json& document, Discovery& discovery) {
    for (const Json& group : array_at(document, "/items")) {
        const std::string name = text_at(group, "/metadata/name");
        for (const Json& version : array_at(group, "/versions")) {
            const std::string id = group_version(name, text_at(version, "/version"));
            if (text_at(version, "/freshness") == "Stale") discovery.incomplete.insert(id);
            for (const Json& resource : array_at(version, "/resources")) {
                const std::string plural = text_at(resource, "/resource");
                discovery.resources.insert(id + "/" + plural);
                for (const Json& part : array_at(resource, "/subresources")) {
                    discovery.resources.insert(id + "/" + plural + "/" + text_at(part, "/subresource"));
                }
            }
        }
    }
}

Result<Discovery> read_discovery(http::Transport& transport) {
    const std::vector<http::Request> requests{discovery_request("/api"), discovery_request("/apis")};
    const auto answers = transport.send_all(requests);
    Discovery discovery;
    std::vector<std::string> old;
    for (std::size_t i = 0; i < requests.size(); ++i) {
        if (!answers[i].ok()) return answers[i].error();
        TRY_ASSIGN(const Json document, object_of(*answers[i], requests[i]));
        if (text_at(document, "/kind") == "APIGroupDiscoveryList") {
            add_aggregated(document, discovery);
        } else {
            const auto versions = versions_of(document);
            old.insert(old.end(), versions.begin(), versions.end());
        }
    }
    if (old.size() > 1000)
        return Error{ErrorKind::kProtocol, "the server's discovery names over 1000 group versions", "", 0, ""};
    add_each(transport, old, discovery);
    return discovery;
}

}  // namespace holdfast::kube
