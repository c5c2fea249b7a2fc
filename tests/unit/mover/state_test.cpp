#include "plugins/migrate/mover/state.h"
#include "common/os/files.h"

#include <doctest/doctest.h>
#include <fstream>

namespace holdfast::mover {
namespace {

const TargetState kTarget{7, 3, false, false};

void write_index(const std::string& path, const std::string& name) {
    auto writer = IndexWriter::create(path, {"operation", kTarget.number, kTarget.epoch, false});
    REQUIRE(writer.ok());
    Entry root, file;
    root.meta.kind = Kind::kDirectory;
    file.path = name;
    file.block_size = 4096;
    file.meta.size = 8192;
    REQUIRE(writer->add(root).ok());
    REQUIRE(writer->add(file).ok());
    REQUIRE(writer->add(Run{0, 2, {Digest{1}, Digest{2}}, {true, false}}).ok());
    REQUIRE(writer->finish(kTarget.epoch).ok());
}

// Whether all that the index has comes as read back, or only what it says itself.
bool comes_as_verified(const std::string& folder) {
    State state(folder);
    const auto known = state.recover("operation", kTarget);
    REQUIRE((known.ok() && *known));
    auto reader = state.open_index();
    REQUIRE(reader.ok());
    int verified = 0, marked = 0;
    while (true) {
        const auto record = reader->next();
        REQUIRE(record.ok());
        if (!*record) break;
        if (const auto* entry = std::get_if<Entry>(&**record)) verified += (entry->state & kVerified) != 0 ? 1 : 0;
        if (const auto* run = std::get_if<Run>(&**record)) marked += run->read_back.empty() ? 0 : 1;
    }
    CHECK(verified == (marked == 0 ? 2 : 0));
    return verified == 2;
}

}  // namespace

TEST_CASE("what was read back is noted beside the index, for this index alone") {
    const auto folder = TemporaryDirectory::create();
    REQUIRE(folder.ok());
    const std::string index = folder->path() + "/index", note = folder->path() + "/verified";
    write_index(index, "a");
    CHECK_FALSE(comes_as_verified(folder->path()));
    REQUIRE(State(folder->path()).mark_verified().ok());
    CHECK(comes_as_verified(folder->path()));
    const std::string bytes = read_file(note, 4096).value_or("");
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        CAPTURE(at);
        std::string flipped = bytes;
        flipped[at] = static_cast<char>(flipped[at] ^ 1);
        std::ofstream(note, std::ios::binary) << flipped;
        CHECK_FALSE(comes_as_verified(folder->path()));
        std::ofstream(note, std::ios::binary) << bytes.substr(0, at);
        CHECK_FALSE(comes_as_verified(folder->path()));
    }
    std::ofstream(note, std::ios::binary) << bytes;
    CHECK(comes_as_verified(folder->path()));
    write_index(index, "b");
    CHECK_FALSE(comes_as_verified(folder->path()));
}

TEST_CASE("an index that takes another's place is not the one that was read back") {
    const auto folder = TemporaryDirectory::create();
    REQUIRE(folder.ok());
    State state(folder->path());
    write_index(state.index(), "a");
    REQUIRE(state.mark_verified().ok());
    write_index(state.pass(), "a");
    REQUIRE(state.commit().ok());
    CHECK_FALSE(comes_as_verified(folder->path()));
}

TEST_CASE("what reading back must look at one by one goes into a second index, with its runs") {
    const auto folder = TemporaryDirectory::create();
    REQUIRE(folder.ok());
    auto all = IndexWriter::create(folder->path() + "/all", {}),
         some = IndexWriter::create(folder->path() + "/some", {});
    REQUIRE((all.ok() && some.ok()));
    all->also_to(&*some);
    Entry root, known, changed, link;
    root.meta.kind = Kind::kDirectory;
    known.path = "a-known";
    known.state = kVerified;
    changed.path = "b-changed";
    known.block_size = changed.block_size = 4096;
    known.meta.size = changed.meta.size = 4096;
    link.path = "c-link";
    link.link_to = "a-known";
    link.state = kVerified;
    for (const Record& record : {Record(root), Record(known), Record(Run{0, 1, {Digest{1}}}), Record(changed),
                                 Record(Run{0, 1, {Digest{2}}}), Record(link)})
        REQUIRE(all->add(record).ok());
    const auto whole = all->finish(1), part = some->finish(1);
    REQUIRE((whole.ok() && part.ok()));
    CHECK(whole->entries == 4);
    CHECK(part->entries == 3);
    auto reader = IndexReader::open(folder->path() + "/some");
    REQUIRE(reader.ok());
    reader->check_root();
    std::string seen;
    while (true) {
        const auto record = reader->next();
        REQUIRE(record.ok());
        if (!*record) break;
        const auto* entry = std::get_if<Entry>(&**record);
        seen += entry != nullptr ? "[" + entry->path + "]" : std::to_string(std::get<Run>(**record).hashes.at(0)[0]);
    }
    CHECK(seen == "[][b-changed]2[c-link]");
}

TEST_CASE("the sums of an index are those of its entries") {
    const auto folder = TemporaryDirectory::create();
    REQUIRE(folder.ok());
    auto writer = IndexWriter::create(folder->path() + "/all", {});
    REQUIRE(writer.ok());
    Entry root, file;
    root.meta.kind = Kind::kDirectory;
    file.path = "a";
    file.facts = {5, {7, 8}, 2, 16};
    REQUIRE(writer->add(root).ok());
    std::string encoded;
    Encoder out(encoded);
    encode(out, file);
    REQUIRE(writer->add(encoded).ok());
    const auto end = writer->finish(1);
    REQUIRE(end.ok());
    CHECK(end->source ==
          source_fingerprint("", root.meta, root.facts) + source_fingerprint("a", file.meta, file.facts));
    CHECK(end->glance == glance_fingerprint("", root.meta) + glance_fingerprint("a", file.meta));
}

TEST_CASE("a killed pass goes on with a target that is where it found it, or where it has brought it, and no other") {
    const auto folder = TemporaryDirectory::create();
    REQUIRE(folder.ok());
    State state(folder->path());
    auto goes_on = [&](std::uint64_t epoch) {
        write_index(state.index(), "a");
        auto pass = IndexWriter::create(state.pass(), {"operation", kTarget.number, kTarget.epoch, false});
        REQUIRE(pass.ok());
        REQUIRE(pass->mark_begin(10).ok());
        for (std::uint64_t group = 11; group <= 20; ++group) REQUIRE(pass->mark_intent(group, {}).ok());
        const auto known = state.recover("operation", {kTarget.number, epoch, false, false});
        REQUIRE(known.ok());
        return *known;
    };
    for (const std::uint64_t epoch : {kTarget.epoch, std::uint64_t{10}, std::uint64_t{15}, std::uint64_t{20}}) {
        CAPTURE(epoch);
        CHECK(goes_on(epoch));
    }
    for (const std::uint64_t epoch : {kTarget.epoch - 1, kTarget.epoch + 1, std::uint64_t{9}, std::uint64_t{21}}) {
        CAPTURE(epoch);
        CHECK_FALSE(goes_on(epoch));
    }
}

}  // namespace holdfast::mover
