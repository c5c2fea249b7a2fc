#include "plugins/pvc-expand/choose.h"

#include "common/core/refusal.h"
#include "common/core/text.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/resize.h"
#include "common/kube/objects/workload.h"
#include "common/kube/objects/workload_state.h"
#include "plugins/pvc-expand/guards.h"

#include <algorithm>
#include <tuple>

namespace holdfast::expand {
namespace {

__extension__ typedef __int128 Wide;  // -Wpedantic has no other way to say it
constexpr long long kMebi = 1024 * 1024;

Quantity in_whole_mebi(Wide bytes) {
    const Wide mebi = (bytes + kMebi - 1) / kMebi;
    return Quantity::from_bytes(static_cast<long long>(std::min<Wide>(mebi, INT64_MAX / kMebi)) * kMebi);
}

Quantity size_of_claim(const Json& claim) {
    const kube::ResizeState state = kube::resize_state_of(claim);
    const Quantity nothing = Quantity::from_bytes(0);
    return std::max(state.requested.value_or(nothing), state.capacity.value_or(nothing));
}

// What `now` becomes. The text of --size is kept as it was typed, so that it is the one that stands in Git.
Quantity grown(const ExpandOptions& options, const Quantity& now, long long used) {
    if (options.size) return *options.size;
    if (options.add) return Quantity::from_bytes(now.bytes() + std::min(options.add->bytes(), INT64_MAX - now.bytes()));
    if (options.percent) return in_whole_mebi(static_cast<Wide>(now.bytes()) * (100 + *options.percent) / 100);
    const Quantity wanted = in_whole_mebi(static_cast<Wide>(used) * 100 / options.until_usage.value_or(100));
    return std::max(now, wanted);
}

class Choosing {
  public:
    Choosing(const ExpandOptions& options, const ExpandFacts& facts, SystemTime now)
        : options_(options), facts_(facts) {
        choice_.record.space = options.space;
        choice_.record.restart = options.restart;
        choice_.record.at = format_time(now);
    }

    Result<Choice> run() {
        for (const Json& set : facts_.sets) TRY(add_set(set));
        for (const std::string& name : facts_.chosen) TRY(add_chosen(name));
        sort_claims();
        TRY(check_claims(facts_, choice_.record));
        TRY(check_quota(facts_, choice_.record));
        TRY(check_restarts(facts_, choice_.record));
        if (options_.restart == Restart::kOffline) TRY(choose_stopped(options_, facts_, choice_.record, choice_.notes));
        choose_canaries();
        note_choice(options_, facts_, choice_.record, {larger_, left_}, choice_.notes);
        return std::move(choice_);
    }

  private:
    bool whole_sets() const { return options_.target && options_.target->resource == kube::kStatefulSets; }

    Status add_set(const Json& set) {
        const std::vector<std::string> names = kube::claim_templates_of(set);
        const std::string what = "sts/" + options_.space + "/" + kube::name_of(set);
        TRY(check_owner(what, set));
        if (names.empty() && !options_.claims.empty()) return {};
        if (names.empty()) return refused(what + " has no volumeClaimTemplates", "name its claims: --claim NAME");
        const bool known = std::find(names.begin(), names.end(), options_.claim_template) != names.end();
        if (!options_.claim_template.empty() && !known)
            return refused(what + " has no volumeClaimTemplate " + escape_line(options_.claim_template),
                           "it has " + join(names, ", "));
        Template made;
        made.ref = {kube::kStatefulSets, options_.space, kube::name_of(set)};
        made.uid = kube::uid_of(set);
        made.manifest = set;
        made.update_revision = kube::update_revision_of(set);
        for (const std::string& name : names) {
            if (options_.claim_template.empty() || options_.claim_template == name) TRY(add_template(set, name, made));
        }
        if (made.sizes.empty()) return {};
        TRY(check_set(options_.space, facts_, set));
        TRY(check_alone(options_.space, facts_, set));
        note_deployer(choice_.notes, set, made.sizes);
        find_lent(set, made);
        const std::string workload = made.ref.name;
        choice_.record.sets.push_back(std::move(made));
        add_bearer(set, workload);
        return {};
    }

    // Whoever finds the set gone and no journal finds on a claim of it what it was, also where none is to grow.
    void add_bearer(const Json& set, const std::string& workload) {
        std::vector<Growth>& claims = choice_.record.claims;
        if (std::any_of(claims.begin(), claims.end(), [&](const Growth& one) { return one.workload == workload; }))
            return;
        const Json* chosen = nullptr;
        for (const auto& [name, place] : facts_.places) {
            const Json& claim = facts_.claims.at(name);
            if (&facts_.sets[place.set] != &set || kube::deleting(claim)) continue;
            if (chosen == nullptr || in_range(set, place.ordinal)) chosen = &claim;
        }
        if (chosen == nullptr) return;
        Growth bearer;
        bearer.claim = kube::name_of(*chosen);
        bearer.uid = kube::uid_of(*chosen);
        bearer.workload = workload;
        bearer.claim_template = facts_.places.at(bearer.claim).claim_template;
        bearer.ordinal = facts_.places.at(bearer.claim).ordinal;
        bearer.from = bearer.to = kube::request_text_of(*chosen);
        bearer.mounted = facts_.mounted_by.contains(bearer.claim);
        bearer.bears_only = true;
        claims.push_back(std::move(bearer));
    }

