#include "common/http/curl_transfer.h"

#include "common/core/text.h"
#include "common/http/connect_error.h"
#include "common/http/mask.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>

namespace holdfast::http {

namespace {

constexpr std::size_t kStreamBufferMax = std::size_t{1} << 20;

struct UrlDelete {
    void operator()(CURLU* url) const { curl_url_cleanup(url); }
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

// curl sends a request again by itself when a reused connection turns out to be dead, whatever the verb. A server may
// have done the first one, so only reads may be sent twice.
int on_before_send(void* user, char*, char*, int, int) {
    auto& transfer = *static_cast<Transfer*>(user);
    transfer.attempts += 1;
    if (transfer.attempts == 1 || transfer.request.method == "GET") return CURL_PREREQFUNC_OK;
    transfer.resend_refused = true;
    return CURL_PREREQFUNC_ABORT;
}

int on_socket(void*, curl_socket_t socket, curlsocktype) {
    // libcurl cannot ping an HTTP/2 connection in flight: the kernel finds out that the peer is gone (30 s idle + 15
    // s).
    const unsigned int lost_after_ms = 45000;
    setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &lost_after_ms, sizeof lost_after_ms);
    return CURL_SOCKOPT_OK;
}

std::string url_part(CURLU* url, CURLUPart part, unsigned int flags = 0) {
    char* text = nullptr;
    if (curl_url_get(url, part, &text, flags) != CURLUE_OK || text == nullptr) return "";
    std::string out(text);
    curl_free(text);
    return out;
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
    set(transfer, CURLOPT_HTTP_VERSION,
        static_cast<long>(config.disable_http2 ? CURL_HTTP_VERSION_1_1 : CURL_HTTP_VERSION_2TLS));
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
            return make_error(ErrorKind::kProtocol,
                              "the server's reply to " + what() + " is larger than " +
                                  human_bytes(static_cast<long long>(transfer_.request.limit)) +
                                  "; it was not read to its end",
                              "TooLarge");
        }
        if (transfer_.bad_head)
            return make_error(ErrorKind::kProtocol,
                              "the headers of the server's reply to " + what() + " are too large");
        if (transfer_.resend_refused) return cut_off("the connection was closed before an answer came");
        return transfer_.attempts == 0 ? before_send() : after_send();
    }

  private:
    std::string detail() const {
        const std::string text = transfer_.error_text.data();
        return escape_line(text.empty() ? std::string(curl_easy_strerror(code_)) : text);
    }
    std::string what() const {
        return transfer_.request.method + " " +
               escape_line(transfer_.request.target.substr(0, transfer_.request.target.find('?')));
    }

    Error cut_off(const std::string& cause) const {
        return make_error(ErrorKind::kUnavailable, "the connection to the server " + endpoint_.authority +
                                                       " broke during " + what() + ": " + cause);
    }

    Error before_send() const {
        const long proxy_status = transfer_.info_number(CURLINFO_HTTP_CONNECTCODE);
        if (proxy_status != 0 && proxy_status / 100 != 2) {
            return cannot_connect("proxyconnect tcp: the proxy answered " + std::to_string(proxy_status));
        }
        switch (code_) {
            case CURLE_PEER_FAILED_VERIFICATION:
                return certificate_refused(transfer_.info_number(CURLINFO_SSL_VERIFYRESULT),
                                           endpoint_.connect_to.empty()
                                               ? endpoint_.host
                                               : endpoint_.connect_to.substr(0, endpoint_.connect_to.find(':')),
                                           detail_);
            case CURLE_SSL_CERTPROBLEM:
                return tls_failed("the client certificate cannot be used: " + detail_);
            case CURLE_SSL_CACERT_BADFILE:
                return tls_failed("certificate-authority: " + detail_);
            case CURLE_SSL_CONNECT_ERROR:
            case CURLE_SSL_CIPHER:
            case CURLE_USE_SSL_FAILED:
                return tls_failed(detail_);
            case CURLE_COULDNT_RESOLVE_HOST:
                return cannot_connect("dial tcp: lookup " + endpoint_.host + ": no such host");
            case CURLE_COULDNT_RESOLVE_PROXY:
                return cannot_connect("proxyconnect tcp: lookup of the proxy's name: no such host");
            case CURLE_OPERATION_TIMEDOUT:
                return cannot_connect("dial tcp " + endpoint_.authority + ": i/o timeout");
            case CURLE_COULDNT_CONNECT:
                if (transfer_.info_number(CURLINFO_OS_ERRNO) == ECONNREFUSED)
                    return connection_refused(endpoint_.authority);
                return cannot_connect("dial tcp " + endpoint_.authority + ": " + detail_);
            default:
                return cannot_connect(detail_);
        }
    }

