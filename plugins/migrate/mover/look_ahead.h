// The insides of the directories that a walk comes to next, looked at by several threads: a disk gives several inodes
// at a time, and each is looked at once.
#pragma once

#include "plugins/migrate/mover/attributes.h"
#include "plugins/migrate/mover/near_directories.h"

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace holdfast::mover {

struct Seen {
    std::string name;
    Looked looked;
};
struct Inside {
    std::vector<Seen> seen;  // by name; what vanished between listing and look is not in it
    std::size_t bytes = 0;   // of memory
};

class LookAhead {
  public:
    LookAhead(const Tree& tree, int threads);
    LookAhead(const LookAhead&) = delete;
    LookAhead& operator=(const LookAhead&) = delete;
    ~LookAhead();
    // What is in the directory that is open as `directory`. Calls in the order of a walk (compare_paths). nullopt: too
    // much of it, or something could not be looked at, or another directory was found there: the caller looks itself.
    std::optional<Inside> take(const std::string& path, int directory, std::uint64_t inode);

  private:
    struct InWalk {
        bool operator()(const std::string& a, const std::string& b) const { return compare_paths(a, b) < 0; }
    };
    struct Found {
        std::uint64_t inode = 0;
        std::optional<Inside> inside;
    };
    using Lock = std::unique_lock<std::mutex>;
    void work();
    Found look_into(const std::string& path, int directory);
    void announce(const std::string& path, const std::vector<std::string>& names);
    void store(const std::string& path, Found found);
    void pass_to(const std::string& path);

    NearDirectories near_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::map<std::string, Found, InWalk> ready_;
    std::set<std::string, InWalk> pending_, busy_;
    std::size_t ready_bytes_ = 0, pending_bytes_ = 0;
    std::string position_;  // the last one taken: what comes before it is of no use any more
    bool stop_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace holdfast::mover
