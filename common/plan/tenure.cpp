#include "common/plan/tenure.h"

#include "common/core/doubt.h"
#include "common/core/names.h"
#include "common/core/text.h"
#include "common/kube/objects/workload.h"
#include "common/plan/drive_parts.h"

#include <algorithm>

namespace holdfast::plan {
namespace {

constexpr int kRenewTries = 5;
constexpr int kLastTries = 3;  // at the end, when the user waits for nothing else

kube::ObjectRef ref_of(const kube::Lease& lease) { return {kube::kLeases, lease.space, lease.name}; }

// A signal cuts a request short as a lost answer does.
bool unanswered(const Error& error) { return in_doubt(error) || error.kind == ErrorKind::kInterrupted; }

Error locked(const kube::Lease& lease, const Owner& owner) {
    const Error error = in_the_way(lease.operation, owner);
    return lease.workload.empty() ? error : error.with_context(escape_line(lease.workload) + " is locked");
}

// The names are made of a hash or of an id, so that nobody has one by chance; but whoever has it is not ours to replace
// or to delete. Every Lease of ours says what it is for.
Status made_by_us(const kube::Lease& found) {
    if (!found.role.empty()) return {};
    return Error{
        ErrorKind::kLocked,
        ref_of(found).text() + ": the name is taken by a Lease that Holdfast did not make; nothing was changed",
        "see whose it is: kubectl get lease " + found.name + " -n " + found.space +
            " -o yaml; once it is gone, run the command again",
        0, "AlreadyExists"};
}

// It is in the way although its owner is gone.
Status unfinished_other(World& world, const kube::Lease& found, const std::string& space) {
    if (!check_operation_id(found.operation).ok()) return {};
    auto journal = read_journal(world.cluster, space, found.operation);
    // Without a journal it ended between its two last writes, or never came to its first.
    if (!journal.ok() && journal.error().kind == ErrorKind::kNotFound) return {};
    if (!journal.ok() && journal.error().kind != ErrorKind::kRefused && journal.error().kind != ErrorKind::kInvalid)
        return journal.error();
    if (journal.ok() && journal->state == "done") return {};
    // A line to be pasted into a shell is made of it, and anyone may edit a Lease.
    const std::string plugin = check_dns_label(found.plugin, "plugin").ok() ? found.plugin : "snap";
    return Error{ErrorKind::kLocked,
                 escape_line(found.workload) + " is locked by operation " + found.operation +
                     ", which is unfinished; nothing was changed",
                 lines_for(plugin, found.operation, space), 0, ""};
}

}  // namespace

Status may_take(World& world, const kube::Lease& found, const std::string& operation, const std::string& space) {
    TRY(made_by_us(found));
    const Owner owner = owner_of(found, world.self, world.clock.now());
    if (owner.life == Life::kLive) return locked(found, owner);
    return found.operation == operation ? Status() : unfinished_other(world, found, space);
}

Tenure::Tenure(World& world, Terms terms) : world_(world), terms_(std::move(terms)) {}

Tenure::~Tenure() { heart_.reset(); }

Tenure::Stamp Tenure::now() const { return {world_.clock.steady_now(), world_.clock.now()}; }

// By both clocks, whichever says more: the steady one stands still while a machine sleeps, the other can be set back.
std::chrono::nanoseconds Tenure::age() {
    const Stamp now = this->now();
    const std::lock_guard<std::mutex> hold(mutex_);
    std::chrono::nanoseconds oldest{0};
    for (const Held& one : held_) {
        oldest = std::max<std::chrono::nanoseconds>(oldest, now.steady - one.sent.steady);
        oldest = std::max<std::chrono::nanoseconds>(oldest, now.wall - one.sent.wall);
    }
    return oldest;
}

kube::Lease Tenure::wanted(const kube::ObjectRef& ref, const std::string& role) const {
    kube::Lease lease;
    lease.space = ref.space;
    lease.name = ref.name;
    lease.holder = world_.self.identity;
    lease.host = world_.self.host;
    lease.operation = terms_.operation;
    lease.plugin = terms_.plugin;
    lease.role = role;
    lease.seconds = static_cast<int>(std::chrono::duration_cast<std::chrono::seconds>(kExpireAfter).count());
    return lease;
}

Status Tenure::take_locks(const std::vector<Lock>& locks) {
    for (const Lock& lock : locks) {
        Status taken = take(lock);
        if (taken.ok()) continue;
        // None or all: what was taken before is as it was for everybody else.
        for (const Held& one : held_) let_go(one, one.lease.transitions > 0);
        held_.clear();
        return taken;
    }
    return {};
}

Status Tenure::take(const Lock& lock) {
    const kube::ObjectRef ref = lock_lease(lock.workload);
    kube::Lease mine = wanted(ref, "lock");
    mine.workload = lock.workload.resource.kind + "/" + lock.workload.name;
    for (int attempt = 0; attempt < kRenewTries; ++attempt) {
        TRY_ASSIGN(const std::optional<Json> found, world_.cluster.find(ref));
        if (found) {
            TRY_ASSIGN(const bool taken, take_existing(kube::lease_of(*found), mine));
            if (taken) return {};
            continue;
        }
        const Stamp sent = now();
        mine.renewed = sent.wall;
        auto made = world_.cluster.create(kube::lease_manifest(mine));
        if (made.ok()) return keep(std::move(made), sent, mine);
        if (made.error().kind != ErrorKind::kAlreadyExists && !unanswered(made.error()))
            return made.error().with_context(ref.text());
    }
    return Error{ErrorKind::kLocked,
                 "the lock of " + lock.workload.text() + " changes hands all the time; nothing was changed",
                 "run the command again", 0, ""};
}

// False: somebody was quicker, look again.
Result<bool> Tenure::take_existing(const kube::Lease& found, const kube::Lease& mine) {
    const bool ours = found.holder == mine.holder && found.operation == mine.operation;
    if (!ours) {
        TRY(may_take(world_, found, terms_.operation, terms_.space));
        TRY(wait_if_silent(found));
    }
    kube::Lease next = mine;
    next.uid = found.uid;
    next.version = found.version;
    next.transitions = found.transitions + 1;
    const Stamp sent = now();
    next.renewed = sent.wall;
    auto changed = world_.cluster.replace(ref_of(found), kube::lease_manifest(next));
    if (changed.ok()) {
        TRY(keep(std::move(changed), sent, next));
        return true;
    }
    const ErrorKind kind = changed.error().kind;
    if (kind == ErrorKind::kConflict || kind == ErrorKind::kNotFound || unanswered(changed.error())) return false;
    return changed.error().with_context(ref_of(found).text());
}

Status Tenure::wait_if_silent(const kube::Lease& found) {
    const Owner owner = owner_of(found, world_.self, world_.clock.now());
    if (owner.life != Life::kSilent || expired_.contains(found.holder)) return {};
    return wait_for_silence(found);
}

Status Tenure::wait_for_silence(const kube::Lease& found) {
    const Owner owner = owner_of(found, world_.self, world_.clock.now());
    world_.witness.message(escape_line(found.workload) + " is locked by operation " + escape_line(found.operation) +
                           ", " + owner.who +
                           ", which has not been heard of lately: waiting up to 9 s for a sign of it");
    const auto until = world_.clock.steady_now() + kExpireAfter;
    while (world_.clock.steady_now() < until) {
        world_.clock.sleep_for(std::chrono::milliseconds(1000));
        if (world_.signals.pending()) return Error{ErrorKind::kInterrupted, "interrupted", "", 0, ""};
        TRY_ASSIGN(const std::optional<Json> again, world_.cluster.find(ref_of(found)));
        if (!again) return {};  // let go: the replace that follows finds out, and looks again
        const kube::Lease lease = kube::lease_of(*again);
        if (owner_of(lease, world_.self, world_.clock.now()).life == Life::kDead) return {};
        if (lease.version == found.version) continue;
        return locked(lease, owner_of(lease, world_.self, world_.clock.now()));
    }
    expired_.insert(found.holder);
    return {};
}

Status Tenure::keep(Result<Json> answer, const Stamp& sent, const kube::Lease& mine) {
    kube::Lease lease = mine;
    lease.uid = kube::uid_of(*answer);
    lease.version = kube::version_of(*answer);
    const std::lock_guard<std::mutex> hold(mutex_);
    held_.push_back({std::move(lease), true, false, sent});
    return {};
}

Status Tenure::take_own(std::function<Status(kube::ClusterReader&)> still_ours, SystemTime written) {
    still_ours_ = std::move(still_ours);
    const kube::ObjectRef ref{kube::kLeases, terms_.space, journal_name(terms_.operation)};
    const kube::Lease mine = wanted(ref, "alive");
    TRY_ASSIGN(std::optional<Json> found, world_.cluster.find(ref));
    for (int attempt = 0; found; ++attempt) {
        TRY_ASSIGN(const bool taken, take_existing(kube::lease_of(*found), mine));
        if (taken) return {};
        // Perhaps by us: the answer was lost.
        TRY_ASSIGN(found, world_.cluster.find(ref));
        if (attempt < kRenewTries && found && kube::lease_of(*found).holder == mine.holder) continue;
        return Error{ErrorKind::kLocked, "operation " + terms_.operation + " has just been taken on by somebody else",
                     "", 0, ""};
    }
    const std::lock_guard<std::mutex> hold(mutex_);
    held_.push_back({mine, false, false, {now().steady, written}});
    return {};
}

void Tenure::begin() {
    if (!world_.make_heart || heart_) return;
    heart_ = world_.make_heart(kRenewEvery, [this](kube::Cluster& cluster) { renew(cluster); });
}

void Tenure::tend() {
    if (!heart_ && age() >= kRenewEvery) renew(world_.cluster);
}

bool Tenure::lost() {
    const std::lock_guard<std::mutex> hold(mutex_);
    return lost_.has_value();
}

Error Tenure::lose(const std::string& why) {
    const std::lock_guard<std::mutex> hold(mutex_);
    if (lost_) return *lost_;
    lost_ =
        Error{ErrorKind::kLocked,
              "operation " + terms_.operation + " is no longer ours: " + why + "; this process sends no more writes",
              // A Lease that somebody deleted has no successor: nobody else would bring the workload back.
              "`kubectl " + terms_.plugin + " status " + terms_.operation + " -n " + terms_.space +
                  "` says who goes on with it; if nobody does: kubectl " + terms_.plugin + " resume " +
                  terms_.operation + " -n " + terms_.space,
              0, ""};
    return *lost_;
}

void Tenure::lose_journal() {
    const std::lock_guard<std::mutex> hold(mutex_);
    if (lost_) return;
    lost_ = Error{ErrorKind::kLocked,
                  "operation " + terms_.operation +
                      " is no longer ours: its journal is gone: another process has ended the operation, or somebody "
                      "deleted the journal; this process makes nothing more",
                  "", 0, kJournalGone};
}

Status Tenure::may_write() {
    // Twice, since the first may meet our own earlier renewal whose answer was lost.
    for (int attempt = 0; attempt < 2 && age() >= kWriteFor && !lost(); ++attempt) renew(world_.cluster);
    {
        const std::lock_guard<std::mutex> hold(mutex_);
        if (lost_) return *lost_;
    }
    if (age() < kWriteFor) return {};
    return Error{ErrorKind::kUnavailable,
                 "the lease of operation " + terms_.operation +
                     " could not be renewed for 8 s, so that somebody else may take it over: no more writes are sent",
                 "", 0, ""};
}

void Tenure::renew(kube::Cluster& cluster) {
    const std::lock_guard<std::mutex> one_at_a_time(sending_);
    if (lost()) return;
    std::vector<Held> all;
    {
        const std::lock_guard<std::mutex> hold(mutex_);
        all = held_;
    }
    // Hundreds of locks one after the other would take longer than a Lease lives.
    const Stamp sent = now();
    std::vector<std::size_t> places;
    std::vector<kube::ReplaceCall> calls;
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (!all[i].made || all[i].late) continue;
        all[i].lease.renewed = sent.wall;
        places.push_back(i);
        calls.push_back({ref_of(all[i].lease), kube::lease_manifest(all[i].lease)});
    }
    const auto answers = cluster.replace_all(calls);
    for (std::size_t n = 0; n < places.size() && !lost(); ++n)
        keep_renewed(cluster, places[n], all[places[n]], answers[n], sent);
    for (std::size_t i = 0; i < all.size() && !lost(); ++i) {
        if (!all[i].made || all[i].late) renew_unsure(cluster, i, all[i]);
    }
}

