#include "plugins/migrate/mover/run_check.h"

#include <algorithm>

namespace holdfast::mover {
namespace {

std::optional<RunCheck> decode_run_check(Decoder& in) {
    RunCheck check;
    check.path = in.text(kLongestPath);
    check.size = in.number(INT64_MAX);
    check.block_size = static_cast<std::uint32_t>(in.number(kLargestBlock));
    if (!is_good_path(check.path) || !is_block_size(check.block_size)) in.fail();
    std::optional<Record> record = decode_record(in);
    auto* const run = record ? std::get_if<Run>(&*record) : nullptr;
    if (run == nullptr || run->hashes.empty()) return std::nullopt;
    check.run = std::move(*run);
    return check;
}

}  // namespace

std::uint64_t RunCheck::byte_of(std::uint64_t block) const {
    if (block_size == 0) return 0;
    return block > size / block_size ? size : block * block_size;
}

bool is_mostly_unread(const Run& run) {
    const auto unread = std::count(run.read_back.begin(), run.read_back.end(), false);
    return static_cast<std::size_t>(unread) * 2 >= run.read_back.size();
}

std::uint64_t bytes_to_read_back(const RunCheck& check) {
    std::uint64_t bytes = 0;
    for (std::uint64_t i = 0; i < check.run.count; ++i) {
        const bool passed = i < check.run.read_back.size() && check.run.read_back[static_cast<std::size_t>(i)];
        const std::uint64_t block = check.run.first + i;
        if (!passed) bytes += check.byte_of(block + 1) - check.byte_of(block);
    }
    return bytes;
}

void encode(Encoder& out, const RunCheck& check) {
    out.text(check.path);
    out.number(check.size);
    out.number(check.block_size);
    encode(out, check.run);
}

std::optional<std::vector<RunCheck>> decode_run_checks(std::string_view input) {
    std::vector<RunCheck> checks;
    for (Decoder in(input); !in.at_end();) {
        std::optional<RunCheck> check = decode_run_check(in);
        if (!check) return std::nullopt;
        checks.push_back(std::move(*check));
    }
    return checks;
}

Digest identity_of(const RunCheck& check) {
    std::string bytes;
    Encoder out(bytes);
    encode(out, check);
    return digest_of(bytes);
}

}  // namespace holdfast::mover
