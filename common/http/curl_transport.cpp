#include "common/http/curl_transport.h"

#include "common/core/text.h"
#include "common/http/connect_error.h"
#include "common/http/curl_transfer.h"

#include <algorithm>

namespace holdfast::http {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t kInFlightMax = 8;
// A signal ends poll() by EINTR; this bounds the wait where it came just before poll().
constexpr milliseconds kPollMax{200};

const Error kStopped{ErrorKind::kInterrupted, "interrupted while waiting for the API server", "", 0, ""};

class CurlStream;

class CurlTransport : public Transport {
  public:
    CurlTransport(const kubeconfig::ClientConfig& config, Endpoint endpoint, kubeconfig::Credentials& credentials,
                  const Signals& signals, const CurlOptions& options)
        : config_(config),
          endpoint_(std::move(endpoint)),
          credentials_(credentials),
          signals_(signals),
          options_(options) {
        curl_multi_setopt(multi_.get(), CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
        curl_multi_setopt(multi_.get(), CURLMOPT_MAX_HOST_CONNECTIONS,
                          static_cast<long>(kInFlightMax));  // HTTP/1.1 needs several
    }

    Result<Response> send(const Request& request) override { return std::move(send_all({request}, {}).front()); }
    std::vector<Result<Response>> send_all(const std::vector<Request>& requests, const Done& on_done) override;
    Result<std::unique_ptr<Stream>> open(const Request& request) override;

  private:
    friend class CurlStream;
    Result<std::unique_ptr<Transfer>> prepare(const Request& request, bool streaming);
    Status add_headers(Transfer& transfer);
    Result<Response> finish(Transfer& transfer, CURLcode code);
    Result<std::unique_ptr<CurlStream>> open_once(const Request& request, kubeconfig::Credential& used);
    void run_batch(const std::vector<Request>& requests, const std::vector<std::size_t>& which,
                   std::vector<Result<Response>>& answers, std::vector<kubeconfig::Credential>& used,
                   const std::function<void(std::size_t)>& ended);

    kubeconfig::ClientConfig config_;
    Endpoint endpoint_;
    kubeconfig::Credentials& credentials_;
    const Signals& signals_;
    CurlOptions options_;
    std::chrono::seconds stall_limit() const {
        return silent_ ? std::min(options_.stall_limit, options_.second_stall_limit) : options_.stall_limit;
    }

    Multi multi_{curl_multi_init()};
    bool silent_ = false;  // the last call got no answer
};

Status CurlTransport::add_headers(Transfer& transfer) {
    Headers headers = transfer.request.headers;
    headers.emplace_back("User-Agent", options_.user_agent);
    for (auto& header : impersonation_headers(config_)) headers.push_back(std::move(header));
    // A credential sent in the clear is a credential given away: http gets none.
    if (endpoint_.secure && !transfer.used.authorization.empty())
        headers.emplace_back("Authorization", transfer.used.authorization);
    if (!endpoint_.connect_to.empty()) headers.emplace_back("Host", endpoint_.authority);
    for (const auto& [name, value] : headers) {
        TRY(check_header(name, value));
        append(transfer.header_list, value.empty() ? name + ";" : name + ": " + value);
    }
    append(transfer.header_list, "Expect:");
    const bool typed = std::any_of(headers.begin(), headers.end(),
                                   [](const auto& header) { return to_lower(header.first) == "content-type"; });
    if (!typed) append(transfer.header_list, "Content-Type:");
    set(transfer, CURLOPT_HTTPHEADER, transfer.header_list.get());
    transfer.sent_headers = std::move(headers);
    return {};
}

Result<std::unique_ptr<Transfer>> CurlTransport::prepare(const Request& request, bool streaming) {
    auto transfer = std::make_unique<Transfer>();
    if (!transfer->easy) return make_error(ErrorKind::kInternal, "out of memory");
    TRY_ASSIGN(transfer->used, credentials_.current());
    transfer->request = request;
    transfer->streaming = streaming;
    transfer->url = endpoint_.base + request.target;
    if (!endpoint_.secure) transfer->used.client_cert_pem.clear();
    TRY(add_headers(*transfer));
    set(*transfer, CURLOPT_URL, transfer->url.c_str());
    set_up(*transfer, config_, options_);
    if (!endpoint_.connect_to.empty()) {
        append(transfer->connect_to, endpoint_.connect_to);
        set(*transfer, CURLOPT_CONNECT_TO, transfer->connect_to.get());
    }
    // A connection on which nothing came is not asked again, and a second silence is not waited for as long.
    if (silent_) {
        set(*transfer, CURLOPT_FRESH_CONNECT, 1L);
        set(*transfer, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(milliseconds(stall_limit()).count()));
    }
    if (!streaming) {
        const milliseconds limit = request.timeout.count() > 0 ? request.timeout : config_.request_timeout;
        set(*transfer, CURLOPT_TIMEOUT_MS, static_cast<long>(limit.count()));
        set(*transfer, CURLOPT_LOW_SPEED_LIMIT, 1L);
        set(*transfer, CURLOPT_LOW_SPEED_TIME, static_cast<long>(stall_limit().count()));
    }
    trace_request(transfer->request, transfer->url, transfer->sent_headers);
    return transfer;
}

Result<Response> CurlTransport::finish(Transfer& transfer, CURLcode code) {
    silent_ = code == CURLE_OPERATION_TIMEDOUT;
    if (code != CURLE_OK) {
        Error error = failure_of(transfer, code, endpoint_);
        trace_failure(transfer.request, transfer.url, error, transfer.timings());
        return error;
    }
    transfer.response.status = static_cast<int>(transfer.info_number(CURLINFO_RESPONSE_CODE));
    trace_response(transfer.request, transfer.url, transfer.response, transfer.timings(), true);
    return std::move(transfer.response);
}

void CurlTransport::run_batch(const std::vector<Request>& requests, const std::vector<std::size_t>& which,
                              std::vector<Result<Response>>& answers, std::vector<kubeconfig::Credential>& used,
                              const std::function<void(std::size_t)>& ended) {
    std::vector<std::pair<std::unique_ptr<Transfer>, std::size_t>> running;
    std::size_t next = 0;
    const auto begin_one = [&] {
        const std::size_t index = which[next++];
        auto transfer = prepare(requests[index], false);
        if (!transfer.ok()) {
            answers[index] = transfer.error();
            ended(index);
            return;
        }
        curl_multi_add_handle(multi_.get(), (*transfer)->easy.get());
        running.emplace_back(std::move(*transfer), index);
    };
    const auto end_one = [&](CURL* easy, CURLcode code) {
        const auto at = std::find_if(running.begin(), running.end(),
                                     [&](const auto& one) { return one.first->easy.get() == easy; });
        const std::size_t index = at->second;
        answers[index] = finish(*at->first, code);
        used[index] = at->first->used;
        curl_multi_remove_handle(multi_.get(), easy);
        running.erase(at);
        ended(index);
    };
    while (next < which.size() || !running.empty()) {
        if (signals_.count() >= 2) break;
        while (next < which.size() && running.size() < kInFlightMax) begin_one();
        int still = 0;
        curl_multi_perform(multi_.get(), &still);
        bool any_ended = false;
        int queued = 0;
        while (CURLMsg* message = curl_multi_info_read(multi_.get(), &queued)) {
            if (message->msg != CURLMSG_DONE) continue;
            end_one(message->easy_handle, message->data.result);
            any_ended = true;
        }
        if (!any_ended && !running.empty())
            curl_multi_poll(multi_.get(), nullptr, 0, static_cast<int>(kPollMax.count()), nullptr);
    }
    for (const auto& one : running)
        curl_multi_remove_handle(multi_.get(), one.first->easy.get());  // answers stay kInterrupted
}

std::vector<Result<Response>> CurlTransport::send_all(const std::vector<Request>& requests, const Done& on_done) {
    std::vector<Result<Response>> answers(requests.size(), Result<Response>(kStopped));
    std::vector<kubeconfig::Credential> used(requests.size());
    std::vector<std::size_t> all(requests.size()), unauthorized;
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
    const auto report = [&](std::size_t i) {
        if (on_done) on_done(i, answers[i]);
    };
    run_batch(requests, all, answers, used, [&](std::size_t i) {
        if (answers[i].ok() && answers[i]->status == 401)
            unauthorized.push_back(i);
        else
            report(i);
    });
    std::vector<std::size_t> again;
    for (const std::size_t i : unauthorized) {
        const auto refreshed = credentials_.refresh(used[i]);
        if (!refreshed.ok()) answers[i] = refreshed.error();
        if (refreshed.ok() && *refreshed)
            again.push_back(i);
        else
            report(i);
    }
    for (const std::size_t i : again) answers[i] = kStopped;
    run_batch(requests, again, answers, used, report);
    return answers;
}

// A stream has a multi handle, and so a connection, of its own: a slow reader must not hold up calls.
class CurlStream : public Stream {
  public:
    CurlStream(CurlTransport& transport, std::unique_ptr<Transfer> transfer)
        : transport_(transport), transfer_(std::move(transfer)) {
        curl_multi_add_handle(multi_.get(), transfer_->easy.get());
    }
    ~CurlStream() override { curl_multi_remove_handle(multi_.get(), transfer_->easy.get()); }

