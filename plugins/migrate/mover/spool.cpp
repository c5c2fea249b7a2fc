#include "plugins/migrate/mover/spool.h"

#include "plugins/migrate/mover/scratch.h"

namespace holdfast::mover {
namespace {

constexpr std::size_t kSpoolBlock = 256 << 10;

}  // namespace

// The file is a row of blocks, each with its length before it.
Status Spool::add(const Step& step) {
    const std::lock_guard lock(mutex_);
    Encoder out(pending_);
    encode(out, std::vector<Step>{step});
    if (pending_.size() < kSpoolBlock) return {};
    if (!file_.open()) {
        TRY_ASSIGN(file_, nameless_file(folder_));
    }
    std::string block;
    Encoder head(block);
    head.u64(pending_.size());
    head.raw(pending_);
    TRY(write_all_at(file_.get(), block, end_, folder_));
    end_ += block.size();
    pending_.clear();
    return {};
}

Status Spool::replay(const std::function<Status(const std::vector<Step>&)>& take) {
    const std::lock_guard lock(mutex_);
    for (std::uint64_t at = 0; at < end_;) {
        TRY_ASSIGN(const std::string head, read_at(file_.get(), at, 8, folder_));
        const auto size = static_cast<std::size_t>(Decoder(head).u64());
        TRY_ASSIGN(const std::string block, read_at(file_.get(), at + 8, size, folder_));
        const auto steps = decode_steps(block);
        if (!steps) return Error{ErrorKind::kInternal, "a step of this pass cannot be read again", "", 0, ""};
        TRY(take(*steps));
        at += 8 + size;
    }
    const auto steps = decode_steps(pending_);
    if (!steps) return Error{ErrorKind::kInternal, "a step of this pass cannot be read again", "", 0, ""};
    return steps->empty() ? Status() : take(*steps);
}

}  // namespace holdfast::mover
