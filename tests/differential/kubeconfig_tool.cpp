// kubeconfig_tool view [FLAGS]     what `kubectl config view --raw --minify --flatten -o json` prints
// kubeconfig_tool request [FLAGS]  which server, identity and proxy load_client_config decides on, as JSON
// kubeconfig_tool to-json          YAML on stdin -> JSON
// kubeconfig_tool to-yaml          JSON on stdin -> YAML
// Every line of work is done by the code that the plugins use; here are only arguments and printing.
#include "common/kubeconfig/credentials.h"
#include "common/kubeconfig/flatten.h"
#include "common/kubeconfig/load.h"
#include "common/kubeconfig/merge.h"
#include "common/kubeconfig/yaml.h"
#include "common/os/quiet_console.h"

#include <cstdlib>
#include <iostream>
#include <iterator>
#include <map>

using namespace holdfast;
using namespace holdfast::kubeconfig;

namespace {

int fail(const Error& error) {
    std::cerr << "error: " << error.message << "\n";
    if (!error.hint.empty()) std::cerr << error.hint << "\n";
    return error.kind == ErrorKind::kUsage ? 2 : error.kind == ErrorKind::kRefused ? 3 : 7;
}

int print(const Json& value) {
    std::cout << value.dump(2) << "\n";
    return 0;
}

// --name=value or --name value; --insecure-skip-tls-verify alone.
ConnectionFlags parse_flags(int argc, char** argv) {
    ConnectionFlags flags;
    const std::map<std::string, std::optional<std::string>*> texts = {
        {"kubeconfig", &flags.kubeconfig},
        {"context", &flags.context},
        {"cluster", &flags.cluster},
        {"user", &flags.user},
        {"namespace", &flags.space},
        {"server", &flags.server},
        {"token", &flags.token},
        {"username", &flags.username},
        {"password", &flags.password},
        {"as", &flags.as},
        {"as-uid", &flags.as_uid},
        {"certificate-authority", &flags.certificate_authority},
        {"client-certificate", &flags.client_certificate},
        {"client-key", &flags.client_key},
        {"tls-server-name", &flags.tls_server_name},
        {"kuberc", &flags.kuberc},
    };
    for (int i = 2; i < argc; ++i) {
        const std::string word = argv[i];
        const std::size_t equals = word.find('=');
        const std::string name = word.substr(2, equals == std::string::npos ? equals : equals - 2);
        const std::string value = equals == std::string::npos ? "" : word.substr(equals + 1);
        if (name == "insecure-skip-tls-verify")
            flags.insecure_skip_tls_verify = value != "false";
        else if (name == "disable-compression")
            flags.disable_compression = value != "false";
        else if (name == "as-group")
            flags.as_groups.push_back(value);
        else if (name == "as-user-extra")
            flags.as_user_extra.push_back(value);
        else if (name == "request-timeout")
            flags.request_timeout = value;
        else
            *texts.at(name) = value;
    }
    return flags;
}

int view(const ConnectionFlags& flags, const Environment& environment) {
    auto files = load_files(flags, environment);
    if (!files.ok()) return fail(files.error());
    auto config = minify(std::move(files->config), flags.context.value_or(""));
    if (!config.ok()) return fail(config.error());
    const Status flattened = flatten(*config, read_limited);
    if (!flattened.ok()) return fail(flattened.error());
    return print(encode_config(*config));
}

int request(const ConnectionFlags& flags, const Environment& environment) {
    const auto config = load_client_config(flags, environment);
    if (!config.ok()) return fail(config.error());
    RealClock clock;
    QuietConsole console;
    const auto credentials = make_credentials(*config, environment, clock, console, nullptr);
    const auto credential = credentials->current();
    if (!credential.ok()) return fail(credential.error());
    Json extra = Json::array();
    for (const auto& [key, value] : config->as_extra) extra.push_back({key, value});
    return print({{"server", config->server},
                  {"authorization", credential->authorization},
                  {"client_certificate", credential->client_cert_pem},
                  {"as", config->as},
                  {"as_uid", config->as_uid},
                  {"as_groups", config->as_groups},
                  {"as_extra", extra},
                  {"proxy", config->proxy},
                  {"tls_server_name", config->tls_server_name},
                  {"insecure", config->insecure},
                  {"ca", config->ca_pem},
                  {"namespace", config->space},
                  {"context", config->context},
                  {"arguments", config->kubectl_arguments},
                  {"kubeconfig", config->kubectl_kubeconfig},
                  {"warnings", config->warnings}});
}

int convert(bool to_json) {
    const std::string text{std::istreambuf_iterator<char>(std::cin), {}};
    if (!to_json) {
        std::cout << write_yaml(Json::parse(text));
        return 0;
    }
    const auto value = parse_yaml(text);
    return value.ok() ? print(*value) : fail(value.error());
}

}  // namespace

int main(int argc, char** argv) {
    const std::string what = argc > 1 ? argv[1] : "";
    if (what == "to-json" || what == "to-yaml") return convert(what == "to-json");
    const ConnectionFlags flags = parse_flags(argc, argv);
    const Environment environment = Environment::of_process();
    if (what == "view") return view(flags, environment);
    if (what == "request") return request(flags, environment);
    std::cerr << "usage: kubeconfig_tool view|request|to-json|to-yaml\n";
    return 2;
}
