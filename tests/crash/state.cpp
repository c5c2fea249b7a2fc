#include "tests/crash/state.h"

#include "common/kube/objects/labels.h"
#include "common/kube/objects/lease.h"
#include "common/kube/objects/workload.h"
#include "common/plan/describe.h"
#include "tests/crash/names.h"

#include <algorithm>
#include <cctype>

namespace holdfast::crash {
namespace {

// Numbers that differ between two good runs, also where they stand in JSON within JSON.
void drop_numbers(std::string& text) {
    for (const std::string_view key :
         {"skewMilliseconds\":", "skewMilliseconds\\\":", "resourceVersion\\\":\\\"", "generation\\\":"})
        drop_digits_after(text, key);
    for (std::size_t at = text.find("RTO "); at != std::string::npos; at = text.find("RTO ", at + 1)) {
        const std::size_t end = text.find_first_of("\\\";", at);
        if (end != std::string::npos) text.erase(at + 4, end - at - 4);
    }
}

// What the mark of a volume says of its operation's plan is read only while the operation has volumes to put in
// (plugins/restore/traces.cpp): an undo that puts the mark aside and back leaves it out.
void drop_record(nlohmann::json& annotations) {
    const auto mark = annotations.find(labels::kSwap);
    if (mark == annotations.end()) return;
    nlohmann::json said = nlohmann::json::parse(mark->get<std::string>(), nullptr, false);
    if (!said.is_object()) return;
    said.erase("record");
    *mark = said.dump();
}

// Reads the "state" of a journal's text and no further: what comes after it is nearly all of it.
class StateReader : public nlohmann::json_sax<Json> {
  public:
    std::string state;

    bool key(std::string& name) override {
        at_state_ = depth_ == 1 && name == "state";
        return true;
    }
    bool string(std::string& value) override {
        if (at_state_) state = value;
        return !at_state_;
    }
    bool start_object(std::size_t) override { return opened(); }
    bool start_array(std::size_t) override { return opened(); }
    bool end_object() override { return closed(); }
    bool end_array() override { return closed(); }
    bool null() override { return !at_state_; }
    bool boolean(bool) override { return !at_state_; }
    bool number_integer(Json::number_integer_t) override { return !at_state_; }
    bool number_unsigned(Json::number_unsigned_t) override { return !at_state_; }
    bool number_float(Json::number_float_t, const std::string&) override { return !at_state_; }
    bool binary(Json::binary_t&) override { return !at_state_; }
    bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override { return false; }

