#include "plugins/clone/placing.h"

#include "common/core/text.h"
#include "common/kube/objects/provisioning.h"
#include "common/kube/objects/storage.h"

#include <algorithm>

namespace holdfast::clone {
namespace {

constexpr char kRemedy[] = "take a class with WaitForFirstConsumer for all of them (--storage-class)";

// Not every node reaches every volume of its class. The source's volume says so also where it is in another cluster:
// its driver is the same.
bool zoned(const LiveFacts& live, const Choice& choice, const Copy& copy) {
    const Json& of_class = copy.spec.storage_class.topology;
    if (of_class.is_array() && !of_class.empty()) return true;
    const auto volume = live.volumes.find(choice.sources[copy.of].facts.volume);
    if (volume == live.volumes.end()) return false;
    const Json of_source = kube::volume_of(volume->second).topology;
    return of_source.is_array() && !of_source.empty();
}

std::string text(const CloneOptions& options, const Copy& copy) {
    return "pvc/" + options.to_space + "/" + copy.spec.name;
}

class Placing {
  public:
    Placing(const CloneOptions& options, const LiveFacts& live, bool of_set, Choice& choice)
        : options_(options), of_set_(of_set), choice_(choice) {
        for (Copy& copy : choice.copies) {
            if (!zoned(live, choice, copy)) continue;
            if (copy.spec.storage_class.waits_for_pod())
                waiting_.push_back(&copy);
            else if (copy.ordinal >= 0)
                fixed_.push_back(&copy);
            else
                ours_.push_back(&copy);
        }
    }

    void run() {
        const bool apart = of_set_ && choice_.replicas > 1 && !fixed_.empty();
        if (apart && !ours_.empty())
            tell_apart();
        else
            name_alike();
        if (!waiting_.empty() && (!ours_.empty() || !fixed_.empty())) tell_mixed();
    }

  private:
    void name_alike() {
        if (ours_.empty()) return;
        const Copy& first = fixed_.empty() ? *ours_.front() : *fixed_.front();
        std::vector<std::string> changed;
        for (Copy* copy : ours_) {
            std::string name = kube::placed_like(first.spec.name, copy->spec.name);
            if (name == copy->spec.name) continue;
            copy->spec.name = std::move(name);
            changed.push_back(text(options_, *copy));
        }
        if (changed.empty()) return;
        choice_.notes.push_back("one pod mounts all the claims, and class " + first.spec.storage_class.name +
                                " binds at once, in a zone that it takes by the claim's name: for the zone of " +
                                text(options_, first) + " a number ends the name of " + join(changed, ", "));
    }

    void tell_apart() {
        choice_.notes.push_back(
            "every pod of the clone mounts " + text(options_, *ours_.front()) +
            " beside claims of its own, and class " + ours_.front()->spec.storage_class.name +
            " binds at once: if it has several zones they are placed apart, and pods that cannot reach both never "
            "start; " +
            kRemedy + ", or --replicas 1");
    }

    // What waits for a pod goes where the source's volume is.
    void tell_mixed() {
        const Copy& at_once = ours_.empty() ? *fixed_.front() : *ours_.front();
        choice_.notes.push_back(text(options_, at_once) + " is of class " + at_once.spec.storage_class.name +
                                ", which binds at once in any of its zones, and " + text(options_, *waiting_.front()) +
                                " of class " + waiting_.front()->spec.storage_class.name +
                                ", which is placed where its source is: a pod that cannot reach both never starts; " +
                                kRemedy);
    }

    const CloneOptions& options_;
    const bool of_set_;
    Choice& choice_;
    // Copies that only some nodes reach: bound at once under names that a StatefulSet asks for, and under ours; and
    // bound when a pod wants them.
    std::vector<Copy*> fixed_, ours_, waiting_;
};

}  // namespace

void place_together(const CloneOptions& options, const LiveFacts& live, bool of_set, Choice& choice) {
    if (*options.source.resource == kube::kClaims) return;
    Placing(options, live, of_set, choice).run();
}

}  // namespace holdfast::clone
