#include "common/http/curl_transport.h"

#include "common/core/text.h"
#include "common/http/connect_error.h"
#include "common/http/headers.h"
#include "common/http/mask.h"
#include "common/http/trace.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

namespace holdfast::http {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t kInFlightMax = 8;
constexpr std::size_t kStreamBufferMax = std::size_t{1} << 20;
// A signal ends poll() by EINTR; this bounds the wait where it came just before poll().
constexpr milliseconds kPollMax{200};

struct EasyDelete {
    void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct MultiDelete {
    void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};
struct ListDelete {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
struct UrlDelete {
    void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using Easy = std::unique_ptr<CURL, EasyDelete>;
using Multi = std::unique_ptr<CURLM, MultiDelete>;
using HeaderList = std::unique_ptr<curl_slist, ListDelete>;

void append(HeaderList& list, const std::string& line) {
    curl_slist* longer = curl_slist_append(list.get(), line.c_str());
    if (longer == nullptr) return;  // out of memory: curl keeps the old list
    static_cast<void>(list.release());
    list.reset(longer);
}

Error make_error(ErrorKind kind, std::string message, std::string reason = {}) {
    return Error{kind, std::move(message), "", 0, std::move(reason)};
}

// One request on its way and what came of it so far. Stays where it is: curl holds its address.
struct Transfer {
    Request request;
    std::string url;
    kubeconfig::Credential used;
    Response response;
    HeaderCollector collector;
    Headers sent_headers;
    HeaderList header_list, connect_to;
    Easy easy{curl_easy_init()};
    std::array<char, CURL_ERROR_SIZE> error_text{};
    int attempts = 0;             // how often curl was about to send it
    bool streaming = false;
    bool head_done = false, too_large = false, bad_head = false, resend_refused = false, paused = false;

    Transfer() = default;
    Transfer(const Transfer&) = delete;
    Transfer& operator=(const Transfer&) = delete;

