// Why a clone must not be begun, or gone on with, as things stand. Pure. Each gives its error before anything is
// changed.
#pragma once

#include "plugins/clone/facts.h"

namespace holdfast::clone {

// kRefused: the namespace is terminating, a quota has no room, a name is taken; kLocked: by an operation that is not
// done.
Status check_place(const CloneOptions& options, const Choice& choice, const Now& now, const std::string& operation);

// kRefused: a clone of this name is there already, of which this claim is a part; kConflict: it came after this
// operation, `begun`, had begun ("" : it has not).
Status check_namesake(const CloneOptions& options, const std::optional<kube::Claim>& part, const std::string& begun);

// kConflict: a snapshot went before every claim was made of it: what is missing would be of another moment.
Status check_one_moment(const CloneOptions& options, const Choice& choice, const Now& now,
                        const std::string& operation);

// kMismatch: a claim of the clone is bound to a volume that was there before, and was not made of the copy: somebody
// made one free since that was looked at.
Status check_copied(const CloneOptions& options, const Choice& choice, const Now& now, const std::string& operation);

// A pod that names a claim opens it as soon as that is there. kRefused, kConflict once this operation has `begun`: a
// throwaway of another operation does, whose maker was taken back while it made that; or, of what is treated before
// anybody may use it, any other.
Status check_unopened(const CloneOptions& options, const Choice& choice, const std::vector<Json>& pods, bool treated,
                      const std::string& operation, bool begun);

// kConflict: a snapshot is not of the volume that was to be copied: the claim was replaced meanwhile.
Status check_cut(const CloneOptions& options, const LiveFacts& live, const Choice& choice);

}  // namespace holdfast::clone
