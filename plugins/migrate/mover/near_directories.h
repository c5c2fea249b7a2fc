// Directories on the way to where the last ones were opened: what lies thousands of directories deep is reached from a
// neighbour, not each time from the root.
#pragma once

#include "plugins/migrate/mover/tree.h"

#include <list>
#include <memory>
#include <mutex>
#include <string>

namespace holdfast::mover {

// Thread-safe. Only for a tree whose directories nobody renames meanwhile.
class NearDirectories {
  public:
    explicit NearDirectories(const Tree& tree) : tree_(tree) {}
    // As Tree::open_directory().
    Result<Descriptor> open(std::string_view path);
    // What was at the path is no more.
    void forget(std::string_view path);

  private:
    using Held = std::shared_ptr<Descriptor>;
    Held nearest(std::string_view path, std::size_t& length);
    void keep(std::string_view path, Held directory);

    const Tree& tree_;
    std::mutex mutex_;
    std::list<std::pair<std::string, Held>> held_;  // the last used first
};

}  // namespace holdfast::mover
