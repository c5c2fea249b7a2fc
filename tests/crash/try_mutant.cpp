#include "tests/crash/branches.h"
#include "tests/crash/mutants.h"
#include "tests/crash/plan_cases.h"
#include "tests/crash/stage.h"
#include "tests/sim/random.h"

#include <algorithm>

namespace holdfast::crash {
namespace {

// Of the requests around those that the mutant changes all cases; of the others, and of a mutant that shows in none,
// some: enough that what a safeguard is for comes about.
constexpr int kBefore = 8, kAfter = 10;
constexpr std::size_t kMostNear = 400, kMostElsewhere = 250;

// One kill, or somebody else, at each request: what a safeguard is there for.
bool worth_trying(const Case& one) {
    if (one.way != Way::kRerun) return one.way == Way::kAbort && one.first.fault != Fault::kKillAfterAnswer;
    if (one.actor) return true;
    switch (one.first.fault) {
        case Fault::kKillBefore:
        case Fault::kKillAfterCommit:
        case Fault::kDelay:
        case Fault::kStale:
        case Fault::kInterrupt:
        case Fault::kDropsSource:
        case Fault::kSomebodyChanges:
        case Fault::kSomebodyReplaces:
        case Fault::kSomebodyTakes:
            return true;
        default:
            return false;
    }
}

std::uint64_t number_of(const std::string& text) {
    std::uint64_t number = 1469598103934665603ULL;  // FNV-1a
    for (const char c : text) number = (number ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
    return number;
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

void shuffle(std::vector<Work>& all, sim::Dice& dice) {
    for (std::size_t i = all.size(); i > 1; --i)
        std::swap(all[i - 1], all[static_cast<std::size_t>(dice.between(0, static_cast<std::int64_t>(i) - 1))]);
}

// Drawn by the mutant's name: the same ones every time.
std::vector<std::vector<Work>> works_for(const Mutant& mutant, const Entry& entry, const Reference& reference,
                                         const Plain& plain) {
    Reference mutated;  // for its requests
    mutated.calls = plain.calls;
    const std::vector<bool> close = near(plain.calls, reference.calls);
    std::vector<Work> there, elsewhere;
    for (Work& work : all_work(entry, mutated, true)) {
        if (work.doubles || !worth_trying(work.first)) continue;
        work.first.mutation = &mutant.mutation;
        (close[static_cast<std::size_t>(work.first.first.boundary)] ? there : elsewhere).push_back(std::move(work));
    }
    sim::Dice dice(number_of(mutant.name() + entry.name));
    shuffle(there, dice);
    shuffle(elsewhere, dice);
    there.resize(std::min(there.size(), kMostNear));
    elsewhere.resize(std::min(elsewhere.size(), kMostElsewhere));
    return {std::move(there), std::move(elsewhere)};
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

std::string caught_in(const Mutant& mutant, const Entry& entry, const Reference& reference) {
    Case without;
    without.entry = &entry;
    without.first = {-1, Fault::kDelay};
    without.mutation = &mutant.mutation;
    const Plain plain = run_plain(without, reference);
    if (!plain.wrong.empty()) return entry.name + ": " + plain.wrong;
    for (const std::vector<Work>& works : works_for(mutant, entry, reference, plain)) {
        const auto [id, what] = first_red(works, reference);
        if (!id.empty() && green_without(id, works, reference)) return first_of(id, what);
    }
    return "";
}

}  // namespace

std::string caught_by(const Mutant& mutant, const std::map<std::string, Reference>& references) {
    for (const Entry* entry : mutant.lines) {
        std::string by = caught_in(mutant, *entry, references.at(entry->name));
        if (!by.empty()) return by;
    }
    return "";
}

}  // namespace holdfast::crash
