#include "common/kube/connect.h"

#include "common/http/curl_transport.h"
#include "common/kube/client.h"
#include "common/kube/wrappers/retry.h"
#include "common/kubeconfig/credentials.h"
#include "common/os/environment.h"
#include "common/os/files.h"

#include <algorithm>
#include <mutex>

namespace holdfast::kube {

namespace {

constexpr std::chrono::minutes kRetryBudget{2};
constexpr std::chrono::seconds kShortestStall{5};

// The chain that belongs together: retry over curl, destroyed in that order.
class Chain : public http::Transport {
  public:
    Chain(std::unique_ptr<http::Transport> curl, std::unique_ptr<http::Transport> retry)
        : curl_(std::move(curl)), retry_(std::move(retry)) {}
    Result<http::Response> send(const http::Request& request) override { return retry_->send(request); }
    std::vector<Result<http::Response>> send_all(const std::vector<http::Request>& requests,
                                                 const Done& on_done) override {
        return retry_->send_all(requests, on_done);
    }
    Result<std::unique_ptr<http::Stream>> open(const http::Request& request) override { return retry_->open(request); }

  private:
    std::unique_ptr<http::Transport> curl_, retry_;
};

// Credentials that several threads ask: one at a time.
class SharedCredentials : public kubeconfig::Credentials {
  public:
    explicit SharedCredentials(std::unique_ptr<kubeconfig::Credentials> inner) : inner_(std::move(inner)) {}
    Result<kubeconfig::Credential> current() override {
        const std::lock_guard<std::mutex> hold(mutex_);
        return inner_->current();
    }
    Result<bool> refresh(const kubeconfig::Credential& used) override {
        const std::lock_guard<std::mutex> hold(mutex_);
        return inner_->refresh(used);
    }

  private:
    std::mutex mutex_;
    std::unique_ptr<kubeconfig::Credentials> inner_;
};

// As Go's crypto/x509: $SSL_CERT_FILE first, else the library's default.
std::string system_trust(const Environment& environment) {
    const std::string file = environment.get_or("SSL_CERT_FILE", "");
    return !file.empty() && file_exists(file) ? file : "";
}

class HttpsConnector : public Connector {
  public:
    HttpsConnector(const kubeconfig::ClientConfig& config, const ClientOptions& options, Clock& clock,
                   const Console& console, const Signals& signals)
        : config_(config),
          options_(options),
          clock_(clock),
          environment_(Environment::of_process()),
          credentials_(kubeconfig::make_credentials(config_, environment_, clock, console, &signals)) {}

    Result<std::unique_ptr<Cluster>> connect(const Signals& signals, Console& console,
                                             std::chrono::milliseconds limit) override {
        kubeconfig::ClientConfig config = config_;
        const bool shorter = config.request_timeout.count() == 0 || limit < config.request_timeout;
        if (limit.count() > 0 && shorter) config.request_timeout = limit;
        http::CurlOptions curl_options;
        curl_options.user_agent = options_.binary + "/" + (options_.version.rfind('v', 0) == 0 ? "" : "v") +
                                  options_.version + " (linux/amd64)";
        if (options_.stall.count() > 0) {
            const auto asked = std::chrono::ceil<std::chrono::seconds>(options_.stall);
            curl_options.stall_limit = std::clamp(asked, kShortestStall, curl_options.stall_limit);
        }
        curl_options.ca_file = system_trust(environment_);
        TRY_ASSIGN(auto curl, http::make_curl_transport(config, credentials_, signals, curl_options));
        const auto budget =
            config.request_timeout.count() > 0 ? config.request_timeout : std::chrono::milliseconds(kRetryBudget);
        auto retry = make_retry(*curl, clock_, signals, budget);
        auto chain = std::make_unique<Chain>(std::move(curl), std::move(retry));
        return Result<std::unique_ptr<Cluster>>(make_client(std::move(chain), options_.binary, clock_, console));
    }

  private:
    const kubeconfig::ClientConfig config_;
    const ClientOptions options_;
    Clock& clock_;
    const Environment environment_;
    SharedCredentials credentials_;
};

}  // namespace

std::unique_ptr<Connector> make_connector(const kubeconfig::ClientConfig& config, const ClientOptions& options,
                                          Clock& clock, const Console& console, const Signals& signals) {
    return std::make_unique<HttpsConnector>(config, options, clock, console, signals);
}

}  // namespace holdfast::kube
