#include "plugins/migrate/mover/attributes.h"
#include "plugins/migrate/mover/needs.h"
#include "plugins/migrate/mover/side.h"
#include "plugins/migrate/mover/walk.h"

#include <fcntl.h>
#include <algorithm>
#include <cerrno>
#include <optional>

namespace holdfast::mover {
namespace {

constexpr std::size_t kMostTried = 64;
constexpr std::size_t kMostAttributes = 256;

class Scan {
  public:
    Scan(const Tree& tree, const std::string& scratch) : tree_(tree), walk_(tree, scratch) {}

    Result<Needs> run(const Signals& signals) {
        while (true) {
            if (signals.pending()) return Error{ErrorKind::kInterrupted, "interrupted", "", 0, ""};
            TRY_ASSIGN(const Visited visited, walk_.next());
            if (visited.visit == Visit::kEnd) return std::move(needs_);
            if (visited.visit != Visit::kLeave) TRY(one(visited));
        }
    }

  private:
    void problem(const std::string& path, const std::string& what) {
        ++needs_.problem_count;
        if (needs_.problems.size() < kMostNamed) needs_.problems.push_back(tree_.shown(path) + ": " + what);
    }

    static void example(Example& example, const std::string& path) {
        if (example.count++ == 0) example.path = path;
    }
    template <typename Map, typename Key>
    static void bounded(Map& map, const Key& key, const std::string& path) {
        if (map.size() < kMostTried || map.contains(key)) example(map[key], path);
    }

    Status one(const Visited& visited) {
        Meta meta = visited.looked.meta;
        const bool directory = visited.visit == Visit::kEnter;
        if (visited.path == kJournalName) problem(visited.path, "is a name that the mover needs for itself");
        if (visited.path.size() > kLongestPath) problem(visited.path.substr(0, 200), "has a path of over 64 KiB");
        if (!directory && meta.kind == Kind::kDirectory) {
            if (visited.closed == EXDEV) problem(visited.path, "another filesystem is mounted there");
            if (visited.closed == EACCES && visited.path != kLostAndFound) problem(visited.path, "may not be read");
            return {};
        }
        basics(visited, meta);
        const std::string name = directory ? std::string() : std::string(name_of(visited.path));
        Descriptor opened;
        if (meta.kind == Kind::kFile) opened = open_in(visited.directory, name, O_RDONLY | O_NONBLOCK);
        if (meta.kind == Kind::kFile && !opened.open() && errno == ENOENT) return {};
        if (meta.kind == Kind::kFile && !opened.open()) {
            problem(visited.path, "may not be read");
            return {};
        }
        const Status read = read_attributes(visited.directory, name, directory ? visited.directory : opened.get(), meta,
                                            tree_.shown(visited.path));
        if (!read.ok() && read.error().kind == ErrorKind::kNotFound) return {};
        if (!read.ok()) return read.error();
        attributes(visited.path, meta);
        return {};
    }

    void basics(const Visited& visited, const Meta& meta) {
        if (needs_.entries++ == 0) needs_.earliest = needs_.latest = meta.mtime;
        needs_.bytes += meta.size;
        needs_.allocated += visited.looked.facts.blocks * 512;
        if (meta.size > needs_.largest) {
            needs_.largest = meta.size;
            needs_.largest_path = visited.path;
        }
        needs_.longest_name = std::max<std::uint64_t>(needs_.longest_name, name_of(visited.path).size());
        needs_.earliest = std::min(needs_.earliest, meta.mtime);
        needs_.latest = std::max(needs_.latest, meta.mtime);
        needs_.fractions = needs_.fractions || meta.mtime.nanoseconds != 0;
        if (meta.kind != Kind::kFile && meta.kind != Kind::kDirectory) example(needs_.kinds[meta.kind], visited.path);
        needs_.largest_major = std::max(needs_.largest_major, meta.device >> 32);
        needs_.largest_minor = std::max(needs_.largest_minor, meta.device & UINT32_MAX);
        if (meta.kind != Kind::kDirectory && visited.looked.facts.links > 1) example(needs_.links, visited.path);
        bounded(needs_.owners, std::make_pair(meta.uid, meta.gid), visited.path);
    }

    void attributes(const std::string& path, const Meta& meta) {
        for (std::uint32_t bit = 1; bit != 0; bit <<= 1)
            if ((meta.flags & bit) != 0) example(needs_.flags[bit], path);
        if (meta.project != 0) bounded(needs_.projects, meta.project, path);
        if (meta.link.size() > needs_.longest_link) {
            needs_.longest_link = meta.link.size();
            needs_.longest_link_path = path;
        }
        std::size_t total = 0;
        for (const Xattr& attribute : meta.xattrs) {
            total += attribute.name.size() + attribute.value.size();
            const auto key = std::make_pair(attribute.name, meta.kind == Kind::kDirectory);
            if (needs_.xattrs.size() >= kMostAttributes && !needs_.xattrs.contains(key)) continue;
            Needs::Attribute& seen = needs_.xattrs[key];
            if (seen.example.count == 0 || attribute.value.size() > seen.largest.value.size()) {
                seen.largest = attribute;
                seen.kind = meta.kind;
            }
            example(seen.example, path);
        }
        if (total > kMostXattrBytes) problem(path, "has over 512 KiB of extended attributes");
        if (meta.kind == Kind::kFile && total > largest_set_) {
            largest_set_ = total;
            needs_.largest_set = meta.xattrs;
            needs_.largest_set_path = path;
        }
    }

    const Tree& tree_;
    Walk walk_;
    Needs needs_;
    std::size_t largest_set_ = 0;
};

}  // namespace

Result<Needs> scan(const Tree& tree, const std::string& scratch, const Signals& signals) {
    if (tree.is_image()) {
        Needs needs;
        needs.image = true;
        needs.entries = 1;
        needs.bytes = needs.largest = tree.image_size();
        return needs;
    }
    return Scan(tree, scratch).run(signals);
}

}  // namespace holdfast::mover