    long info_number(CURLINFO what) const {
        long value = 0;
        curl_easy_getinfo(easy.get(), what, &value);
        return value;
    }
    std::chrono::microseconds info_time(CURLINFO what) const {
        curl_off_t value = 0;
        curl_easy_getinfo(easy.get(), what, &value);
        return std::chrono::microseconds(value);
    }
    Timings timings() const {
        const auto lookup = info_time(CURLINFO_NAMELOOKUP_TIME_T), dial = info_time(CURLINFO_CONNECT_TIME_T),
                   secure = info_time(CURLINFO_APPCONNECT_TIME_T), begun = info_time(CURLINFO_PRETRANSFER_TIME_T),
                   first = info_time(CURLINFO_STARTTRANSFER_TIME_T);
        const std::chrono::microseconds none{0};
        return Timings{lookup, std::max(none, dial - lookup), std::max(none, secure - dial), std::max(none, first - begun),
                       info_time(CURLINFO_TOTAL_TIME_T)};
    }
};

std::size_t on_header(char* data, std::size_t size, std::size_t count, void* user) {
    auto& transfer = *static_cast<Transfer*>(user);
    const std::string_view line(data, size * count);
    if (!transfer.collector.add(line, transfer.response)) {
        transfer.bad_head = true;
        return 0;
    }
    if (trim(line).empty()) {
        const long status = transfer.info_number(CURLINFO_RESPONSE_CODE);
        transfer.response.status = static_cast<int>(status);
        transfer.head_done = status >= 200;
    }
    return size * count;
}

// What comes here is already inflated, so that the limit holds for compressed replies too.
std::size_t on_body(char* data, std::size_t size, std::size_t count, void* user) {
    auto& transfer = *static_cast<Transfer*>(user);
    const std::size_t bytes = size * count;
    std::string& body = transfer.response.body;
    if (transfer.streaming && body.size() > kStreamBufferMax) {
        transfer.paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    if (!transfer.streaming && bytes > transfer.request.limit - std::min(transfer.request.limit, body.size())) {
        transfer.too_large = true;
        return 0;
    }
    body.append(data, bytes);
    return bytes;
}

// curl sends a request again by itself when a reused connection turns out to be dead, whatever the verb. A server may have
// done the first one, so only reads may be sent twice.
int on_before_send(void* user, char*, char*, int, int) {
    auto& transfer = *static_cast<Transfer*>(user);
    transfer.attempts += 1;
    if (transfer.attempts == 1 || transfer.request.method == "GET") return CURL_PREREQFUNC_OK;
    transfer.resend_refused = true;
    return CURL_PREREQFUNC_ABORT;
}

int on_socket(void*, curl_socket_t socket, curlsocktype) {
    // libcurl cannot ping an HTTP/2 connection in flight: the kernel finds out that the peer is gone (30 s idle + 15 s).
    const unsigned int lost_after_ms = 45000;
    setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &lost_after_ms, sizeof lost_after_ms);
    return CURL_SOCKOPT_OK;
}

// Where to connect, decided once from the server's URL.
struct Endpoint {
    std::string base;         // URL that requests are joined to; with a tls-server-name that name is its host
    std::string authority;    // host[:port] as the user wrote it: Host header and messages
    std::string host;         // host alone
    std::string connect_to;   // for CURLOPT_CONNECT_TO, "" : none
    bool secure = false;
};

std::string url_part(CURLU* url, CURLUPart part, unsigned int flags = 0) {
    char* text = nullptr;
    if (curl_url_get(url, part, &text, flags) != CURLUE_OK || text == nullptr) return "";
    std::string out(text);
    curl_free(text);
    return out;
}

Result<Endpoint> make_endpoint(const kubeconfig::ClientConfig& config) {
    const std::unique_ptr<CURLU, UrlDelete> url(curl_url());
    const Error bad = make_error(ErrorKind::kInvalid, "the server's address is no http or https URL: " + escape_line(mask_text(config.server)));
    if (!url || curl_url_set(url.get(), CURLUPART_URL, config.server.c_str(), CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK) return bad;
    Endpoint out;
    const std::string scheme = url_part(url.get(), CURLUPART_SCHEME);
    out.secure = scheme == "https";
    if (!out.secure && scheme != "http") return bad;
    out.host = url_part(url.get(), CURLUPART_HOST);
    const std::string written_port = url_part(url.get(), CURLUPART_PORT);
    out.authority = written_port.empty() ? out.host : out.host + ":" + written_port;
    curl_url_set(url.get(), CURLUPART_USER, nullptr, 0);
    curl_url_set(url.get(), CURLUPART_PASSWORD, nullptr, 0);
    if (out.secure && !config.tls_server_name.empty()) {
        const std::string port = url_part(url.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT);
        if (curl_url_set(url.get(), CURLUPART_HOST, config.tls_server_name.c_str(), 0) != CURLUE_OK) {
            return make_error(ErrorKind::kInvalid, "tls-server-name is no host name: " + escape_line(config.tls_server_name));
        }
        out.connect_to = url_part(url.get(), CURLUPART_HOST) + ":" + port + ":" + out.host + ":" + port;
    }
    out.base = url_part(url.get(), CURLUPART_URL);
    while (ends_with(out.base, "/")) out.base.pop_back();
    return out;
}

template <typename T>
void set(Transfer& transfer, CURLoption option, T value) {
    curl_easy_setopt(transfer.easy.get(), option, value);
}

void set_blob(Transfer& transfer, CURLoption option, const std::string& pem) {
    curl_blob blob{const_cast<char*>(pem.data()), pem.size(), CURL_BLOB_COPY};
    curl_easy_setopt(transfer.easy.get(), option, &blob);
}

void set_tls(Transfer& transfer, const kubeconfig::ClientConfig& config, const CurlOptions& options) {
    set(transfer, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    set(transfer, CURLOPT_SSL_VERIFYPEER, config.insecure ? 0L : 1L);
    set(transfer, CURLOPT_SSL_VERIFYHOST, config.insecure ? 0L : 2L);
    if (!config.ca_pem.empty()) {
        // Debian's default CAPATH would stay trusted beside the blob: the cluster's CA must be the only one.
        set(transfer, CURLOPT_CAINFO, static_cast<char*>(nullptr));
        set(transfer, CURLOPT_CAPATH, static_cast<char*>(nullptr));
        set_blob(transfer, CURLOPT_CAINFO_BLOB, config.ca_pem);
    } else if (!options.ca_file.empty()) {
        set(transfer, CURLOPT_CAPATH, static_cast<char*>(nullptr));
        set(transfer, CURLOPT_CAINFO, options.ca_file.c_str());
    }
    if (!transfer.used.client_cert_pem.empty()) {
        set(transfer, CURLOPT_SSLCERTTYPE, "PEM");
        set(transfer, CURLOPT_SSLKEYTYPE, "PEM");
        set_blob(transfer, CURLOPT_SSLCERT_BLOB, transfer.used.client_cert_pem);
        set_blob(transfer, CURLOPT_SSLKEY_BLOB, transfer.used.client_key_pem);
    }
}

void set_connection(Transfer& transfer, const kubeconfig::ClientConfig& config) {
    set(transfer, CURLOPT_HTTP_VERSION, static_cast<long>(config.disable_http2 ? CURL_HTTP_VERSION_1_1 : CURL_HTTP_VERSION_2TLS));
    set(transfer, CURLOPT_PIPEWAIT, 1L);
    set(transfer, CURLOPT_PROTOCOLS_STR, "http,https");
    set(transfer, CURLOPT_FOLLOWLOCATION, 0L);
    set(transfer, CURLOPT_PATH_AS_IS, 1L);
    set(transfer, CURLOPT_NOSIGNAL, 1L);
    set(transfer, CURLOPT_CONNECTTIMEOUT_MS, 30000L);
    set(transfer, CURLOPT_TCP_KEEPALIVE, 1L);
    set(transfer, CURLOPT_TCP_KEEPIDLE, 30L);
    set(transfer, CURLOPT_TCP_KEEPINTVL, 15L);
    set(transfer, CURLOPT_SOCKOPTFUNCTION, &on_socket);
    // The proxy was decided by Go's rule; curl's own reading of the environment differs and is shut off.
    set(transfer, CURLOPT_PROXY, config.proxy.c_str());
    set(transfer, CURLOPT_NOPROXY, "");
    set(transfer, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    if (!config.disable_compression) set(transfer, CURLOPT_ACCEPT_ENCODING, "gzip");
}

void set_callbacks(Transfer& transfer) {
    set(transfer, CURLOPT_PRIVATE, static_cast<void*>(&transfer));
    set(transfer, CURLOPT_ERRORBUFFER, transfer.error_text.data());
    set(transfer, CURLOPT_HEADERFUNCTION, &on_header);
    set(transfer, CURLOPT_HEADERDATA, static_cast<void*>(&transfer));
    set(transfer, CURLOPT_WRITEFUNCTION, &on_body);
    set(transfer, CURLOPT_WRITEDATA, static_cast<void*>(&transfer));
    set(transfer, CURLOPT_PREREQFUNCTION, &on_before_send);
    set(transfer, CURLOPT_PREREQDATA, static_cast<void*>(&transfer));
}

void set_body(Transfer& transfer) {
    const Request& request = transfer.request;
    if (request.method == "GET") {
        set(transfer, CURLOPT_HTTPGET, 1L);
        return;
    }
    set(transfer, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    set(transfer, CURLOPT_POSTFIELDS, request.body.c_str());
    set(transfer, CURLOPT_CUSTOMREQUEST, request.method.c_str());
}

// Which sentence a failed transfer deserves.
class Failure {
  public:
    Failure(const Transfer& transfer, CURLcode code, const Endpoint& endpoint)
        : transfer_(transfer), code_(code), endpoint_(endpoint), detail_(detail()) {}

    Error error() const {
        if (transfer_.too_large) {
            return make_error(ErrorKind::kProtocol, "the server's reply to " + what() + " is larger than " +
                                                        human_bytes(static_cast<long long>(transfer_.request.limit)) +
                                                        "; it was not read to its end", "TooLarge");
        }
        if (transfer_.bad_head) return make_error(ErrorKind::kProtocol, "the headers of the server's reply to " + what() + " are too large");
        if (transfer_.resend_refused) return cut_off("the connection was closed before an answer came");
        return transfer_.attempts == 0 ? before_send() : after_send();
    }

  private:
    std::string detail() const {
        const std::string text = transfer_.error_text.data();
        return escape_line(text.empty() ? std::string(curl_easy_strerror(code_)) : text);
    }
    std::string what() const { return transfer_.request.method + " " + escape_line(transfer_.request.target.substr(0, transfer_.request.target.find('?'))); }

    Error cut_off(const std::string& cause) const {
        return make_error(ErrorKind::kUnavailable, "the connection to the server " + endpoint_.authority + " broke during " + what() + ": " + cause);
    }

    Error before_send() const {
        const long proxy_status = transfer_.info_number(CURLINFO_HTTP_CONNECTCODE);
        if (proxy_status != 0 && proxy_status / 100 != 2) {
            return cannot_connect("proxyconnect tcp: the proxy answered " + std::to_string(proxy_status));
        }
        switch (code_) {
            case CURLE_PEER_FAILED_VERIFICATION:
                return certificate_refused(transfer_.info_number(CURLINFO_SSL_VERIFYRESULT),
                                           endpoint_.connect_to.empty() ? endpoint_.host : endpoint_.connect_to.substr(0, endpoint_.connect_to.find(':')),
                                           detail_);
            case CURLE_SSL_CERTPROBLEM: return tls_failed("the client certificate cannot be used: " + detail_);
            case CURLE_SSL_CACERT_BADFILE: return tls_failed("certificate-authority: " + detail_);
            case CURLE_SSL_CONNECT_ERROR: case CURLE_SSL_CIPHER: case CURLE_USE_SSL_FAILED: return tls_failed(detail_);
            case CURLE_COULDNT_RESOLVE_HOST: return cannot_connect("dial tcp: lookup " + endpoint_.host + ": no such host");
            case CURLE_COULDNT_RESOLVE_PROXY: return cannot_connect("proxyconnect tcp: lookup of the proxy's name: no such host");
            case CURLE_OPERATION_TIMEDOUT: return cannot_connect("dial tcp " + endpoint_.authority + ": i/o timeout");
            case CURLE_COULDNT_CONNECT:
                if (transfer_.info_number(CURLINFO_OS_ERRNO) == ECONNREFUSED) return connection_refused(endpoint_.authority);
                return cannot_connect("dial tcp " + endpoint_.authority + ": " + detail_);
            default: return cannot_connect(detail_);
        }
    }

    Error after_send() const {
        const bool no_chunks = detail_.find("chunk") != std::string::npos && detail_.find("outstanding") == std::string::npos;
        switch (code_) {
            case CURLE_OPERATION_TIMEDOUT:
                return make_error(ErrorKind::kTimeout, "the server " + endpoint_.authority + " gave no answer to " + what() + " in time");
            case CURLE_BAD_CONTENT_ENCODING: case CURLE_WEIRD_SERVER_REPLY: case CURLE_UNSUPPORTED_PROTOCOL: case CURLE_OUT_OF_MEMORY:
                return make_error(ErrorKind::kProtocol, "the server's reply to " + what() + " breaks the HTTP protocol: " + detail_);
            case CURLE_RECV_ERROR: case CURLE_SSL_CONNECT_ERROR:
                // TLS 1.3: a refused client certificate shows only when the reply is read.
                if (detail_.find("alert") != std::string::npos) return tls_failed(detail_);
                if (no_chunks) return make_error(ErrorKind::kProtocol, "the server's reply to " + what() + " breaks the HTTP protocol: " + detail_);
                return cut_off(detail_);
            default: return cut_off(detail_);
        }
    }

    const Transfer& transfer_;
    CURLcode code_;
    const Endpoint& endpoint_;
    std::string detail_;
};

const Error kStopped{ErrorKind::kInterrupted, "interrupted while waiting for the API server", "", 0, ""};

class CurlStream;

class CurlTransport : public Transport {
  public:
    CurlTransport(const kubeconfig::ClientConfig& config, Endpoint endpoint, kubeconfig::Credentials& credentials,
                  const Signals& signals, const CurlOptions& options)
        : config_(config), endpoint_(std::move(endpoint)), credentials_(credentials), signals_(signals), options_(options) {
        curl_multi_setopt(multi_.get(), CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
        curl_multi_setopt(multi_.get(), CURLMOPT_MAX_HOST_CONNECTIONS, static_cast<long>(kInFlightMax));  // HTTP/1.1 needs several
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
    Multi multi_{curl_multi_init()};
};

Status CurlTransport::add_headers(Transfer& transfer) {
    Headers headers = transfer.request.headers;
    headers.emplace_back("User-Agent", options_.user_agent);
    for (auto& header : impersonation_headers(config_)) headers.push_back(std::move(header));
    // A credential sent in the clear is a credential given away: http gets none.
    if (endpoint_.secure && !transfer.used.authorization.empty()) headers.emplace_back("Authorization", transfer.used.authorization);
    if (!endpoint_.connect_to.empty()) headers.emplace_back("Host", endpoint_.authority);
    for (const auto& [name, value] : headers) {
        TRY(check_header(name, value));
        append(transfer.header_list, value.empty() ? name + ";" : name + ": " + value);
    }
    append(transfer.header_list, "Expect:");
    const bool typed = std::any_of(headers.begin(), headers.end(), [](const auto& header) { return to_lower(header.first) == "content-type"; });
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
    set_callbacks(*transfer);
    set_connection(*transfer, config_);
    set_tls(*transfer, config_, options_);
    set_body(*transfer);
    if (!endpoint_.connect_to.empty()) {
        append(transfer->connect_to, endpoint_.connect_to);
        set(*transfer, CURLOPT_CONNECT_TO, transfer->connect_to.get());
    }
    if (!streaming) {
        const milliseconds limit = request.timeout.count() > 0 ? request.timeout : config_.request_timeout;
        set(*transfer, CURLOPT_TIMEOUT_MS, static_cast<long>(limit.count()));
        set(*transfer, CURLOPT_LOW_SPEED_LIMIT, 1L);
        set(*transfer, CURLOPT_LOW_SPEED_TIME, static_cast<long>(options_.stall_limit.count()));
    }
    trace_request(transfer->request, transfer->url, transfer->sent_headers);
    return transfer;
}

Result<Response> CurlTransport::finish(Transfer& transfer, CURLcode code) {
    if (code != CURLE_OK) {
        Error error = Failure(transfer, code, endpoint_).error();
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
        const auto at = std::find_if(running.begin(), running.end(), [&](const auto& one) { return one.first->easy.get() == easy; });
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
        if (!any_ended && !running.empty()) curl_multi_poll(multi_.get(), nullptr, 0, static_cast<int>(kPollMax.count()), nullptr);
    }
    for (const auto& one : running) curl_multi_remove_handle(multi_.get(), one.first->easy.get());  // answers stay kInterrupted
}

std::vector<Result<Response>> CurlTransport::send_all(const std::vector<Request>& requests, const Done& on_done) {
    std::vector<Result<Response>> answers(requests.size(), Result<Response>(kStopped));
    std::vector<kubeconfig::Credential> used(requests.size());
    std::vector<std::size_t> all(requests.size()), unauthorized;
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
    const auto report = [&](std::size_t i) { if (on_done) on_done(i, answers[i]); };
    run_batch(requests, all, answers, used, [&](std::size_t i) {
        if (answers[i].ok() && answers[i]->status == 401) unauthorized.push_back(i);
        else report(i);
    });
    std::vector<std::size_t> again;
    for (const std::size_t i : unauthorized) {
        const auto refreshed = credentials_.refresh(used[i]);
        if (!refreshed.ok()) answers[i] = refreshed.error();
        if (refreshed.ok() && *refreshed) again.push_back(i);
        else report(i);
    }
    for (const std::size_t i : again) answers[i] = kStopped;
    run_batch(requests, again, answers, used, report);
    return answers;
}

// A stream has a multi handle, and so a connection, of its own: a slow reader must not hold up calls.
class CurlStream : public Stream {
  public:
    CurlStream(CurlTransport& transport, std::unique_ptr<Transfer> transfer) : transport_(transport), transfer_(std::move(transfer)) {
        curl_multi_add_handle(multi_.get(), transfer_->easy.get());
    }
    ~CurlStream() override { curl_multi_remove_handle(multi_.get(), transfer_->easy.get()); }

    const Response& head() const override { return head_; }

    Status wait_head(milliseconds limit) {
        const auto deadline = steady_clock::now() + limit;
        while (!transfer_->head_done) {
            if (signals_().count() >= 2) return kStopped;
            if (steady_clock::now() >= deadline) {
                return transfer_->attempts == 0 ? cannot_connect("dial tcp " + transport_.endpoint_.authority + ": i/o timeout")
                                                : make_error(ErrorKind::kTimeout, "the server " + transport_.endpoint_.authority + " gave no answer in time");
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
            if (left.count() <= 0 || signals_now != signals_before) return make_error(ErrorKind::kTimeout, "nothing came on the watch");
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
        if (!ended_ && transfer_->response.body.empty()) curl_multi_poll(multi_.get(), nullptr, 0, static_cast<int>(limit.count()), nullptr);
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
        Error error = Failure(*transfer_, code_, transport_.endpoint_).error();
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
    if (limit.count() == 0) limit = options_.stall_limit;
    TRY(stream->wait_head(limit));
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

Result<std::unique_ptr<Transport>> make_curl_transport(const kubeconfig::ClientConfig& config, kubeconfig::Credentials& credentials,
                                                       const Signals& signals, const CurlOptions& options) {
    static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (initialised != CURLE_OK) return make_error(ErrorKind::kInternal, "libcurl cannot be initialised");
    TRY_ASSIGN(Endpoint endpoint, make_endpoint(config));
    for (const auto& [name, value] : impersonation_headers(config)) TRY(check_header(name, value));
    return Result<std::unique_ptr<Transport>>(std::make_unique<CurlTransport>(config, std::move(endpoint), credentials, signals, options));
}

}  // namespace holdfast::http
