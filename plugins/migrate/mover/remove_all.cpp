#include "common/os/random.h"
#include "plugins/migrate/mover/attributes.h"
#include "plugins/migrate/mover/target.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>
#include <cerrno>
#include <vector>

namespace holdfast::mover {
namespace {

constexpr std::size_t kMostLevelsHeld = 32;  // held open; what lies deeper is moved up first
constexpr std::size_t kMostNames = 1024;     // of subdirectories, kept at a time

// One attempt more when immutable or append-only flags were in the way.
int unlink_unlocked(int directory, const std::string& name, int how) {
    if (unlinkat(directory, name.c_str(), how) == 0) return 0;
    const int code = errno;
    if (code != EPERM && code != EACCES) return -1;
    const bool self = unlock(directory, "");
    const bool entry = unlock(directory, name);
    if (self || entry) return unlinkat(directory, name.c_str(), how);
    errno = code;
    return -1;
}

class Removal {
  public:
    Removal(int base, std::string shown) : base_(base), shown_(std::move(shown)) {}

    Status run(const std::string& name) {
        pending_.push_back(name);
        while (!pending_.empty()) {
            const std::string one = pending_.back();
            pending_.pop_back();
            TRY(descend(base_, one));
            while (!levels_.empty()) TRY(work());
        }
        return {};
    }

  private:
    struct Level {
        Descriptor directory;
        std::string name;
        std::vector<std::string> inside;
    };

    Status failed(const char* what) const { return system_error(what, shown_, errno); }

    // A directory that is not simply empty becomes a level.
    Status descend(int parent, const std::string& name) {
        if (unlink_unlocked(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT) return {};
        if (errno != ENOTEMPTY && errno != EEXIST) return failed("remove");
        if (levels_.size() >= kMostLevelsHeld) {
            std::string up = name_of_its_own();
            const auto move = [&] { return renameat(parent, name.c_str(), base_, up.c_str()) == 0; };
            if (!move() && (errno != EXDEV || !open_to_projects(base_) || !move())) return failed("remove");
            pending_.push_back(std::move(up));
            return {};
        }
        Descriptor opened = open_in(parent, name, O_RDONLY | O_DIRECTORY);
        if (!opened.open()) return failed("open");
        levels_.push_back({std::move(opened), name, {}});
        return {};
    }

    // Unlinks what is no directory and collects names of those that are.
    Status sweep(Level& level) {
        const int copy = openat(level.directory.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR* stream = copy < 0 ? nullptr : fdopendir(copy);
        if (stream == nullptr) {
            if (copy >= 0) ::close(copy);
            return failed("list");
        }
        int code = 0;
        while (level.inside.size() < kMostNames && code == 0) {
            errno = 0;
            const dirent* entry = readdir(stream);
            if (entry == nullptr) {
                code = errno;
                break;
            }
            const std::string name = entry->d_name;
            if (name == "." || name == "..") continue;
            if (entry->d_type != DT_DIR && unlink_unlocked(level.directory.get(), name, 0) == 0) continue;
            if (entry->d_type != DT_DIR && errno != EISDIR && errno != ENOENT) code = errno;
            level.inside.push_back(name);
        }
        closedir(stream);
        errno = code;
        return code == 0 ? Status() : failed("remove");
    }

    Status work() {
        Level& level = levels_.back();
        if (level.inside.empty()) TRY(sweep(level));
        if (!level.inside.empty()) {
            const std::string name = level.inside.back();
            level.inside.pop_back();
            return descend(level.directory.get(), name);
        }
        const std::string name = level.name;
        levels_.pop_back();
        const int parent = levels_.empty() ? base_ : levels_.back().directory.get();
        if (unlink_unlocked(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT) return {};
        return failed("remove");
    }

    int base_;
    std::string shown_;
    std::vector<Level> levels_;
    std::vector<std::string> pending_;
};

}  // namespace

std::string name_of_its_own() { return ".holdfast-" + random_letters(16); }

Status remove_all(int directory, const std::string& name, const std::string& shown) {
    if (unlink_unlocked(directory, name, 0) == 0 || errno == ENOENT) return {};
    if (errno != EISDIR && errno != EPERM) return system_error("remove", shown, errno);
    return Removal(directory, shown).run(name);
}

}  // namespace holdfast::mover
