// Which path of a file with several names came first: inode -> a number that the caller keeps. In a nameless file, so
// that a million hard links cost no memory of ours; the kernel keeps what is in use.
#pragma once

#include "plugins/migrate/mover/tree.h"

#include <cstdint>
#include <optional>
#include <string>

namespace holdfast::mover {

class LinkTable {
  public:
    static Result<LinkTable> create(const std::string& folder);
    LinkTable(LinkTable&& other) noexcept;
    LinkTable& operator=(LinkTable&&) = delete;
    ~LinkTable();

    struct First {
        std::string path;
        bool anew = false;  // see made_anew()
    };
    // The path under which the inode was added before; else adds it with this one and answers nullopt.
    Result<std::optional<First>> find_or_add(std::uint64_t inode, const std::string& path);
    // What the target had by that path, if anything, is not written to: its other names there are names of something
    // else. REQUIRES: the inode was added.
    void made_anew(std::uint64_t inode);

  private:
    struct Slot {
        std::uint64_t inode;  // 0: free
        std::uint64_t path;   // offset in paths_; and kAnew
    };
    LinkTable() = default;
    Status grow();
    static Slot* map(int file, std::size_t slots);
    static std::size_t place(const Slot* slots, std::size_t count, std::uint64_t inode);

    Descriptor table_, paths_;
    std::string folder_;
    Slot* slots_ = nullptr;
    std::size_t count_ = 0, used_ = 0;
    std::uint64_t end_ = 0;
    std::string pending_;  // of paths_, from pending_at_
    std::uint64_t pending_at_ = 0;
};

}  // namespace holdfast::mover
