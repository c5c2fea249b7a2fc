#include "plugins/migrate/mover/report.h"

#include "common/core/text.h"
#include "plugins/migrate/mover/digest.h"

#include <nlohmann/json.hpp>

#include <poll.h>
#include <unistd.h>
#include <algorithm>

namespace holdfast::mover {
namespace {

using Json = nlohmann::ordered_json;

std::string line_of(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"; }

double seconds_between(std::chrono::steady_clock::time_point from, std::chrono::steady_clock::time_point to) {
    return std::chrono::duration<double>(to - from).count();
}

// Of files with holes there can be more than fits.
std::string shown_bytes(std::uint64_t bytes) {
    return human_bytes(static_cast<long long>(std::min<std::uint64_t>(bytes, INT64_MAX)));
}

std::uint64_t rate_of(std::uint64_t bytes, double seconds) {
    const double rate = seconds > 0 ? static_cast<double>(bytes) / seconds : 0;
    return rate < 9e18 ? static_cast<std::uint64_t>(rate) : INT64_MAX;
}

// Who reads our progress may have stopped to, and a copy must not wait for it: what does not fit is not said. A line is
// shorter than what a pipe that takes anything takes whole.
bool err_takes_more() {
    pollfd err{STDERR_FILENO, POLLOUT, 0};
    return poll(&err, 1, 0) != 0;
}

}  // namespace

Progress::Progress(ProgressMode mode, Console& console, Clock& clock, const Counters& counters)
    : mode_(mode), console_(console), clock_(clock), counters_(counters), began_(clock.steady_now()) {
    if (mode_ != ProgressMode::kNone)
        ticking_.emplace(std::chrono::milliseconds(1000), [this](const Signals&) { show(); });
}

Progress::~Progress() { close(); }

void Progress::phase(const std::string& name, int pass, std::uint64_t entries, std::uint64_t bytes) {
    if (mode_ != ProgressMode::kNone && !name_.empty()) show();
    const std::lock_guard lock(mutex_);
    name_ = name;
    pass_ = pass;
    entries_ = entries;
    bytes_ = bytes;
    entries_before_ = counters_.entries;
    bytes_before_ = counters_.bytes;
    sent_before_ = counters_.bytes_sent;
    began_ = clock_.steady_now();
}

void Progress::prediction(double seconds, std::uint64_t bytes) {
    if (!err_takes_more()) return;
    if (mode_ == ProgressMode::kJson)
        console_.err(line_of({{"type", "prediction"}, {"final_seconds", seconds}, {"final_bytes", bytes}}));
    if (mode_ == ProgressMode::kBar)
        console_.err("\r\x1b[K" + shown_bytes(bytes) + " changed during the last pass; a final one would take about " +
                     human_elapsed(seconds) + "\n");
}

void Progress::close() {
    ticking_.reset();
    if (bar_shown_ && err_takes_more()) console_.err("\r\x1b[K");
    bar_shown_ = false;
}

void Progress::show() {
    const std::lock_guard lock(mutex_);
    if (name_.empty() || !err_takes_more()) return;
    const double seconds = seconds_between(began_, clock_.steady_now());
    if (mode_ == ProgressMode::kJson) show_json(seconds);
    if (mode_ == ProgressMode::kBar) show_bar(seconds);
}

void Progress::show_json(double seconds) {
    const std::uint64_t bytes = counters_.bytes - bytes_before_;
    const double rate = seconds > 0 ? static_cast<double>(bytes) / seconds : 0;
    Json json{{"type", "progress"}, {"phase", name_},
              {"pass", pass_},      {"entries", counters_.entries - entries_before_},
              {"bytes", bytes},     {"bytes_sent", counters_.bytes_sent - sent_before_},
              {"seconds", seconds}, {"bytes_per_second", rate_of(bytes, seconds)}};
    if (entries_ != 0) {
        json["entries_total"] = entries_;
        json["bytes_total"] = bytes_;
        if (rate > 0) json["remaining_seconds"] = static_cast<double>(bytes_ > bytes ? bytes_ - bytes : 0) / rate;
    }
    console_.err(line_of(json));
}

void Progress::show_bar(double seconds) {
    const std::uint64_t bytes = counters_.bytes - bytes_before_;
    std::string text = name_ + " " + shown_bytes(bytes);
    if (bytes_ != 0) {
        const double share = std::min(1.0, static_cast<double>(bytes) / static_cast<double>(bytes_));
        const auto full = static_cast<std::size_t>(share * 30);
        text += " of " + shown_bytes(bytes_) + " [" + std::string(full, '#') + std::string(30 - full, '.') + "]";
    }
    if (seconds > 0) text += " " + shown_bytes(rate_of(bytes, seconds)) + "/s";
    const auto columns = static_cast<std::size_t>(std::max(20, console_.err_columns() - 1));
    console_.err("\r\x1b[K" + text.substr(0, columns));
    bar_shown_ = true;
}

std::string outcome_text(const Outcome& outcome) {
    std::string text;
    if (outcome.index)
        text += std::to_string(outcome.index->entries) + " entries, " + shown_bytes(outcome.index->bytes) + "; " +
                shown_bytes(outcome.bytes_sent) + " written in " + human_elapsed(outcome.seconds) + "\n";
    if (outcome.verdict)
        text += "read back " + shown_bytes(outcome.verdict->bytes) + " from the target's disk: " +
                (outcome.verdict->differences == 0 ? "as expected"
                                                   : std::to_string(outcome.verdict->differences) + " differences") +
                "\n";
    else if (outcome.index)
        text += "not read back\n";
    if (outcome.index) text += "sha256:" + hex(outcome.index->root) + "\n";
    return text;
}

std::string outcome_json(const Outcome& outcome, const Error* error) {
    Json json{{"type", "result"}, {"command", outcome.command}, {"seconds", outcome.seconds}};
    if (outcome.index) {
        json["entries"] = outcome.index->entries;
        json["bytes"] = outcome.index->bytes;
        json["root"] = "sha256:" + hex(outcome.index->root);
        json["changed"] = outcome.changed;
        json["bytes_sent"] = outcome.bytes_sent;
        json["passes"] = outcome.passes;
        json["final"] = outcome.final;
    }
    if (outcome.wire_bytes) json["wire_bytes"] = *outcome.wire_bytes;
    json["verified"] = outcome.verdict && outcome.verdict->differences == 0;
    if (outcome.verdict) json["bytes_read_back"] = outcome.verdict->bytes;
    if (outcome.verdict) json["differences"] = outcome.verdict->named;
    if (outcome.predicted_seconds) json["predicted_final_seconds"] = *outcome.predicted_seconds;
    if (error != nullptr) json["error"] = {{"kind", kind_name(error->kind)}, {"message", error->message}};
    return line_of(json);
}

int exit_code_of(const Error& error, bool started, const Signals& signals) {
    switch (error.kind) {
        case ErrorKind::kUsage:
            return 2;
        case ErrorKind::kRefused:
            return 3;
        case ErrorKind::kLocked:
        case ErrorKind::kConflict:
            return 4;
        case ErrorKind::kMismatch:
            return 6;
        case ErrorKind::kForbidden:
        case ErrorKind::kUnauthorized:
        case ErrorKind::kConnect:
            return 7;
        case ErrorKind::kInterrupted:
            return signals.last() != 0 ? 128 + signals.last() : 5;
        case ErrorKind::kFailed:
        case ErrorKind::kNotFound:
        case ErrorKind::kInvalid:
            return started ? 5 : 1;
        default:
            return 5;
    }
}

Error refusal(const std::vector<std::string>& problems, std::uint64_t count) {
    std::string message = "the copy would not be the same; nothing was changed:";
    for (const std::string& problem : problems) message += "\n  " + problem;
    if (count > problems.size()) message += "\n  and " + std::to_string(count - problems.size()) + " more";
    return {ErrorKind::kRefused, message, "", 0, ""};
}

Error mismatch(const Verdict& verdict) {
    std::string message =
        std::to_string(verdict.differences) + (verdict.differences == 1 ? " difference:" : " differences:");
    for (const std::string& one : verdict.named) message += "\n  " + one;
    if (verdict.differences > verdict.named.size())
        message += "\n  and " + std::to_string(verdict.differences - verdict.named.size()) + " more";
    return {ErrorKind::kMismatch, message, "", 0, ""};
}

}  // namespace holdfast::mover