// A failure is tried again in 2 s, and before a write that would come too late.
void Tenure::keep_renewed(kube::Cluster& cluster, std::size_t place, Held held, const Result<Json>& answer,
                          const Stamp& sent) {
    if (!answer.ok()) {
        if (!settle(cluster, held, answer.error()).ok()) return;
    } else {
        held.late = !held.made && now().steady - sent.steady >= kWriteFor;
        held.made = true;
        held.lease.uid = kube::uid_of(*answer);
        held.lease.version = kube::version_of(*answer);
        held.sent = sent;
    }
    const std::lock_guard<std::mutex> hold(mutex_);
    held_[place] = std::move(held);
}

// One that is to be made first, or was made so slowly that another owner may have come and gone meanwhile.
void Tenure::renew_unsure(kube::Cluster& cluster, std::size_t place, Held held) {
    const Stamp sent = now();
    held.lease.renewed = sent.wall;
    if (still_ours_) {
        // Nobody would notice a Lease that is made anew after another owner has come and gone; the journal tells.
        Status ours = still_ours_(cluster);
        if (!ours.ok() && ours.error().reason == kJournalGone)
            lose_journal();
        else if (!ours.ok() && ours.error().kind == ErrorKind::kLocked)
            lose(ours.error().message);
        if (!ours.ok()) return;
    }
    const auto answer = held.made ? cluster.replace(ref_of(held.lease), kube::lease_manifest(held.lease))
                                  : cluster.create(kube::lease_manifest(held.lease));
    keep_renewed(cluster, place, std::move(held), answer, sent);
}

