// Steps that wait for the end of a pass, kept in a nameless file.
#pragma once

#include "plugins/migrate/mover/tree.h"
#include "plugins/migrate/mover/work.h"

#include <functional>
#include <mutex>
#include <string>

namespace holdfast::mover {

class Spool {
  public:
    explicit Spool(std::string folder) : folder_(std::move(folder)) {}
    Status add(const Step& step);  // any thread
    // All steps in the order in which they were added, many at a time, at most 256 KiB encoded.
    Status replay(const std::function<Status(const std::vector<Step>&)>& take);

  private:
    std::mutex mutex_;
    std::string folder_, pending_;
    Descriptor file_;
    std::uint64_t end_ = 0;
};

}  // namespace holdfast::mover
