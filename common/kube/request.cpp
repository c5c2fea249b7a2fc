#include "common/kube/request.h"

#include "common/core/percent.h"
#include "common/kube/objects/workload.h"

namespace holdfast::kube {

namespace {

http::Request with_body(std::string method, std::string target, std::string type, const Json& body) {
    http::Request request = get_request(std::move(target));
    request.method = std::move(method);
    request.headers.emplace_back("Content-Type", std::move(type));
    request.body = body.dump(-1, ' ', false, Json::error_handler_t::replace);
    return request;
}

std::string dry_run(const Writer& writer) { return writer.dry_run == DryRun::kServer ? "All" : ""; }

const char* content_type(PatchType type) {
    switch (type) {
        case PatchType::kMerge:
            return "application/merge-patch+json";
        case PatchType::kJson:
            return "application/json-patch+json";
        case PatchType::kStrategic:
            return "application/strategic-merge-patch+json";
        case PatchType::kApply:
            return "application/apply-patch+yaml";  // JSON is YAML
    }
    return "application/merge-patch+json";
}

// As a part of the patch the server compares them with the object under its own lock and answers 409; a JSON patch's
// "test" would answer 422, which means something else.
Json guarded(PatchType type, const Json& body, const Preconditions& preconditions) {
    Json out = body;
    const std::pair<const char*, const std::string&> guards[] = {{"uid", preconditions.uid},
                                                                 {"resourceVersion", preconditions.resource_version}};
    for (const auto& [field, value] : guards) {
        if (value.empty()) continue;
        if (type == PatchType::kJson) {
            out.insert(out.begin(), Json{{"op", "add"}, {"path", std::string("/metadata/") + field}, {"value", value}});
        } else {
            out["metadata"][field] = value;
        }
    }
    return out;
}

Json delete_options(const Preconditions& preconditions, const Writer& writer, const char* propagation = nullptr) {
    Json options{{"apiVersion", "v1"}, {"kind", "DeleteOptions"}};
    if (propagation != nullptr) options["propagationPolicy"] = propagation;
    if (!preconditions.uid.empty()) options["preconditions"]["uid"] = preconditions.uid;
    if (!preconditions.resource_version.empty())
        options["preconditions"]["resourceVersion"] = preconditions.resource_version;
    if (writer.dry_run == DryRun::kServer) options["dryRun"] = Json::array({"All"});
    return options;
}

}  // namespace

std::string with_query(std::string path, const Query& query) {
    char mark = '?';
    for (const auto& [name, value] : query) {
        if (value.empty()) continue;
        path += mark + name + "=" + percent_encode(value);
        mark = '&';
    }
    return path;
}

http::Request get_request(std::string target, std::size_t limit) {
    http::Request request;
    request.target = std::move(target);
    request.limit = limit;
    request.headers.emplace_back("Accept", "application/json");
    return request;
}

http::Request list_request(const Resource& resource, const std::string& space, const ListOptions& options,
                           int page_size, const std::string& continue_token) {
    return get_request(
        with_query(collection_path(resource, space), {{"labelSelector", options.label_selector},
                                                      {"fieldSelector", options.field_selector},
                                                      {"limit", page_size > 0 ? std::to_string(page_size) : ""},
                                                      {"continue", continue_token}}),
        page_size > 0 ? kPageLimit : kWholeListLimit);
}

http::Request watch_request(const Resource& resource, const std::string& space, const ListOptions& options,
                            const std::string& resource_version, int seconds) {
    return get_request(with_query(collection_path(resource, space), {{"watch", "true"},
                                                                     {"labelSelector", options.label_selector},
                                                                     {"fieldSelector", options.field_selector},
                                                                     {"resourceVersion", resource_version},
                                                                     {"allowWatchBookmarks", "true"},
                                                                     {"timeoutSeconds", std::to_string(seconds)}}));
}

Result<http::Request> create_request(const Json& manifest, const Writer& writer) {
    const std::string api = text_at(manifest, "/apiVersion"), kind = text_at(manifest, "/kind");
    const auto slash = api.find('/');
    const std::string group = slash == std::string::npos ? "" : api.substr(0, slash);
    const Resource* known = find_kind(group, kind);
    if (known == nullptr)
        return Error{ErrorKind::kInternal, "cannot create a " + api + " " + kind + ": its resource is not known", "", 0,
                     ""};
    Resource resource = *known;
    resource.version = slash == std::string::npos ? api : api.substr(slash + 1);
    const std::string space = text_at(manifest, "/metadata/namespace");
    if (resource.namespaced == space.empty()) {
        return Error{ErrorKind::kInternal, "cannot create a " + kind + ": its manifest's namespace is wrong", "", 0,
                     ""};
    }
    return with_body("POST",
                     with_query(collection_path(resource, space),
                                {{"dryRun", dry_run(writer)}, {"fieldManager", writer.field_manager}}),
                     "application/json", manifest);
}

http::Request patch_request(const ObjectRef& ref, PatchType type, const Json& body, const Preconditions& preconditions,
                            const Writer& writer, const std::string& subresource) {
    return with_body("PATCH",
                     with_query(object_path(ref, subresource),
                                {{"dryRun", dry_run(writer)}, {"fieldManager", writer.field_manager}}),
                     content_type(type), guarded(type, body, preconditions));
}

http::Request replace_request(const ObjectRef& ref, const Json& object, const Writer& writer) {
    return with_body(
        "PUT", with_query(object_path(ref), {{"dryRun", dry_run(writer)}, {"fieldManager", writer.field_manager}}),
        "application/json", object);
}

http::Request remove_request(const ObjectRef& ref, const Preconditions& preconditions, Propagation propagation,
                             const Writer& writer) {
    const char* policy = propagation == Propagation::kOrphan       ? "Orphan"
                         : propagation == Propagation::kForeground ? "Foreground"
                                                                   : "Background";
    return with_body("DELETE", object_path(ref), "application/json", delete_options(preconditions, writer, policy));
}

http::Request evict_request(const ObjectRef& pod, const Preconditions& preconditions, const Writer& writer) {
    const Json eviction{{"apiVersion", "policy/v1"},
                        {"kind", "Eviction"},
                        {"metadata", {{"name", pod.name}, {"namespace", pod.space}}},
                        {"deleteOptions", delete_options(preconditions, writer)}};
    return with_body("POST", object_path(pod, "eviction"), "application/json", eviction);
}

http::Request access_request(const AccessCheck& check) {
    Json attributes{{"verb", check.verb},
                    {"group", check.resource.group},
                    {"version", check.resource.version},
                    {"resource", check.resource.plural}};
    if (!check.space.empty()) attributes["namespace"] = check.space;
    if (!check.subresource.empty()) attributes["subresource"] = check.subresource;
    if (!check.name.empty()) attributes["name"] = check.name;
    const Json review{{"apiVersion", kAccessReviews.api_version()},
                      {"kind", kAccessReviews.kind},
                      {"spec", {{"resourceAttributes", attributes}}}};
    return with_body("POST", collection_path(kAccessReviews, ""), "application/json", review);
}

}  // namespace holdfast::kube
