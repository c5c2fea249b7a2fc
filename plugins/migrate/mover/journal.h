// The target's own record of how far it is, in its root: that a target is the one that an index speaks of, and has not
// been taken back to an earlier state, is known by it. One small block with a checksum.
#pragma once

#include "plugins/migrate/mover/tree.h"

#include <cstdint>
#include <optional>
#include <string>

namespace holdfast::mover {

struct JournalRecord {
    std::string operation;
    std::uint64_t number = 0;
    std::uint64_t epoch = 0;
};
std::string encode_journal(const JournalRecord& record);
// nullopt: damaged, cut, of another version.
std::optional<JournalRecord> decode_journal(std::string_view bytes);

class Journal {
  public:
    // In `directory`; the file need not exist.
    Journal(int directory, std::string name, std::string shown);
    // nullopt if there is none that can be trusted.
    Result<std::optional<JournalRecord>> read() const;
    // On disk when it returns. To be called after what the record speaks of is.
    Status write(const JournalRecord& record);
    Status remove();

  private:
    int directory_;
    std::string name_, shown_;
    Descriptor file_;
};

}  // namespace holdfast::mover