  private:
    bool opened() {
        ++depth_;
        return !at_state_;
    }
    bool closed() {
        --depth_;
        return true;
    }
    int depth_ = 0;
    bool at_state_ = false;
};

// "" : none can be read.
std::string state_in(const Json& journal) {
    const Json* text = kube::find_at(journal, "/data/journal.json");
    StateReader reader;
    if (text != nullptr && text->is_string()) Json::sax_parse(text->get_ref<const std::string&>(), &reader);
    return reader.state;
}

bool is_journal(const Json& object) { return kube::label_of(object, labels::kRole) == "journal"; }

std::string text_of(const Json& object, const Names& names) {
    nlohmann::json sorted = nlohmann::json::object();
    // Of a journal nothing else differs between two good runs.
    for (const auto& [key, value] : object.items()) {
        if (key == "data" && is_journal(object))
            sorted[key] = state_in(object);
        else
            sorted[key] = value;
    }
    nlohmann::json& metadata = sorted["metadata"];
    for (const char* key : {"resourceVersion", "generation", "uid", "creationTimestamp"}) metadata.erase(key);
    // Whether a volume was ever attached, and in which order finalizers came, is a race of controllers.
    if (metadata.contains("finalizers")) {
        nlohmann::json& all = metadata["finalizers"];
        all.erase(std::remove(all.begin(), all.end(), "external-attacher/disk-example"), all.end());
        std::sort(all.begin(), all.end());
    }
    // The mark of a takeover (safety R3), and of a journal that is kept how it got to its end.
    if (metadata.contains("annotations")) {
        metadata["annotations"].erase("somebody.example/was");
        metadata["annotations"].erase("holdfast.dev/epoch");
        drop_record(metadata["annotations"]);
    }
    for (const char* key : {"annotations", "labels"}) {
        if (metadata.contains(key) && metadata[key].empty()) metadata.erase(key);
    }
    if (sorted.value("kind", "") == "VolumeSnapshotContent" && sorted.contains("status"))
        sorted["status"].erase("creationTime");
    if (sorted.contains("status")) sorted["status"].erase("observedGeneration");
    std::string text = plain(sorted.dump(), names);
    drop_numbers(text);
    return text;
}

// Both texts from a little before where they part.
std::string around(const std::string& expected, const std::string& got) {
    constexpr std::size_t kBefore = 60, kShown = 200;
    const auto parts = std::mismatch(expected.begin(), expected.end(), got.begin(), got.end());
    const auto at = static_cast<std::size_t>(parts.first - expected.begin());
    const std::size_t from = at > kBefore ? at - kBefore : 0;
    return "\n      expected ..." + expected.substr(from, kShown) + "\n      got      ..." + got.substr(from, kShown);
}

// Of a Lease it matters that it is there, and whose: holder and times differ between two good runs.
std::pair<std::string, std::string> entry_of(const kube::ObjectRef& ref, const Json& object, const Names& names) {
    return {plain(ref.text(), names),
            ref.resource == kube::kLeases ? plain(kube::lease_of(object).operation, names) : text_of(object, names)};
}

}  // namespace

Known known_of(const sim::Sim& sim) {
    const Names names = names_of(sim);
    Known known;
    for (const sim::ObjectPtr& object : sim.store.everything())
        known[object.get()] = entry_of(object.ref(), *object, names);
    return known;
}

State state_of(const sim::Sim& sim, const Known& known) {
    const Names names = names_of(sim);
    State state;
    for (const sim::ObjectPtr& object : sim.store.everything()) {
        const kube::ObjectRef ref = object.ref();
        if (ref.resource == kube::kEvents) continue;
        const auto found = known.find(object.get());
        state.insert(found != known.end() ? found->second : entry_of(ref, *object, names));
    }
    for (const sim::ObjectPtr& object :
         sim.other() == nullptr ? std::vector<sim::ObjectPtr>() : sim.other()->store.everything()) {
        auto [name, text] = entry_of(object.ref(), *object, names);
        state["in the other cluster: " + name] = std::move(text);
    }
    for (const auto& [handle, disk] : sim.backend().disks)
        state["disk " + plain(handle, names)] = "holds " + disk.token.text();
    for (const auto& [handle, cut] : sim.backend().cuts)
        state["cut " + plain(handle, names)] = "holds " + cut.token.text();
    for (const std::string& pod : sim.held_back) state["held back: " + pod] = "yes";
    return state;
}

std::vector<std::string> differences(const State& expected, const State& got, const State& or_else) {
    std::vector<std::string> lines;
    for (const auto& [name, text] : expected) {
        const auto found = got.find(name);
        const auto other = or_else.find(name);
        const bool as_good = other != or_else.end() && found != got.end() && found->second == other->second;
        if (found == got.end())
            lines.push_back("missing: " + name);
        else if (found->second != text && !as_good)
            lines.push_back("differs: " + name + around(text, found->second));
    }
    for (const auto& [name, text] : got) {
        if (!expected.contains(name)) lines.push_back("left behind: " + name);
    }
    if (lines.size() > 10) lines.resize(10);
    return lines;
}

namespace {

// By whether their journal says that they are done: such a journal is kept until finalize.
std::vector<std::string> operations(const sim::Sim& sim, bool done) {
    std::vector<std::string> found;
    for (const sim::ObjectPtr& map : sim.store.list(kube::kConfigMaps, "")) {
        if (is_journal(*map) && (state_in(*map) == "done") == done)
            found.push_back(kube::label_of(*map, labels::kOperation));
    }
    return found;
}

}  // namespace

std::vector<std::string> open_operations(const sim::Sim& sim) { return operations(sim, false); }
std::vector<std::string> done_operations(const sim::Sim& sim) { return operations(sim, true); }

}  // namespace holdfast::crash
