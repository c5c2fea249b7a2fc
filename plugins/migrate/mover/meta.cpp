#include "plugins/migrate/mover/meta.h"

#include "common/core/text.h"

#include <algorithm>
#include <cstdio>

namespace holdfast::mover {
namespace {

std::string octal(std::uint32_t mode) {
    char buffer[16];
    std::snprintf(buffer, sizeof buffer, "%04o", mode);
    return buffer;
}

std::string time_text(const Time& time) {
    char buffer[48];
    std::snprintf(buffer, sizeof buffer, "%lld.%09u", static_cast<long long>(time.seconds), time.nanoseconds);
    return buffer;
}

std::string is_not(std::string_view what, const std::string& found, const std::string& expected) {
    return std::string(what) + " is " + found + ", not " + expected;
}

std::string xattr_difference(const std::vector<Xattr>& expected, const std::vector<Xattr>& found) {
    for (const Xattr& attribute : expected) {
        const auto it =
            std::find_if(found.begin(), found.end(), [&](const Xattr& x) { return x.name == attribute.name; });
        if (it == found.end()) return "attribute " + escape_line(attribute.name) + " is missing";
        if (it->value != attribute.value) return "attribute " + escape_line(attribute.name) + " has another value";
    }
    for (const Xattr& attribute : found) {
        const auto it =
            std::find_if(expected.begin(), expected.end(), [&](const Xattr& x) { return x.name == attribute.name; });
        if (it == expected.end()) return "attribute " + escape_line(attribute.name) + " should not be there";
    }
    return "";
}

}  // namespace

std::string kind_text(Kind kind) {
    switch (kind) {
        case Kind::kFile:
            return "file";
        case Kind::kDirectory:
            return "directory";
        case Kind::kSymlink:
            return "symlink";
        case Kind::kFifo:
            return "fifo";
        case Kind::kSocket:
            return "socket";
        case Kind::kCharDevice:
            return "character device";
        case Kind::kBlockDevice:
            return "block device";
    }
    return "unknown";
}

void encode(Encoder& out, const Meta& meta) {
    out.u8(static_cast<std::uint8_t>(meta.kind));
    out.number(meta.mode);
    out.number(meta.uid);
    out.number(meta.gid);
    out.i64(meta.mtime.seconds);
    out.number(meta.mtime.nanoseconds);
    out.number(meta.size);
    out.number(meta.device);
    out.number(meta.flags);
    out.number(meta.project);
    out.text(meta.link);
    out.number(meta.xattrs.size());
    for (const Xattr& attribute : meta.xattrs) {
        out.text(attribute.name);
        out.text(attribute.value);
    }
}

Meta decode_meta(Decoder& in) {
    Meta meta;
    const std::uint8_t kind = in.u8();
    if (kind > static_cast<std::uint8_t>(Kind::kBlockDevice)) in.fail();
    meta.kind = static_cast<Kind>(kind);
    meta.mode = static_cast<std::uint32_t>(in.number(07777));
    meta.uid = static_cast<std::uint32_t>(in.number(UINT32_MAX));
    meta.gid = static_cast<std::uint32_t>(in.number(UINT32_MAX));
    meta.mtime.seconds = in.i64();
    meta.mtime.nanoseconds = static_cast<std::uint32_t>(in.number(999999999));
    meta.size = in.number(INT64_MAX);
    meta.device = in.number();
    meta.flags = static_cast<std::uint32_t>(in.number(UINT32_MAX));
    meta.project = static_cast<std::uint32_t>(in.number(UINT32_MAX));
    meta.link = in.text(kLongestLink);
    if (meta.link.find('\0') != std::string::npos) in.fail();
    const std::uint64_t count = in.number(in.left());  // each takes two bytes at least
    std::size_t total = 0;
    for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
        Xattr attribute{std::string(in.text(255)), std::string(in.text(64 << 10))};
        total += attribute.name.size() + attribute.value.size();
        if (attribute.name.empty() || attribute.name.find('\0') != std::string::npos || total > kMostXattrBytes)
            in.fail();
        meta.xattrs.push_back(std::move(attribute));
    }
    return meta;
}

std::string difference(const Meta& expected, const Meta& found) {
    if (expected.kind != found.kind) return "is a " + kind_text(found.kind) + ", not a " + kind_text(expected.kind);
    if (expected.size != found.size)
        return is_not("size", std::to_string(found.size), std::to_string(expected.size) + " bytes");
    if (expected.kind != Kind::kSymlink && expected.mode != found.mode)
        return is_not("mode", octal(found.mode), octal(expected.mode));
    if (expected.uid != found.uid) return is_not("owner", std::to_string(found.uid), std::to_string(expected.uid));
    if (expected.gid != found.gid) return is_not("group", std::to_string(found.gid), std::to_string(expected.gid));
    if (expected.mtime != found.mtime)
        return is_not("modification time", time_text(found.mtime), time_text(expected.mtime));
    if (expected.device != found.device) return "is another device";
    if (expected.link != found.link)
        return is_not("link", '"' + escape_line(found.link) + '"', '"' + escape_line(expected.link) + '"');
    if (expected.flags != found.flags)
        return is_not("flags", std::to_string(found.flags), std::to_string(expected.flags));
    if (expected.project != found.project)
        return is_not("project", std::to_string(found.project), std::to_string(expected.project));
    return xattr_difference(expected.xattrs, found.xattrs);
}

std::string difference_at_a_glance(const Meta& expected, Meta found) {
    found.flags = expected.flags;
    found.project = expected.project;
    found.xattrs = expected.xattrs;
    return difference(expected, found);
}

int compare_paths(std::string_view a, std::string_view b) {
    const std::size_t common = std::min(a.size(), b.size());
    for (std::size_t i = 0; i < common; ++i) {
        if (a[i] == b[i]) continue;
        // A slash ends a name, so it is less than any byte that goes on with one.
        const int left = a[i] == '/' ? 0 : static_cast<unsigned char>(a[i]);
        const int right = b[i] == '/' ? 0 : static_cast<unsigned char>(b[i]);
        return left - right;
    }
    return a.size() < b.size() ? -1 : a.size() > b.size() ? 1 : 0;
}

std::string_view parent_of(std::string_view path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

std::string_view name_of(std::string_view path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::string join_path(std::string_view directory, std::string_view name) {
    std::string path(directory);
    if (!path.empty()) path += '/';
    return path.append(name);
}

bool is_beneath(std::string_view path, std::string_view directory) {
    if (directory.empty()) return !path.empty();
    return path.size() > directory.size() && path[directory.size()] == '/' && starts_with(path, directory);
}

bool is_good_path(std::string_view path) {
    if (path.empty()) return true;
    if (path.size() > kLongestPath || path.find('\0') != std::string_view::npos) return false;
    for (std::size_t begin = 0; begin <= path.size();) {
        const std::size_t end = std::min(path.find('/', begin), path.size());
        const std::string_view part = path.substr(begin, end - begin);
        if (part.empty() || part == "." || part == ".." || part.size() > 255) return false;
        begin = end + 1;
    }
    return true;
}

}  // namespace holdfast::mover
