#include "plugins/migrate/mover/journal.h"
#include "tests/fuzz/target.h"

namespace holdfast::fuzz {

void mover_journal(std::string_view input) {
    const auto record = mover::decode_journal(input);
    if (!record) return;
    const auto again = mover::decode_journal(mover::encode_journal(*record));
    check(again && again->epoch == record->epoch && again->operation == record->operation &&
              again->number == record->number,
          "a journal that was read can be written and read again, and is the same");
}

}  // namespace holdfast::fuzz
