// Storage that pods mount without a claim: a clone's would be the source's own. Pure.
#pragma once

#include "common/core/json.h"
#include "common/core/result.h"

namespace holdfast::clone {

// kRefused, naming the volume and what to set: the pods would write to storage that their source writes to (a directory
// of the node, an NFS export, a network disk). What is mounted read-only by all containers may stay.
Status check_shared_storage(const Json& pod_spec);
// kRefused: the pods of a masked clone would have a volume of their own made of data that no statement has masked.
Status check_made_of_nothing(const Json& pod_spec);

}  // namespace holdfast::clone
