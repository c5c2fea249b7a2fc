// What the API server says that it offers. Aggregated discovery (GET /api and /apis, Kubernetes 1.26 and later), else
// one request per group version. Source: client-go discovery/discovery_client.go.
#pragma once

#include "common/http/transport.h"
#include "common/kube/reader.h"

namespace holdfast::kube {

// Aggregated servers that do not answer are tolerated: their group versions are in `incomplete`.
Result<Discovery> read_discovery(http::Transport& transport);

// The documents, for tests. Pure.
void add_aggregated(const Json& document, Discovery& discovery);

}  // namespace holdfast::kube
