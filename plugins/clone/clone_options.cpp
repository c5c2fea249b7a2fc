#include "plugins/clone/clone_options.h"

#include "common/core/duration.h"
#include "common/core/names.h"
#include "common/core/refusal.h"
#include "common/core/text.h"
#include "common/os/files.h"

#include <charconv>
#include <set>

namespace holdfast::clone {
namespace {

constexpr std::size_t kSqlFileLimit = std::size_t{1} << 20;
constexpr char kExample[] = "kubectl clone pvc/data-postgres-0 data-copy";

Error wrong(const std::string& message, const std::string& hint = "") { return {ErrorKind::kUsage, message, hint}; }

Result<Method> wanted_method(const std::string& word) {
    if (word == "clone") return Method::kClone;
    if (word == "snapshot") return Method::kSnapshot;
    if (word == "copy")
        return refused("--method copy reads the source's files through a pod, which this version cannot do",
                       "--method snapshot or clone, where the driver can; auto says which");
    return Method::kAuto;
}

Result<std::optional<Quantity>> wanted_size(const app::Arguments& arguments) {
    if (!arguments.given("size")) return std::optional<Quantity>();
    const auto size = Quantity::parse(arguments.text("size"));
    if (!size.ok()) return wrong("--size: " + size.error().message);
    if (size->bytes() == 0)
        return wrong("--size " + escape_line(arguments.text("size")) + ": a volume cannot be empty");
    return std::optional(*size);
}

Result<std::string> statements_in(const std::string& file, const std::string& directory) {
    if (file.empty()) return wrong("--sql is empty");
    TRY_ASSIGN(std::string statements, read_file(resolve_path(file, directory), kSqlFileLimit));
    if (trim(statements).empty()) return wrong("--sql " + escape_line(file) + " is empty");
    if (statements.find('\0') != std::string::npos)
        return wrong("--sql " + escape_line(file) + " contains a NUL byte, and what follows it would not be run");
    return statements;
}

// What a masking file is read for: the statements themselves are kept nowhere but in the file.
Status read_sql(app::Context& context, const app::Arguments& arguments, CloneOptions& options) {
    for (const char* flag : {"database", "db-user", "disable-triggers"}) {
        if (arguments.given(flag) && !arguments.given("sql"))
            return wrong(std::string("--") + flag + " says where and how --sql runs, and there is no --sql");
    }
    options.database = arguments.text("database");
    options.user = arguments.text("db-user");
    options.disable_triggers = arguments.flag("disable-triggers");
    if (!arguments.given("sql")) return {};
    const std::string file = arguments.text("sql");
    Result<std::string> statements = statements_in(file, context.environment().working_directory);
    // What was begun with a file that is gone since can be taken back all the same.
    if (!statements.ok()) options.unread = statements.error();
    options.sql = statements.ok() ? std::move(statements).value() : file;
    return {};
}

Status check_name(const CloneOptions& options) {
    const std::string what = "the clone's name";
    // It is a label's value too, by which list and delete find what belongs together.
    TRY(check_dns_subdomain(options.name, what));
    // A pod's revision label is NAME-HASH, a Service's name begins with a letter.
    if (*options.source.resource == kube::kStatefulSets) {
        if (options.name.size() > 52 || options.name.find('.') != std::string::npos || options.name.front() < 'a')
            return wrong(
                what + " " + options.name +
                " must begin with a letter, have no dot and at most 52 characters, as a StatefulSet's pods and "
                "Service are called after it");
    }
    if (options.name.size() > 63) return wrong(what + " " + options.name + " is longer than 63 characters");
    if (options.elsewhere() || *options.source.resource == kube::kPods || options.name != options.source.name)
        return {};
    return wrong("a clone beside its source needs another name than " + options.name,
                 "another name, or --to-namespace");
}

Result<int> number_of(std::string_view text, const std::string& flag) {
    int value = -1;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < 0)
        return wrong(flag + ": " + escape_line(text) + " is no number: 0, 1, 2, ...");
    return value;
}

// "0=0,2=1"
Status parse_ordinals(const app::Arguments& arguments, CloneOptions& options) {
    if (arguments.given("ordinals") && arguments.text("ordinals").empty()) return wrong("--ordinals is empty");
    std::set<int> made;
    for (const std::string& pair : split(arguments.text("ordinals"), ',')) {
        const std::size_t equals = pair.find('=');
        if (equals == std::string::npos) return wrong("--ordinals " + escape_line(pair) + " is not SRC=DST");
        TRY_ASSIGN(const int from, number_of(std::string_view(pair).substr(0, equals), "--ordinals"));
        TRY_ASSIGN(const int to, number_of(std::string_view(pair).substr(equals + 1), "--ordinals"));
        if (!made.insert(to).second) return wrong("--ordinals makes ordinal " + std::to_string(to) + " twice");
        options.ordinals.emplace_back(from, to);
    }
    return {};
}

Result<std::vector<std::pair<std::string, std::string>>> pairs_of(const app::Arguments& arguments,
                                                                  const std::string& flag, const char* form) {
    std::vector<std::pair<std::string, std::string>> pairs;
    for (const std::string& word : arguments.list(flag)) {
        const std::size_t equals = word.find('=');
        if (equals == std::string::npos || equals == 0)
            return wrong("--" + flag + " \"" + escape_line(word) + "\" is not " + form);
        pairs.emplace_back(word.substr(0, equals), word.substr(equals + 1));
    }
    return pairs;
}

Status parse_workload(const app::Arguments& arguments, CloneOptions& options) {
    for (const char* flag : {"replicas", "ordinals", "set", "env", "copy-secrets", "copy-configmaps", "isolated"}) {
        if (arguments.given(flag) && !options.whole())
            return wrong(std::string("--") + flag + " is of a whole workload, and " + options.source.text() +
                             " means claims alone",
                         "kubectl clone sts/SRC DST");
    }
    const bool stateful = *options.source.resource == kube::kStatefulSets;
    if (arguments.given("ordinals") && !stateful) return wrong("--ordinals is of a StatefulSet");
    if (arguments.given("replicas")) {
        TRY_ASSIGN(options.replicas, number_of(arguments.text("replicas"), "--replicas"));
        if (*options.replicas == 0) return wrong("--replicas 0: a clone without pods; copy its claims: pvc/SRC DST");
    }
    TRY(parse_ordinals(arguments, options));
    TRY_ASSIGN(options.sets, pairs_of(arguments, "set", "PATH=VALUE"));
    TRY_ASSIGN(options.env, pairs_of(arguments, "env", "NAME=VALUE"));
    options.isolated = arguments.flag("isolated");
    options.copy_secrets = arguments.list("copy-secrets");
    options.copy_config_maps = arguments.list("copy-configmaps");
    for (const auto* names : {&options.copy_secrets, &options.copy_config_maps}) {
        for (const std::string& name : *names) TRY(check_dns_subdomain(name, "the name to copy"));
        if (!names->empty() && !options.elsewhere())
            return wrong(
                "--copy-secrets and --copy-configmaps are for another namespace or cluster: here the clone uses the "
                "source's own");
    }
    return {};
}

Status parse_other(app::Context& context, const app::Arguments& arguments, CloneOptions& options) {
    options.other = arguments.given("to-context") || arguments.given("to-kubeconfig");
    if (!options.other) return {};
    for (const char* flag : {"to-context", "to-kubeconfig"}) {
        if (arguments.given(flag) && arguments.text(flag).empty()) return wrong(std::string("--") + flag + " is empty");
    }
    options.other_context = arguments.text("to-context");
    options.other_kubeconfig = arguments.text("to-kubeconfig");
    if (!options.other_kubeconfig.empty())
        options.other_kubeconfig = resolve_path(options.other_kubeconfig, context.environment().working_directory);
    TRY_ASSIGN(const auto* home, context.config());
    options.home_server = home->server;
    options.home_context = home->context;
    return {};
}

}  // namespace

