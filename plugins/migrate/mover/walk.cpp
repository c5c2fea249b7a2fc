#include "plugins/migrate/mover/walk.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <cerrno>

namespace holdfast::mover {
namespace {

// Levels whose directories stay open: the deepest ones. Others are opened again, by path, when the walk comes back.
constexpr std::size_t kOpenLevels = 48;

constexpr std::size_t kMostHeldInside = 4 << 20;  // bytes of what is inside the levels

}  // namespace

Result<Visited> Walk::enter(Descriptor directory, Looked looked) {
    Level level;
    level.inode = looked.facts.inode;
    level.directory = std::move(directory);
    if (stack_.size() >= kOpenLevels) stack_[stack_.size() - kOpenLevels].directory.close();
    Visited visited{Visit::kEnter, path_, level.directory.get(), std::move(looked), 0};
    stack_.push_back(std::move(level));
    return visited;
}

// The parent of a directory that is open; closed unless it is the one that the walk came through. By its path it would
// be found as well, but the way there from the root is long where this is needed.
Descriptor Walk::parent(const Descriptor& child, std::uint64_t inode) const {
    Descriptor above(child.open() ? openat(child.get(), "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1);
    struct stat info {};
    const bool same =
        above.open() && fstat(above.get(), &info) == 0 && info.st_ino == inode && info.st_dev == tree_.device();
    return same ? std::move(above) : Descriptor();
}

Status Walk::reopen(Level& level, const Descriptor& child) {
    if (!level.directory.open()) level.directory = parent(child, level.inode);
    if (level.directory.open()) return {};
    TRY_ASSIGN(level.directory, tree_.open_directory(path_));
    TRY_ASSIGN(const Looked again, look_at(level.directory.get(), "", tree_.shown(path_)));
    if (again.facts.inode == level.inode) return {};
    // Another directory has the name now: the next pass sees it, and a final pass fails its check of the source.
    return Error{ErrorKind::kNotFound, tree_.shown(path_) + " was replaced during the walk", "", 0, ""};
}

Status Walk::open_inside(Level& level) {
    if (ahead_ != nullptr) level.inside = ahead_->take(path_, level.directory.get(), level.inode);
    if (level.inside && held_bytes_ + level.inside->bytes > kMostHeldInside) level.inside.reset();
    if (level.inside) {
        held_bytes_ += level.inside->bytes;
        return {};
    }
    TRY_ASSIGN(level.listing, Listing::read(level.directory.get(), spill_, tree_.shown(path_)));
    return {};
}

Result<std::optional<Seen>> Walk::next_inside(Level& level) {
    if (!level.inside && !level.listing) TRY(open_inside(level));
    if (level.inside) {
        if (level.next < level.inside->seen.size())
            return std::optional<Seen>(std::move(level.inside->seen[level.next++]));
        return std::optional<Seen>();
    }
    while (true) {
        TRY_ASSIGN(const std::optional<Name> name, level.listing->next());
        if (!name) return std::optional<Seen>();
        if (path_.empty() && name->name == kJournalName) continue;
        Result<Looked> looked = look_at(level.directory.get(), name->name, tree_.shown(join_path(path_, name->name)));
        if (looked.ok()) return std::optional<Seen>(Seen{name->name, std::move(*looked)});
        if (looked.error().kind != ErrorKind::kNotFound) return looked.error();
        ++vanished_;
    }
}

Result<std::optional<Visited>> Walk::step_inside() {
    Level& level = stack_.back();
    while (true) {
        TRY_ASSIGN(std::optional<Seen> seen, next_inside(level));
        if (!seen) return std::optional<Visited>();
        const std::string path = join_path(path_, seen->name);
        Descriptor opened;
        int closed = 0;
        if (seen->looked.meta.kind == Kind::kDirectory) {
            opened = open_in(level.directory.get(), seen->name, O_RDONLY | O_DIRECTORY);
            closed = opened.open() ? 0 : errno;
        }
        if (is_gone(closed)) {
            ++vanished_;
            continue;
        }
        if (closed != 0 && closed != EACCES && closed != EXDEV)
            return system_error("open directory", tree_.shown(path), closed);
        if (!opened.open())
            return std::optional<Visited>(
                Visited{Visit::kEntry, path, level.directory.get(), std::move(seen->looked), closed});
        path_ = path;
        TRY_ASSIGN(Visited entered, enter(std::move(opened), std::move(seen->looked)));
        return std::optional<Visited>(std::move(entered));
    }
}

Result<Visited> Walk::next() {
    if (!begun_) {
        begun_ = true;
        TRY_ASSIGN(Looked looked, look_at(tree_.root(), "", tree_.shown("")));
        TRY_ASSIGN(Descriptor root, tree_.open_directory(""));
        return enter(std::move(root), std::move(looked));
    }
    if (stack_.empty()) return Visited{};
    if (stack_.back().left) {  // the level before was left: back to its parent
        const Descriptor child = std::move(stack_.back().directory);
        stack_.pop_back();
        path_ = std::string(parent_of(path_));
        if (stack_.empty()) return Visited{};
        const Status back = reopen(stack_.back(), child);
        if (!back.ok() && back.error().kind != ErrorKind::kNotFound) return back.error();
        if (!back.ok()) {
            ++vanished_;
            stack_.back().skipped = true;
        }
    }
    if (!stack_.back().skipped) {
        TRY_ASSIGN(std::optional<Visited> visited, step_inside());
        if (visited) return std::move(*visited);
    }
    stack_.back().left = true;
    if (stack_.back().inside) held_bytes_ -= stack_.back().inside->bytes;
    stack_.back().inside.reset();
    return Visited{Visit::kLeave, path_, stack_.back().directory.get(), {}, 0};
}

}  // namespace holdfast::mover
