// Progress on stderr: what is being waited for and for how long; never results. Modes: auto (a live line on a terminal,
// plain lines else), bar, plain, json (one object a line with "type"), none.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace holdfast {
class Clock;
class Console;
}  // namespace holdfast

namespace holdfast::view {

class Progress {
  public:
    virtual ~Progress() = default;
    virtual void step_started(const std::string& id, const std::string& title) = 0;
    // detail: "3 of 5 ready; vs/bookstore/x-1: waiting for the driver". Called often; drawn at most ten times a second,
    // plain lines only when the text changes, at most every 2 s.
    virtual void step_waits(const std::string& id, const std::string& detail) = 0;
    virtual void step_done(const std::string& id, const std::string& title, double seconds) = 0;
    virtual void step_failed(const std::string& id, const std::string& title, const std::string& message) = 0;
    // No failure: the next round looks again, or it was only good to have. `message` says which.
    virtual void step_left(const std::string& id, const std::string& title, const std::string& message) = 0;
    virtual void message(const std::string& text) = 0;  // a line of its own
    virtual void close() = 0;                           // clears a live line
};

// kUsage-checked mode names: auto bar plain json none.
std::unique_ptr<Progress> make_progress(const std::string& mode, Console& console, Clock& clock);

}  // namespace holdfast::view
