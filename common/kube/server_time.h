// What time it is by the API server's clock. What is compared with times that the cluster wrote must not be measured by
// this machine's clock, which may be hours off.
#pragma once

#include "common/core/duration.h"
#include "common/kube/reader.h"

#include <optional>

namespace holdfast::kube {

// A reader whose server says the time; doubles have none.
class TellsTime {
  public:
    virtual ~TellsTime() = default;
    // To the second, as the last answer said. nullopt: none has said it yet.
    virtual std::optional<SystemTime> server_time() = 0;
};

inline std::optional<SystemTime> server_time(ClusterReader& reader) {
    auto* teller = dynamic_cast<TellsTime*>(&reader);
    return teller == nullptr ? std::nullopt : teller->server_time();
}

}  // namespace holdfast::kube
