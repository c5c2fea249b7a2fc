// The file of --manifest: a copy of the index of what was made.
#pragma once

#include "plugins/migrate/mover/tree.h"

#include <sys/stat.h>
#include <optional>
#include <string>

namespace holdfast::mover {

// It can be written, is found before anything is copied; it is whole or not there, whenever this process ends.
class Manifest {
  public:
    Manifest() = default;
    // Where it would lie, links followed; "" if that is no file.
    static std::string place_of(const std::string& path);
    // kFailed: it cannot be written there. What is no file (/dev/stdout, a pipe) is written into, never replaced; a
    // disk is refused. "": none is wanted.
    static Result<Manifest> prepare(const std::string& path);
    Manifest(Manifest&& other) noexcept;
    Manifest& operator=(Manifest&& other) noexcept;
    ~Manifest();

    // From here on all that can fail for want of room has not failed.
    Status write(const std::string& index);
    // In place of what was there before.
    Status put();

  private:
    std::string shown_, path_;
    std::string written_;  // beside it, until it is put there
    Descriptor special_;
    std::optional<struct stat> before_;  // what was there
};

}  // namespace holdfast::mover
