#include "tests/crash/survivors.h"

namespace holdfast::crash {

std::string reason_to_survive(const Entry&, const Mutation& mutation) {
    if (mutation.kind == "no-survive") return "the simulated API server drops no data source; unit tests do";
    if (mutation.kind == "no-order") return "the executor takes the steps of a plan in their order";
    return "";
}

}  // namespace holdfast::crash