std::string method_name(Method method) {
    switch (method) {
        case Method::kAuto:
            return "auto";
        case Method::kClone:
            return "clone";
        case Method::kSnapshot:
            return "snapshot";
    }
    return "";
}

Result<CloneOptions> clone_options(app::Context& context, const app::Arguments& arguments) {
    CloneOptions options;
    TRY_ASSIGN(options.source, parse_target(arguments.positionals.at(0), "clone", kExample));
    options.name = arguments.positionals.at(1);
    TRY_ASSIGN(options.space, context.space());
    options.to_space = arguments.text("to-namespace");
    if (options.to_space.empty()) options.to_space = options.space;
    TRY(parse_other(context, arguments, options));
    TRY(check_dns_label(options.to_space, "--to-namespace"));
    TRY(check_name(options));
    TRY_ASSIGN(options.method, wanted_method(arguments.text("method", "auto")));
    options.wishes.storage_class = arguments.text("storage-class");
    TRY_ASSIGN(options.wishes.size, wanted_size(arguments));
    options.snapshot_class = arguments.text("snapshot-class");
    if (arguments.given("snapshot-class")) {
        TRY(check_dns_subdomain(options.snapshot_class, "--snapshot-class"));
        if (options.method == Method::kClone)
            return wrong("--snapshot-class contradicts --method clone, which takes no snapshot");
    }
    options.image = arguments.text("image");
    TRY(parse_workload(arguments, options));
    TRY(read_sql(context, arguments, options));
    if (arguments.given("ttl")) {
        TRY_ASSIGN(options.lifetime, parse_duration(arguments.text("ttl"), "--ttl"));
        if (options.lifetime->count() == 0) return wrong("--ttl 0: a clone that is past its time at once");
    }
    return options;
}

}  // namespace holdfast::clone
