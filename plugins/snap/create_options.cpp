#include "plugins/snap/create_options.h"

#include "common/core/names.h"
#include "common/core/text.h"
#include "common/core/usage_error.h"
#include "common/kube/objects/labels.h"

#include <algorithm>

namespace holdfast::snap {
namespace {

constexpr std::size_t kNameLimit = 63;  // the set's name is a label's value too

Result<std::map<std::string, std::string>> parse_labels(const std::vector<std::string>& words) {
    std::map<std::string, std::string> labels;
    for (const std::string& word : words) {
        const std::size_t equals = word.find('=');
        if (equals == std::string::npos || equals == 0)
            return usage_error("--label \"" + escape_line(word) + "\" is not KEY=VALUE",
                               "for example --label release=42");
        const std::string key = word.substr(0, equals), value = word.substr(equals + 1);
        TRY(check_label(key, value).context("--label"));
        if (starts_with(key, "holdfast.dev/") || key == labels::kManagedBy)
            return usage_error("--label " + key + " is one of Holdfast's own labels", "choose another key");
        labels[key] = value;
    }
    return labels;
}

Status check_hooks(const app::Arguments& arguments, const CreateOptions& options) {
    const std::string quiesce = arguments.text("quiesce", "none");
    if (arguments.given("quiesce") && quiesce == "none" && options.quiesced())
        return usage_error("--quiesce=none contradicts --pre, --post and --hold",
                           "leave out --quiesce, or the commands");
    if (quiesce == "exec" && !options.quiesced())
        return usage_error("--quiesce=exec needs a command to run: --pre and --post, or --hold",
                           "for example --pre 'sync; fsfreeze --freeze /data' --post 'fsfreeze --unfreeze /data'");
    if (!options.post.empty() && options.pre.empty())
        return usage_error("--post without --pre", "what --pre holds back, --post lets go; --hold ends by itself");
    if (!options.container.empty() && !options.quiesced())
        return usage_error("--container without --pre, --post or --hold: nothing would run in it");
    return {};
}

}  // namespace

Result<CreateOptions> parse_create(const app::Arguments& arguments, std::chrono::milliseconds timeout) {
    CreateOptions options;
    for (const std::string& word : arguments.positionals) {
        TRY_ASSIGN(Target target, parse_target(word));
        const auto same = [&](const Target& other) { return other.text() == target.text(); };
        if (std::none_of(options.targets.begin(), options.targets.end(), same))
            options.targets.push_back(std::move(target));
    }
    options.selector = arguments.text("selector", "");
    if (arguments.given("selector") && trim(options.selector).empty())
        return Error{ErrorKind::kRefused,
                     "refusing an empty --selector: it would mean every claim; nothing was changed",
                     "name the claims by a label, for example -l app=db"};
    if (options.targets.empty() && options.selector.empty())
        return usage_error("nothing to snapshot: name a TYPE/NAME, or claims by --selector",
                           "for example: kubectl snap create sts/postgres");
    options.claims = arguments.list("claim");
    for (const std::string& claim : options.claims) TRY(check_dns_subdomain(claim, "--claim"));
    options.name = arguments.text("name", "");
    if (arguments.given("name")) {
        TRY(check_dns_subdomain(options.name, "--name"));
        if (options.name.size() > kNameLimit)
            return usage_error("--name is longer than 63 characters: it is also a label's value");
    }
    options.snapshot_class = arguments.text("snapshot-class", "");
    if (arguments.given("snapshot-class")) TRY(check_dns_subdomain(options.snapshot_class, "--snapshot-class"));
    options.pre = arguments.text("pre", "");
    options.post = arguments.text("post", "");
    options.hold = arguments.text("hold", "");
    options.container = arguments.text("container", "");
    TRY(check_hooks(arguments, options));
    options.wait_ready = arguments.text("wait", "cut") == "ready";
    options.app_facts = arguments.text("app", "auto") != "none";
    TRY_ASSIGN(options.labels, parse_labels(arguments.list("label")));
    options.quiesce_limit = std::min(options.quiesce_limit, timeout);
    return options;
}

std::string set_name(const CreateOptions& options, SystemTime start) {
    if (!options.name.empty()) return options.name;
    std::string stamp = format_time(start);  // 2026-11-21T04:30:00Z
    std::erase_if(stamp, [](char c) { return c == '-' || c == ':' || c == 'Z'; });
    std::replace(stamp.begin(), stamp.end(), 'T', '-');
    return bounded_name(options.targets.empty() ? "claims" : options.targets.front().name, "-" + stamp, kNameLimit);
}

}  // namespace holdfast::snap
