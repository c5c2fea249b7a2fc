// A clone that is masked is masked once: on the copies of one ordinal, of which the others are made (safety R27). Pure.
#pragma once

#include "plugins/clone/facts.h"

namespace holdfast::clone {

// The copies that are made of the source itself: all, unless masking leaves only the lowest ordinal's.
Choice seeds_of(const CloneOptions& options, const Choice& choice);
bool is_seed(const CloneOptions& options, const Choice& choice, const Copy& copy);
bool has_more_than_seeds(const CloneOptions& options, const Choice& choice);

// The others, as copies of the seeds' claims; their options are those of a clone within the clone's namespace.
struct Spread {
    CloneOptions options;
    Choice choice;
    LiveFacts live;  // the seeds' volumes
};
// REQUIRES: every seed is there and bound.
Spread spread_of(const CloneOptions& options, const Choice& choice, const LiveFacts& live, const Now& now,
                 const std::string& operation);

}  // namespace holdfast::clone