    Error after_send() const {
        const bool no_chunks =
            detail_.find("chunk") != std::string::npos && detail_.find("outstanding") == std::string::npos;
        switch (code_) {
            case CURLE_OPERATION_TIMEDOUT:
                return make_error(ErrorKind::kTimeout,
                                  "the server " + endpoint_.authority + " gave no answer to " + what() + " in time");
            case CURLE_BAD_CONTENT_ENCODING:
            case CURLE_WEIRD_SERVER_REPLY:
            case CURLE_UNSUPPORTED_PROTOCOL:
            case CURLE_OUT_OF_MEMORY:
                return make_error(ErrorKind::kProtocol,
                                  "the server's reply to " + what() + " breaks the HTTP protocol: " + detail_);
            case CURLE_RECV_ERROR:
            case CURLE_SSL_CONNECT_ERROR:
                // TLS 1.3: a refused client certificate shows only when the reply is read.
                if (detail_.find("alert") != std::string::npos) return tls_failed(detail_);
                if (no_chunks)
                    return make_error(ErrorKind::kProtocol,
                                      "the server's reply to " + what() + " breaks the HTTP protocol: " + detail_);
                return cut_off(detail_);
            default:
                return cut_off(detail_);
        }
    }

    const Transfer& transfer_;
    CURLcode code_;
    const Endpoint& endpoint_;
    std::string detail_;
};

}  // namespace

Error make_error(ErrorKind kind, std::string message, std::string reason) {
    return Error{kind, std::move(message), "", 0, std::move(reason)};
}

void append(HeaderList& list, const std::string& line) {
    curl_slist* longer = curl_slist_append(list.get(), line.c_str());
    if (longer == nullptr) return;  // out of memory: curl keeps the old list
    static_cast<void>(list.release());
    list.reset(longer);
}

Result<Endpoint> make_endpoint(const kubeconfig::ClientConfig& config) {
    const std::unique_ptr<CURLU, UrlDelete> url(curl_url());
    const Error bad = make_error(
        ErrorKind::kInvalid, "the server's address is no http or https URL: " + escape_line(mask_text(config.server)));
    if (!url || curl_url_set(url.get(), CURLUPART_URL, config.server.c_str(), CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK)
        return bad;
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
            return make_error(ErrorKind::kInvalid,
                              "tls-server-name is no host name: " + escape_line(config.tls_server_name));
        }
        out.connect_to = url_part(url.get(), CURLUPART_HOST) + ":" + port + ":" + out.host + ":" + port;
    }
    out.base = url_part(url.get(), CURLUPART_URL);
    while (ends_with(out.base, "/")) out.base.pop_back();
    return out;
}

void set_up(Transfer& transfer, const kubeconfig::ClientConfig& config, const CurlOptions& options) {
    set_callbacks(transfer);
    set_connection(transfer, config);
    set_tls(transfer, config, options);
    set_body(transfer);
}

Error failure_of(const Transfer& transfer, CURLcode code, const Endpoint& endpoint) {
    return Failure(transfer, code, endpoint).error();
}

}  // namespace holdfast::http
