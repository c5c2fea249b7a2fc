#include "plugins/migrate/mover/pace.h"

#include <algorithm>

namespace holdfast::mover {
namespace {

constexpr std::size_t kLag = 8;
constexpr std::size_t kFrames = 6;  // in which a rate is measured, at least
constexpr std::chrono::milliseconds kWhile{150};
constexpr std::chrono::milliseconds kMostPatience{8000};
constexpr int kTrialPart = 50;
constexpr double kBetter = 1.1;  // less is chance, and plain costs less

}  // namespace

void Pace::begin(bool compressing, std::chrono::milliseconds wait, Time now) {
    patience_ = std::min(patience_ * 2, kMostPatience);
    next_trial_ = now + std::max(patience_, wait);
    compressing_ = compressing;
    lag_ = kLag;
    frames_ = 0;
    bytes_ = 0;
}

bool Pace::compress(bool held_up, Time now) {
    if (!compressing_ && held_up && now >= next_trial_) begin(true, {}, now);
    return compressing_;
}

void Pace::judge(std::chrono::duration<double> took, Time now) {
    const double rate = static_cast<double>(bytes_) / took.count();
    (compressing_ ? rate_compressed_ : rate_plain_) = rate;
    const bool better = rate_compressed_ > rate_plain_ * kBetter;
    // On a slow link a trial takes long: it stays a small part of the whole all the same.
    const auto wait = std::chrono::duration_cast<std::chrono::milliseconds>(took * kTrialPart);
    if (compressing_ && (!better || rate_plain_ == 0 || now >= next_trial_))
        begin(false, {}, now);
    else if (!compressing_ && better)
        begin(true, wait, now);
}

void Pace::sent(std::size_t bytes, Time now) {
    if (lag_ > 0) {
        --lag_;
        since_ = now;
        return;
    }
    ++frames_;
    bytes_ += bytes;
    if (frames_ < kFrames || now - since_ < kWhile) return;
    judge(now - since_, now);
    frames_ = 0;
    bytes_ = 0;
    since_ = now;
}

}  // namespace holdfast::mover
