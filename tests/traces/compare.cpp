#include "tests/traces/compare.h"

#include <algorithm>

namespace holdfast::traces {
namespace {

constexpr std::size_t kToldMax = 20;  // orders of one command

void add_states(const std::vector<std::string>& states, std::vector<std::string>& lines) {
    for (const std::string& state : states) lines.push_back("      " + state);
    if (states.empty()) lines.emplace_back("      (nothing)");
}

}  // namespace

Comparison::Comparison(Trace recorded) : recorded_(std::move(recorded)) {
    for (const Phase& phase : recorded_.phases) phases_.push_back(expected(phase));
}

Comparison::PhaseState Comparison::expected(const Phase& phase) {
    PhaseState state;
    for (std::size_t place = 0; place < phase.events.size(); ++place) {
        const Event& event = phase.events[place];
        auto object = std::find_if(state.objects.begin(), state.objects.end(),
                                   [&](const Object& one) { return one.name == event.object; });
        if (object == state.objects.end()) object = state.objects.insert(object, {event.object, {}, {}, false, {}});
        object->states.push_back(event.state);
        object->places.push_back(place);
    }
    state.in_order.assign(phase.events.size(), std::vector<bool>(phase.events.size(), false));
    return state;
}

void Comparison::compare(PhaseState& state, const std::vector<Event>& events) {
    // Where the run has what was recorded at a place, of objects that went through the recorded states.
    std::vector<std::pair<std::size_t, std::size_t>> found;  // place in the recording, in the run
    state.something.clear();
    for (Object& object : state.objects) {
        std::vector<std::size_t> places;
        object.example.clear();
        for (std::size_t i = 0; i < events.size(); ++i) {
            if (events[i].object != object.name) continue;
            object.example.push_back(events[i].state);
            places.push_back(i);
        }
        if (object.example != object.states) continue;
        object.seen = true;
        for (std::size_t i = 0; i < places.size(); ++i) found.emplace_back(object.places[i], places[i]);
    }
    std::sort(found.begin(), found.end());
    for (std::size_t earlier = 0; earlier < found.size(); ++earlier) {
        for (std::size_t later = earlier + 1; later < found.size(); ++later) {
            if (found[earlier].second < found[later].second)
                state.in_order[found[earlier].first][found[later].first] = true;
        }
    }
    std::copy_if(events.begin(), events.end(), std::back_inserter(state.something), [&](const Event& event) {
        return std::none_of(state.objects.begin(), state.objects.end(),
                            [&](const Object& one) { return one.name == event.object; });
    });
    state.nothing_else = state.nothing_else || state.something.empty();
}

void Comparison::add(const Trace& simulated) {
    ++runs_;
    for (std::size_t i = 0; i < phases_.size() && i < simulated.phases.size(); ++i)
        compare(phases_[i], simulated.phases[i].events);
    if (simulated.phases.size() != phases_.size()) mismatch_ = "a run did not come to the end of the story";
}

// Of two objects that went through their states in some run each.
template <typename F>
void Comparison::each_missing(const PhaseState& state, const F& tell) {
    for (const Object& a : state.objects) {
        for (const Object& b : state.objects) {
            if (&a == &b || !a.seen || !b.seen) continue;
            for (std::size_t i = 0; i < a.places.size(); ++i) {
                for (std::size_t j = 0; j < b.places.size(); ++j) {
                    if (a.places[i] < b.places[j] && !state.in_order[a.places[i]][b.places[j]]) tell(a, i, b, j);
                }
            }
        }
    }
}

bool Comparison::satisfied(const PhaseState& state) {
    bool missing = !state.nothing_else;
    for (const Object& object : state.objects) missing = missing || !object.seen;
    if (!missing) each_missing(state, [&](const Object&, std::size_t, const Object&, std::size_t) { missing = true; });
    return !missing;
}

bool Comparison::satisfied() const {
    return mismatch_.empty() && std::all_of(phases_.begin(), phases_.end(),
                                            [](const PhaseState& state) { return Comparison::satisfied(state); });
}

void Comparison::tell(const PhaseState& state, std::vector<std::string>& lines) {
    for (const Object& object : state.objects) {
        if (object.seen) continue;
        lines.push_back("    no run takes " + object.name + " through these states:");
        add_states(object.states, lines);
        lines.emplace_back("    but for example:");
        add_states(object.example, lines);
    }
    std::size_t told = 0;
    each_missing(state, [&](const Object& a, std::size_t i, const Object& b, std::size_t j) {
        if (++told > kToldMax) return;
        lines.push_back("    in no run " + a.name + " is \"" + a.states[i] + "\" before " + b.name + " is \"" +
                        b.states[j] + "\"");
    });
    if (told > kToldMax) lines.push_back("    and " + std::to_string(told - kToldMax) + " more");
    if (state.nothing_else) return;
    lines.emplace_back("    every run changes objects that the recording does not have, for example:");
    for (const Event& event : state.something) lines.push_back("      " + event.object + "  " + event.state);
}

std::vector<std::string> Comparison::problems() const {
    std::vector<std::string> lines;
    for (std::size_t i = 0; i < phases_.size(); ++i) {
        if (satisfied(phases_[i])) continue;
        lines.push_back("  > " + recorded_.phases[i].command);
        tell(phases_[i], lines);
    }
    if (!mismatch_.empty()) lines.push_back("  " + mismatch_);
    return lines;
}

std::size_t Comparison::orders() const {
    std::size_t sum = 0;
    for (const PhaseState& state : phases_) {
        const std::size_t all = state.in_order.size();
        sum += all * (all - 1) / 2;
        for (const Object& object : state.objects) sum -= object.places.size() * (object.places.size() - 1) / 2;
    }
    return sum;
}

}  // namespace holdfast::traces
