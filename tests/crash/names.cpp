#include "tests/crash/names.h"

#include "common/kube/objects/labels.h"

#include <algorithm>
#include <cctype>
#include <vector>

namespace holdfast::crash {
namespace {

constexpr std::string_view kUid = "5a5a0000-0000-4000-8000-";
constexpr std::size_t kUidDigits = 12;

// An undo's id holds the id of what it undoes.
std::vector<std::string> longest_first(const std::set<std::string>& operations) {
    std::vector<std::string> all(operations.begin(), operations.end());
    std::stable_sort(all.begin(), all.end(),
                     [](const std::string& a, const std::string& b) { return a.size() > b.size(); });
    return all;
}

void learn(const sim::ObjectPtr& object, Names& names) {
    const std::string operation = kube::label_of(*object, labels::kOperation);
    if (!operation.empty()) names.operations.insert(operation);
    const std::string& name = object.ref().name;
    if (object.ref().resource == kube::kPods &&
        kube::text_at(*object, "/metadata/ownerReferences/0/kind") == "ReplicaSet")
        names.generated[name] = name.substr(0, name.rfind('-')) + "-POD";
    std::string& known = names.uids[object.uid()];
    if (known.empty()) known = kube::text_at(*object, "/kind") + ":" + name;
}

void learn_all(const sim::Store& store, Names& names) {
    for (const sim::Change& change : store.history()) learn(change.object, names);
    for (const sim::ObjectPtr& object : store.everything()) learn(object, names);
}

void tell_apart(const sim::Store& store, Names& names) {
    for (const sim::Change& change : store.history()) {
        if (change.before) continue;
        const sim::ObjectPtr now = store.find(change.ref);
        names.uids[change.object.uid()] += now && now.uid() == change.object.uid() ? " (new)" : " (gone)";
    }
}

// Length of a time at `at`: "2026-11-21T05:10:05.123456Z", 0 if there is none.
std::size_t time_length(std::string_view text, std::size_t at) {
    if (text.size() < at + 20 || text.compare(at, 2, "20") != 0 || text[at + 4] != '-' || text[at + 10] != 'T')
        return 0;
    const std::size_t end = text.find('Z', at);
    return end == std::string_view::npos || end > at + 30 ? 0 : end + 1 - at;
}

std::string without_uids(std::string_view text, const Names& names, int depth = 0) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        // Uids begin with 5, times with 2.
        const std::size_t next = std::min(text.find_first_of("25", at), text.size());
        out.append(text, at, next - at);
        at = next;
        if (at == text.size()) break;
        if (text.compare(at, kUid.size(), kUid) == 0) {
            const std::string uid(text.substr(at, kUid.size() + kUidDigits));
            const auto known = names.uids.find(uid);
            // Names may hold uids of others ("snapcontent-UID"); two steps are enough.
            // Of what was gone before the history begins: the same one in every case, and which it was may count.
            const std::string unknown = names.apart ? uid : "?";
            out += known == names.uids.end() ? unknown
                   : depth > 2               ? "..."
                                             : without_uids(known->second, names, depth + 1);
            at += uid.size();
        } else if (const std::size_t length = time_length(text, at); length > 0) {
            out += "TIME";
            at += length;
        } else {
            out += text[at++];
        }
    }
    return out;
}

}  // namespace

Names names_of(const sim::Sim& sim) {
    Names names;
    learn_all(sim.store, names);
    if (sim.other() != nullptr) learn_all(sim.other()->store, names);
    return names;
}

Names names_apart(const sim::Sim& sim) {
    Names names = names_of(sim);
    names.apart = true;
    tell_apart(sim.store, names);
    if (sim.other() != nullptr) tell_apart(sim.other()->store, names);
    return names;
}

std::string plain(std::string_view text, const Names& names) {
    std::string out = without_uids(text, names);
    const auto replace = [&](const std::string& from, const std::string& to) {
        for (std::size_t at = out.find(from); at != std::string::npos; at = out.find(from, at + to.size()))
            out.replace(at, from.size(), to);
    };
    int number = 0;
    for (const std::string& operation : longest_first(names.operations))
        replace(operation, names.apart ? "OPERATION" + std::to_string(++number) : "OPERATION");
    for (const auto& [name, general] : names.generated) replace(name, general);
    return out;
}

void drop_digits_after(std::string& text, std::string_view key) {
    for (std::size_t at = text.find(key); at != std::string::npos; at = text.find(key, at + 1)) {
        std::size_t end = at + key.size();
        while (end < text.size() && std::isdigit(static_cast<unsigned char>(text[end])) != 0) ++end;
        text.erase(at + key.size(), end - at - key.size());
    }
}

}  // namespace holdfast::crash
