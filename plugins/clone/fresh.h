// What is masked goes onto fresh volumes, file by file. A snapshot or a driver's clone copies blocks, those too that
// the source's filesystem had freed, and masking frees more of them: below the files old rows would stay, for whoever
// reads the storage itself (safety R27). So --sql masks drafts, copies that nothing else ever uses; what the clone
// keeps is made empty by the storage. Pure.
//
//   make    the fresh claims, and a pod for each ordinal that mounts both, until they are bound
//   fill    until the pods have copied every file and read it again; a mark on every claim; the pods go
//   and then the drafts go with their volumes
#pragma once

#include "plugins/clone/prepare.h"

#include <string>

namespace holdfast::clone {

// The same copies under names that are made of the operation's id and of what they become, so that the external
// provisioner places both in one zone (kube::provisioning_place): one pod must reach all drafts and all fresh volumes
// of an ordinal.
Choice drafts_of(const Choice& seeds, const std::string& operation);
std::string draft_name(const std::string& operation, const Copy& seed);
std::string copier_pod(const std::string& operation, std::size_t instance);
// What stands in the annotation holdfast.dev/prepared of a draft whose statements have run.
std::string draft_mark_of(const CloneOptions& options);

// drafts: the treatment of drafts_of(seeds), whose instances' claims are in that order of ordinals.
// kFailed: a draft is of none of the seeds.
Result<plan::Plan> plan_fresh(const CloneOptions& options, const Choice& seeds, const Treatment& drafts, const Now& now,
                              const plan::Input& input);
plan::Plan plan_fill(const CloneOptions& options, const Choice& seeds, const Treatment& drafts, const Now& now,
                     const std::string& operation);
// The pod that copies instance's claims, as it is checked against the namespace's pod security.
Result<Json> copier_manifest(const CloneOptions& options, const Choice& seeds, const Treatment& drafts,
                             std::size_t instance, const std::string& operation);
// The text for `sh -c`: HOLDFAST_VOLUMES has the numbers of the pairs /holdfast-from/N, /holdfast-to/N. Fails on a
// volume that is not empty, and if what was written is not what was read. Exposed to be run by tests.
std::string copy_script();

}  // namespace holdfast::clone
