// Index records in a file: blocks with a checksum that is chained to the block before, so that what is cut, changed,
// repeated or reordered is not read as an index. While a pass writes one it is also its journal: marks say what is
// durable on the target, and what the pass may have written beyond that.
#pragma once

#include "plugins/migrate/mover/fingerprint.h"
#include "plugins/migrate/mover/run_check.h"
#include "plugins/migrate/mover/tree.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace holdfast::mover {

// What a group of work may change on the target, written down before any of it is sent: what the target has there is
// not known until the group is durable.
struct Touched {
    std::string path;
    std::uint64_t first = 0;  // block
    std::uint64_t count = 0;  // 0: all of it
    bool removed = false;     // with all beneath
};

// What stands at the end of a finished index.
struct IndexEnd {
    std::string root;  // SHA-256 over encode_for_root of all records, 32 bytes
    std::uint64_t entries = 0;
    std::uint64_t bytes = 0;  // of files, apparent
    std::uint64_t epoch = 0;  // the target's, once this is the index of what is on it
    // Of all entries; known to who wrote the index, not to who reads it.
    Fingerprint source, glance;
};

// Who wrote an index: an index of another operation or another target is no base for a pass.
struct IndexHead {
    std::string operation;     // as given by the caller
    std::uint64_t target = 0;  // number that the target's journal has too
    std::uint64_t epoch = 0;   // the target's when this was begun
    bool unclean =
        false;  // made from a killed pass or from the target: finish everything again, remove what is not listed
};

// Appends; not thread-safe. Nothing is promised to be on disk before sync().
class IndexWriter {
  public:
    // Makes the file anew. kUnavailable: cannot.
    static Result<IndexWriter> create(const std::string& path, const IndexHead& head);

    // One or more whole records, encoded; in order.
    Status add(std::string_view records);
    Status add(const Record& record);
    // Everything of the groups up to `epoch` has been added: once the target's journal says that epoch, it is on its
    // disk.
    Status mark_group(std::uint64_t epoch);
    // The group that will be `epoch` is about to begin. On disk when this returns, which must be before any of it is
    // sent. `touched` is in the order of paths, and goes on where the group before ended.
    Status mark_intent(std::uint64_t epoch, const std::vector<Touched>& touched);
    // The pass begins with this epoch, before its groups. Likewise on disk when this returns.
    Status mark_begin(std::uint64_t epoch);
    // From now on entries that reading back must look at one by one, with their runs, are added there too.
    void also_to(IndexWriter* unproven) { unproven_ = unproven; }
    // And such runs, if most of one must be read back, are told to `take`: for a few blocks it is not worth the words.
    void tell_runs(std::function<void(RunCheck&& run)> take) { take_run_ = std::move(take); }
    Result<std::uint64_t> flush();  // what was added is in the file; the offset of its end
    // All of it is on disk; nothing may be added after that.
    Result<IndexEnd> finish(std::uint64_t epoch);
    // The same for a file that is of no use after a crash: it is not waited for until it is on disk.
    Result<IndexEnd> close(std::uint64_t epoch);

  private:
    IndexWriter() = default;
    Status write_block(std::uint8_t kind, std::string_view payload);
    Descriptor file_;
    Status count(const Record& record);
    std::string shown_, pending_;
    std::uint64_t offset_ = 0, chain_ = 0;
    IndexEnd end_;
    std::unique_ptr<Sha256> root_;
    IndexWriter* unproven_ = nullptr;
    bool passing_on_ = false;  // the runs that come now, of
    RunCheck current_;         // this file
    std::function<void(RunCheck&& run)> take_run_;
};

class IndexReader {
  public:
    // kNotFound; kMismatch: not an index, or of a newer version.
    // `known_epoch`, of a journal: the one that the target says; see Marks.
    static Result<IndexReader> open(const std::string& path, std::uint64_t known_epoch = UINT64_MAX);
    static Result<IndexReader> read(Descriptor file, const std::string& shown);
    IndexReader(IndexReader&&) = default;
    IndexReader& operator=(IndexReader&&) = default;

    const IndexHead& head() const { return head_; }
    // The next record; nullopt after the last one. kMismatch: damaged.
    Result<std::optional<Record>> next();
    // Before the first record: the root at the end must be that of the records. The checksums of the blocks find every
    // fault of a disk; this is for an index whose root is proof of something.
    void check_root() { root_ = std::make_unique<Sha256>(); }
    // Before the first record: to the end, by the checksums of the blocks alone.
    Status pass_over();
    // Entries come as read back from the target and found right: see State::mark_verified().
    void take_as_verified() { verified_ = true; }
    // Once nothing is left: the end.
    const std::optional<IndexEnd>& end() const { return end_; }
    // What the last block's checksum depends on all before it for: no other index has it, once nothing is left.
    std::uint64_t identity() const { return chain_; }
    // The marks met until now: of a journal only.
    struct Marks {
        std::uint64_t durable = 0;  // blocks that end at or before this offset tell of what is on the target's disk
        std::uint64_t epoch = 0;    // the group that ends there: the last one up to the known epoch
        std::uint64_t first = 0;    // of the pass; 0: it had not begun
        std::uint64_t begun = 0;    // the last group that may have been sent
        std::vector<std::pair<std::uint64_t, Touched>> intents;  // of groups after the known epoch
    };
    const Marks& marks() const { return marks_; }
    std::uint64_t offset() const { return offset_; }  // where the block after the one being read begins

  private:
    IndexReader() = default;
    Status read_block();
    Status take(std::uint8_t kind);
    void take_intents(Decoder& in);
    Descriptor file_;
    std::string shown_, payload_;
    std::size_t at_ = 0;  // in payload_
    std::uint64_t offset_ = 0, chain_ = 0;
    IndexHead head_;
    std::uint64_t known_epoch_ = UINT64_MAX;
    Marks marks_;
    IndexEnd counted_;
    std::unique_ptr<Sha256> root_;  // none: not checked
    bool verified_ = false, passing_over_ = false;
    std::optional<IndexEnd> end_;
};

}  // namespace holdfast::mover
