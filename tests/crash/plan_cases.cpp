#include "tests/crash/plan_cases.h"

#include "tests/crash/alike.h"
#include "tests/sim/random.h"

#include <algorithm>

namespace holdfast::crash {

namespace {

// Each actor before every nth request, and each shifted against the others, so that none of the requests has nobody.
void add_actors(const Entry& entry, const Reference& reference, bool everywhere, std::vector<Work>& all) {
    const auto every = static_cast<std::size_t>(everywhere ? 1 : entry.actors_every);
    for (std::size_t i = 0; i < reference.calls.size(); ++i) {
        for (const Actor actor : all_actors()) {
            if ((i + static_cast<std::size_t>(actor)) % every != 0) continue;
            Work work;
            work.first.entry = &entry;
            work.first.first.boundary = static_cast<int>(i);
            work.first.actor = actor;
            all.push_back(work);
        }
    }
}

// What a kill leaves is what had been written until then: the cluster comes to rest before anybody goes on (Judge). So
// there are as many different kills as writes that do more than to renew a lease, each of which somebody follows up in
// every way; of those at the other requests, and of the other kinds of kills, which leave what another one has left,
// one a request is tried, in turn.
class Kills {
  public:
    Kills(const Entry& entry, const Reference& reference, const Alike& alike, bool everywhere)
        : entry_(entry), changes_(reference.changes), everywhere_(everywhere) {
        for (std::size_t i = 0; i < changes_.size(); ++i) changes_[i] = changes_[i] && !alike.renews(i);
    }

    bool wanted(std::size_t at, Fault fault, Way way) const {
        if (everywhere_ || leaves_another(at, fault)) return true;
        const std::size_t turn = at % (3 * entry_.ways.size());
        return turn % 3 == static_cast<std::size_t>(fault) && entry_.ways[turn / 3] == way;
    }

    // The kill after every nth write; and again in the run that follows.
    bool doubled(std::size_t at, Fault fault, Way way) const {
        if (fault != Fault::kKillAfterCommit || way == Way::kGc || !changes(at)) return false;
        const auto before = std::count(changes_.begin(), changes_.begin() + static_cast<std::ptrdiff_t>(at), true);
        return before % entry_.doubles_every == 0;
    }

  private:
    bool changes(std::size_t at) const { return at < changes_.size() && changes_[at]; }
    bool leaves_another(std::size_t at, Fault fault) const {
        return fault == Fault::kKillBefore ? at == 0 : fault == Fault::kKillAfterCommit && changes(at);
    }

    const Entry& entry_;
    std::vector<bool> changes_;
    bool everywhere_;
};
static_assert(static_cast<int>(Fault::kKillAfterAnswer) == 2);

}  // namespace

std::vector<Work> all_work(const Entry& entry, const Reference& reference, bool everywhere) {
    const Alike alike(reference.calls, reference.changes);
    const Kills chosen(entry, reference, alike, everywhere);
    std::vector<Work> all;
    for (std::size_t i = 0; i < reference.calls.size(); ++i) {
        for (const Fault fault : all_faults()) {
            if (!applies(fault, reference.calls[i])) continue;
            const auto every = static_cast<std::size_t>(entry.faults_every);
            // Each command and statement in a pod is another one: that it fails is never left out.
            const bool thinned = !kills(fault) && fault != Fault::kFails;
            if (thinned && (i + static_cast<std::size_t>(fault)) % every != 0) continue;
            // Of a line that is thinned already only renewals.
            if (!everywhere && (every == 1 || alike.renews(i)) && alike.spares(i, fault)) continue;
            for (const Way way : entry.ways) {
                if (kills(fault) ? !chosen.wanted(i, fault, way) : way != Way::kRerun) continue;
                Work work;
                work.first.entry = &entry;
                work.first.first = {static_cast<int>(i), fault};
                work.first.way = way;
                all.push_back(work);
                work.doubles = chosen.doubled(i, fault, way);
                if (work.doubles) all.push_back(work);
            }
        }
    }
    add_actors(entry, reference, everywhere, all);
    return all;
}

std::vector<Work> sample(std::vector<Work> all, std::size_t count, std::uint64_t seed) {
    sim::Dice dice(seed);
    std::vector<Work> singles, doubles, actors, chosen;
    for (Work& work : all) (work.first.actor ? actors : work.doubles ? doubles : singles).push_back(work);
    while (chosen.size() < count && !singles.empty()) {
        std::vector<Work>& from = chosen.size() % 5 == 4 && !doubles.empty() ? doubles : singles;
        const auto at = static_cast<std::size_t>(dice.between(0, static_cast<std::int64_t>(from.size()) - 1));
        Work work = from[at];
        if (work.doubles) {
            work.pick = dice.between(0, 1000000);
        } else {
            from[at] = from.back();
            from.pop_back();
        }
        chosen.push_back(work);
    }
    // Besides, since some find nothing to do where they come.
    for (std::size_t i = 0; i < count / 5 && !actors.empty(); ++i)
        chosen.push_back(
            actors[static_cast<std::size_t>(dice.between(0, static_cast<std::int64_t>(actors.size()) - 1))]);
    return chosen;
}

}  // namespace holdfast::crash
