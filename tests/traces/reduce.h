// What of a cluster's watch events counts in a trace: one line for each change of what controllers do to an object.
// The same code reduces what a real cluster was recorded to do and what the simulator does, so that only the two
// clusters can differ. Pure.
#pragma once

#include "common/core/json.h"
#include "common/kube/reader.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::traces {

struct Event {
    std::string object;  // "claim/data-db-0", "volume/data-db-0#2"
    std::string state;   // "Bound volume/data-db-0 [pvc-protection]"; "gone"
    friend bool operator==(const Event&, const Event&) = default;
};

// Remembers each object's last state and whose name stands for it, over one trace.
//
// Left out are times, uids, versions, names that are drawn (volumes are called after the claim that they were first
// made for, contents after their snapshot, operations OP1, OP2 in their order) and everything that no rule of Holdfast
// asks for, such as conditions other than Ready and the text of errors.
class Reducer {
  public:
    // The event as a line of the trace; nullopt: of a kind of no concern, or nothing that counts has changed.
    std::optional<Event> reduce(kube::WatchEvent::Type type, const Json& object);
    // The id of the operation that the trace calls so ("OP1"), once an object that carries it was seen.
    std::optional<std::string> operation(const std::string& called) const;

  private:
    std::string called(const std::string& kind, const Json& object);
    std::string drawn(const std::string& key, const std::string& name);
    std::string without_operations(const std::string& name) const;
    std::string volume_called(const std::string& name) const;
    std::string state_of(const std::string& kind, const Json& object) const;

    std::map<std::string, std::string> names_;       // uid -> what the trace calls it
    std::map<std::string, std::string> volumes_;     // a volume's name -> what the trace calls it
    std::map<std::string, std::string> operations_;  // id -> "OP1"
    std::map<std::string, int> numbers_;             // how many objects have been called after something
    std::map<std::string, std::string> last_;        // uid -> state
};

// The kinds that have a place in a trace.
const std::vector<kube::Resource>& traced();

}  // namespace holdfast::traces
