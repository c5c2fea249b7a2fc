#include "tests/crash/whole.h"

#include "common/kube/objects/labels.h"
#include "common/os/process_identity.h"
#include "tests/crash/names.h"

#include <algorithm>
#include <set>

namespace holdfast::crash {
namespace {

// Of the processes that worked on it all are dead by the time that anybody asks: which ones they were makes no
// difference.
std::string before_pid() {
    const std::string identity = process_identity_of(0);
    return identity.substr(0, identity.rfind("/0/") + 1);
}

// The steps of all rounds, each once: what they are read for is which objects were made or written to, in which order
// (created_objects, written_objects).
Json steps_of(const Json& rounds) {
    Json steps = Json::array();
    std::set<std::string> known;
    for (const Json& round : rounds) {
        for (const Json& step : round.value("steps", Json::array())) {
            if (known.insert(step.dump()).second) steps.push_back(step);
        }
    }
    return steps;
}

// Of a journal all that decides how it goes on: not what the last stop was told as, nor in how many rounds it came so
// far, and no sums over those. (One that somebody has edited is what a case starts from, and is written whole by
// whoever takes it up.)
void keep_what_decides(Json& data) {
    Json journal = Json::parse(data.value("journal.json", ""), nullptr, false);
    if (!journal.is_object()) return;
    for (const char* key : {"message", "round", "epoch"}) journal.erase(key);
    if (journal.contains("rounds")) journal["rounds"] = steps_of(journal["rounds"]);
    data["journal.json"] = std::move(journal);
    data.erase("sums.json");
}

std::string text_of(const Json& object, const Names& names) {
    static const std::string kProcess = before_pid();
    Json rest = object;
    Json& metadata = rest["metadata"];
    // How often something was taken over says nothing of what there is.
    for (const char* key : {"resourceVersion", "generation", "uid", "creationTimestamp"}) metadata.erase(key);
    if (metadata.contains("annotations")) metadata["annotations"].erase("holdfast.dev/epoch");
    if (rest.contains("status")) rest["status"].erase("observedGeneration");
    if (kube::label_of(object, labels::kRole) == "journal" && rest.contains("data")) keep_what_decides(rest["data"]);
    std::string text = plain(rest.dump(), names);
    // Also where they stand in JSON within JSON.
    for (const std::string_view key : {"skewMilliseconds\":", "skewMilliseconds\\\":", "resourceVersion\\\":\\\"",
                                       "generation\\\":", "leaseTransitions\":", kProcess.c_str()})
        drop_digits_after(text, key);
    return text;
}

void add_objects(const sim::Sim& sim, const Names& names, const Known& start, std::vector<std::string>& lines) {
    for (const sim::ObjectPtr& object : sim.store.everything()) {
        if (object.ref().resource == kube::kEvents) continue;
        const auto unchanged = start.find(object.get());
        lines.push_back(unchanged != start.end() ? unchanged->second.first
                                                 : plain(object.ref().text(), names) + " " + text_of(*object, names));
    }
    for (const std::string& pod : sim.held_back) lines.push_back("held back: " + pod);
    lines.push_back("a volume takes " + std::to_string(sim.delays.provision.count()));
}

std::string text_of(const sim::Token& token) {
    return token.text() + " " + std::to_string(token.version) + " " + std::to_string(token.cleaned);
}

}  // namespace

std::string whole_text(const sim::Sim& sim, const Known& start) {
    const Names names = names_apart(sim);
    std::vector<std::string> lines;
    add_objects(sim, names, start, lines);
    for (const auto& [handle, disk] : sim.backend().disks)
        lines.push_back("disk " + plain(handle, names) + ": " + text_of(disk.token) + " " + std::to_string(disk.size));
    for (const auto& [handle, cut] : sim.backend().cuts)
        lines.push_back("cut " + plain(handle, names) + ": " + text_of(cut.token) + " " + std::to_string(cut.size) +
                        (cut.held ? " held" : ""));
    std::sort(lines.begin(), lines.end());
    if (sim.other() != nullptr) {
        lines.emplace_back("in the other cluster:");
        add_objects(*sim.other(), names, {}, lines);
    }
    std::string text;
    for (const std::string& line : lines) text += line + "\n";
    return text;
}

}  // namespace holdfast::crash
