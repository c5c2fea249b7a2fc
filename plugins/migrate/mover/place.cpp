#include "plugins/migrate/mover/place.h"

#include "common/os/files.h"
#include "plugins/migrate/mover/tree.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <climits>

namespace holdfast::mover {
namespace {

constexpr std::size_t kMostMountinfo = 16 << 20;
// linux/stat.h of 5.8, which older headers have not.
constexpr unsigned kStatxMountId = 0x1000;

// Blanks, tabs, line ends and backslashes are written as \ooo there (proc_pid_mountinfo(5)).
std::string unescaped(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\' || text.size() - i < 4) {
            out += text[i];
            continue;
        }
        int code = 0;
        for (int digit = 1; digit <= 3; ++digit) code = code * 8 + (text[i + static_cast<std::size_t>(digit)] - '0');
        out += static_cast<char>(code);
        i += 3;
    }
    return out;
}

std::string_view next_until(std::string_view& text, char end) {
    const std::size_t at = std::min(text.find(end), text.size());
    const std::string_view word = text.substr(0, at);
    text.remove_prefix(std::min(text.size(), at + 1));
    return word;
}

// What of `path` lies beneath `base`, with its slash; nullopt: it does not.
std::optional<std::string_view> beneath(std::string_view path, std::string_view base) {
    if (base == "/") base = "";
    if (path.substr(0, base.size()) != base) return std::nullopt;
    path.remove_prefix(base.size());
    if (!path.empty() && path.front() != '/') return std::nullopt;
    return path;
}

// A directory as /proc shows it.
struct View {
    std::string mountinfo;
    std::uint64_t mount = 0;
    std::string seen;
};

std::optional<View> view_of(int directory) {
    struct statx info {};
    std::array<char, PATH_MAX> seen{};
    const std::string link = "/proc/self/fd/" + std::to_string(directory);
    const ssize_t length = readlink(link.c_str(), seen.data(), seen.size());
    if (length <= 0 || statx(directory, "", AT_EMPTY_PATH, kStatxMountId, &info) != 0) return std::nullopt;
    if ((info.stx_mask & kStatxMountId) == 0) return std::nullopt;
    Result<std::string> mountinfo = read_file("/proc/self/mountinfo", kMostMountinfo);
    if (!mountinfo.ok()) return std::nullopt;
    return View{std::move(*mountinfo), info.stx_mnt_id, {seen.data(), static_cast<std::size_t>(length)}};
}

std::optional<Place> place_of(int directory) {
    const std::optional<View> view = view_of(directory);
    return view ? place_in(view->mountinfo, view->mount, view->seen) : std::nullopt;
}

// By the way up: also where /proc says nothing, but not past the mount.
bool is_on_the_way_up(int from, int outer) {
    struct stat wanted {};
    if (fstat(outer, &wanted) != 0) return true;
    Descriptor at(openat(from, ".", O_PATH | O_DIRECTORY | O_CLOEXEC));
    for (ino_t before = 0; at.open();) {
        struct stat now {};
        if (fstat(at.get(), &now) != 0) return true;
        if (now.st_ino == wanted.st_ino && now.st_dev == wanted.st_dev) return true;
        Descriptor up(openat(at.get(), "..", O_PATH | O_DIRECTORY | O_CLOEXEC));
        struct stat above {};
        if (!up.open() || fstat(up.get(), &above) != 0 || (above.st_ino == now.st_ino && above.st_dev == now.st_dev))
            return false;
        at = std::move(up);
        if (now.st_ino == before && above.st_ino == before) return false;
        before = now.st_ino;
    }
    return false;
}

}  // namespace

std::optional<Place> place_in(std::string_view mountinfo, std::uint64_t mount, std::string_view seen) {
    while (!mountinfo.empty()) {
        std::string_view line = next_until(mountinfo, '\n');
        if (next_until(line, ' ') != std::to_string(mount)) continue;
        next_until(line, ' ');  // the parent
        Place place;
        place.device = next_until(line, ' ');
        const std::string root = unescaped(next_until(line, ' '));
        const std::string point = unescaped(next_until(line, ' '));
        const std::optional<std::string_view> rest = beneath(seen, point);
        if (root.empty() || point.empty() || !rest) return std::nullopt;
        place.path = (root == "/" ? "" : root) + std::string(*rest);
        if (place.path.empty()) place.path = "/";
        return place;
    }
    return std::nullopt;
}

std::vector<std::string> mounted_beneath(std::string_view mountinfo, std::uint64_t mount, std::string_view seen) {
    std::vector<std::string> found;
    while (!mountinfo.empty()) {
        std::string_view line = next_until(mountinfo, '\n');
        next_until(line, ' ');
        const bool on_it = next_until(line, ' ') == std::to_string(mount);  // its parent
        next_until(line, ' ');
        next_until(line, ' ');
        const std::string point = unescaped(next_until(line, ' '));
        const std::optional<std::string_view> rest = beneath(point, seen);
        if (on_it && rest && rest->size() > 1) found.emplace_back(rest->substr(1));
    }
    return found;
}

std::vector<std::string> mounted_beneath(int directory) {
    const std::optional<View> view = view_of(directory);
    return view ? mounted_beneath(view->mountinfo, view->mount, view->seen) : std::vector<std::string>();
}

bool lies_in(const Place& inside, const Place& outer) {
    return inside.device == outer.device && beneath(inside.path, outer.path);
}

bool lies_in(int inside, int outer) {
    if (is_on_the_way_up(inside, outer)) return true;
    const std::optional<Place> one = place_of(inside), other = place_of(outer);
    return one && other && lies_in(*one, *other);
}

}  // namespace holdfast::mover
