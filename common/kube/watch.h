// A watch over a stream: lines of JSON, one event each.
#pragma once

#include "common/http/transport.h"
#include "common/kube/reader.h"

#include <memory>

namespace holdfast::kube {

// kProtocol from next(): a line over 8 MiB without an end, or no event. The stream's head must be a success.
std::unique_ptr<Watch> make_watch(std::unique_ptr<http::Stream> stream, const Resource& resource);

}  // namespace holdfast::kube