// A conflict is our own earlier write whose answer was lost, or somebody's annotation, or the end of our tenure.
Status Tenure::settle(kube::Cluster& cluster, Held& held, const Error& error) {
    const bool told = error.kind == ErrorKind::kConflict || error.kind == ErrorKind::kNotFound ||
                      error.kind == ErrorKind::kAlreadyExists;
    if (!told) return error;
    auto found = cluster.find(ref_of(held.lease));
    if (!found.ok()) return found.error();
    if (!found->has_value()) {
        lose("its lease " + held.lease.space + "/" + held.lease.name + " is gone");
        return error;
    }
    const kube::Lease there = kube::lease_of(**found);
    const bool ours = there.holder == held.lease.holder && there.operation == held.lease.operation &&
                      (held.lease.uid.empty() || there.uid == held.lease.uid);
    if (!ours) {
        lose(there.role.empty() ? "the name of its lease " + there.space + "/" + there.name +
                                      " was taken by one that Holdfast did not make"
                                : "it was taken over by " + owner_text(there.holder, there.host, world_.self));
        return error;
    }
    // Not counted as a renewal: the next one is sent with the version of now.
    held.late = !held.made;
    held.made = true;
    held.lease.uid = there.uid;
    held.lease.version = there.version;
    return {};
}

