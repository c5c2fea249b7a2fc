// Claims that one pod mounts, of classes that bind at once: the external provisioner places each by its name alone
// (kube::provisioning_place), and in two zones no node could take the pod. The names of copies are ours to choose but
// for those that a StatefulSet asks for. Pure.
#pragma once

#include "plugins/clone/choice.h"

namespace holdfast::clone {

// Names them so that they are placed together, or says in choice.notes what no name can mend. of_set: the clone is a
// StatefulSet, whose pods each have claims of their own.
void place_together(const CloneOptions& options, const LiveFacts& live, bool of_set, Choice& choice);

}  // namespace holdfast::clone
