#include "tests/crash/branches.h"
#include "tests/crash/mutants.h"
#include "tests/crash/plan_cases.h"
#include "tests/crash/stage.h"
#include "tests/sim/random.h"

#include <algorithm>
#include <map>
#include <set>

namespace holdfast::crash {
namespace {

// Of the requests around those that the mutant changes, and of some others, what violates such a safeguard; enough that
// what it is for comes about. A batch is one run of the command with the cases as its branches.
constexpr int kBefore = 8, kAfter = 10;
constexpr std::size_t kBatch = 30, kMostNear = 150, kMostElsewhere = 40, kLeastOfLine = 30;

bool any_of(Fault fault, std::initializer_list<Fault> faults) {
    return std::find(faults.begin(), faults.end(), fault) != faults.end();
}

// Somebody else, where one object was meant and another is there.
bool comes_between(const Case& one) {
    if (!one.actor)
        return any_of(one.first.fault, {Fault::kSomebodyChanges, Fault::kSomebodyReplaces, Fault::kSomebodyTakes});
    switch (*one.actor) {
        case Actor::kReplaces:
        case Actor::kDropsClaim:
        case Actor::kTidies:
        case Actor::kEviction:
        case Actor::kTakesOver:
        case Actor::kTakesBack:
            return true;
        default:
            return false;
    }
}

bool slows(const Case& one) {
    return !one.actor && any_of(one.first.fault, {Fault::kSlowCluster, Fault::kDelay, Fault::kInterrupt});
}

// How directly the case goes for such a safeguard: 0 is what it is there for, 3 something else.
int distance(const std::string& kind, const Case& one) {
    const Fault fault = one.first.fault;
    const bool acts = one.actor.has_value();
    const bool slow = !acts && fault == Fault::kSlowCluster;
    if (kind == "no-survive") return !acts && fault == Fault::kDropsSource ? 0 : 3;
    if (kind == "no-wait") return slow ? 0 : slows(one) ? 1 : acts && *one.actor == Actor::kDropsClaim ? 2 : 3;
    if (kind == "no-precondition")
        return !acts && fault == Fault::kSomebodyReplaces ? 0
               : acts && *one.actor == Actor::kReplaces   ? 1
               : comes_between(one)                       ? 2
                                                          : 3;
    if (kind == "no-order") return slow || (!acts && fault == Fault::kDropsSource) ? 0 : kills(fault) && !acts ? 1 : 3;
    if (kind == "no-reread") return acts ? 0 : slow || comes_between(one) ? 1 : 3;
    return acts ? 1 : kills(fault) ? 0 : 3;  // no-step
}

// One kill, or somebody else: what a safeguard is there for.
bool worth_trying(const Case& one) {
    if (one.way != Way::kRerun) return one.way == Way::kAbort && one.first.fault != Fault::kKillAfterAnswer;
    if (one.actor || comes_between(one)) return true;
    return any_of(one.first.fault, {Fault::kKillBefore, Fault::kKillAfterCommit, Fault::kDelay, Fault::kStale,
                                    Fault::kInterrupt, Fault::kDropsSource, Fault::kSlowCluster, Fault::kFails});
}

std::string first_of(const std::string& by, const std::string& what) {
    return by + ": " + what.substr(0, what.find('\n'));
}

// The requests of a run without any fault, and what is wrong with it then.
struct Plain {
    std::vector<sim::Call> calls;
    std::string wrong;
};

Plain run_plain(const Case& without, const Reference& reference) {
    Stage stage(reference, without);
    const auto judge = make_judge(reference, without, stage);
    const Ending ending = stage.once(reference.line, judge->injection(), "first run", kFirst);
    Plain plain{stage.calls, ""};
    const Judgement judgement = judge->after(ending);
    if (!judgement.violations.empty()) plain.wrong = first_of("a run without any fault", judgement.violations.front());
    return plain;
}

std::string shown(const sim::Call& call) { return call.text() + (call.pinned ? "" : "!") + (call.named ? "" : "?"); }

// Where the two runs differ: from the first request to the last, and around each that only one of them has.
std::vector<bool> near(const std::vector<sim::Call>& calls, const std::vector<sim::Call>& reference) {
    std::vector<bool> is(calls.size(), false);
    const auto mark = [&](std::size_t at) {
        const std::size_t from = at > kBefore ? at - kBefore : 0, to = std::min(calls.size(), at + kAfter);
        for (std::size_t i = from; i < to; ++i) is[i] = true;
    };
    std::size_t other = 0;
    for (std::size_t i = 0; i < calls.size() && other < reference.size(); ++i, ++other) {
        if (shown(calls[i]) == shown(reference[other])) continue;
        mark(i);
        // Where it goes on as before: the next request that both have.
        for (std::size_t skip = 1; skip < 12 && other + skip < reference.size(); ++skip) {
            if (shown(reference[other + skip]) != shown(calls[i])) continue;
            other += skip;
            break;
        }
    }
    return is;
}

// Where the executor pins by itself what the plan does not, the requests are the same: then what counts is who comes
// before the step's own read of its object, or before its write.
std::vector<bool> own(const std::vector<sim::Call>& calls, const std::set<std::string>& objects) {
    std::vector<bool> is(calls.size(), false);
    std::map<std::string, std::size_t> last;
    for (std::size_t i = 0; i < calls.size(); ++i) {
        const std::string object = calls[i].ref.text();
        if (!objects.contains(object)) continue;
        is[i] = is_write(calls[i].verb);
        if (const auto before = last.find(object); is[i] && before != last.end()) is[before->second] = true;
        last[object] = i;
    }
    return is;
}

bool none(const std::vector<bool>& all) { return std::find(all.begin(), all.end(), true) == all.end(); }

void shuffle(std::vector<Work>& all, sim::Dice& dice) {
    for (std::size_t i = all.size(); i > 1; --i)
        std::swap(all[i - 1], all[static_cast<std::size_t>(dice.between(0, static_cast<std::int64_t>(i) - 1))]);
}

// Of the line's cases, drawn by the mutant's name, the same ones every time: first those that aim at such a safeguard
// where it shows, then others there, then some elsewhere.
std::vector<std::vector<Work>> works_for(const Mutant& mutant, const Entry& entry, const Reference& reference,
                                         const Plain& plain) {
    Reference mutated;  // for its requests
    mutated.calls = plain.calls;
    std::vector<bool> close = near(plain.calls, reference.calls);
    const bool same = none(close);
    if (same) close = own(plain.calls, mutant.objects);
    std::vector<Work> there, elsewhere;
    for (Work& work : all_work(entry, mutated, true)) {
        if (work.doubles || !worth_trying(work.first)) continue;
        work.first.mutation = &mutant.mutation;
        (close[static_cast<std::size_t>(work.first.first.boundary)] ? there : elsewhere).push_back(std::move(work));
    }
    sim::Dice dice(sim::seed_of(mutant.name() + entry.name));
    for (std::vector<Work>* some : {&there, &elsewhere}) {
        shuffle(*some, dice);
        std::stable_sort(some->begin(), some->end(), [&](const Work& a, const Work& b) {
            return distance(mutant.mutation.kind, a.first) < distance(mutant.mutation.kind, b.first);
        });
    }
    const auto most = [&](std::size_t all) { return std::max(kLeastOfLine, all / mutant.lines.size()); };
    // What shows in no request of a run without fault shows after one, wherever that comes.
    const std::size_t more = same ? kMostNear : 0;
    there.resize(std::min(there.size(), most(kMostNear)));
    elsewhere.resize(std::min(elsewhere.size(), most(kMostElsewhere + more)));
    std::vector<Work> aimed = std::move(there);
    aimed.insert(aimed.end(), elsewhere.begin(), elsewhere.end());
    std::vector<std::vector<Work>> batches;
    for (std::size_t at = 0; at < aimed.size(); at += kBatch)
        batches.emplace_back(aimed.begin() + static_cast<std::ptrdiff_t>(at),
                             aimed.begin() + static_cast<std::ptrdiff_t>(std::min(aimed.size(), at + kBatch)));
    return batches;
}

// The first of them that is red, by its id, and what it violates.
std::pair<std::string, std::string> first_red(const std::vector<Work>& works, const Reference& reference) {
    std::vector<const Work*> all;
    for (const Work& work : works) all.push_back(&work);
    std::string id, what;
    run_branches(
        reference, all,
        [](const Case& one, const Judgement& judgement) {
            return judgement.violations.empty() ? "" : one.id() + "\n" + judgement.violations.front();
        },
        [&](const std::string& text) {
            const std::string told = text.starts_with("VIOLATION ") ? text.substr(10) : text;
            if (told.empty()) return true;
            id = told.substr(0, told.find('\n'));
            what = told.substr(std::min(told.size(), id.size() + 1));
            return false;
        });
    return {id, what};
}

// Its doing, and not the case's own: a case of that id that has the safeguards is green.
bool green_without(const std::string& id, const std::vector<Work>& works, const Reference& reference) {
    for (const Work& work : works) {
        if (work.first.id() != id) continue;
        Case one = work.first;
        one.mutation = nullptr;
        return judge(reference, one).violations.empty();
    }
    return false;
}

Plain plain_of(const Mutant& mutant, const Entry& entry, const Reference& reference) {
    Case without;
    without.entry = &entry;
    without.first = {-1, Fault::kDelay};
    without.mutation = &mutant.mutation;
    return run_plain(without, reference);
}

std::string caught_in(const Mutant& mutant, const Entry& entry, const Reference& reference) {
    const Plain plain = plain_of(mutant, entry, reference);
    for (const std::vector<Work>& works : works_for(mutant, entry, reference, plain)) {
        const auto [id, what] = first_red(works, reference);
        if (!id.empty() && green_without(id, works, reference)) return first_of(id, what);
    }
    return "";
}

}  // namespace

std::string caught_by(const Mutant& mutant, const std::map<std::string, Reference>& references) {
    for (const Entry* entry : mutant.lines) {
        const Plain plain = plain_of(mutant, *entry, references.at(entry->name));
        if (!plain.wrong.empty()) return entry->name + ": " + plain.wrong;
    }
    for (const Entry* entry : mutant.lines) {
        std::string by = caught_in(mutant, *entry, references.at(entry->name));
        if (!by.empty()) return by;
    }
    return "";
}

}  // namespace holdfast::crash
