#include "tests/cli/simulated/control.h"

#include "tests/crash/state.h"

#include <csignal>
#include <iostream>

namespace holdfast::simulated {

void Control::run() {
    for (std::string line; std::getline(std::cin, line);) {
        Json answer;
        try {
            answer = carry_out(Json::parse(line));
        } catch (const std::exception& error) {
            answer = {{"error", error.what()}};
        }
        double_::say("answer " + answer.dump());
    }
    std::raise(SIGTERM);
    std::abort();  // not reached
}

Json Control::carry_out(const Json& order) {
    if (order.contains("rules")) {
        script_.set_rules(order["rules"]);
    } else if (order.contains("save")) {
        live_.save(order["save"].get<std::string>());
    } else if (order.contains("load")) {
        if (!live_.load(order["load"].get<std::string>())) return {{"error", "no world of this name"}};
    } else if (order.contains("judge")) {
        judge(order.value("deletes", ""));
    } else if (order.contains("forbid")) {
        forbid(order["forbid"].get<std::set<std::string>>());
    } else if (order.contains("settle")) {
        if (!live_.settle()) return {{"error", "the cluster does not come to rest"}};
    } else if (order.contains("state")) {
        return state();
    } else {
        return {{"error", "not known"}};
    }
    return Json::object();
}

void Control::forbid(const std::set<std::string>& what) {
    live_.with([&](sim::Sim& sim) {
        sim.may = [what](const kube::AccessCheck& asked) {
            const std::string part = asked.subresource.empty() ? "" : "/" + asked.subresource;
            return !what.contains(asked.verb + " " + asked.resource.qualified() + part);
        };
    });
}

void Control::judge(const std::string& deletes) {
    live_.with([&](sim::Sim& sim) {
        auto made = std::make_unique<crash::Invariants>(sim);
        if (deletes == "snapshots") made->release_cuts();
        if (deletes == "kept volumes") made->release_kept();
        made->watch(sim);
        invariants_ = std::move(made);
    });
}

Json Control::state() {
    return live_.with([&](const sim::Sim& sim) {
        Json state = Json::object();
        for (const auto& [name, text] : crash::state_of(sim)) state[name] = text;
        Json answer{{"state", state}, {"violations", Json::array()}, {"looks", 0}};
        if (invariants_) {
            answer["violations"] = invariants_->violations();
            answer["looks"] = invariants_->looks();
        }
        return answer;
    });
}

}  // namespace holdfast::simulated
