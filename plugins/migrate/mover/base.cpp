#include "plugins/migrate/mover/base.h"

#include <algorithm>
#include <utility>

namespace holdfast::mover {

Status Base::read() {
    if (!reader_) done_ = true;
    if (ahead_ || done_) return {};
    TRY_ASSIGN(ahead_, reader_->next());
    done_ = !ahead_;
    return {};
}

Result<const Entry*> Base::peek() {
    run_.reset();
    while (true) {
        TRY(read());
        if (done_) return static_cast<const Entry*>(nullptr);
        if (const auto* entry = std::get_if<Entry>(&*ahead_)) return entry;
        ahead_.reset();
    }
}

Result<Entry> Base::take() {
    TRY_ASSIGN(const Entry* const entry, peek());
    if (entry == nullptr) return Error{ErrorKind::kInternal, "an entry after the last was taken", "", 0, ""};
    Entry taken = std::get<Entry>(std::move(*ahead_));
    ahead_.reset();
    return taken;
}

Result<std::optional<Run>> Base::next_run() {
    TRY(read());
    if (done_ || !std::holds_alternative<Run>(*ahead_)) return std::optional<Run>();
    std::optional<Run> run = std::get<Run>(std::move(*ahead_));
    ahead_.reset();
    return run;
}

Status Base::hashes(std::uint64_t first, std::uint64_t count, std::vector<Digest>& out) {
    out.assign(static_cast<std::size_t>(count), kUnknown);
    for (std::uint64_t at = first; at < first + count;) {
        while (!run_ || run_->first + run_->count <= at) {
            TRY_ASSIGN(run_, next_run());
            if (!run_) return {};
        }
        if (run_->first >= first + count) return {};
        at = std::max(at, run_->first);
        const std::uint64_t end = std::min(first + count, run_->first + run_->count);
        for (; at < end; ++at)
            out[static_cast<std::size_t>(at - first)] =
                run_->hashes.empty() ? kHole : run_->hashes[static_cast<std::size_t>(at - run_->first)];
    }
    return {};
}

Result<bool> Base::holes(std::uint64_t first, std::uint64_t end) {
    bool all = true;
    for (std::uint64_t at = first; at < end;) {
        while (!run_ || run_->first + run_->count <= at) {
            TRY_ASSIGN(run_, next_run());
            if (!run_) return false;
        }
        if (run_->first > at) all = false;
        if (run_->first >= end) return all;
        const std::uint64_t until = std::min(end, run_->first + run_->count);
        for (at = std::max(at, run_->first); at < until && !run_->hashes.empty(); ++at)
            all = all && run_->hashes[static_cast<std::size_t>(at - run_->first)] == kHole;
        at = until;
    }
    return all;
}

}  // namespace holdfast::mover
