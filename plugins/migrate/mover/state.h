// What the source's side keeps between runs, in one folder: the index of the last complete pass, and of the pass that
// runs.
#pragma once

#include "plugins/migrate/mover/base.h"
#include "plugins/migrate/mover/index_file.h"
#include "plugins/migrate/mover/side.h"

#include <optional>
#include <string>
#include <vector>

namespace holdfast::mover {

// A receiver keeps the journal of an image, and nothing else, beside what its sender may keep in the same folder.
enum class StateUser : std::uint8_t { kSource, kReceiver };
inline constexpr const char* kImageJournal = "image-journal";

class State {
  public:
    explicit State(std::string folder) : folder_(std::move(folder)) {}
    // For one run: the files have no names, and nothing of them is left however that ends.
    static Result<State> nameless(std::string folder);
    // kFailed: no such folder. kLocked: another mover works with it. kRefused: what is in it is not a mover's.
    Status lock(StateUser user = StateUser::kSource);
    // Whether this file is one of those that are kept here.
    bool writes_to(dev_t device, ino_t inode) const;

    // Paths of nameless files are good until the file is renamed: they are asked for anew for each use.
    std::string index() const { return path_of(kIndex); }
    std::string pass() const { return path_of(kPass); }
    const std::string& folder() const { return folder_; }

    // Brings what there is to one index of what the target has. False: nothing that can be relied on is there (no
    // index, a damaged one, another operation's, another target's, or the target was taken back to an earlier state).
    Result<bool> recover(const std::string& operation, const TargetState& target);
    // The index that recover() found good, from its beginning.
    Result<IndexReader> open_index() const;
    // The pass is complete: its index becomes the index.
    Status commit();
    // See trim.h: what was written to trimmed() becomes the index.
    std::string trimmed() const { return path_of(kTrimmed); }
    std::string names() const { return path_of(kNames); }
    void forget_names() const { remove(kNames); }
    // Of the last pass, see IndexWriter::also_to().
    std::string unproven() const { return path_of(kUnproven); }
    Status take_trimmed();
    // Everything in the index was read back from the target and found right: noted beside it, with what no other index
    // has, since to write the index itself anew takes as long as all else that is done when little has changed.
    Status mark_verified();
    void forget();  // removes all of it

  private:
    enum File : std::uint8_t { kIndex, kPass, kTrimmed, kNames, kUnproven, kMerged, kNote, kNewNote, kFiles };
    std::string path_of(File file) const;
    std::vector<std::string> kept_here() const;
    Status is_ours() const;
    Status rename(File from, File to);
    void remove(File file) const;
    // nullopt: not to be relied on.
    Result<std::optional<IndexEnd>> readable_index(const std::string& operation, const TargetState& target);
    bool is_verified(const IndexReader& passed_over) const;
    Status replace_index(File from);
    Result<bool> recover_pass(const std::optional<IndexEnd>& index, const TargetState& target);
    std::string folder_;
    std::vector<Descriptor> nameless_;  // all of them, or none
    Descriptor lock_;
    bool verified_ = false;  // the index that was found good is
};

// What the file of a killed pass says up to where it breaks off.
struct KilledPass {
    IndexHead head;
    IndexReader::Marks marks;
    std::uint64_t last_epoch = 0;  // the last group that may have been sent
    std::uint64_t told = 0;        // the last one of which it is told what it did
    bool complete = false;         // all content was durable: only the last steps may be missing
};
// `epoch`: the target's.
Result<KilledPass> look_at_killed_pass(const std::string& path, std::uint64_t epoch);

// The index of what is on a target after a pass was killed: what `pass` says is durable there, then what `old` has
// beyond that (nothing, if there is none), without what the pass may have touched. Written to `out` as "unclean", of
// the target's `epoch`.
Status merge_killed_pass(std::optional<IndexReader> old, const std::string& pass, const std::string& out,
                         std::uint64_t epoch);

}  // namespace holdfast::mover
