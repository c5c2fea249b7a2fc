#include "common/app/version.h"

#include "common/app/context.h"
#include "common/app/exit_code.h"
#include "common/app/path_check.h"

#include <nlohmann/json.hpp>

namespace holdfast::app {

namespace {

int run_version(Context& context, const Arguments&) {
    warn_of_namesakes(context);
    const std::string& output = context.flags().output;
    if (output == "json" || output == "yaml") {
        context.print_structured(Json{{"clientVersion",
                                       {{"name", "kubectl-" + context.plugin().name},
                                        {"gitVersion", version_text()},
                                        {"compiler", __VERSION__},
                                        {"platform", "linux/" HOLDFAST_ARCHITECTURE}}}});
        return kDone;
    }
    context.console().out("kubectl-" + context.plugin().name + " " + version_text() + "\n");
    return kDone;
}

}  // namespace

std::string version_text() { return "v" HOLDFAST_VERSION; }

Command version_command() {
    Command command;
    command.name = "version";
    command.summary = "Print the version";
    command.usage = "[flags]";
    command.outputs = {"table", "json", "yaml"};
    command.examples = {{"The version as data", "kubectl snap version -o json"}};
    command.read = run_version;
    return command;
}

}  // namespace holdfast::app