    const Response& head() const override { return head_; }

    Status wait_head(milliseconds limit) {
        const auto deadline = steady_clock::now() + limit;
        const int signals_before = signals_().count();
        while (!transfer_->head_done) {
            const int signals_now = signals_().count();
            if (signals_now >= 2 || signals_now != signals_before) return kStopped;
            if (steady_clock::now() >= deadline) {
                return transfer_->attempts == 0
                           ? cannot_connect("dial tcp " + transport_.endpoint_.authority + ": i/o timeout")
                           : make_error(ErrorKind::kTimeout,
                                        "the server " + transport_.endpoint_.authority + " gave no answer in time");
            }
            step(kPollMax);
            if (ended_ && !transfer_->head_done) return failure();
        }
        head_ = transfer_->response;
        head_.body.clear();
        trace_response(transfer_->request, transfer_->url, head_, transfer_->timings(), false);
        return {};
    }

    Result<std::optional<std::string>> read(milliseconds timeout) override {
        const auto deadline = steady_clock::now() + timeout;
        const int signals_before = signals_().count();
        while (true) {
            if (!transfer_->response.body.empty()) return take();
            if (ended_ && code_ != CURLE_OK) return failure();
            if (ended_) return std::optional<std::string>();
            const int signals_now = signals_().count();
            if (signals_now >= 2) return kStopped;
            const auto left = std::chrono::duration_cast<milliseconds>(deadline - steady_clock::now());
            if (left.count() <= 0 || signals_now != signals_before)
                return make_error(ErrorKind::kTimeout, "nothing came on the watch");
            step(std::min(left, kPollMax));
        }
    }

