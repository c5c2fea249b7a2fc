// The names of one directory, sorted bytewise. Memory is bounded whatever the directory holds: beyond a few MiB sorted
// runs go to a nameless file and are merged as they are asked for.
#pragma once

#include "plugins/migrate/mover/tree.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::mover {

struct Name {
    std::string name;
    std::uint64_t inode = 0;
};

// Calls `take` for each name of the directory but "." and "..", in the order in which the filesystem gives them, until
// it fails.
Status each_name(int directory, const std::string& shown,
                 const std::function<Status(std::string_view name, std::uint64_t inode)>& take);

class Listing {
  public:
    // Reads the whole directory. `spill`: folder for the nameless file; `bound`: bytes held in memory before it is
    // used.
    static Result<Listing> read(int directory, const std::string& spill, const std::string& shown,
                                std::size_t bound = std::size_t{2} << 20);
    Listing(Listing&&) noexcept;
    Listing& operator=(Listing&&) noexcept;
    ~Listing();

    Result<std::optional<Name>> next();

  private:
    struct Run;
    struct Sorted;
    Listing();
    Status add(std::string_view name, std::uint64_t inode);
    void sort();
    Status spill_run();
    Status begin_merge();

    std::string arena_;                   // per entry: inode (8 bytes), length (1 byte), name
    std::vector<std::uint32_t> offsets_;  // into arena_
    std::size_t next_ = 0;
    std::size_t bound_ = 0;
    std::string spill_, shown_;
    Descriptor file_;
    std::uint64_t file_size_ = 0;
    std::vector<std::unique_ptr<Run>> runs_;
};

}  // namespace holdfast::mover
