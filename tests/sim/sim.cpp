#include "tests/sim/sim.h"

#include "common/kube/objects/workload.h"
#include "common/plan/describe.h"
#include "tests/sim/controllers/controllers.h"
#include "tests/sim/outside.h"

#include <algorithm>
#include <cassert>
#include <cstdio>

namespace holdfast::sim {
namespace {

using std::chrono::nanoseconds;

constexpr auto kStart = std::chrono::seconds(1795235405);  // 2026-11-21T05:10:05Z

// Thrown through a controller that writes to what has changed meanwhile. Each can be stopped after any write, since it
// is level triggered.
struct Conflict {};

constexpr int kHeldUpPercent = 20;                          // of writes
constexpr milliseconds kHeldUpMax{100}, kHeldUpLong{1500};  // the latter once in eight times
constexpr int kLeftOutPercent = 25;                         // of objects, until the next look

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

Sim::Around::Around() : storage(std::make_shared<Backend>()) {}
Sim::Around::Around(Around&&) noexcept = default;
Sim::Around& Sim::Around::operator=(Around&&) noexcept = default;
Sim::Around::~Around() = default;

Sim::Around::Around(const Around& from) : storage(std::make_shared<Backend>(*from.storage)) {
    if (!from.other) return;
    other = std::make_unique<Sim>(*from.other);
    other->around_.storage = storage;
}

Sim::Around& Sim::Around::operator=(const Around& from) {
    if (this != &from) *this = Around(from);
    return *this;
}

Sim& Sim::add_other(std::uint64_t seed) {
    constexpr int kOwnUids = 500'000'000;  // handles on the storage are made of uids
    around_.other = std::make_unique<Sim>(seed);
    around_.other->around_.storage = around_.storage;
    around_.other->elapsed_ = elapsed_;
    around_.other->uids_ = kOwnUids;
    return *other();
}

Sim* Sim::other() {
    if (around_.other) around_.other->main_ = this;
    return around_.other.get();
}

const Sim* Sim::other() const { return around_.other.get(); }

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
    const auto own = own_due();
    const auto others = around_.other ? around_.other->own_due() : std::nullopt;
    if (!own || !others) return own ? own : others;
    return std::min(*own, *others);
}

std::optional<milliseconds> Sim::own_due() const {
    std::optional<nanoseconds> first;
    for (std::size_t i = 0; i < due_.size(); ++i) {
        if (due_[i] && (!first || *due_[i] < *first) && !is_at_work(static_cast<Controller>(i))) first = due_[i];
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
        if (!due_[i] || *due_[i] > elapsed_ || is_at_work(static_cast<Controller>(i))) continue;
        due_[i].reset();
        run(static_cast<Controller>(i));
    }
}

void Sim::run(Controller who) {
    at_work_.push_back({who, {}});
    try {
        run_controller(*this, who);
    } catch (const Conflict&) {
        wake(who, around(delays.controller));
    }
    at_work_.pop_back();
}

bool Sim::is_at_work(Controller who) const {
    return std::any_of(at_work_.begin(), at_work_.end(), [&](const AtWork& one) { return one.who == who; });
}

// GuaranteedUpdate: apiserver pkg/storage/etcd3/store.go:463.
void Sim::check_conflict(const kube::ObjectRef& ref) const {
    if (!at_work_.empty() && at_work_.back().changed_by_others.contains(ref.text())) throw Conflict{};
}

void Sim::hold_up() {
    if (!restless || at_work_.empty() || dice.between(1, 100) > kHeldUpPercent) return;
    const milliseconds longest = dice.between(1, 8) == 1 ? kHeldUpLong : kHeldUpMax;
    pass_until(elapsed_ + milliseconds(dice.between(1, longest.count())));
}

std::vector<ObjectPtr> Sim::all_of(const kube::Resource& resource) {
    std::vector<ObjectPtr> all = store.list(resource, "");
    if (!restless) return all;
    const std::size_t there = all.size();
    std::erase_if(all, [&](const ObjectPtr&) { return dice.between(1, 100) <= kLeftOutPercent; });
    all = in_any_order(std::move(all));
    if (all.size() < there) wake(at_work_.back().who, around(delays.controller));
    return all;
}

std::vector<ObjectPtr> Sim::in_any_order(std::vector<ObjectPtr> all) {
    for (std::size_t left = restless ? all.size() : 0; left > 1; --left)
        std::swap(all[left - 1], all[static_cast<std::size_t>(dice.between(0, static_cast<long long>(left) - 1))]);
    return all;
}

void Sim::advance(milliseconds duration) {
    const Outside outside;
    if (main_ != nullptr) return main_->advance(duration);
    pass_until(elapsed_ + duration);
}

// Whose controller is due first runs first. The other one's clock may be a little ahead: a controller of it that was
// held up has let time pass there.
void Sim::pass_until(nanoseconds end) {
    while (true) {
        const auto own = own_due();
        const auto others = other() == nullptr ? std::nullopt : other()->own_due();
        const auto own_at = own ? std::optional(elapsed_ + *own) : std::nullopt;
        const auto others_at = others ? std::optional(other()->elapsed_ + *others) : std::nullopt;
        const bool mine = own_at && (!others_at || *own_at <= *others_at);
        const auto next = mine ? own_at : others_at;
        if (!next || *next > end) break;
        elapsed_ = std::max(elapsed_, *next);
        if (mine)
            run_due();
        else
            other()->pass_until(*next);
    }
    elapsed_ = std::max(elapsed_, end);
    if (other() != nullptr) other()->pass_until(end);
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
    if (restless && !at_work_.empty()) {
        const std::string ref = store.history().back().ref.text();
        for (std::size_t i = 0; i + 1 < at_work_.size(); ++i) at_work_[i].changed_by_others.insert(ref);
    }
    if (on_change) on_change(*this, store.history().back());
    hold_up();
}

void Sim::put(Json object) {
    const kube::ObjectRef ref = plan::ref_of_manifest(object);
    assert(!ref.resource.plural.empty());
    put_at(ref, std::move(object));
}

void Sim::put_at(const kube::ObjectRef& ref, Json object) {
    const ObjectPtr before = store.find(ref);
    if (before && *before == object) return;
    check_conflict(ref);
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
    check_conflict(ref);
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

void Sim::edit(const kube::ObjectRef& ref, const char* field, const std::function<void(Json&)>& change) {
    const ObjectPtr found = store.find(ref);
    if (!found) return;
    const auto there = found->find(field);
    const Json none;
    const Json& before = there == found->end() ? none : *there;
    Json after = before;
    change(after);
    if (after == before) return;
    Json object = *found;
    object[field] = std::move(after);
    put_at(ref, std::move(object));
}

// A pod is marked before it goes, which counts as a change of what is wanted (BeforeDelete: apiserver
// pkg/registry/rest/delete.go:75). Nobody runs what was never placed or has ended, and what has no grace is not waited
// for: it is gone at once.
// CheckGracefulDelete: pkg/registry/core/pod/strategy.go:164; BeforeDelete: apiserver pkg/registry/rest/delete.go:75.
void Sim::begin_deletion(const kube::ObjectRef& ref) {
    const ObjectPtr found = store.find(ref);
    if (!found || found.deleting()) return;
    const Json* finalizers = kube::find_at(*found, "/metadata/finalizers");
    const bool held = finalizers != nullptr && !finalizers->empty(), pod = ref.resource == kube::kPods;
    if (!pod && !held) return erase(ref);
    const bool runs = pod && !kube::text_at(*found, "/spec/nodeName").empty() && !has_ended(*found);
    const auto grace = runs ? kube::number_at(*found, "/spec/terminationGracePeriodSeconds", 30) : 0;
    edit(ref, [&](Json& object) {
        object["metadata"]["deletionTimestamp"] = format_time(now() + std::chrono::seconds(grace));
        object["metadata"]["deletionGracePeriodSeconds"] = grace;
        if (kube::find_at(object, "/metadata/generation") != nullptr)
            object["metadata"]["generation"] = kube::number_at(object, "/metadata/generation", 1) + 1;
    });
    if (pod && !held && grace == 0) erase(ref);
}

}  // namespace holdfast::sim
