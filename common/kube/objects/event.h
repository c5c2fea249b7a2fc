// A core/v1 event: what a controller, the scheduler or a kubelet said of an object. Pure.
#pragma once

#include "common/core/json.h"

#include <string>
#include <vector>

namespace holdfast::kube {

struct Event {
    std::string kind, space, name, uid;  // the object it is about
    bool warning = false;                // type Warning, else Normal
    std::string reason;                  // "ProvisioningFailed"
    std::string message;                 // escaped, one line, cut at 1000 bytes
    std::string component;               // who said it: "kubelet", "fast.csi.example.com_node-1_..."
    long long count = 1;
    std::string last_seen;  // RFC 3339; "" if the event has no time at all
};
Event event_of(const Json& object);

// Newest first; events of the same time stay in their order.
void sort_newest_first(std::vector<Event>& events);
// The newest of those with this reason, or nullptr. REQUIRES: sorted.
const Event* newest(const std::vector<Event>& events, const std::string& reason);

// The field selector that asks the API server for the events of one object; uid may be empty (it has never been seen).
std::string events_selector(const std::string& kind, const std::string& name, const std::string& uid);

// Remote text for a message: control characters escaped, on one line, cut at 1000 bytes.
std::string message_text(const std::string& remote);

}  // namespace holdfast::kube