    const Transfer& transfer() const { return *transfer_; }

  private:
    const Signals& signals_() const { return transport_.signals_; }

    void step(milliseconds limit) {
        int still = 0, queued = 0;
        curl_multi_perform(multi_.get(), &still);
        while (CURLMsg* message = curl_multi_info_read(multi_.get(), &queued)) {
            if (message->msg != CURLMSG_DONE) continue;
            ended_ = true;
            code_ = message->data.result;
        }
        if (!ended_ && transfer_->response.body.empty())
            curl_multi_poll(multi_.get(), nullptr, 0, static_cast<int>(limit.count()), nullptr);
    }

    std::optional<std::string> take() {
        std::string out = std::move(transfer_->response.body);
        transfer_->response.body.clear();
        if (transfer_->paused) {
            transfer_->paused = false;
            curl_easy_pause(transfer_->easy.get(), CURLPAUSE_CONT);
        }
        return out;
    }

    Error failure() {
        Error error = failure_of(*transfer_, code_, transport_.endpoint_);
        trace_failure(transfer_->request, transfer_->url, error, transfer_->timings());
        return error;
    }

    CurlTransport& transport_;
    Multi multi_{curl_multi_init()};
    std::unique_ptr<Transfer> transfer_;
    Response head_;
    bool ended_ = false;
    CURLcode code_ = CURLE_OK;
};

Result<std::unique_ptr<CurlStream>> CurlTransport::open_once(const Request& request, kubeconfig::Credential& used) {
    TRY_ASSIGN(auto transfer, prepare(request, true));
    used = transfer->used;
    auto stream = std::make_unique<CurlStream>(*this, std::move(transfer));
    milliseconds limit = request.timeout.count() > 0 ? request.timeout : config_.request_timeout;
    if (limit.count() == 0) limit = stall_limit();
    const Status head = stream->wait_head(limit);
    silent_ = !head.ok() && head.error().kind == ErrorKind::kTimeout;
    if (!head.ok()) return head.error();
    return stream;
}

Result<std::unique_ptr<Stream>> CurlTransport::open(const Request& request) {
    kubeconfig::Credential used;
    TRY_ASSIGN(auto stream, open_once(request, used));
    if (stream->head().status == 401) {
        TRY_ASSIGN(const bool refreshed, credentials_.refresh(used));
        if (refreshed) {
            auto again = open_once(request, used);
            if (!again.ok()) return again.error();
            stream = std::move(*again);
        }
    }
    return Result<std::unique_ptr<Stream>>(std::move(stream));
}

}  // namespace

Result<std::unique_ptr<Transport>> make_curl_transport(const kubeconfig::ClientConfig& config,
                                                       kubeconfig::Credentials& credentials, const Signals& signals,
                                                       const CurlOptions& options) {
    static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (initialised != CURLE_OK) return make_error(ErrorKind::kInternal, "libcurl cannot be initialised");
    TRY_ASSIGN(Endpoint endpoint, make_endpoint(config));
    for (const auto& [name, value] : impersonation_headers(config)) TRY(check_header(name, value));
    return Result<std::unique_ptr<Transport>>(
        std::make_unique<CurlTransport>(config, std::move(endpoint), credentials, signals, options));
}

}  // namespace holdfast::http
