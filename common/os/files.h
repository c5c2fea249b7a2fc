// Files. Reads are bounded; writes are atomic (temporary file, fsync, rename) with mode 0600.
#pragma once

#include "common/core/result.h"

#include <cstddef>
#include <string>

namespace holdfast {

// kNotFound, kForbidden, kInvalid (over `limit` bytes, or a directory, FIFO or device). Never follows into a FIFO that
// would block. The message names path and cause.
Result<std::string> read_file(const std::string& path, std::size_t limit);
Status write_file_atomic(const std::string& path, std::string_view content);
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

}  // namespace holdfast
