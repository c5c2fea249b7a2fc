// SIGINT, SIGTERM and SIGHUP counted, never acted on: loops ask at their safe points. SIGPIPE is ignored.
#pragma once

#include <chrono>

namespace holdfast {

class Signals {
  public:
    virtual ~Signals() = default;
    virtual int count() const = 0;  // how many came; 2 means "at once"
    virtual int last() const = 0;   // number of the last one, 0 if none: exit code is 128 + it
    bool pending() const { return count() > 0; }
    // While true no more than one is counted: what goes on now must come to its end (safety R13).
    virtual void shield(bool) const {}
};

// Installs the handlers; at most one lives at a time. They stay when it is gone: the exit code says what was done, and
// a Ctrl-C that comes while the process ends must not put its own in that place.
class ProcessSignals : public Signals {
  public:
    ProcessSignals();
    int count() const override;
    int last() const override;
    void shield(bool on) const override { shielded_ = on; }

  private:
    mutable bool shielded_ = false;
};

// Ends the process with exit code 1 once so much time has gone by, whatever it is doing: for completion, where a shell
// waits.
void exit_after(std::chrono::milliseconds time);

}  // namespace holdfast
