// The target as the source's side sees it: in this process, or at the other end of a connection.
#pragma once

#include "plugins/migrate/mover/work.h"

#include <cstdint>
#include <string>
#include <vector>

namespace holdfast::mover {

struct TargetState {
    std::uint64_t number = 0;  // of this target in this operation; made up when the operation first meets it
    std::uint64_t epoch = 0;   // the last one that is durable on it
    bool empty = false;  // it holds nothing that was not made by mkfs or the mover; of an image: nothing that is known
    bool blank = false;  // of an image: all of it is a hole
};

// What reading back found.
struct Verdict {
    std::uint64_t entries = 0;
    std::uint64_t bytes = 0;         // read back
    std::uint64_t differences = 0;   // 0: the target is as the index says
    std::vector<std::string> named;  // the first of them, "target:a/b: mode is 0644, not 0600"
};
inline constexpr std::size_t kMostNamed = 20;

// What the target cannot hold of what the source has; see needs.h.
struct Needs;

class TargetSide : public Sink {
  public:
    // Before anything else. An operation of another name that left its journal there is taken over.
    virtual Result<TargetState> begin(const std::string& operation) = 0;
    // Tries on the target, without changing what is in it, whether it can hold what is needed; one sentence for each
    // thing that it cannot.
    virtual Result<std::vector<std::string>> probe(const Needs& needs) = 0;
    // An index of what is there, by reading all of it, into the file `path`: "unclean", and without facts of a source.
    virtual Status rebuild(const std::string& path, const std::string& operation) = 0;
    // Removes what is not in the index at `path`. Between wait_durable() and the last steps.
    virtual Status prune(const std::string& path) = 0;
    // Reads everything back from the disk. `skip_verified`: of files with kVerified only what a
    // look at their inode shows is compared again.
    virtual Result<Verdict> check(const std::string& path, bool skip_verified) = 0;
    // The end of an operation: the journal goes, the root gets its last metadata, all is durable.
    virtual Status seal(const Meta& root) = 0;
};

}  // namespace holdfast::mover
