// What a walk gave, kept in a nameless file to be gone through once more: where nothing changes meanwhile, a second
// look at every inode would only show the same.
#pragma once

#include "plugins/migrate/mover/walk.h"

#include <string>
#include <vector>

namespace holdfast::mover {

class WalkRecord : public Visits {
  public:
    static Result<WalkRecord> create(const std::string& folder);
    // What next() of a walk gave, but kEnd, in its order.
    Status add(const Visited& visited);
    // The same from the beginning, each once, then kEnd. `directory` is -1: who needs it opens it.
    Result<Visited> next() override;

  private:
    Status write_block();
    Status read_more();
    Descriptor file_;
    std::string folder_, pending_, block_, path_;
    std::size_t used_ = 0;  // of block_
    std::uint64_t written_ = 0, read_ = 0;
};

}  // namespace holdfast::mover
