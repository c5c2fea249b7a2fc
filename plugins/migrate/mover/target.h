// The target tree, written as the source says. Everything is confined beneath its root; what is in the way of a wanted
// entry is removed, nothing else is.
#pragma once

#include "plugins/migrate/mover/near_directories.h"
#include "plugins/migrate/mover/tree.h"
#include "plugins/migrate/mover/work.h"

#include <list>
#include <memory>
#include <mutex>
#include <string>

namespace holdfast::mover {

// Thread-safe. Errors name the entry and the system's reason (kUnavailable): what was written stays, and the same pass
// can go on later.
class Target {
  public:
    explicit Target(const Tree& tree) : tree_(tree), directories_(tree) {}
    Status step(const Step& step);
    Status batch(const Batch& batch);
    Status chunk(const Chunk& chunk);
    // Closes what chunks were written through.
    void close_files();

  private:
    // A file that chunks are written to, by several threads at once.
    struct OpenFile {
        Descriptor file;
        Descriptor direct;  // the same past the page cache, where that can be had
    };
    // Shared between these threads and the list that keeps it open.
    using Opened = std::shared_ptr<OpenFile>;
    // The parent of a path, open, and its last name.
    struct Place {
        Descriptor directory;
        std::string name;
    };
    Result<Place> place_of(const std::string& path);
    Status clear(const Place& place, const std::string& path);
    Status remove(const std::string& path);
    Status make_directory(const std::string& path);
    Status make_file(const MakeFile& step);
    Status make_other(const MakeOther& step);
    Status finish_image(const FinishFile& step);
    Status finish_file(const FinishFile& step);
    Status make_link(const MakeLink& step);
    Status finish_directory(const FinishDirectory& step);
    Status lock_entry(const LockEntry& step);
    Status expect_file(const ExpectFile& step);
    Status write_small(int directory, const std::string& parent, const SmallFile& file);
    Result<Opened> opened(const std::string& path);
    Result<Opened> open_now(const std::string& path);
    static Status write_content(const OpenFile& file, std::string_view content, std::uint64_t offset,
                                const std::string& shown);

    const Tree& tree_;
    NearDirectories directories_;
    std::mutex mutex_;
    std::list<std::pair<std::string, Opened>> files_;  // the last used first
};

// Of an entry that is only there for a moment: nothing that was copied, or that a killed mover left, has it.
std::string name_of_its_own();
// Removes `name` in `directory` with all beneath; nothing there is well. Iterative; never leaves the filesystem.
Status remove_all(int directory, const std::string& name, const std::string& shown);

}  // namespace holdfast::mover
