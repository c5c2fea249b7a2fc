// Child processes: kubectl for exec and port-forward, and credential plugins. No shell is ever involved.
#pragma once

#include "common/core/result.h"
#include "common/os/signals.h"

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace holdfast {

struct Command {
    std::vector<std::string> argv;                   // argv[0] is looked up in PATH if it has no slash
    std::map<std::string, std::string> environment;  // added to ours
    std::optional<std::string> input;                // written to stdin; nullopt: /dev/null
    bool inherit_stdin = false;                      // the terminal's, for interactive credential plugins
    bool inherit_stderr = false;
    std::chrono::milliseconds timeout{30000};          // then SIGTERM, 2 s later SIGKILL
    std::size_t output_limit = std::size_t{16} << 20;  // bytes of stdout, likewise of stderr; over it: kProtocol
};

struct CommandOutput {
    int exit_code = 0;  // 128 + n if ended by signal n
    std::string out;
    std::string err;
};

// Runs to its end. kNotFound: no such program; kTimeout; kProtocol: too much output; kInterrupted: a signal came twice.
// The child is in a process group of its own, so that Ctrl-C reaches us first, and dies with us (PR_SET_PDEATHSIG).
Result<CommandOutput> run_command(const Command& command, const Signals* signals = nullptr);

// A child that goes on while we work. Destructor: SIGTERM, after 2 s SIGKILL, then reaps.
class Child {
  public:
    virtual ~Child() = default;
    // The next line of stdout, without its end; nullopt: end of output. kTimeout after `timeout`.
    virtual Result<std::optional<std::string>> read_line(std::chrono::milliseconds timeout) = 0;
    virtual bool running() = 0;
    virtual Status close_input() = 0;
    virtual Status write_input(std::string_view text) = 0;
    virtual std::string error_output() = 0;                           // what came on stderr until now, the last 64 KiB
    virtual Result<int> wait(std::chrono::milliseconds timeout) = 0;  // exit code
    virtual void terminate() = 0;                                     // SIGTERM to its group
};
Result<std::unique_ptr<Child>> start_command(const Command& command);

// Where a program would be found, or nullopt. Every hit of PATH in order, for the "another kubectl-snap" warning.
std::vector<std::string> find_in_path(const std::string& name, const std::string& path_variable);

}  // namespace holdfast
