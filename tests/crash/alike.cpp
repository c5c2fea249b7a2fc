#include "tests/crash/alike.h"

#include <algorithm>

namespace holdfast::crash {

namespace {

constexpr std::size_t kEvery = 4;

// What a read tells of one object is not what it tells of the next: an older state of it, that it is somebody else's.
bool depends_on_object(Fault fault) {
    switch (fault) {
        case Fault::k401:
        case Fault::k403:
        case Fault::k429:
        case Fault::k500:
        case Fault::k503:
        case Fault::k504NotApplied:
        case Fault::kResetBefore:
        case Fault::kResetAfter:
        case Fault::kHalfBody:
        case Fault::kDelay:
        case Fault::kClockJump:
        case Fault::kClockBack:
        case Fault::kInterrupt:
        case Fault::kInterruptTwice:
        case Fault::kAllocation:
            return false;
        default:
            return true;
    }
}

std::string kind_of(const sim::Call& call) {
    return sim::verb_name(call.verb) + " " + call.ref.resource.plural + " " + call.subresource +
           (call.there ? "!" : "");
}

}  // namespace

bool Renewals::renews(const sim::Call& call) {
    if (!sim::is_write(call.verb) || call.ref.resource != kube::kLeases) return false;
    const bool again = !written_.insert(call.ref.text()).second;
    return again && call.verb == sim::Verb::kReplace;
}

Alike::Alike(const std::vector<sim::Call>& calls, const std::vector<bool>& changes) {
    std::size_t segment = 0;
    Renewals renewals;
    places_.reserve(calls.size());
    for (std::size_t i = 0; i < calls.size(); ++i) {
        const sim::Call& call = calls[i];
        renews_.push_back(renewals.renews(call));
        const bool reads = call.verb == sim::Verb::kGet || call.verb == sim::Verb::kList;
        if (!reads && !renews_[i]) {
            if (i < changes.size() && changes[i]) ++segment;
            places_.emplace_back();
            continue;
        }
        std::size_t& count = counts_[std::to_string(segment) + " " + kind_of(call)];
        places_.push_back({count++, &count});
    }
}

bool Alike::spares(std::size_t at, Fault fault) const {
    const Place& place = places_[at];
    if (place.alike == nullptr || kills(fault) || (!renews_[at] && depends_on_object(fault))) return false;
    return (place.turn + static_cast<std::size_t>(fault)) % std::min(*place.alike, kEvery) != 0;
}

}  // namespace holdfast::crash