void Tenure::release_own() {
    const auto own = [](const Held& one) { return one.lease.role == "alive"; };
    if (!std::any_of(held_.begin(), held_.end(), own)) return;
    heart_.reset();
    for (const Held& one : held_) {
        if (own(one)) let_go(one, false);
    }
    std::erase_if(held_, own);
}

void Tenure::release(bool unfinished) {
    heart_.reset();
    for (const Held& one : held_) let_go(one, unfinished && one.lease.role == "lock");
    held_.clear();
}

Status Tenure::let_go_once(const kube::Lease& lease, bool unfinished) {
    if (!unfinished) return world_.cluster.remove(ref_of(lease), {lease.uid, lease.version});
    kube::Lease free = lease;
    free.holder.clear();
    auto changed = world_.cluster.replace(ref_of(lease), kube::lease_manifest(free));
    return changed.ok() ? Status() : Status(changed.error());
}

void Tenure::let_go(const Held& held, bool unfinished) {
    if (!held.made || lost()) return;
    kube::Lease lease = held.lease;
    Status gone;
    for (int attempt = 0; attempt < kLastTries; ++attempt) {
        gone = let_go_once(lease, unfinished);
        if (gone.ok()) return;
        if (in_doubt(gone.error())) continue;
        // Somebody's annotation is in the way, or another owner is: only a fresh read tells.
        const auto found = world_.cluster.find(ref_of(lease));
        if (!found.ok()) continue;
        if (!found->has_value()) return;
        const kube::Lease there = kube::lease_of(**found);
        if (there.uid != lease.uid || there.holder != lease.holder) return;
        lease.version = there.version;
    }
    world_.witness.message("warning: " + ref_of(held.lease).text() +
                           " could not be let go and expires by itself: " + gone.error().message);
}

}  // namespace holdfast::plan
