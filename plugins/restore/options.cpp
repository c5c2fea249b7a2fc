#include "plugins/restore/options.h"

#include "common/core/names.h"
#include "common/core/text.h"
#include "common/core/usage_error.h"
#include "common/kube/sets.h"
#include "common/os/files.h"
#include "common/plan/journal.h"

#include <unistd.h>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>

namespace holdfast::restore {
namespace {

constexpr std::size_t kSqlFileLimit = std::size_t{1} << 20;

Result<std::optional<int>> ordinal_of(const app::Arguments& arguments) {
    if (!arguments.given("ordinal")) return std::optional<int>();
    const std::string text = arguments.text("ordinal");
    int value = -1;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < 0)
        return usage_error("--ordinal " + escape_line(text) + " is no ordinal: 0, 1, 2, …");
    return std::optional(value);
}

Result<std::string> new_claim_name(const std::string& word) {
    TRY_ASSIGN(const TypedName typed, parse_typed_name(word));
    const kube::Resource* resource = kube::find_resource(typed.type);
    if (resource == nullptr || !(*resource == kube::kClaims)) {
        return usage_error("\"" + escape_line(word) + "\" cannot be made from a snapshot: this takes pvc/NEW",
                           resource != nullptr && (*resource == kube::kStatefulSets || *resource == kube::kDeployments)
                               ? "to swap its volumes: kubectl restore " + escape_line(word) + " --from SET --in-place"
                               : "kubectl restore pvc/NEW --from SET");
    }
    TRY(check_dns_subdomain(typed.name, "the new claim's name"));
    return typed.name;
}

Result<std::optional<Quantity>> size_of(const app::Arguments& arguments) {
    if (!arguments.given("size")) return std::optional<Quantity>();
    const auto size = Quantity::parse(arguments.text("size"));
    if (!size.ok()) return usage_error("--size: " + size.error().message);
    if (size->bytes() == 0)
        return usage_error("--size " + escape_line(arguments.text("size")) + ": a volume cannot be empty");
    return std::optional(*size);
}

// Seen now, not after the drill.
Status check_writable(const std::string& file) {
    const std::string folder = file.substr(0, file.rfind('/') + 1);
    std::error_code failed;
    if (std::filesystem::is_directory(file, failed))
        return usage_error("--report " + escape_line(file) + " is a folder", "name a file in it");
    if (is_special(file) && ::access(file.c_str(), W_OK) == 0) return {};  // /dev/stdout
    if (::access(folder.c_str(), W_OK | X_OK) == 0) return {};
    return usage_error("--report " + escape_line(file) + ": its folder cannot be written to: " + std::strerror(errno));
}

Result<DrillOptions> common_options(app::Context& context, const app::Arguments& arguments) {
    DrillOptions options;
    options.name = arguments.positionals.at(0);
    TRY(kube::parse_snapshot_name(options.name));
    TRY_ASSIGN(options.space, context.space());
    TRY_ASSIGN(options.ordinal, ordinal_of(arguments));
    options.database = arguments.text("database");
    options.user = arguments.text("db-user");
    options.image = arguments.text("image");
    return options;
}

}  // namespace

Result<PvcOptions> pvc_options(app::Context& context, const app::Arguments& arguments) {
    PvcOptions options;
    TRY_ASSIGN(options.name, new_claim_name(arguments.positionals.at(0)));
    if (!arguments.given("from"))
        return usage_error("--from is missing: which set or snapshot is pvc/" + options.name + " restored from?",
                           "kubectl restore pvc/" + options.name + " --from SET");
    options.from = arguments.text("from");
    TRY(kube::parse_snapshot_name(options.from));
    TRY_ASSIGN(options.space, context.space());
    options.from_space = arguments.text("from-namespace");
    if (options.from_space.empty()) options.from_space = options.space;
    TRY(check_dns_label(options.from_space, "--from-namespace"));
    TRY_ASSIGN(options.selection.ordinal, ordinal_of(arguments));
    options.selection.claim = arguments.text("claim");
    options.wishes.storage_class = arguments.text("storage-class");
    TRY_ASSIGN(options.wishes.size, size_of(arguments));
    options.wishes.access_mode = arguments.text("access-mode");
    options.wishes.volume_mode = arguments.text("volume-mode");
    options.image = arguments.text("image");
    return options;
}

