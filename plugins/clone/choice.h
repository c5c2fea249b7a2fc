// What is copied, how, and under which names: decided from facts, every refusal with its reason. Pure.
#pragma once

#include "common/copies/claims.h"
#include "common/copies/live_facts.h"
#include "common/kube/objects/label_selector.h"
#include "plugins/clone/clone_options.h"

#include <map>
#include <string>
#include <vector>

namespace holdfast::clone {

// One claim that is made.
struct Copy {
    std::size_t of = 0;  // index in Choice::sources
    ClaimSpec spec;
    int ordinal = -1;  // of the clone; -1: none
    // What the StatefulSet controller puts on the claims that it makes: its selector's labels, by which they are found.
    kube::LabelMap labels = {};
};

struct Choice {
    Method method = Method::kSnapshot;
    std::string why;              // the method, in a sentence
    std::vector<Member> sources;  // one a source claim: as it was found, and its snapshot once that is known
    std::vector<Copy> copies;
    std::vector<std::string> looked_at;  // all claims of the source, also those of ordinals that are not copied
    // Of the clone's cluster, if that is another one: its snapshot classes, and by driver the one that copies of what
    // is made there are cut with.
    std::vector<Json> classes_there;
    std::map<std::string, std::string> cut_there;
    int start = 0, replicas = 0;  // of a StatefulSet: the clone's ordinals
    std::vector<std::string> notes;

    bool waits_for_pod() const;
};

// Claims that the workload mounts by name: a clone that mounted the same ones would write to its source.
CutRequest cut_request(const CloneOptions& options, const std::vector<std::string>& mounted);

// kRefused: a claim is missing, not bound, going away or no CSI volume; no method is left; a class of another driver, a
// size below the source's, no snapshot class or several.
Result<Choice> choose(const CloneOptions& options, const LiveFacts& live,
                      const std::vector<kube::StorageClass>& classes, const std::string& operation);

// The specs again, now that the snapshots say how large they are. kRefused as above.
Status choose_again(const CloneOptions& options, const std::vector<kube::StorageClass>& classes, Choice& choice);

}  // namespace holdfast::clone
