#include "plugins/pvc-expand/less.h"

#include "common/core/quantity.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/resize.h"
#include "common/kube/objects/workload.h"

#include <algorithm>

namespace holdfast::expand {
namespace {

bool same_sets(const std::vector<Template>& shown, const std::vector<Template>& fresh) {
    return std::equal(shown.begin(), shown.end(), fresh.begin(), fresh.end(), [](const Template& a, const Template& b) {
        return a.ref == b.ref && a.uid == b.uid && a.sizes == b.sizes;
    });
}

// Nobody else is stopped than was said.
bool stops_no_more(const ExpandRecord& shown, const ExpandRecord& fresh) {
    return std::all_of(fresh.stopped.begin(), fresh.stopped.end(), [&](const plan::HeldWorkload& one) {
        return std::any_of(shown.stopped.begin(), shown.stopped.end(),
                           [&](const plan::HeldWorkload& said) { return said.text() == one.text(); });
    });
}

// The same claim, and not one that was made anew under its name.
bool has_come_to_it(const Growth& growth, const std::map<std::string, Json>& claims) {
    const auto claim = claims.find(growth.claim);
    if (claim == claims.end() || kube::uid_of(claim->second) != growth.uid || kube::deleting(claim->second))
        return false;
    const auto capacity = kube::resize_state_of(claim->second).capacity;
    const auto wanted = Quantity::parse(growth.to);
    return capacity && wanted.ok() && *capacity >= *wanted;
}

// It was asked to meanwhile, and is only waited for.
bool was_asked(const Growth& growth, const Growth& now) {
    Growth alike = now;
    alike.from = growth.from;
    const auto asked = Quantity::parse(now.from), wanted = Quantity::parse(growth.to);
    return alike == growth && asked.ok() && wanted.ok() && *asked >= *wanted;
}

const Growth* find_growth(const std::vector<Growth>& claims, const std::string& name) {
    const auto found = std::find_if(claims.begin(), claims.end(), [&](const Growth& one) { return one.claim == name; });
    return found == claims.end() ? nullptr : &*found;
}

}  // namespace

std::vector<std::string> grown_meanwhile(const ExpandRecord& shown, const ExpandRecord& fresh,
                                         const std::map<std::string, Json>& claims) {
    if (!same_sets(shown.sets, fresh.sets) || !stops_no_more(shown, fresh)) return {};
    for (const Growth& one : fresh.claims) {
        // One that grew may be what carries the words about its workload now.
        if (!one.bears_only && find_growth(shown.claims, one.claim) == nullptr) return {};
    }
    std::vector<std::string> grown;
    for (const Growth& one : shown.claims) {
        const Growth* now = find_growth(fresh.claims, one.claim);
        if (now != nullptr && *now == one) continue;
        if (one.bears_only) return {};
        const bool waits = now != nullptr && !now->bears_only;
        if (waits ? !was_asked(one, *now) : !has_come_to_it(one, claims)) return {};
        grown.push_back("pvc/" + shown.space + "/" + one.claim);
    }
    return grown;
}

}  // namespace holdfast::expand
