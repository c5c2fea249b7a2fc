#include "common/kube/pod_exec.h"

#include "common/core/text.h"

#include <charconv>

namespace holdfast::kube {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view kEndedWith = "command terminated with exit code ";
constexpr milliseconds kReleaseLimit{10000};
constexpr milliseconds kUpLook{200};  // how long a signal waits to be seen

std::string place(const plan::Exec& exec) {
    std::string text = "exec in pod/" + exec.space + "/" + exec.pod;
    if (!exec.container.empty()) text += " (" + exec.container + ")";
    return text;
}

// kubectl's closing remark is about itself, the lines before it are the command's own.
std::string without_remark(const std::string& text) {
    const std::size_t at = text.rfind(kEndedWith);
    return at == std::string::npos ? text : text.substr(0, at);
}

Error failure(const plan::Exec& exec, int exit_code, const std::string& stderr_text) {
    const std::optional<int> remote = remote_exit_code(stderr_text);
    if (!remote && exit_code != 0) return kubectl_error(place(exec), stderr_text);
    std::string message =
        place(exec) + ": the command ended with exit code " + std::to_string(remote.value_or(exit_code));
    const std::string said = last_lines(without_remark(stderr_text));
    if (!said.empty()) message += ": " + said;
    return Error{ErrorKind::kFailed, message, "", 0, ""};
}

// Its first line. Nothing is cut yet, so that one signal is enough to give up.
Status wait_until_up(Child& child, const plan::Exec& exec, const Signals& signals) {
    for (milliseconds waited{0}; waited < exec.hold_grace; waited += kUpLook) {
        const auto line = child.read_line(kUpLook);
        if (line.ok() && line->has_value()) return {};
        if (line.ok()) {
            auto code = child.wait(kReleaseLimit);
            return failure(exec, code.value_or(1), child.error_output());
        }
        if (line.error().kind != ErrorKind::kTimeout) return line.error().with_context(place(exec));
        if (signals.count() > 0)
            return Error{ErrorKind::kInterrupted, place(exec) + ": interrupted before the held command was up", "", 0,
                         ""};
    }
    return Error{
        ErrorKind::kFailed,
        place(exec) + ": the held command printed no line in " +
            human_elapsed(static_cast<double>(exec.hold_grace.count()) / 1000) +
            ", so it is not known to hold anything back",
        "let it print one once it does, for example --hold 'fsfreeze -f /data && echo up; cat; fsfreeze -u /data'", 0,
        ""};
}

class HeldKubectl : public plan::HeldExec {
  public:
    HeldKubectl(std::unique_ptr<Child> child, plan::Exec exec) : child_(std::move(child)), exec_(std::move(exec)) {}

    bool running() override { return child_->running(); }
    std::string error_output() override { return last_lines(child_->error_output()); }

    Status release() override {
        (void)child_->close_input();  // an end that has come already shows in wait()
        auto code = child_->wait(kReleaseLimit);
        if (!code.ok()) {
            child_->terminate();
            return Error{ErrorKind::kTimeout,
                         place(exec_) +
                             ": the held command did not end within 10 s of its stdin being closed; its connection was "
                             "cut, but in the "
                             "container it may run on and hold writes back",
                         "look there and end it: kubectl exec -n " + exec_.space + " " + exec_.pod + " -- ps ax", 0,
                         ""};
        }
        if (*code != 0) return failure(exec_, *code, child_->error_output());
        return {};
    }

  private:
    std::unique_ptr<Child> child_;
    plan::Exec exec_;
};

}  // namespace

std::vector<std::string> exec_words(const plan::Exec& exec, bool with_input) {
    std::vector<std::string> words = {"exec", "--namespace=" + exec.space};
    if (with_input) words.push_back("--stdin");
    if (!exec.container.empty()) words.push_back("--container=" + exec.container);
    words.push_back("pod/" + exec.pod);
    words.push_back("--");
    words.insert(words.end(), exec.argv.begin(), exec.argv.end());
    return words;
}

std::optional<int> remote_exit_code(const std::string& stderr_text) {
    const std::size_t at = stderr_text.rfind(kEndedWith);
    if (at == std::string::npos) return std::nullopt;
    const std::string_view digits = trim(std::string_view(stderr_text).substr(at + kEndedWith.size()));
    int code = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), code);
    if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
    return code;
}

Result<std::string> KubectlPodRunner::run(const plan::Exec& exec, milliseconds timeout) {
    Command command = kubectl_.command(exec_words(exec, false));
    command.timeout = timeout;
    auto output = run_command(command, &signals_);
    if (!output.ok()) return output.error().with_context(place(exec));
    if (output->exit_code != 0) return failure(exec, output->exit_code, output->err);
    return std::move(output->out);
}

Result<std::unique_ptr<plan::HeldExec>> KubectlPodRunner::hold(const plan::Exec& exec) {
    auto child = start_command(kubectl_.command(exec_words(exec, true)));
    if (!child.ok()) return child.error().with_context(place(exec));
    TRY(wait_until_up(**child, exec, signals_));
    return std::unique_ptr<plan::HeldExec>(std::make_unique<HeldKubectl>(std::move(*child), exec));
}

}  // namespace holdfast::kube
