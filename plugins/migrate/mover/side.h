// The target as the source's side sees it: in this process, or at the other end of a connection.
#pragma once

#include "plugins/migrate/mover/fingerprint.h"
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

// Of an index: all; what was not read back before, with a glance at the rest; all, and no look at what is not listed.
enum class CheckHow : std::uint8_t { kAll, kUnverified, kListed };

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
    // Reads back from the disk what the index at `path` has. kUnverified: of files with kVerified only what a look at
    // their inode shows is compared again. kListed: nothing else is looked at, which agrees() has done.
    virtual Result<Verdict> check(const std::string& path, CheckHow how) = 0;
    // Whether a look at every inode shows exactly the entries of which this is the sum; false also if that cannot be
    // told, as of an image.
    virtual Result<bool> agrees(const Fingerprint& glance) = 0;
    // The end of an operation: the journal goes, the root gets its last metadata, all is durable.
    virtual Status seal(const Meta& root) = 0;
};

}  // namespace holdfast::mover
