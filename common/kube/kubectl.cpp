#include "common/kube/kubectl.h"

#include "common/core/text.h"

namespace holdfast::kube {
namespace {

std::string find_kubectl(const Environment& environment) {
    std::string given = environment.get_or("KUBECTL_PATH", "");
    if (!given.empty()) return given;
    const auto found = find_in_path("kubectl", environment.get_or("PATH", ""));
    return found.empty() ? "" : found.front();
}

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

ErrorKind kind_of(const std::string& text) {
    if (contains(text, "(NotFound)") || contains(text, "container not found") ||
        contains(text, "is not valid for pod")) {
        return ErrorKind::kNotFound;
    }
    if (contains(text, "(Forbidden)")) return ErrorKind::kForbidden;
    if (contains(text, "(Unauthorized)") || contains(text, "You must be logged in")) return ErrorKind::kUnauthorized;
    if (contains(text, "Unable to connect to the server") || contains(text, "was refused - did you specify"))
        return ErrorKind::kConnect;
    return ErrorKind::kUnavailable;
}

}  // namespace

Result<Kubectl> Kubectl::create(const kubeconfig::ClientConfig& config, const Environment& environment) {
    const std::string program = find_kubectl(environment);
    if (program.empty()) {
        return Error{ErrorKind::kNotFound, "no kubectl in PATH: commands in pods and port-forwards run through it",
                     "install kubectl, or set KUBECTL_PATH to it", 0, ""};
    }
    std::vector<std::string> prefix = {program};
    std::optional<MemoryFile> file;
    if (config.kubectl_kubeconfig.empty()) {
        prefix.insert(prefix.end(), config.kubectl_arguments.begin(), config.kubectl_arguments.end());
    } else {
        TRY_ASSIGN(MemoryFile made, MemoryFile::create(config.kubectl_kubeconfig));
        prefix.push_back("--kubeconfig=" + made.path());
        file.emplace(std::move(made));
    }
    return Kubectl(std::move(prefix), std::move(file));
}

Command Kubectl::command(const std::vector<std::string>& words) const {
    Command command;
    command.argv = prefix_;
    command.argv.insert(command.argv.end(), words.begin(), words.end());
    return command;
}

std::string last_lines(const std::string& text) {
    constexpr std::size_t kLimit = 400;
    std::string_view tail = trim(text);
    if (tail.size() > kLimit) tail = tail.substr(tail.size() - kLimit);
    std::vector<std::string> lines;
    for (const std::string& line : split(tail, '\n')) {
        if (!trim(line).empty()) lines.push_back(escape_line(trim(line)));
    }
    return join(lines, "; ");
}

Error kubectl_error(const std::string& what, const std::string& stderr_text) {
    std::string said = last_lines(stderr_text);
    if (said.empty()) said = "kubectl ended without a message";
    return Error{kind_of(stderr_text), what + ": " + said, "", 0, ""};
}

}  // namespace holdfast::kube
