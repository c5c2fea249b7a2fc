#include "common/app/flags.h"

#include "common/core/duration.h"
#include "common/core/text.h"

#include <algorithm>
#include <charconv>

namespace holdfast::app {

namespace {

using Kind = Option::Kind;

Option text(std::string name, std::string value_name, std::string help, Completes completes = Completes::kNothing) {
    Option option;
    option.name = std::move(name);
    option.value_name = std::move(value_name);
    option.help = std::move(help);
    option.completes = completes;
    return option;
}

Option with_short(Option option, char short_name) {
    option.short_name = short_name;
    return option;
}

Option flag(std::string name, std::string help) {
    Option option = text(std::move(name), "", std::move(help));
    option.kind = Kind::kFlag;
    return option;
}

Option list(std::string name, std::string value_name, std::string help) {
    Option option = text(std::move(name), std::move(value_name), std::move(help));
    option.kind = Kind::kList;
    return option;
}

Option choice(std::string name, std::vector<std::string> choices, std::string default_value, std::string help) {
    Option option = text(std::move(name), join(choices, "|"), std::move(help), Completes::kChoices);
    option.choices = std::move(choices);
    option.default_value = std::move(default_value);
    return option;
}

Option with_default(Option option, std::string value) {
    option.default_value = std::move(value);
    return option;
}

Option number(Option option) {
    option.kind = Kind::kNumber;
    return option;
}

std::vector<Option> make_connection_options() {
    return {
        text("kubeconfig", "FILE", "path to the kubeconfig file to use for CLI requests", Completes::kFile),
        text("context", "NAME", "the name of the kubeconfig context to use", Completes::kContext),
        text("cluster", "NAME", "the name of the kubeconfig cluster to use", Completes::kCluster),
        text("user", "NAME", "the name of the kubeconfig user to use", Completes::kUser),
        with_short(
            text("namespace", "NAME", "if present, the namespace scope for this CLI request", Completes::kNamespace),
            'n'),
        with_short(text("server", "URL", "the address and port of the Kubernetes API server"), 's'),
        text("token", "TOKEN", "bearer token for authentication to the API server"),
        text("username", "NAME", "username for basic authentication to the API server"),
        text("password", "PASSWORD", "password for basic authentication to the API server"),
        text("as", "USER", "username to impersonate for the operation"),
        list("as-group", "GROUP", "group to impersonate for the operation; may be repeated"),
        text("as-uid", "UID", "UID to impersonate for the operation"),
        list("as-user-extra", "KEY=VALUE", "user extras to impersonate for the operation; may be repeated"),
        text("certificate-authority", "FILE", "path to a cert file for the certificate authority", Completes::kFile),
        text("client-certificate", "FILE", "path to a client certificate file for TLS", Completes::kFile),
        text("client-key", "FILE", "path to a client key file for TLS", Completes::kFile),
        text("tls-server-name", "NAME", "server name to use for server certificate validation"),
        flag("insecure-skip-tls-verify",
             "if true, the server's certificate is not checked; this makes your connections insecure"),
        with_default(text("request-timeout", "DURATION",
                          "the length of time to wait for a single server request; 0 means no limit"),
                     "0"),
        flag("disable-compression", "if true, opt out of response compression for all requests to the server"),
        text("cache-dir", "DIR", "default cache directory; nothing is cached there yet", Completes::kFile),
        text("kuberc", "FILE", "path to the kuberc file, whose rules for credential plugins are obeyed",
             Completes::kFile),
        with_short(number(with_default(text("v", "LEVEL", "number for the log level verbosity"), "0")), 'v'),
        flag("warnings-as-errors",
             "treat warnings received from the server as errors and exit with a non-zero exit code"),
    };
}

Option output_option(const std::vector<std::string>& outputs) {
    Option option = choice("output", outputs, outputs.front(), "output format");
    option.short_name = 'o';
    return option;
}

Option dry_run_option() {
    Option option = choice("dry-run", {"none", "client", "server"}, "none",
                           "print the plan and change nothing; server also sends every write with dryRun=All");
    option.kind = Kind::kOptionalText;
    option.bare_value = "client";
    return option;
}

bool has(const std::vector<Option>& options, const std::string& name) {
    return std::any_of(options.begin(), options.end(), [&](const Option& option) { return option.name == name; });
}

void append_missing(std::vector<Option>& options, const std::vector<Option>& more) {
    for (const auto& option : more) {
        if (!has(options, option.name)) options.push_back(option);
    }
}

Result<int> verbosity_of(const std::string& word) {
    int level = 0;
    const auto [end, failure] = std::from_chars(word.data(), word.data() + word.size(), level);
    if (failure != std::errc{} || end != word.data() + word.size() || level < 0) {
        return Error{ErrorKind::kUsage,
                     "invalid argument \"" + word + "\" for \"-v, --v\" flag: must be a number from 0 to 10", "", 0,
                     ""};
    }
    return level;
}

}  // namespace

const std::vector<Option>& connection_options() {
    static const std::vector<Option> options = make_connection_options();
    return options;
}

std::vector<Option> behaviour_options(const Command& command) {
    std::vector<Option> options;
    const bool writes = command.operation != nullptr || command.act != nullptr;
    if (writes) {
        options.push_back(dry_run_option());
        options.push_back(with_short(
            flag("yes", "answer yes where the plan asks, because it deletes, stops or cannot take back something"),
            'y'));
        options.push_back(with_default(
            text("timeout", "DURATION", "how long to wait without progress before stopping; 1s to 168h"), "10m"));
        options.push_back(choice("progress", {"auto", "bar", "plain", "json", "none"}, "auto",
                                 "how progress is shown on standard error; json is one object a line"));
    }
    if (!command.outputs.empty()) options.push_back(output_option(command.outputs));
    options.push_back(choice("color", {"auto", "always", "never"}, "auto", "colour the output"));
    return options;
}

std::vector<Option> all_options(const Command& command) {
    std::vector<Option> options = command.options;
    append_missing(options, behaviour_options(command));
    append_missing(options, connection_options());
    append_missing(options, {with_short(flag("help", "help for this command"), 'h'),
                             flag("version", "print the version and quit")});
    return options;
}

kubeconfig::ConnectionFlags connection_flags(const Arguments& arguments) {
    kubeconfig::ConnectionFlags flags;
    flags.kubeconfig = arguments.optional("kubeconfig");
    flags.context = arguments.optional("context");
    flags.cluster = arguments.optional("cluster");
    flags.user = arguments.optional("user");
    flags.space = arguments.optional("namespace");
    flags.server = arguments.optional("server");
    flags.token = arguments.optional("token");
    flags.username = arguments.optional("username");
    flags.password = arguments.optional("password");
    flags.as = arguments.optional("as");
    flags.as_uid = arguments.optional("as-uid");
    flags.certificate_authority = arguments.optional("certificate-authority");
    flags.client_certificate = arguments.optional("client-certificate");
    flags.client_key = arguments.optional("client-key");
    flags.tls_server_name = arguments.optional("tls-server-name");
    flags.cache_dir = arguments.optional("cache-dir");
    flags.kuberc = arguments.optional("kuberc");
    flags.as_groups = arguments.list("as-group");
    flags.as_user_extra = arguments.list("as-user-extra");
    flags.insecure_skip_tls_verify = arguments.flag("insecure-skip-tls-verify");
    flags.disable_compression = arguments.flag("disable-compression");
    flags.request_timeout = arguments.text("request-timeout", "0");
    return flags;
}

Result<CommonFlags> common_flags(const Arguments& arguments) {
    CommonFlags flags;
    const std::string dry_run = arguments.text("dry-run", "none");
    if (dry_run == "client") flags.dry_run = CommonFlags::DryRun::kClient;
    if (dry_run == "server") flags.dry_run = CommonFlags::DryRun::kServer;
    flags.yes = arguments.flag("yes");
    flags.output = arguments.text("output", "table");
    flags.color = arguments.text("color", "auto");
    flags.progress = arguments.text("progress", "auto");
    flags.warnings_as_errors = arguments.flag("warnings-as-errors");
    TRY_ASSIGN(flags.verbosity, verbosity_of(arguments.text("v", "0")));
    if (const auto word = arguments.optional("timeout")) {
        const Error range{ErrorKind::kUsage, "--timeout must be from 1s to 168h, not \"" + escape_line(*word) + "\"",
                          "it is the time without progress after which the command stops, for example --timeout=5m", 0,
                          ""};
        const auto parsed = parse_duration(*word, "--timeout");
        if (!parsed.ok() || *parsed < std::chrono::seconds(1) || *parsed > std::chrono::hours(168)) return range;
        flags.timeout = *parsed;
    }
    return flags;
}

}  // namespace holdfast::app
