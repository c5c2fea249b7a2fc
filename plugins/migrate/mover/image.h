// Block devices, and images of them in files: opened so that nobody else uses them meanwhile.
#pragma once

#include "plugins/migrate/mover/tree.h"

#include <string>

namespace holdfast::mover {

enum class ImageUse {
    kReadInUse,  // a live pass: somebody may write to it
    kReadAlone,  // nobody may use it
    kWrite,      // the same, to write
    kMake,       // the same; there is none, and a file is made
};

// Whether `path` is a block device or a file.
bool names_image(const std::string& path);

// kRefused: it is mounted or otherwise in use. kNotFound, kFailed: cannot be opened.
Result<Tree> open_image(const std::string& path, std::string title, ImageUse use);

}  // namespace holdfast::mover
