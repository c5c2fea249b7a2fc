#include "common/kubeconfig/server_url.h"

#include "common/core/text.h"
#include "common/kubeconfig/url.h"

namespace holdfast::kubeconfig {

Result<ServerUrl> parse_server(const std::string& server) {
    const std::string shown = "server \"" + escape_line(redacted_text(server)) + "\": ";
    auto url = parse_url(server);
    if (!url || url->opaque || url->scheme.empty() || url->host.empty()) {
        url = parse_url("http://" + server);
        if (!url || url->host.empty() || (!url->path.empty() && url->path != "/")) {
            return Error{ErrorKind::kInvalid, shown + "must be a URL or a host:port pair", "", 0, ""};
        }
    }
    if (url->scheme != "https" && url->scheme != "http") {
        return Error{ErrorKind::kInvalid, shown + "the scheme must be https or http", "", 0, ""};
    }
    if (url->has_user) {
        return Error{ErrorKind::kInvalid, shown + "a user name or password in the URL is not supported",
                     "put it into the user's entry of kubeconfig", 0, ""};
    }
    while (ends_with(url->path, "/")) url->path.pop_back();
    return ServerUrl{to_string(*url), url->host, url->scheme == "https"};
}

}  // namespace holdfast::kubeconfig
