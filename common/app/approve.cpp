#include "common/app/approve.h"

#include "common/core/text.h"
#include "common/view/plan_view.h"

#include <nlohmann/json.hpp>

namespace holdfast::app {

namespace {

bool is_data(const Session& session) { return session.flags().output == "json" || session.flags().output == "yaml"; }

// The result of a dry run is the plan; otherwise it goes where it cannot be mistaken for the result.
void show(Session& session, const plan::Plan& plan) {
    const bool is_result = session.flags().dry_run != CommonFlags::DryRun::kNone;
    if (is_result && is_data(session)) return session.print_structured(view::plan_json(plan));
    const std::string text = view::plan_text(plan, is_result ? session.color_on_stdout() : session.color_on_stderr());
    if (is_result) {
        session.console().out(text + view::permissions_text(plan));
    } else if (session.flags().progress != "json") {
        session.console().err(text);
    } else {
        Json line = view::plan_json(plan);
        line["type"] = "plan";
        session.console().err(line.dump(-1, ' ', true, Json::error_handler_t::replace) + "\n");
    }
}

Error refused(std::string message, std::string hint) {
    return Error{ErrorKind::kRefused, std::move(message), std::move(hint)};
}

// A man in the middle must not be able to make us delete what we believe to be something else.
Status check_connection(Session& session) {
    TRY_ASSIGN(const auto* config, session.config());
    if (!config->insecure || config->insecure_from_flag) return {};
    return refused(
        "refusing a plan that deletes or cannot be taken back over an unverified connection: the kubeconfig sets "
        "insecure-skip-tls-verify; nothing was changed",
        "give --insecure-skip-tls-verify on the command line if this is meant, or set certificate-authority");
}

Status ask(Session& session, const plan::Plan& plan) {
    Console& console = session.console();
    if (!console.in_is_terminal()) {
        return refused("refusing to carry out " + plan.operation +
                           " unasked: its plan needs a yes and standard input is no terminal; " + "nothing was changed",
                       "read the plan above, then run the same command with --yes");
    }
    console.err("Go on? [y/N] ");
    const auto answer = console.read_line();
    if (session.signals().pending()) return Error{ErrorKind::kInterrupted, "interrupted; nothing was changed"};
    const std::string word = to_lower(trim(answer.value_or("")));
    if (word == "y" || word == "yes") return {};
    return refused("not confirmed; nothing was changed", "");
}

}  // namespace

Status approve(Session& session, const plan::Plan& plan, bool resuming) {
    show(session, plan);
    if (!plan.asks || session.flags().dry_run != CommonFlags::DryRun::kNone) return {};
    TRY(check_connection(session));
    // Later rounds and resumes carry on what was said yes to.
    const bool said = resuming && !plan.asks_anew;
    if (session.flags().yes || plan.round > 0 || (said && !session.console().in_is_terminal())) return {};
    return ask(session, plan);
}

}  // namespace holdfast::app
