#include "plugins/pvc-expand/options.h"

#include "common/core/names.h"
#include "common/core/text.h"
#include "common/core/usage_error.h"

#include <algorithm>
#include <charconv>

namespace holdfast::expand {
namespace {

using DryRun = app::CommonFlags::DryRun;

constexpr int kMostPercent = 1000;

Result<std::optional<Quantity>> size_option(const app::Arguments& arguments, const char* name) {
    if (!arguments.given(name)) return std::optional<Quantity>();
    const std::string text = arguments.text(name);
    if (starts_with(text, "+") && std::string(name) == "size")
        return usage_error(
            "--size " + escape_line(text) + ": a plus means nothing to Kubernetes, the size would be absolute",
            "to grow by that much: --add " + escape_line(text.substr(1)));
    const auto size = Quantity::parse(text);
    if (!size.ok()) return usage_error("--" + std::string(name) + ": " + size.error().message, size.error().hint);
    if (size->bytes() == 0) return usage_error("--" + std::string(name) + " " + escape_line(text) + " is no size");
    TRY_ASSIGN(const std::string canonical, canonical_quantity(text));
    TRY_ASSIGN(Quantity made, Quantity::parse(canonical));
    return std::optional(std::move(made));
}

// "20" and "20%".
Result<std::optional<int>> percent_option(const app::Arguments& arguments, const char* name, int most) {
    if (!arguments.given(name)) return std::optional<int>();
    std::string text = arguments.text(name);
    if (ends_with(text, "%")) text.pop_back();
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < 1 || value > most)
        return usage_error("--" + std::string(name) + " " + escape_line(arguments.text(name)) +
                           " is not a whole number from 1 to " + std::to_string(most));
    return std::optional(value);
}

Result<Restart> restart_option(const app::Arguments& arguments) {
    if (!arguments.given("restart")) return Restart::kNever;
    const auto found = restart_from(arguments.text("restart"));
    if (found) return *found;
    return usage_error("--restart " + escape_line(arguments.text("restart")) + ": it is never, if-needed or offline");
}

Result<std::optional<kube::ObjectRef>> target_of(const app::Arguments& arguments, const std::string& space) {
    if (arguments.positionals.empty()) return std::optional<kube::ObjectRef>();
    const std::string& word = arguments.positionals.front();
    TRY_ASSIGN(const TypedName typed, parse_typed_name(word));
    const kube::Resource* resource = kube::find_resource(typed.type);
    const bool taken = resource != nullptr && (*resource == kube::kStatefulSets || *resource == kube::kDeployments ||
                                               *resource == kube::kClaims);
    if (!taken)
        return usage_error("\"" + escape_line(word) + "\" cannot grow: this takes sts/NAME, deploy/NAME or pvc/NAME",
                           "for example: kubectl pvc-expand sts/postgres --size 100Gi");
    TRY(check_dns_subdomain(typed.name, "the name in " + escape_line(word)));
    return std::optional(kube::ObjectRef{*resource, space, typed.name});
}

Status read_claims(const app::Arguments& arguments, ExpandOptions& options) {
    options.claims = arguments.list("claim");
    for (const std::string& claim : options.claims) TRY(check_dns_subdomain(claim, "--claim"));
    if (options.claims.empty() || (options.target && options.target->resource == kube::kStatefulSets)) return {};
    return usage_error("--claim adds to the claims of a StatefulSet",
                       "one claim by itself: kubectl pvc-expand pvc/NAME");
}

// What they would choose among is not there, and without them more would grow than was meant.
Status check_of_sets(const app::Arguments& arguments, const ExpandOptions& options) {
    if (!options.target || options.target->resource == kube::kStatefulSets) return {};
    if (arguments.given("template"))
        return usage_error("--template chooses among the claims of a StatefulSet",
                           "one claim: kubectl pvc-expand pvc/NAME");
    if (arguments.flag("include-unused"))
        return usage_error("--include-unused means claims of a StatefulSet's ordinals that no pod has any more",
                           "one claim, whether or not a pod mounts it: kubectl pvc-expand pvc/NAME");
    return {};
}

Status check_one_size(const app::Arguments& arguments) {
    std::vector<std::string> given;
    for (const char* name : {"size", "add", "percent", "until-usage"}) {
        if (arguments.given(name)) given.push_back("--" + std::string(name));
    }
    if (given.size() == 1) return {};
    if (given.empty())
        return usage_error("how large? --size is missing",
                           "for example --size 100Gi; or --add 20Gi, --percent 20, --until-usage 70%");
    return usage_error(given[0] + " and " + given[1] + " contradict each other", "give one of them");
}

}  // namespace

std::string ExpandOptions::target_text() const { return target ? target->text() : "-l " + selector; }

Result<ExpandOptions> recover_options(app::Context& context, const app::Arguments& arguments) {
    ExpandOptions options;
    TRY_ASSIGN(options.space, context.space());
    TRY_ASSIGN(options.target, target_of(arguments, options.space));
    options.selector = arguments.text("selector");
    if (arguments.given("selector") && trim(options.selector).empty())
        return Error{ErrorKind::kRefused,
                     "refusing an empty --selector: it would mean every claim; nothing was changed",
                     "name the claims by a label, for example -l app=db", 0, ""};
    if (options.target && !options.selector.empty())
        return usage_error(escape_line(arguments.positionals.front()) + " and --selector contradict each other",
                           "give one of them");
    if (!options.target && options.selector.empty())
        return usage_error("no claim is meant: name a TYPE/NAME, or claims by --selector",
                           "for example sts/postgres, pvc/files or -l app=db");
    TRY(read_claims(arguments, options));
    TRY_ASSIGN(options.size, size_option(arguments, "size"));
    return options;
}

Result<ExpandOptions> expand_options(app::Context& context, const app::Arguments& arguments) {
    TRY_ASSIGN(ExpandOptions options, recover_options(context, arguments));
    TRY(check_of_sets(arguments, options));
    TRY(check_one_size(arguments));
    TRY_ASSIGN(options.add, size_option(arguments, "add"));
    TRY_ASSIGN(options.percent, percent_option(arguments, "percent", kMostPercent));
    TRY_ASSIGN(options.until_usage, percent_option(arguments, "until-usage", 99));
    options.claim_template = arguments.text("template");
    if (!options.claim_template.empty()) TRY(check_dns_subdomain(options.claim_template, "--template"));
    options.canary = arguments.given("canary") ? std::stoi(arguments.text("canary")) : 0;
    options.include_unused = arguments.flag("include-unused");
    TRY_ASSIGN(options.restart, restart_option(arguments));
    options.gitops_paused = arguments.flag("gitops-paused");
    if (options.gitops_paused && options.restart != Restart::kOffline)
        return usage_error("--gitops-paused says something only of a workload that is stopped: with --restart offline");
    options.patience = std::min(options.patience, context.flags().timeout);
    options.watched = context.console().in_is_terminal() || context.flags().dry_run != DryRun::kNone;
    return options;
}

Status check_absolute(const ExpandOptions& options) {
    if (options.size || options.watched) return {};
    return Error{
        ErrorKind::kRefused,
        "off a terminal only --size is taken: growing cannot be taken back, and nobody sees here what a relative "
        "size becomes; nothing was changed",
        "--dry-run prints the absolute sizes", 0, ""};
}

}  // namespace holdfast::expand
