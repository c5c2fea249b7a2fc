#include "common/kubeconfig/credentials.h"

#include "common/core/text.h"
#include "common/kubeconfig/base64.h"
#include "common/kubeconfig/exec_protocol.h"
#include "common/kubeconfig/load.h"
#include "common/kubeconfig/plugin_policy.h"
#include "common/os/subprocess.h"

#include <chrono>

namespace holdfast::kubeconfig {
namespace {

using std::chrono::milliseconds;

constexpr std::chrono::seconds kTokenFilePeriod{50};  // client-go: a minute less 10 s of leeway
constexpr milliseconds kPluginTimeout{60'000};
constexpr milliseconds kInteractiveTimeout{600'000};
constexpr std::size_t kOutputMax = std::size_t{1} << 20;

Error unauthorized(std::string message) { return Error{ErrorKind::kUnauthorized, std::move(message), "", 0, ""}; }

// What kubeconfig holds itself.
class StaticCredentials : public Credentials {
  public:
    explicit StaticCredentials(const ClientConfig& config) {
        if (!config.token.empty()) {
            credential_.authorization = "Bearer " + config.token;
        } else if (!config.username.empty() || !config.password.empty()) {
            credential_.authorization = "Basic " + encode_base64(config.username + ":" + config.password);
        }
        credential_.client_cert_pem = config.client_cert_pem;
        credential_.client_key_pem = config.client_key_pem;
    }
    Result<Credential> current() override { return credential_; }
    Result<bool> refresh(const Credential&) override { return false; }

  private:
    Credential credential_;
};

// A file that somebody else renews, such as a pod's service account token. What was read last stays in use while the
// file cannot be read; kubeconfig's own token is used until the file was read once.
class FileCredentials : public Credentials {
  public:
    FileCredentials(const ClientConfig& config, Clock& clock) : config_(config), clock_(clock), token_(config.token) {}

    Result<Credential> current() override {
        const auto now = clock_.steady_now();
        if (!read_at_ || now - *read_at_ >= kTokenFilePeriod) TRY(read());
        return Credential{"Bearer " + token_, config_.client_cert_pem, config_.client_key_pem, 0};
    }

    Result<bool> refresh(const Credential& used) override {
        TRY(read());
        return "Bearer " + token_ != used.authorization;
    }

  private:
    Status read() {
        const auto text = read_limited(config_.token_file);
        const std::string token(trim(text.value_or("")));
        if (token.empty()) {
            if (!token_.empty()) return {};
            return unauthorized("token file " +
                                (text.ok() ? escape_line(config_.token_file) + ": it is empty" : text.error().message));
        }
        for (const char c : token) {
            if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
                return unauthorized("token file " + escape_line(config_.token_file) +
                                    ": a line break or another control character is in the token");
            }
        }
        token_ = token;
        read_at_ = clock_.steady_now();
        return {};
    }

    const ClientConfig& config_;
    Clock& clock_;
    std::string token_;
    std::optional<std::chrono::steady_clock::time_point> read_at_;
};

class PluginCredentials : public Credentials {
  public:
    PluginCredentials(const ClientConfig& config, const Environment& environment, Clock& clock, const Console& console,
                      const Signals* signals)
        : config_(config), find_(program_finder(environment)), clock_(clock), console_(console), signals_(signals) {}

    Result<Credential> current() override {
        const bool expired = reply_ && reply_->expires && clock_.now() > *reply_->expires;
        if (!reply_ || expired) TRY(run());
        return credential();
    }

    Result<bool> refresh(const Credential& used) override {
        if (reply_ && !same(credential(), used)) return true;  // renewed since
        TRY(run());
        return !same(credential(), used);
    }

  private:
    static bool same(const Credential& a, const Credential& b) {
        return a.authorization == b.authorization && a.client_cert_pem == b.client_cert_pem &&
               a.client_key_pem == b.client_key_pem;
    }

    Credential credential() const {
        return Credential{reply_->token.empty() ? "" : "Bearer " + reply_->token, reply_->client_cert_pem,
                          reply_->client_key_pem, generation_};
    }

    Result<bool> interactive() const {
        const bool terminal = console_.in_is_terminal();
        if (config_.exec->interactive == ExecPlugin::Interactive::kAlways && !terminal) {
            return unauthorized(name() + " needs a terminal (interactiveMode: Always), and standard input is none");
        }
        return config_.exec->interactive != ExecPlugin::Interactive::kNever && terminal;
    }

    std::string name() const { return "credential plugin \"" + escape_line(config_.exec->command) + "\""; }

    Status run() {
        TRY_ASSIGN(const std::string program, allowed_program(*config_.exec, config_.plugin_policy, find_));
        TRY_ASSIGN(const bool is_interactive, interactive());
        Command command;
        command.argv = {program};
        command.argv.insert(command.argv.end(), config_.exec->args.begin(), config_.exec->args.end());
        for (const auto& [key, value] : config_.exec->env) command.environment[key] = value;
        command.environment["KUBERNETES_EXEC_INFO"] = exec_info(config_, is_interactive);
        command.inherit_stdin = is_interactive;
        command.inherit_stderr = true;
        command.output_limit = kOutputMax;
        command.timeout = config_.request_timeout.count() > 0 ? config_.request_timeout
                          : is_interactive                    ? kInteractiveTimeout
                                                              : kPluginTimeout;
        const auto output = run_command(command, signals_);
        if (!output.ok()) return explain(output.error(), command.timeout);
        if (output->exit_code != 0) {
            return unauthorized(name() + " failed with exit code " + std::to_string(output->exit_code));
        }
        TRY_ASSIGN(PluginReply reply, parse_reply(output->out, config_.exec->api_version).context(name()));
        const bool changed = !reply_ || reply.client_cert_pem != reply_->client_cert_pem ||
                             reply.client_key_pem != reply_->client_key_pem;
        if (changed) ++generation_;
        reply_ = std::move(reply);
        return {};
    }

    Error explain(const Error& error, milliseconds timeout) const {
        if (error.kind == ErrorKind::kInterrupted) return error;
        if (error.kind == ErrorKind::kTimeout) {
            return unauthorized(name() + " did not end in " +
                                human_elapsed(static_cast<double>(timeout.count()) / 1000) + " and was stopped");
        }
        if (error.kind == ErrorKind::kProtocol) {
            return unauthorized(name() + " printed more than " + human_bytes(static_cast<long long>(kOutputMax)) +
                                " and was stopped");
        }
        return unauthorized(name() + ": " + error.message);
    }

    const ClientConfig& config_;
    const FindProgram find_;
    Clock& clock_;
    const Console& console_;
    const Signals* signals_;
    std::optional<PluginReply> reply_;
    int generation_ = 0;
};

}  // namespace

std::unique_ptr<Credentials> make_credentials(const ClientConfig& config, const Environment& environment, Clock& clock,
                                              const Console& console, const Signals* signals) {
    if (config.exec) return std::make_unique<PluginCredentials>(config, environment, clock, console, signals);
    if (!config.token_file.empty()) return std::make_unique<FileCredentials>(config, clock);
    return std::make_unique<StaticCredentials>(config);
}

}  // namespace holdfast::kubeconfig
