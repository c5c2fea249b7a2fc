// A look at every inode of a tree by several threads, in the order in which its directories give them: several times as
// fast as a walk in the order of names, and with it the disk's inodes are in memory for the walk that comes after.
#pragma once

#include "plugins/migrate/mover/fingerprint.h"
#include "plugins/migrate/mover/tree.h"

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace holdfast::mover {

// Of one entry; see fingerprint.h.
using EntryPrint = std::function<Fingerprint(const std::string& path, const Looked& looked)>;

struct Survey {
    Fingerprint all;   // but the mover's journal in the root, and
    Fingerprint lost;  // lost+found in the root, with what is in it
    // Whether this is what `expected` says; lost+found may be in it or not, see docs/mover.md.
    bool agrees_with(const Fingerprint& expected) const { return all == expected || all + lost == expected; }
};

// nullopt: something could not be looked at, the tree is too wide to be looked at in bounded memory, or `stop` was set:
// nothing is known. At most a few MiB.
std::optional<Survey> survey(const Tree& tree, int threads, const EntryPrint& print, const std::atomic<bool>& stop);

// Looks at all of a tree in the background, so that its inodes are in memory when they are asked for.
class Forerunner {
  public:
    Forerunner() = default;
    Forerunner(const Forerunner&) = delete;
    Forerunner& operator=(const Forerunner&) = delete;
    ~Forerunner() { stop(); }
    void stop();
    void start(const Tree& tree, int threads);  // once more only after it has ended; `tree` must outlive this

  private:
    std::atomic<bool> stop_ = false, running_ = false;
    std::thread thread_;
};

}  // namespace holdfast::mover