    // Claims of one template, lowest ordinal first.
    std::vector<std::pair<int, const Json*>> claims_of_template(const Json& set, const std::string& name) const {
        std::vector<std::pair<int, const Json*>> claims;
        for (const auto& [claim, place] : facts_.places) {
            if (place.claim_template == name && &facts_.sets[place.set] == &set)
                claims.emplace_back(place.ordinal, &facts_.claims.at(claim));
        }
        std::sort(claims.begin(), claims.end());
        return claims;
    }

    bool in_range(const Json& set, int ordinal) const {
        const int start = kube::start_ordinal_of(set);
        return ordinal >= start && ordinal < start + std::max(0, kube::replicas_of(set));
    }

    bool meant(const Json& set, int ordinal, const std::string& claim) const {
        if (!whole_sets() && !facts_.chosen.contains(claim)) return false;
        return in_range(set, ordinal) || options_.include_unused;
    }

    long long used_of(const std::string& claim) const {
        const auto found = facts_.used.find(claim);
        return found == facts_.used.end() ? 0 : found->second;
    }

    Status add_template(const Json& set, const std::string& name, Template& made) {
        const auto claims = claims_of_template(set, name);
        const std::string text = kube::template_sizes_of(set).at(name);
        TRY_ASSIGN(const Quantity now,
                   Quantity::parse(text).context("sts/" + options_.space + "/" + kube::name_of(set) +
                                                 ": size of template " + name));
        Quantity target = grown(options_, now, 0);
        for (const auto& [ordinal, claim] : claims) {
            if (options_.until_usage && meant(set, ordinal, kube::name_of(*claim)))
                target = std::max(target, grown(options_, now, used_of(kube::name_of(*claim))));
        }
        if (target < now) {
            Error error = shrink("template " + name + " of sts/" + options_.space + "/" + kube::name_of(set), now,
                                 "sts/" + kube::name_of(set));
            const std::vector<std::string> smaller = smaller_templates(set, target);
            if (!smaller.empty()) error.hint += "; to let only another one grow: --template " + join(smaller, " or ");
            return error;
        }
        bool whole = true;
        for (const auto& [ordinal, claim] : claims) {
            const std::string claim_name = kube::name_of(*claim);
            if (!meant(set, ordinal, claim_name)) {
                whole = whole && !in_range(set, ordinal);
                if (!in_range(set, ordinal) && (whole_sets() || facts_.chosen.contains(claim_name)))
                    left_.push_back(claim_name);
                continue;
            }
            const bool own_size = options_.add || options_.percent;
            const Quantity size = own_size ? grown(options_, size_of_claim(*claim), 0) : target;
            TRY(check_asked(options_.space, *claim, size));
            add_claim(*claim, size, kube::name_of(set), name, ordinal);
        }
        const std::string stranger = stranger_of(set, name);
        if (!stranger.empty())
            choice_.notes.push_back("template " + name + " of sts/" + kube::name_of(set) + " stays at " + text +
                                    ": pvc/" + stranger +
                                    " has the name of one of its claims and not their labels, and no pod of "
                                    "it mounts it: whose it is cannot be told");
        else if (!whole)
            choice_.notes.push_back("template " + name + " of sts/" + kube::name_of(set) + " stays at " + text +
                                    ": not every one of its claims is chosen");
        else if (target > now)
            made.sizes[name] = target.text();
        return {};
    }

    static std::vector<std::string> smaller_templates(const Json& set, const Quantity& size) {
        std::vector<std::string> names;
        for (const auto& [name, text] : kube::template_sizes_of(set)) {
            const auto has = Quantity::parse(text);
            if (has.ok() && *has < size) names.push_back(name);
        }
        return names;
    }

    // A claim that the set's controller would take for the next pod of its ordinal.
    std::string stranger_of(const Json& set, const std::string& name) const {
        for (const auto& [claim, object] : facts_.claims) {
            const auto found = kube::template_of_claim(set, claim);
            const bool fits = found.claim_template != nullptr && kube::name_of(*found.claim_template) == name;
            const auto place = facts_.places.find(claim);
            const bool its = place != facts_.places.end() && &facts_.sets[place->second.set] == &set;
            if (fits && in_range(set, found.ordinal) && !its) return claim;
        }
        return "";
    }

