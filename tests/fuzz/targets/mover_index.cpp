#include "plugins/migrate/mover/index_file.h"
#include "plugins/migrate/mover/scratch.h"
#include "tests/fuzz/target.h"

#include <sys/mman.h>
#include <string>

namespace holdfast::fuzz {
namespace {

using namespace holdfast::mover;

void records(std::string_view input) {
    Decoder in(input);
    while (const auto record = decode_record(in)) {
        std::string again;
        Encoder out(again);
        std::visit([&](const auto& one) { encode(out, one); }, *record);
        Decoder twice(again);
        check(decode_record(twice).has_value() && twice.at_end(),
              "a record that was read can be written and read again");
        if (in.at_end()) return;
    }
}

}  // namespace

void mover_index(std::string_view input) {
    records(input);
    mover::Descriptor file(memfd_create("index", MFD_CLOEXEC));
    check(file.open() && write_all(file.get(), input, "input").ok(), "a file in memory can be made");
    Result<IndexReader> reader = IndexReader::read(std::move(file), "input");
    if (!reader.ok()) return;
    reader->check_root();
    while (true) {
        const Result<std::optional<Record>> record = reader->next();
        if (!record.ok()) return;
        if (!*record) break;
    }
    check(reader->end().has_value(), "an index that was read to its end has one");
    mover::Descriptor again(memfd_create("index", MFD_CLOEXEC));
    check(again.open() && write_all(again.get(), input, "input").ok(), "a file in memory can be made");
    Result<IndexReader> passed = IndexReader::read(std::move(again), "input");
    check(passed.ok() && passed->pass_over().ok() && passed->end()->root == reader->end()->root &&
              passed->identity() == reader->identity(),
          "an index that was read to its end can be passed over");
}

}  // namespace holdfast::fuzz
