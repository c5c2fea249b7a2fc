#include "plugins/clone/seeds.h"

#include "common/kube/objects/workload.h"

#include <algorithm>
#include <set>

namespace holdfast::clone {
namespace {

// The seed that has the same place in its pod: of the same claim template.
const Copy* seed_for(const Choice& choice, const Copy& copy) {
    for (const Copy& one : choice.copies) {
        if (one.ordinal == choice.start &&
            choice.sources[one.of].facts.claim_template == choice.sources[copy.of].facts.claim_template)
            return &one;
    }
    return nullptr;
}

Member member_of_seed(const CloneOptions& options, const Choice& choice, const Copy& seed, const Now& now,
                      const std::string& operation) {
    Member member = choice.sources[seed.of];
    member.snapshot.reset();
    member.content.reset();
    member.content_annotations.clear();
    member.facts.claim = seed.spec.name;
    member.facts.ordinal = seed.ordinal;
    member.facts.size_bytes = seed.spec.size.bytes();
    const auto cut_there = choice.cut_there.find(member.driver);
    if (cut_there != choice.cut_there.end()) member.facts.snapshot_class = cut_there->second;
    member.facts.snapshot = snapshot_name(operation + "-seed", seed.spec.name);
    member.called = "pvc/" + options.to_space + "/" + seed.spec.name;
    const auto there = now.claims.find(seed.spec.name);
    if (there != now.claims.end()) {
        member.facts.claim_uid = there->second.uid;
        member.facts.volume = there->second.volume;
        const auto volume = now.volumes.find(there->second.volume);
        if (volume != now.volumes.end()) member.old_volume = kube::volume_of(volume->second);
    }
    return member;
}

}  // namespace

bool is_seed(const CloneOptions& options, const Choice& choice, const Copy& copy) {
    return options.sql.empty() || copy.ordinal < 0 || copy.ordinal == choice.start;
}

bool has_more_than_seeds(const CloneOptions& options, const Choice& choice) {
    return std::any_of(choice.copies.begin(), choice.copies.end(),
                       [&](const Copy& copy) { return !is_seed(options, choice, copy); });
}

Choice seeds_of(const CloneOptions& options, const Choice& choice) {
    Choice seeds = choice;
    std::erase_if(seeds.copies, [&](const Copy& copy) { return !is_seed(options, choice, copy); });
    std::set<std::size_t> used;
    for (const Copy& copy : seeds.copies) used.insert(copy.of);
    std::vector<Member> sources;
    std::vector<std::size_t> place(choice.sources.size());
    for (const std::size_t index : used) {
        place[index] = sources.size();
        sources.push_back(choice.sources[index]);
    }
    for (Copy& copy : seeds.copies) copy.of = place[copy.of];
    seeds.sources = std::move(sources);
    return seeds;
}

Spread spread_of(const CloneOptions& options, const Choice& choice, const LiveFacts& live, const Now& now,
                 const std::string& operation) {
    Spread spread{options, choice, live};
    spread.options.space = options.to_space;
    spread.options.other = false;  // the whole of it is there
    spread.choice.sources.clear();
    spread.choice.copies.clear();
    spread.live.volumes = now.volumes;
    std::vector<const Copy*> seeds;
    for (const Copy& copy : choice.copies) {
        if (is_seed(options, choice, copy)) continue;
        const Copy* seed = seed_for(choice, copy);
        if (seed == nullptr) continue;
        const auto found = std::find(seeds.begin(), seeds.end(), seed);
        Copy other = copy;
        other.of = static_cast<std::size_t>(found - seeds.begin());
        if (found == seeds.end()) {
            seeds.push_back(seed);
            spread.choice.sources.push_back(member_of_seed(options, choice, *seed, now, operation));
        }
        spread.choice.copies.push_back(std::move(other));
    }
    return spread;
}

}  // namespace holdfast::clone
