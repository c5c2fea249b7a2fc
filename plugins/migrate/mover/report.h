// What the mover says: progress while it works, one result at the end, errors with their exit code.
#pragma once

#include "common/core/result.h"
#include "common/os/background.h"
#include "common/os/clock.h"
#include "common/os/console.h"
#include "common/os/signals.h"
#include "plugins/migrate/mover/counters.h"
#include "plugins/migrate/mover/index_file.h"
#include "plugins/migrate/mover/needs.h"
#include "plugins/migrate/mover/side.h"

#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::mover {

enum class ProgressMode { kBar, kJson, kNone };

// Shows the counters once a second (docs/mover.md has the JSON lines) until it is destroyed.
class Progress {
  public:
    Progress(ProgressMode mode, Console& console, Clock& clock, const Counters& counters);
    ~Progress();
    // A new phase: "scan", "copy", "verify", ... ; the counters begin at what they are now. Totals 0: not known.
    void phase(const std::string& name, int pass, std::uint64_t entries, std::uint64_t bytes);
    // After a pass of a live copy: what the last one, with the workload stopped, will take.
    void prediction(double seconds, std::uint64_t bytes);
    void close();

  private:
    void show();
    void show_json(double seconds);
    void show_bar(double seconds);

    const ProgressMode mode_;
    Console& console_;
    Clock& clock_;
    const Counters& counters_;
    std::mutex mutex_;
    std::string name_;
    int pass_ = 0;
    std::uint64_t entries_ = 0, bytes_ = 0;
    std::uint64_t entries_before_ = 0, bytes_before_ = 0, sent_before_ = 0;
    std::chrono::steady_clock::time_point began_;
    bool bar_shown_ = false;
    std::optional<Background> ticking_;
};

// What a command did, for -o json (one object) and for people (a line or a few).
struct Outcome {
    std::string command;
    std::optional<IndexEnd> index;
    std::optional<Verdict> verdict;
    std::uint64_t changed = 0;
    std::uint64_t bytes_sent = 0;
    std::optional<std::uint64_t> wire_bytes;  // of a connection
    double seconds = 0;
    int passes = 0;
    bool final = false;  // the source did not change while it was copied
    std::optional<double> predicted_seconds;
};
std::string outcome_text(const Outcome& outcome);
// With the error that ended it, if one did.
std::string outcome_json(const Outcome& outcome, const Error* error);

// commands.md's codes: see docs/mover.md. `started`: something of the target may have been changed.
int exit_code_of(const Error& error, bool started, const Signals& signals);

// What the scan found that cannot be kept, as the error with which a copy is refused.
Error refusal(const std::vector<std::string>& problems, std::uint64_t count);
// A verdict with differences as the error that names them.
Error mismatch(const Verdict& verdict);

}  // namespace holdfast::mover
