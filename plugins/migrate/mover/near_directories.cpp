#include "plugins/migrate/mover/near_directories.h"

#include "plugins/migrate/mover/meta.h"

#include <fcntl.h>
#include <cerrno>

namespace holdfast::mover {
namespace {

constexpr std::size_t kFar = 1024;  // bytes of a path; shorter ones are opened at once
constexpr std::size_t kStride = 512;
constexpr std::size_t kMostHeldDirectories = 64;

}  // namespace

NearDirectories::Held NearDirectories::nearest(std::string_view path, std::size_t& length) {
    const std::lock_guard lock(mutex_);
    auto best = held_.end();
    for (auto it = held_.begin(); it != held_.end(); ++it)
        if (is_beneath(path, it->first) && (best == held_.end() || it->first.size() > best->first.size())) best = it;
    if (best == held_.end()) return nullptr;
    held_.splice(held_.begin(), held_, best);
    length = best->first.size() + 1;
    return best->second;
}

void NearDirectories::keep(std::string_view path, Held directory) {
    const std::lock_guard lock(mutex_);
    held_.emplace_front(std::string(path), std::move(directory));
    if (held_.size() > kMostHeldDirectories) held_.pop_back();
}

Result<Descriptor> NearDirectories::open(std::string_view path) {
    if (path.size() < kFar) return tree_.open_directory(path);
    std::size_t at = 0;
    Held from = nearest(path, at);
    while (path.size() - at > kStride) {
        const std::size_t slash = path.rfind('/', at + kStride);
        if (slash == std::string_view::npos || slash <= at) break;
        const int base = from ? from->get() : tree_.root();
        Descriptor next = open_in(base, std::string(path.substr(at, slash - at)), O_PATH | O_DIRECTORY);
        if (!next.open()) return system_error("open directory", tree_.shown(path), errno);
        from = std::make_shared<Descriptor>(std::move(next));
        at = slash + 1;
        keep(path.substr(0, slash), from);
    }
    Descriptor opened =
        open_in(from ? from->get() : tree_.root(), std::string(path.substr(at)), O_RDONLY | O_DIRECTORY);
    if (!opened.open()) return system_error("open directory", tree_.shown(path), errno);
    return opened;
}

void NearDirectories::forget(std::string_view path) {
    const std::lock_guard lock(mutex_);
    held_.remove_if([&](const auto& one) { return one.first == path || is_beneath(one.first, path); });
}

}  // namespace holdfast::mover
