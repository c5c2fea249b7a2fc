#include "common/kube/wrappers/dated.h"

#include "common/http/curl_date.h"

namespace holdfast::kube {

Result<http::Response> Dated::send(const http::Request& request) {
    auto response = inner_->send(request);
    if (response.ok()) look_at(*response);
    return response;
}

std::vector<Result<http::Response>> Dated::send_all(const std::vector<http::Request>& requests, const Done& on_done) {
    return inner_->send_all(requests, [&](std::size_t i, const Result<http::Response>& response) {
        if (response.ok()) look_at(*response);
        if (on_done) on_done(i, response);
    });
}

Result<std::unique_ptr<http::Stream>> Dated::open(const http::Request& request) {
    auto stream = inner_->open(request);
    if (stream.ok()) look_at((*stream)->head());
    return stream;
}

void Dated::look_at(const http::Response& response) {
    const auto date = response.header("date");
    const auto time = date ? http::time_of_date(*date) : std::nullopt;
    if (!time) return;
    const std::lock_guard hold(mutex_);
    said_ = Said{*time, clock_.steady_now()};
}

std::optional<SystemTime> Dated::now() {
    const std::lock_guard hold(mutex_);
    if (!said_) return std::nullopt;
    return said_->time + std::chrono::duration_cast<SystemTime::duration>(clock_.steady_now() - said_->at);
}

}  // namespace holdfast::kube