Result<InPlaceOptions> in_place_options(app::Context& context, const app::Arguments& arguments) {
    InPlaceOptions options;
    const std::string& word = arguments.positionals.at(0);
    TRY_ASSIGN(const TypedName typed, parse_typed_name(word));
    const kube::Resource* resource = kube::find_resource(typed.type);
    const bool known = resource != nullptr && (*resource == kube::kStatefulSets || *resource == kube::kDeployments ||
                                               *resource == kube::kClaims);
    if (!known)
        return usage_error("\"" + escape_line(word) +
                           "\" cannot be restored in place: this takes sts/NAME, deploy/NAME or "
                           "pvc/NAME");
    TRY(check_dns_subdomain(typed.name, "name"));
    if (!arguments.given("from"))
        return usage_error("--from is missing: which set is " + escape_line(word) + " restored from?",
                           "kubectl restore " + word + " --from SET --in-place");
    options.from = arguments.text("from");
    TRY(kube::parse_snapshot_name(options.from));
    TRY_ASSIGN(options.space, context.space());
    options.target = {*resource, options.space, typed.name};
    TRY_ASSIGN(options.ordinal, ordinal_of(arguments));
    if (options.ordinal && !(*resource == kube::kStatefulSets))
        return usage_error("--ordinal is of a StatefulSet, and " + escape_line(word) + " is none");
    options.claims = arguments.list("claim");
    options.image = arguments.text("image");
    options.accept_skew = arguments.flag("accept-skew");
    options.gitops_paused = arguments.flag("gitops-paused");
    options.again = arguments.flag("again");
    return options;
}

Result<UndoOptions> undo_options(app::Context& context, const app::Arguments& arguments) {
    UndoOptions options;
    TRY_ASSIGN(options.space, context.space());
    if (!arguments.positionals.empty()) options.operation = arguments.positionals.front();
    if (!options.operation.empty()) TRY(plan::check_operation_id(options.operation));
    options.gitops_paused = arguments.flag("gitops-paused");
    return options;
}

Result<FinalizeOptions> finalize_options(app::Context& context, const app::Arguments& arguments) {
    FinalizeOptions options;
    TRY_ASSIGN(options.space, context.space());
    options.operation = arguments.positionals.at(0);
    TRY(plan::check_operation_id(options.operation));
    return options;
}

Result<DrillOptions> drill_options(app::Context& context, const app::Arguments& arguments) {
    TRY_ASSIGN(DrillOptions options, common_options(context, arguments));
    options.query = arguments.text("query");
    options.expect = arguments.optional("expect");
    options.command = arguments.text("exec");
    options.cleanup = !arguments.flag("no-cleanup");
    options.report_file = arguments.text("report");
    if (arguments.given("query") && trim(options.query).empty()) return usage_error("--query is empty");
    if (arguments.given("exec") && trim(options.command).empty()) return usage_error("--exec is empty");
    if (arguments.given("sql-file")) {
        TRY_ASSIGN(options.query,
                   read_file_or_pipe(resolve_path(arguments.text("sql-file"), context.environment().working_directory),
                                     kSqlFileLimit));
        if (trim(options.query).empty())
            return usage_error("--sql-file " + escape_line(arguments.text("sql-file")) + " is empty");
    }
    if (options.expect && options.query.empty() && options.command.empty()) {
        return usage_error("--expect says what an answer should be, and nothing is asked",
                           "add --query SQL, --sql-file F or --exec CMD");
    }
    if (options.query.find('\0') != std::string::npos)
        return usage_error("the SQL contains a NUL byte, and what follows it would not be run");
    if (!options.report_file.empty()) {
        options.report_file = resolve_path(options.report_file, context.environment().working_directory);
        TRY(check_writable(options.report_file));
    }
    return options;
}

Result<DrillOptions> open_options(app::Context& context, const app::Arguments& arguments) {
    TRY_ASSIGN(DrillOptions options, common_options(context, arguments));
    options.keep_open = true;
    return options;
}

}  // namespace holdfast::restore