    // A claim that is named by itself, of a Deployment, or of no workload.
    Status add_chosen(const std::string& name) {
        const auto found = facts_.claims.find(name);
        if (found == facts_.claims.end()) return refused("pvc/" + options_.space + "/" + name + " does not exist", "");
        if (facts_.places.contains(name)) return {};  // with its set
        const Quantity now = size_of_claim(found->second);
        const Quantity target = grown(options_, now, used_of(name));
        TRY(check_asked(options_.space, found->second, target));
        const auto requested = kube::requested_of(found->second);
        if (requested.ok() && target < *requested)
            return shrink("pvc/" + options_.space + "/" + name, *requested, "pvc/" + name);
        const std::size_t before = choice_.record.claims.size();
        add_claim(found->second, target, "", "", -1);
        const std::string set = set_of_claim(facts_, name);
        if (!set.empty() && choice_.record.claims.size() > before)
            choice_.notes.push_back("pvc/" + name + " is of sts/" + set +
                                    ", whose template stays as it is: kubectl pvc-expand sts/" + set + " grows both");
        return {};
    }

    Error shrink(const std::string& what, const Quantity& now, const std::string& line) const {
        return refused("--size " + options_.size.value_or(now).text() + " is less than " + what +
                           " has: " + now.text() + "; volumes cannot shrink",
                       "to copy the data to smaller ones: kubectl migrate " + line + " --size " +
                           options_.size.value_or(now).text());
    }

    void add_claim(const Json& claim, const Quantity& target, const std::string& workload, const std::string& name,
                   int ordinal) {
        const kube::ResizeState state = kube::resize_state_of(claim);
        const Quantity nothing = Quantity::from_bytes(0);
        const bool asks = state.requested.value_or(nothing) >= target;
        if (asks && state.capacity.value_or(nothing) >= target) {
            if (*state.requested > target) larger_.push_back(state.name + " (" + state.requested->text() + ")");
            return;
        }
        Growth growth;
        growth.claim = state.name;
        growth.uid = kube::uid_of(claim);
        growth.workload = workload;
        growth.claim_template = name;
        growth.ordinal = ordinal;
        growth.from = kube::request_text_of(claim);
        growth.to = asks ? state.requested->text() : target.text();
        growth.mounted = facts_.mounted_by.contains(state.name);
        choice_.record.claims.push_back(std::move(growth));
    }

    // Claims that no pod's controller looks after any more, and that the set would take along if it were deleted.
    void find_lent(const Json& set, Template& made) const {
        for (const auto& [name, place] : facts_.places) {
            if (&facts_.sets[place.set] != &set || facts_.mounted_by.contains(name)) continue;
            for (const kube::OwnerReference& owner : kube::owners_of(facts_.claims.at(name))) {
                if (owner.uid == made.uid) made.lent.push_back(name);
            }
        }
    }

    // By set, and from the highest ordinal on: replicas before the first, which most databases make their primary.
    void sort_claims() {
        std::stable_sort(
            choice_.record.claims.begin(), choice_.record.claims.end(), [](const Growth& a, const Growth& b) {
                return std::tuple(a.workload, -a.ordinal, a.claim) < std::tuple(b.workload, -b.ordinal, b.claim);
            });
    }

    // Only what a pod mounts proves that filesystems grow. A claim of no StatefulSet stands for itself.
    void choose_canaries() {
        if (options_.canary == 0) return;
        const auto place = [](const Growth& one) {
            return one.workload.empty() ? one.claim : std::to_string(one.ordinal);
        };
        std::map<std::string, std::set<std::string>> first;
        for (const Growth& growth : choice_.record.claims) {
            if (growth.bears_only) continue;
            std::set<std::string>& places = first[growth.workload];
            if (growth.mounted && static_cast<int>(places.size()) < options_.canary) places.insert(place(growth));
        }
        for (Growth& growth : choice_.record.claims)
            growth.canary = !growth.bears_only && first[growth.workload].contains(place(growth));
        for (const auto& [workload, places] : first) {
            if (!places.empty()) continue;
            choice_.notes.push_back("--canary: no pod mounts a claim " +
                                    (workload.empty() ? "of those of no StatefulSet" : "of sts/" + workload) +
                                    ": none of them would prove that filesystems grow, so all of them grow at once");
        }
    }

    const ExpandOptions& options_;
    const ExpandFacts& facts_;
    Choice choice_;
    std::vector<std::string> larger_, left_;
};

}  // namespace

Result<Choice> choose_expand(const ExpandOptions& options, const ExpandFacts& facts, SystemTime now) {
    return Choosing(options, facts, now).run();
}

}  // namespace holdfast::expand
