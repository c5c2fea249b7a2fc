#include "common/http/transport.h"

namespace holdfast::http {

std::optional<std::string> Response::header(std::string_view lower_case_name) const {
    for (const auto& [name, value] : headers) {
        if (name == lower_case_name) return value;
    }
    return std::nullopt;
}

}  // namespace holdfast::http
