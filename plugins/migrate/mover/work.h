// What a source tells a target: the vocabulary that the local copy and the wire have in common. Pure.
#pragma once

#include "plugins/migrate/mover/buffers.h"
#include "plugins/migrate/mover/meta.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace holdfast::mover {

// Steps are done one after the other, in the order given, before anything that is given later.
struct Remove {  // whatever is there, with all beneath; nothing there is well
    std::string path;
};
struct MakeDirectory {  // open to its owner alone until FinishDirectory; what is no directory there goes
    std::string path;
};
struct MakeFile {  // a file that comes in chunks
    std::string path;
    bool replace = false;    // a new inode even if there is a file: another name may share the old one
    std::uint64_t size = 0;  // of a new one, all of it a hole; FinishFile says the last word
    bool dense = false;      // it will have no holes: room may be taken for all of it at once
};
struct MakeOther {  // symlink, fifo, socket, device: whole at once
    std::string path;
    Meta meta;
};
// What can only be done when all content is there.
struct FinishFile {  // size and metadata of a file that came in chunks
    std::string path;
    Meta meta;
};
struct MakeLink {  // path becomes another name of the file at `to`
    std::string path;
    std::string to;
};
struct FinishDirectory {
    std::string path;
    Meta meta;
};
struct LockEntry {  // immutable, append only: the very last
    std::string path;
    Meta meta;
};
// Before some blocks of a file are written of which the rest is not read back again: it is as the mover left it. Else
// somebody else wrote to it, which the end of the pass would hide.
struct ExpectFile {
    std::string path;
    Meta meta;
};
using Step = std::variant<Remove, MakeDirectory, MakeFile, MakeOther, FinishFile, MakeLink, FinishDirectory, LockEntry,
                          ExpectFile>;
const std::string& path_of(const Step& step);

// Small files of one directory, whole.
struct SmallFile {
    std::string name;
    Meta meta;
    bool replace = false;
    bool has_content = true;   // else metadata alone
    std::string_view content;  // meta.size bytes, owned by who gives it
};
struct Batch {
    std::string directory;
    std::vector<SmallFile> files;
};

// A stretch of a large file or of a device. Bytes of it in no segment are a hole.
struct Segment {
    std::uint64_t offset = 0;  // in the file
    std::uint32_t length = 0;
};
struct Chunk {
    std::string path;
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
    bool fresh = false;             // nothing but a hole is there yet: none need be punched
    std::vector<Segment> segments;  // in order, within the stretch
    std::string_view data;          // of all segments, one after the other; owned by who gives it
    Memory memory = {};             // that `data` lies in: a sink may hold it longer than the call takes
};

inline constexpr std::size_t kMostChunkData = 1 << 20;
inline constexpr std::size_t kMostBatchFiles = 256;
inline constexpr std::size_t kMostBatchData = 1 << 20;

void encode(Encoder& out, const std::vector<Step>& steps);
void encode(Encoder& out, const Batch& batch);
void encode(Encoder& out, const Chunk& chunk);
void encode_without_data(Encoder& out, const Chunk& chunk);  // which follows it
// nullopt for anything that no encoder writes: a bad path, segments out of order or outside, lengths that do not add
// up, more than the bounds above. Contents are views into the input.
std::optional<std::vector<Step>> decode_steps(std::string_view input);
std::optional<Batch> decode_batch(std::string_view input);
std::optional<Chunk> decode_chunk(std::string_view input);

struct RunCheck;

// Where a pass puts its work: the target itself, or the wire to it.
class Sink {
  public:
    virtual ~Sink() = default;
    virtual Status steps(const std::vector<Step>& steps) = 0;  // one thread at a time
    virtual Status batch(const Batch& batch) = 0;              // any thread
    virtual Status chunk(const Chunk& chunk) = 0;              // any thread
    // What of large files becomes durable with the next checkpoint: once it is, it may be read back while the rest is
    // written. A hint, of which nothing need come. One thread at a time.
    virtual Status written(std::vector<RunCheck>) { return {}; }
    // Asks for everything given until now to become durable, as `epoch` (rising); returns at once.
    virtual Status checkpoint(std::uint64_t epoch) = 0;
    // Waits until `epoch` is; an error of the target that came meanwhile comes out here.
    virtual Status wait_durable(std::uint64_t epoch) = 0;
};

}  // namespace holdfast::mover
