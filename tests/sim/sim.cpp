#include "tests/sim/sim.h"

#include "common/kube/objects/workload.h"
#include "common/plan/describe.h"
#include "tests/sim/controllers/controllers.h"

#include <algorithm>
#include <cassert>
#include <cstdio>

namespace holdfast::sim {
namespace {

using std::chrono::nanoseconds;

constexpr auto kStart = std::chrono::seconds(1795235405);  // 2026-11-21T05:10:05Z

Json* finalizers_of(Json& object) {
    const auto found = object["metadata"].find("finalizers");
    return found == object["metadata"].end() || !found->is_array() ? nullptr : &*found;
}

}  // namespace

bool has_finalizer(const Json& object, const std::string& name) {
    const Json* all = kube::find_at(object, "/metadata/finalizers");
    return all != nullptr && std::find(all->begin(), all->end(), Json(name)) != all->end();
}

void add_finalizer(Json& object, const std::string& name) {
    if (has_finalizer(object, name)) return;
    if (finalizers_of(object) == nullptr) object["metadata"]["finalizers"] = Json::array();
    object["metadata"]["finalizers"].push_back(name);
}

void drop_finalizer(Json& object, const std::string& name) {
    Json* all = finalizers_of(object);
    if (all == nullptr) return;
    all->erase(std::remove(all->begin(), all->end(), Json(name)), all->end());
    if (all->empty()) object["metadata"].erase("finalizers");
}

bool has_ended(const Json& pod) {
    const std::string phase = kube::text_at(pod, "/status/phase");
    return phase == "Succeeded" || phase == "Failed";
}

Sim::Sim(std::uint64_t seed) : dice(seed), epoch(kStart) {}

SystemTime Sim::now() const { return epoch + std::chrono::duration_cast<SystemTime::duration>(elapsed_); }

std::string Sim::new_uid() {
    char text[40];
    std::snprintf(text, sizeof text, "5a5a0000-0000-4000-8000-%012d", ++uids_);
    return text;
}

milliseconds Sim::around(milliseconds delay) { return delay + milliseconds(dice.between(0, delay.count() / 2)); }

void Sim::wake(Controller who, milliseconds delay) {
    auto& due = due_[static_cast<std::size_t>(who)];
    const nanoseconds at = elapsed_ + delay;
    if (!due || at < *due) due = at;
}

std::optional<milliseconds> Sim::next_due() const {
    std::optional<nanoseconds> first;
    for (const auto& due : due_) {
        if (due && (!first || *due < *first)) first = due;
    }
    if (!first) return std::nullopt;
    return std::chrono::ceil<milliseconds>(std::max(*first - elapsed_, nanoseconds(0)));
}

bool Sim::ripe(const std::string& what, milliseconds delay, Controller who) {
    const auto found = timers_.find(what);
    const nanoseconds at = found != timers_.end() ? found->second : elapsed_ + around(delay);
    if (found == timers_.end()) timers_[what] = at;
    if (at <= elapsed_) return true;
    wake(who, std::chrono::ceil<milliseconds>(at - elapsed_));
    return false;
}

void Sim::run_due() {
    for (std::size_t i = 0; i < due_.size(); ++i) {
        if (!due_[i] || *due_[i] > elapsed_) continue;
        due_[i].reset();
        run_controller(*this, static_cast<Controller>(i));
    }
}

void Sim::advance(milliseconds duration) {
    const nanoseconds end = elapsed_ + duration;
    while (true) {
        const auto next = next_due();
        if (!next || elapsed_ + *next > end) break;
        elapsed_ += *next;
        run_due();
    }
    elapsed_ = end;
}

bool Sim::settle(milliseconds limit) {
    const nanoseconds end = elapsed_ + limit;
    while (next_due()) {
        if (elapsed_ > end) return false;
        advance(*next_due());
    }
    return true;
}

// A controller looks at everything when anything changes of the kinds that it has informers for.
void Sim::changed() {
    for (std::size_t i = 0; i < due_.size(); ++i) {
        const auto who = static_cast<Controller>(i);
        if (cares(*this, who, store.history().back())) wake(who, around(delays.controller));
    }
    if (on_change) on_change(*this, store.history().back());
}

void Sim::put(Json object) {
    const kube::ObjectRef ref = plan::ref_of_manifest(object);
    assert(!ref.resource.plural.empty());
    put_at(ref, std::move(object));
}

void Sim::put_at(const kube::ObjectRef& ref, Json object) {
    const ObjectPtr before = store.find(ref);
    if (before && *before == object) return;
    const Json* finalizers = kube::find_at(object, "/metadata/finalizers");
    if (kube::deleting(object) && (finalizers == nullptr || finalizers->empty()) &&
        ref.resource != kube::kPods) {  // the kubelet takes pods away
        erase(ref);
        return;
    }
    store.put(ref, std::move(object));
    changed();
}

void Sim::erase(const kube::ObjectRef& ref) {
    if (!store.find(ref)) return;
    store.erase(ref);
    changed();
}

void Sim::edit(const kube::ObjectRef& ref, const std::function<void(Json&)>& change) {
    const ObjectPtr found = store.find(ref);
    if (!found) return;
    Json object = *found;
    change(object);
    put_at(ref, std::move(object));
}

// pkg/registry/core/pod/strategy.go CheckGracefulDelete: nobody runs what was never placed or has ended.
void Sim::begin_deletion(const kube::ObjectRef& ref) {
    const ObjectPtr found = store.find(ref);
    if (!found || kube::deleting(*found)) return;
    const Json* finalizers = kube::find_at(*found, "/metadata/finalizers");
    const bool runs =
        ref.resource == kube::kPods && !kube::text_at(*found, "/spec/nodeName").empty() && !has_ended(*found);
    if (!runs && (finalizers == nullptr || finalizers->empty())) return erase(ref);
    const auto grace = runs ? kube::number_at(*found, "/spec/terminationGracePeriodSeconds", 30) : 0;
    edit(ref, [&](Json& object) {
        object["metadata"]["deletionTimestamp"] = format_time(now() + std::chrono::seconds(grace));
        object["metadata"]["deletionGracePeriodSeconds"] = grace;
    });
}

}  // namespace holdfast::sim
