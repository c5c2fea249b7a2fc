#include "common/plan/owners.h"

#include "common/core/text.h"
#include "common/kube/objects/workload.h"

#include <algorithm>
#include <cstdlib>

namespace holdfast::plan {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLook{1000};

// What can be said of an owner whose last sign of life was at `last`.
Life life_of(const std::string& identity, std::optional<SystemTime> last, const Self& self, SystemTime now) {
    if (identity.empty()) return Life::kDead;
    const OwnerState state = self.state_of(identity);
    // Ourselves: an earlier operation of this very process, which has ended.
    if (state == OwnerState::kDead || state == OwnerState::kSelf) return Life::kDead;
    if (!last) return Life::kSilent;
    const auto age = now - *last;
    // A time far ahead is another machine's wrong clock, and no sign of life.
    return age <= kLiveFor && age >= -kLiveFor ? Life::kLive : Life::kSilent;
}

Owner owner_by_journal(const Journal& journal, const Self& self, SystemTime now) {
    Owner owner;
    owner.who = owner_text(journal.owner, journal.host, self);
    owner.life = life_of(journal.owner, journal.touched, self, now);
    owner.seen = "journal " + journal.resource_version;
    return owner;
}

// The Lease may be of an earlier owner: one that was killed, and whose successor has not lasted 2 s yet.
Owner owner_by(const Journal& journal, const std::optional<kube::Lease>& lease, const Self& self, SystemTime now) {
    if (journal.state != "open") return {Life::kDead, "", journal.resource_version};
    const bool tells = lease && lease->operation == journal.operation && lease->holder == journal.owner;
    if (!tells) return owner_by_journal(journal, self, now);
    Owner owner = owner_of(*lease, self, now);
    const Owner written = owner_by_journal(journal, self, now);
    if (written.life == Life::kLive) owner.life = Life::kLive;
    return owner;
}

bool any_silent(const std::vector<Owner>& owners) {
    return std::any_of(owners.begin(), owners.end(), [](const Owner& one) { return one.life == Life::kSilent; });
}

// The journals as they are now: an owner may have ended, or written. One that is gone is not worked on.
Result<std::vector<Journal>> read_again(kube::ClusterReader& reader, const std::vector<Journal>& journals) {
    std::vector<Journal> fresh;
    for (const Journal& one : journals) {
        auto journal = read_journal(reader, one.space, one.operation);
        if (journal.ok()) {
            fresh.push_back(std::move(*journal));
        } else if (journal.error().kind == ErrorKind::kNotFound) {
            fresh.push_back(one);
            fresh.back().state = "stopped";
        } else {
            return journal.error();
        }
    }
    return fresh;
}

}  // namespace

std::string owner_text(const std::string& identity, const std::string& host, const Self& self) {
    if (identity.empty()) return "";
    const auto parts = split(identity, '/');
    const std::string pid = parts.size() == 4 ? "process " + escape_line(parts[2]) : "a process";
    if (self.state_of(identity) != OwnerState::kElsewhere) return pid + " of this machine";
    return pid + " on " + (host.empty() ? "another machine" : escape_line(host));
}

Owner owner_of(const kube::Lease& lease, const Self& self, SystemTime now) {
    Owner owner;
    owner.who = owner_text(lease.holder, lease.host, self);
    owner.life = life_of(lease.holder, lease.renewed, self, now);
    owner.seen = "lease " + lease.version;
    return owner;
}

kube::ObjectRef lease_of_operation(const Journal& journal) {
    if (!journal.locks.empty()) return lock_lease(journal.locks.front().workload);
    return {kube::kLeases, journal.space, journal_name(journal.operation)};
}

Result<std::vector<Owner>> look_at_owners(kube::ClusterReader& reader, const std::vector<Journal>& journals,
                                          const Self& self, SystemTime now) {
    std::vector<kube::ObjectRef> refs;
    for (const Journal& journal : journals) refs.push_back(lease_of_operation(journal));
    const std::vector<Result<Json>> objects = reader.get_all(refs);
    std::vector<Owner> owners;
    for (std::size_t i = 0; i < journals.size(); ++i) {
        const bool missing = !objects[i].ok() && objects[i].error().kind == ErrorKind::kNotFound;
        if (!objects[i].ok() && !missing) return objects[i].error().with_context(refs[i].text());
        std::optional<kube::Lease> lease;
        if (!missing) lease = kube::lease_of(*objects[i]);
        owners.push_back(owner_by(journals[i], lease, self, now));
    }
    return owners;
}

Status take_owner(kube::ClusterReader& reader, Journal& journal) {
    journal.state = "stopped";
    TRY_ASSIGN(const std::optional<Json> found, reader.find(lease_of_operation(journal)));
    if (!found) return {};
    const kube::Lease lease = kube::lease_of(*found);
    if (lease.operation != journal.operation || lease.holder.empty()) return {};
    journal.state = "open";
    journal.owner = lease.holder;
    journal.host = lease.host;
    journal.touched = lease.renewed.value_or(journal.started);
    return {};
}

Result<std::vector<Owner>> settle_owners(kube::ClusterReader& reader, const std::vector<Journal>& journals,
                                         const Self& self, const Patience& patience) {
    TRY_ASSIGN(std::vector<Owner> owners, look_at_owners(reader, journals, self, patience.clock.now()));
    if (!any_silent(owners)) return owners;
    for (std::size_t i = 0; i < owners.size(); ++i) {
        if (owners[i].life == Life::kSilent && patience.tell)
            patience.tell("operation " + journals[i].operation + " was worked on by " + owners[i].who +
                          ", which has not been heard of lately: waiting up to 9 s for a sign of it");
    }
    const auto until = patience.clock.steady_now() + kExpireAfter;
    std::vector<Owner> first = owners;
    while (any_silent(owners) && patience.clock.steady_now() < until) {
        patience.clock.sleep_for(kLook);
        if (patience.signals.pending()) return Error{ErrorKind::kInterrupted, "interrupted", "", 0, ""};
        TRY_ASSIGN(const std::vector<Journal> fresh, read_again(reader, journals));
        TRY_ASSIGN(owners, look_at_owners(reader, fresh, self, patience.clock.now()));
        for (std::size_t i = 0; i < owners.size(); ++i) {
            if (owners[i].life == Life::kSilent && owners[i].seen != first[i].seen) owners[i].life = Life::kLive;
        }
    }
    for (Owner& owner : owners) {
        if (owner.life == Life::kSilent) owner.life = Life::kDead;
    }
    return owners;
}

Error in_the_way(const std::string& operation, const Owner& owner) {
    return {ErrorKind::kLocked,
            "operation " + escape_line(operation) + " is being worked on by " + owner.who + "; nothing was changed",
            "wait for it, or end that process", 0, ""};
}

}  // namespace holdfast::plan
