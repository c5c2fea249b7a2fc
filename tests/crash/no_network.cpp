// In the place of what calls libcurl and libpq, which nothing here reaches: some thirty libraries come with the two,
// and every fork would copy what the kernel knows of each.
#include "common/db/pq_sql.h"
#include "common/http/curl_date.h"
#include "common/http/curl_transport.h"

namespace holdfast {
namespace {

Error no_network() { return {ErrorKind::kConnect, "the crash matrix has no network", "", 0, ""}; }

}  // namespace

namespace http {

std::optional<SystemTime> time_of_date(const std::string& /*value*/) { return std::nullopt; }

Result<std::unique_ptr<Transport>> make_curl_transport(const kubeconfig::ClientConfig& /*config*/,
                                                       kubeconfig::Credentials& /*credentials*/,
                                                       const Signals& /*signals*/, const CurlOptions& /*options*/) {
    return no_network();
}

}  // namespace http

namespace db {

PqSqlRunner::PqSqlRunner(plan::LocalPorts ports, Clock& clock, const Signals& signals)
    : ports_(std::move(ports)), clock_(clock), signals_(signals) {}

Result<std::string> PqSqlRunner::query(const plan::Sql& /*sql*/, std::chrono::milliseconds /*timeout*/) {
    return no_network();
}

}  // namespace db
}  // namespace holdfast
