#include "common/http/curl_date.h"

#include <curl/curl.h>

#include <chrono>
#include <ctime>

namespace holdfast::http {

std::optional<SystemTime> time_of_date(const std::string& value) {
    const std::time_t seconds = curl_getdate(value.c_str(), nullptr);
    return seconds < 0 ? std::nullopt : std::optional<SystemTime>(std::chrono::system_clock::from_time_t(seconds));
}

}  // namespace holdfast::http
