#include "plugins/migrate/mover/rebuild.h"

#include "plugins/migrate/mover/attributes.h"
#include "plugins/migrate/mover/scratch.h"
#include "plugins/migrate/mover/walk.h"

#include <fcntl.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>

namespace holdfast::mover {
namespace {

// Hashes of a large file, in runs; holes are not read.
Status add_runs(IndexWriter& writer, int file, const Entry& entry, const std::string& shown, const Signals& signals) {
    const std::uint64_t size = entry.meta.size, block = entry.block_size;
    const std::uint64_t stretch = (std::uint64_t{1} << 20) / block * block;
    for (std::uint64_t at = 0; at < size;) {
        if (signals.pending()) return Error{ErrorKind::kInterrupted, "interrupted", "", 0, ""};
        TRY_ASSIGN(const std::optional<std::uint64_t> data, next_data(file, at, shown));
        const std::uint64_t from = data ? std::min(size, *data / block * block) : size;
        if (from > at) {
            Run hole;
            hole.first = at / block;
            hole.count = (from - at + block - 1) / block;
            TRY(writer.add(hole));
            at = from;
        }
        if (at >= size) break;
        const auto length = static_cast<std::size_t>(std::min(stretch, size - at));
        TRY_ASSIGN(std::string bytes, read_at(file, at, length, shown));
        bytes.resize(length);
        Run run;
        run.first = at / block;
        for (std::size_t inside = 0; inside < length; inside += static_cast<std::size_t>(block)) {
            const std::string_view part = std::string_view(bytes).substr(inside, static_cast<std::size_t>(block));
            run.hashes.push_back(entry.path.empty() && all_zero(part) ? kHole : digest_of(part));  // as of a source
        }
        run.count = run.hashes.size();
        TRY(writer.add(run));
        at += length;
    }
    return {};
}

Status add_one(IndexWriter& writer, const Tree& tree, const Visited& visited, const Signals& signals) {
    const std::string shown = tree.shown(visited.path);
    const bool directory = visited.visit == Visit::kEnter;
    if (!directory && visited.looked.facts.links > 1) return {};
    Entry entry;
    entry.path = visited.path;
    entry.meta = visited.looked.meta;
    const std::string name = directory ? std::string() : std::string(name_of(visited.path));
    Descriptor file;
    if (entry.meta.kind == Kind::kFile) {
        file = open_in(visited.directory, name, O_RDONLY | O_NONBLOCK);
        if (!file.open()) return system_error("open", shown, errno);
    }
    const Status read =
        read_attributes(visited.directory, name, directory ? visited.directory : file.get(), entry.meta, shown);
    // No source has this, and no index can: what is not in it is made anew, or removed.
    if (!read.ok()) return read.error().kind == ErrorKind::kInvalid && !directory ? Status() : read;
    if (entry.meta.kind != Kind::kFile) return writer.add(entry);
    if (entry.meta.size > kSmallFile) {
        entry.block_size = block_size_for(entry.meta.size);
        TRY(writer.add(entry));
        return add_runs(writer, file.get(), entry, shown, signals);
    }
    TRY_ASSIGN(const std::string content, read_at(file.get(), 0, static_cast<std::size_t>(entry.meta.size), shown));
    entry.content = digest_of(content);
    return writer.add(entry);
}

}  // namespace

Status rebuild_image_index(const Tree& image, const std::string& path, const IndexHead& head, const Signals& signals) {
    TRY_ASSIGN(IndexWriter writer, IndexWriter::create(path, head));
    Entry entry;
    const off_t size = lseek(image.root(), 0, SEEK_END);
    if (size < 0) return system_error("find the size of", image.shown(""), errno);
    entry.meta.size = static_cast<std::uint64_t>(size);
    entry.block_size = block_size_for(entry.meta.size);
    TRY(writer.add(entry));
    TRY(add_runs(writer, image.root(), entry, image.shown(""), signals));
    TRY_ASSIGN(const IndexEnd end, writer.finish(head.epoch));
    return {};
}

Status rebuild_index(const Tree& tree, const std::string& path, const IndexHead& head, const std::string& scratch,
                     const Signals& signals) {
    TRY_ASSIGN(IndexWriter writer, IndexWriter::create(path, head));
    Walk walk(tree, scratch);
    while (true) {
        if (signals.pending()) return Error{ErrorKind::kInterrupted, "interrupted", "", 0, ""};
        TRY_ASSIGN(const Visited visited, walk.next());
        if (visited.visit == Visit::kEnd) break;
        if (visited.visit != Visit::kLeave) TRY(add_one(writer, tree, visited, signals));
    }
    TRY_ASSIGN(const IndexEnd end, writer.finish(head.epoch));
    return {};
}

}  // namespace holdfast::mover
