#include "common/kube/objects/event.h"

#include "common/core/text.h"
#include "common/kube/objects/workload.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace holdfast::kube {
namespace {

constexpr std::size_t kMessageLimit = 1000;

std::string first_of(const Json& object, std::initializer_list<const char*> pointers) {
    for (const char* pointer : pointers) {
        std::string text = text_at(object, pointer);
        if (!text.empty()) return text;
    }
    return "";
}

}  // namespace

std::string message_text(const std::string& remote) {
    std::string text = escape_line(trim(remote));
    if (text.size() <= kMessageLimit) return text;
    // Never within a code point: its other bytes begin with 10.
    std::size_t end = kMessageLimit;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
    return text.substr(0, end) + "...";
}

Event event_of(const Json& object) {
    Event event;
    event.kind = text_at(object, "/involvedObject/kind");
    event.space = text_at(object, "/involvedObject/namespace");
    event.name = text_at(object, "/involvedObject/name");
    event.uid = text_at(object, "/involvedObject/uid");
    event.warning = text_at(object, "/type") == "Warning";
    event.reason = escape_line(text_at(object, "/reason"));
    event.message = message_text(text_at(object, "/message"));
    event.component = escape_line(first_of(object, {"/source/component", "/reportingComponent"}));
    // The old recorder counts in count and lastTimestamp, the new one (the scheduler's) in series.
    event.count = std::max(number_at(object, "/count", 1), number_at(object, "/series/count", 1));
    event.last_seen = first_of(object, {"/series/lastObservedTime", "/lastTimestamp", "/eventTime", "/firstTimestamp",
                                        "/metadata/creationTimestamp"});
    return event;
}

void sort_newest_first(std::vector<Event>& events) {
    std::stable_sort(events.begin(), events.end(),
                     [](const Event& a, const Event& b) { return a.last_seen > b.last_seen; });
}

const Event* newest(const std::vector<Event>& events, const std::string& reason) {
    const auto found = std::find_if(events.begin(), events.end(), [&](const Event& e) { return e.reason == reason; });
    return found == events.end() ? nullptr : &*found;
}

std::string events_selector(const std::string& kind, const std::string& name, const std::string& uid) {
    std::string selector = "involvedObject.kind=" + kind + ",involvedObject.name=" + name;
    if (!uid.empty()) selector += ",involvedObject.uid=" + uid;
    return selector;
}

}  // namespace holdfast::kube
