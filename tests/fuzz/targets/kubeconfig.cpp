#include "common/kubeconfig/assemble.h"
#include "common/kubeconfig/merge.h"
#include "common/kubeconfig/raw_config.h"
#include "common/kubeconfig/select.h"
#include "common/kubeconfig/validate.h"
#include "common/kubeconfig/yaml.h"
#include "tests/fuzz/target.h"

namespace holdfast::fuzz {
namespace {

using namespace holdfast::kubeconfig;

// No file of the machine is read: what a stranger's kubeconfig names is not ours to open here.
Result<std::string> read_nothing(const std::string& path) {
    return Error{ErrorKind::kNotFound, path.substr(0, 20) + ": not here", "", 0, ""};
}

}  // namespace

void kubeconfig(std::string_view input) {
    const auto document = parse_yaml(input);
    if (!document.ok()) return;
    const auto config = decode_config(*document, "/home/user/.kube/config");
    if (!config.ok()) return;
    const Json encoded = encode_config(*config);
    const auto again = decode_config(encoded, "/home/user/.kube/config");
    check(again.ok(), "an encoded kubeconfig can be decoded");
    check(encode_config(*again) == encoded, "encoding is stable");
    RawConfig merged = merge_configs({*config, *again});
    check(encode_config(merged) == encoded, "merging a file with itself changes nothing");
    resolve_paths(merged, "/work");
    (void)minify(merged, "");
    Environment environment;
    environment.variables = {{"HTTPS_PROXY", merged.current_context},
                             {"NO_PROXY", "10.0.0.0/8,.x," + merged.current_context}};
    auto selection = select(merged, ConnectionFlags{}, "http://localhost:8080", "/work");
    if (!selection.ok() || !validate(*selection).ok()) return;
    const auto client = assemble(*selection, ConnectionFlags{}, environment, read_nothing, SystemTime{});
    if (client.ok()) {
        check(client->server.rfind("http", 0) == 0, "a server has a scheme");
        check(client->server.rfind("https://", 0) == 0 ||
                  (client->token.empty() && client->client_key_pem.empty() && !client->exec),
              "credentials go over https only");
        check(parse_yaml(child_kubeconfig(*selection)).ok(), "a child's kubeconfig can be read");
    }
}

}  // namespace holdfast::fuzz
