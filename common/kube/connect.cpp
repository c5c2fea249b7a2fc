#include "common/kube/connect.h"

#include "common/http/curl_transport.h"
#include "common/kube/client.h"
#include "common/kube/wrappers/retry.h"
#include "common/kubeconfig/credentials.h"
#include "common/os/environment.h"
#include "common/os/files.h"

#include <algorithm>

namespace holdfast::kube {

namespace {

constexpr std::chrono::minutes kRetryBudget{2};
constexpr std::chrono::seconds kShortestStall{5};

// The chain that belongs together: retry over curl over credentials, destroyed in that order.
class Chain : public http::Transport {
  public:
    Chain(std::unique_ptr<kubeconfig::Credentials> credentials, std::unique_ptr<http::Transport> curl,
          std::unique_ptr<http::Transport> retry)
        : credentials_(std::move(credentials)), curl_(std::move(curl)), retry_(std::move(retry)) {}
    Result<http::Response> send(const http::Request& request) override { return retry_->send(request); }
    std::vector<Result<http::Response>> send_all(const std::vector<http::Request>& requests,
                                                 const Done& on_done) override {
        return retry_->send_all(requests, on_done);
    }
    Result<std::unique_ptr<http::Stream>> open(const http::Request& request) override { return retry_->open(request); }

  private:
    std::unique_ptr<kubeconfig::Credentials> credentials_;
    std::unique_ptr<http::Transport> curl_, retry_;
};

// As Go's crypto/x509: $SSL_CERT_FILE first, else the library's default.
std::string system_trust(const Environment& environment) {
    const std::string file = environment.get_or("SSL_CERT_FILE", "");
    return !file.empty() && file_exists(file) ? file : "";
}

}  // namespace

Result<std::unique_ptr<Cluster>> connect(const kubeconfig::ClientConfig& config, const ClientOptions& options,
                                         Clock& clock, Console& console, const Signals& signals) {
    const Environment environment = Environment::of_process();
    auto credentials = kubeconfig::make_credentials(config, environment, clock, console, &signals);
    http::CurlOptions curl_options;
    curl_options.user_agent =
        options.binary + "/" + (options.version.rfind('v', 0) == 0 ? "" : "v") + options.version + " (linux/amd64)";
    if (options.stall.count() > 0) {
        const auto asked = std::chrono::ceil<std::chrono::seconds>(options.stall);
        curl_options.stall_limit = std::clamp(asked, kShortestStall, curl_options.stall_limit);
    }
    curl_options.ca_file = system_trust(environment);
    TRY_ASSIGN(auto curl, http::make_curl_transport(config, *credentials, signals, curl_options));
    const auto budget =
        config.request_timeout.count() > 0 ? config.request_timeout : std::chrono::milliseconds(kRetryBudget);
    auto retry = make_retry(*curl, clock, signals, budget);
    auto chain = std::make_unique<Chain>(std::move(credentials), std::move(curl), std::move(retry));
    return Result<std::unique_ptr<Cluster>>(make_client(std::move(chain), options.binary, clock, console));
}

}  // namespace holdfast::kube
