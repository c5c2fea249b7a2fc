// One request as libcurl sees it: its handle with every option set, what came back, and the sentence for what went
// wrong. Only curl_transport.cpp uses this.
#pragma once

#include "common/http/curl_transport.h"
#include "common/http/headers.h"
#include "common/http/trace.h"

#include <curl/curl.h>

#include <array>
#include <memory>
#include <string>

namespace holdfast::http {

struct EasyDelete {
    void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct MultiDelete {
    void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};
struct ListDelete {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using Easy = std::unique_ptr<CURL, EasyDelete>;
using Multi = std::unique_ptr<CURLM, MultiDelete>;
using HeaderList = std::unique_ptr<curl_slist, ListDelete>;

Error make_error(ErrorKind kind, std::string message, std::string reason = {});
void append(HeaderList& list, const std::string& line);

// Where to connect, decided once from the server's URL.
struct Endpoint {
    std::string base;        // URL that requests are joined to; with a tls-server-name that name is its host
    std::string authority;   // host[:port] as the user wrote it: Host header and messages
    std::string host;        // host alone
    std::string connect_to;  // for CURLOPT_CONNECT_TO, "" : none
    bool secure = false;
};
// kInvalid: no http or https URL, or a tls-server-name that is none.
Result<Endpoint> make_endpoint(const kubeconfig::ClientConfig& config);

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
    int attempts = 0;  // how often curl was about to send it
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
        return Timings{lookup, std::max(none, dial - lookup), std::max(none, secure - dial),
                       std::max(none, first - begun), info_time(CURLINFO_TOTAL_TIME_T)};
    }
};

template <typename T>
void set(Transfer& transfer, CURLoption option, T value) {
    curl_easy_setopt(transfer.easy.get(), option, value);
}
// Everything but URL, headers and time limits. The strings of config and options must outlive the transfer.
void set_up(Transfer& transfer, const kubeconfig::ClientConfig& config, const CurlOptions& options);

// Which sentence a failed transfer deserves.
Error failure_of(const Transfer& transfer, CURLcode code, const Endpoint& endpoint);

}  // namespace holdfast::http
