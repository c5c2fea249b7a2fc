// Files. Reads are bounded; writes are atomic (temporary file, fsync, rename) with mode 0600.
#pragma once

#include "common/core/result.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace holdfast {

// kNotFound, kForbidden, kInvalid (over `limit` bytes, or a directory, FIFO or device). Never follows into a FIFO that
// would block. The message names path and cause.
Result<std::string> read_file(const std::string& path, std::size_t limit);
// The same, and pipes too, as `--kubeconfig <(decrypt config)` gives them: read to their end once, kTimeout if nothing
// comes for ten seconds.
Result<std::string> read_file_or_pipe(const std::string& path, std::size_t limit);
bool is_pipe(const std::string& path);
Status write_file_atomic(const std::string& path, std::string_view content);
// Makes it and what is above it, for this user alone; there already is fine.
Status make_private_folder(const std::string& path);
void remove_file(const std::string& path);  // gone already is fine
bool file_exists(const std::string& path);
// Joins a relative path to a directory; absolute paths stay.
std::string resolve_path(const std::string& path, const std::string& directory);

// A directory of mode 0700 that is removed with everything in it at the end of its life.
class TemporaryDirectory {
  public:
    static Result<TemporaryDirectory> create();
    TemporaryDirectory(TemporaryDirectory&& other) noexcept;
    TemporaryDirectory& operator=(TemporaryDirectory&&) = delete;
    ~TemporaryDirectory();
    const std::string& path() const { return path_; }

  private:
    explicit TemporaryDirectory(std::string path) : path_(std::move(path)) {}
    std::string path_;
};

// A file that is in memory only, for a child to read: nothing of it is left however this process ends.
class MemoryFile {
  public:
    static Result<MemoryFile> create(std::string_view content);
    MemoryFile(MemoryFile&& other) noexcept;
    MemoryFile& operator=(MemoryFile&&) = delete;
    ~MemoryFile();
    // Of this process's own descriptor, so that children need not inherit it; good while this object lives.
    std::string path() const;

  private:
    explicit MemoryFile(int descriptor) : descriptor_(descriptor) {}
    int descriptor_ = -1;
};

}  // namespace holdfast
