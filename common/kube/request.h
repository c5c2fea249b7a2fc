// Requests to the API server as values. Pure.
#pragma once

#include "common/http/transport.h"
#include "common/kube/cluster.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace holdfast::kube {

// An object is at most 3 MiB on the way into an API server (its own limit); a page is cut smaller when it is larger
// than this.
inline constexpr std::size_t kObjectLimit = std::size_t{8} << 20;
inline constexpr std::size_t kPageLimit = std::size_t{16} << 20;
inline constexpr std::size_t kWholeListLimit = std::size_t{256} << 20;

using Query = std::vector<std::pair<std::string, std::string>>;
std::string with_query(std::string path, const Query& query);  // empty values are left out

http::Request get_request(std::string target, std::size_t limit = kObjectLimit);
http::Request list_request(const Resource& resource, const std::string& space, const ListOptions& options,
                           int page_size, const std::string& continue_token);
http::Request watch_request(const Resource& resource, const std::string& space, const ListOptions& options,
                            const std::string& resource_version, int seconds);

struct Writer {
    std::string field_manager;
    DryRun dry_run = DryRun::kNone;
};
// kInternal: no kind of ours, no name.
Result<http::Request> create_request(const Json& manifest, const Writer& writer);
http::Request patch_request(const ObjectRef& ref, PatchType type, const Json& body, const Preconditions& preconditions,
                            const Writer& writer, const std::string& subresource);
http::Request replace_request(const ObjectRef& ref, const Json& object, const Writer& writer);
http::Request remove_request(const ObjectRef& ref, const Preconditions& preconditions, Propagation propagation,
                             const Writer& writer);
http::Request evict_request(const ObjectRef& pod, const Preconditions& preconditions, const Writer& writer);
http::Request access_request(const AccessCheck& check);

}  // namespace holdfast::kube
