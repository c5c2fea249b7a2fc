// Lists in pages of 500, each item decoded by itself. Source: client-go tools/pager/pager.go.
#pragma once

#include "common/http/transport.h"
#include "common/kube/reader.h"
#include "common/kube/warnings.h"

#include <functional>
#include <string>

namespace holdfast::kube {

// As ClusterReader::for_each. A page that is too large for memory is asked for again in tenths. kProtocol: a continue
// token that comes back, or over 2,000 full pages, or over 100 empty pages in a row.
Result<std::string> read_list(http::Transport& transport, Warnings& warnings, const Resource& resource,
                              const std::string& space, const ListOptions& options,
                              const std::function<bool(Json&&)>& each, const std::function<void()>& restart);

}  // namespace holdfast::kube
