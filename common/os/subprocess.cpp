#include "common/os/subprocess.h"

#include "common/core/text.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cerrno>
#include <csignal>
#include <cstring>

#include <algorithm>
#include <array>

namespace holdfast {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kGrace{2000};
constexpr std::size_t kErrorTail = std::size_t{64} << 10;

void close_if(int& descriptor) {
    if (descriptor >= 0) ::close(descriptor);
    descriptor = -1;
}

struct Pipe {
    int read = -1, write = -1;
    bool open() {
        int ends[2];
        if (pipe2(ends, O_CLOEXEC) != 0) return false;
        read = ends[0];
        write = ends[1];
        return true;
    }
    Pipe() = default;
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    ~Pipe() {
        close_if(read);
        close_if(write);
    }
};

Error system_error(const std::string& what) {
    return {ErrorKind::kInternal, what + ": " + std::strerror(errno), "", 0, ""};
}

std::string find_program(const std::string& name) {
    if (name.find('/') != std::string::npos) return name;
    const char* path = ::getenv("PATH");
    const auto hits = find_in_path(name, path == nullptr ? "" : path);
    return hits.empty() ? "" : hits.front();
}

// Everything that the child needs is made before fork: after it only async-signal-safe calls are allowed.
struct Prepared {
    std::string program;
    std::vector<std::string> words, variables;
    std::vector<char*> argv, envp;
};

Result<Prepared> prepare(const Command& command) {
    Prepared prepared;
    prepared.program = find_program(command.argv.at(0));
    if (prepared.program.empty() || ::access(prepared.program.c_str(), X_OK) != 0) {
        return Error{ErrorKind::kNotFound,
                     "no program " + escape_line(command.argv[0]) +
                         " can be run: " + (prepared.program.empty() ? "it is not in PATH" : std::strerror(errno)),
                     "", 0, ""};
    }
    prepared.words = command.argv;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string_view text = *entry;
        if (!command.environment.contains(std::string(text.substr(0, text.find('=')))))
            prepared.variables.emplace_back(text);
    }
    for (const auto& [name, value] : command.environment) prepared.variables.push_back(name + "=" + value);
    for (std::string& word : prepared.words) prepared.argv.push_back(word.data());
    for (std::string& variable : prepared.variables) prepared.envp.push_back(variable.data());
    prepared.argv.push_back(nullptr);
    prepared.envp.push_back(nullptr);
    return prepared;
}

class Process : public Child {
  public:
    ~Process() override {
        if (pid_ > 0) stop();
    }

    Status start(const Command& command);
    Result<std::optional<std::string>> read_line(milliseconds timeout) override;
    bool running() override { return !reap(WNOHANG); }
    Status close_input() override {
        close_if(in_.write);
        return {};
    }
    Status write_input(std::string_view text) override;
    std::string error_output() override;
    Result<int> wait(milliseconds timeout) override;
    void terminate() override {
        if (pid_ > 0 && !reaped_) ::kill(-pid_, SIGTERM);
    }

    // Moves what can be moved within `timeout`; false once both outputs have ended.
    bool pump(milliseconds timeout);
    void stop();
    bool reap(int flags);
    int exit_code() const { return WIFSIGNALED(status_) ? 128 + WTERMSIG(status_) : WEXITSTATUS(status_); }

    std::string out, err, input;
    std::size_t limit = 0;
    bool overflow = false;
    bool keep_all_errors = false;

  private:
    void take(int& descriptor, std::string& into);
    void give();

    pid_t pid_ = -1;
    int status_ = 0;
    bool reaped_ = false;
    Pipe in_, out_, err_;
};

Status Process::start(const Command& command) {
    TRY_ASSIGN(Prepared prepared, prepare(command));
    if (!in_.open() || !out_.open() || !err_.open()) return system_error("pipe");
    limit = command.output_limit;
    input = command.input.value_or("");
    const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    const pid_t parent = getpid();
    pid_ = fork();
    if (pid_ < 0) {
        if (null >= 0) ::close(null);
        return system_error("fork");
    }
    if (pid_ == 0) {
        // A group of its own: the terminal's Ctrl-C comes to us, and we decide what the child does.
        if (!command.inherit_stdin) setpgid(0, 0);
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() != parent) _exit(127);
        for (int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) ::signal(signal, SIG_DFL);
        sigset_t none;  // a background thread has them blocked, and the mask outlives exec
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, nullptr);
        if (!command.inherit_stdin) dup2(in_.read, STDIN_FILENO);
        dup2(out_.write, STDOUT_FILENO);
        if (!command.inherit_stderr) dup2(err_.write, STDERR_FILENO);
        execve(prepared.program.c_str(), prepared.argv.data(), prepared.envp.data());
        _exit(127);
    }
    if (!command.inherit_stdin) setpgid(pid_, pid_);
    if (null >= 0) ::close(null);
    close_if(in_.read);
    close_if(out_.write);
    close_if(err_.write);
    fcntl(in_.write, F_SETFL, O_NONBLOCK);
    return {};
}

void Process::take(int& descriptor, std::string& into) {
    char buffer[65536];
    const ssize_t got = ::read(descriptor, buffer, sizeof buffer);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (got <= 0) {
        close_if(descriptor);
        return;
    }
    into.append(buffer, static_cast<std::size_t>(got));
}

void Process::give() {
    const ssize_t put = ::write(in_.write, input.data(), input.size());
    if (put < 0 && errno != EINTR && errno != EAGAIN) {
        input.clear();  // the child does not read: what it then says is the error
        close_if(in_.write);
    } else if (put > 0) {
        input.erase(0, static_cast<std::size_t>(put));
    }
}

bool Process::pump(milliseconds timeout) {
    std::array<pollfd, 3> polls = {
        {{out_.read, POLLIN, 0}, {err_.read, POLLIN, 0}, {input.empty() ? -1 : in_.write, POLLOUT, 0}}};
    if (out_.read < 0 && err_.read < 0) return false;
    const int ready = ::poll(polls.data(), polls.size(), static_cast<int>(std::max<long long>(0, timeout.count())));
    if (ready <= 0) return true;
    if (polls[0].revents != 0) take(out_.read, out);
    if (polls[1].revents != 0) take(err_.read, err);
    if (polls[2].revents != 0) give();
    if (out.size() > limit || (keep_all_errors && err.size() > limit)) overflow = true;
    if (!keep_all_errors && err.size() > kErrorTail) err.erase(0, err.size() - kErrorTail);
    return out_.read >= 0 || err_.read >= 0;
}

bool Process::reap(int flags) {
    if (reaped_) return true;
    const pid_t got = ::waitpid(pid_, &status_, flags);
    reaped_ = got == pid_ || (got < 0 && errno == ECHILD);
    return reaped_;
}

void Process::stop() {
    close_if(in_.write);
    if (reap(WNOHANG)) return;
    ::kill(-pid_, SIGTERM);
    ::kill(pid_, SIGTERM);
    const auto end = steady_clock::now() + kGrace;
    while (!reap(WNOHANG)) {
        if (steady_clock::now() > end) {
            ::kill(-pid_, SIGKILL);
            ::kill(pid_, SIGKILL);
            while (!reap(0)) {
            }
            return;
        }
        ::poll(nullptr, 0, 5);
    }
}

Result<std::optional<std::string>> Process::read_line(milliseconds timeout) {
    const auto end = steady_clock::now() + timeout;
    while (true) {
        const std::size_t newline = out.find('\n');
        if (newline != std::string::npos) {
            std::string line = out.substr(0, newline);
            out.erase(0, newline + 1);
            return std::optional(std::move(line));
        }
        if (out_.read < 0) {
            if (out.empty()) return std::optional<std::string>();
            std::string line = std::move(out);
            out.clear();
            return std::optional(std::move(line));
        }
        const auto left = std::chrono::duration_cast<milliseconds>(end - steady_clock::now());
        if (left.count() <= 0)
            return Error{ErrorKind::kTimeout,
                         "no output in " + human_elapsed(static_cast<double>(timeout.count()) / 1000), "", 0, ""};
        pump(std::min(left, milliseconds(200)));
        if (overflow) return Error{ErrorKind::kProtocol, "a line of output is over the limit", "", 0, ""};
    }
}

Status Process::write_input(std::string_view text) {
    input += text;
    const auto end = steady_clock::now() + kGrace;
    while (!input.empty() && in_.write >= 0) {
        if (steady_clock::now() > end)
            return Error{ErrorKind::kTimeout, "the child does not read its input", "", 0, ""};
        pollfd one{in_.write, POLLOUT, 0};
        if (::poll(&one, 1, 100) > 0) give();
    }
    return {};
}

std::string Process::error_output() {
    pump(milliseconds(0));
    return err;
}

Result<int> Process::wait(milliseconds timeout) {
    const auto end = steady_clock::now() + timeout;
    while (!reap(WNOHANG)) {
        const auto left = std::chrono::duration_cast<milliseconds>(end - steady_clock::now());
        if (left.count() <= 0) return Error{ErrorKind::kTimeout, "the child still runs", "", 0, ""};
        if (!pump(std::min(left, milliseconds(20)))) ::poll(nullptr, 0, 5);
    }
    while (pump(milliseconds(0)) && (out_.read >= 0 || err_.read >= 0)) {
        pollfd rest[2] = {{out_.read, POLLIN, 0}, {err_.read, POLLIN, 0}};
        if (::poll(rest, 2, 0) <= 0) break;
    }
    return exit_code();
}

}  // namespace

Result<CommandOutput> run_command(const Command& command, const Signals* signals) {
    Process process;
    process.keep_all_errors = true;
    TRY(process.start(command));
    if (process.input.empty()) (void)process.close_input();
    const auto end = steady_clock::now() + command.timeout;
    const std::string name = escape_line(command.argv[0]);
    bool open = true;
    while (open) {
        const auto left = std::chrono::duration_cast<milliseconds>(end - steady_clock::now());
        if (left.count() <= 0) {
            return Error{
                ErrorKind::kTimeout,
                name + " did not end within " + human_elapsed(static_cast<double>(command.timeout.count()) / 1000), "",
                0, ""};
        }
        if (signals != nullptr && signals->count() >= 2)
            return Error{ErrorKind::kInterrupted, name + ": interrupted", "", 0, ""};
        open = process.pump(std::min(left, milliseconds(100)));
        if (open && process.input.empty()) (void)process.close_input();
        if (process.overflow)
            return Error{ErrorKind::kProtocol,
                         name + " printed more than " + human_bytes(static_cast<long long>(command.output_limit)), "",
                         0, ""};
        if (open && !process.running()) open = false;
    }
    const auto left = std::max(milliseconds(0), std::chrono::duration_cast<milliseconds>(end - steady_clock::now()));
    auto code = process.wait(left);
    if (!code.ok()) return code.error().with_context(name);
    return CommandOutput{*code, std::move(process.out), std::move(process.err)};
}

Result<std::unique_ptr<Child>> start_command(const Command& command) {
    auto process = std::make_unique<Process>();
    TRY(process->start(command));
    return std::unique_ptr<Child>(std::move(process));
}

std::vector<std::string> find_in_path(const std::string& name, const std::string& path_variable) {
    std::vector<std::string> hits;
    for (const std::string& directory : split(path_variable, ':')) {
        const std::string candidate = (directory.empty() ? "." : directory) + "/" + name;
        if (::access(candidate.c_str(), X_OK) == 0 && std::find(hits.begin(), hits.end(), candidate) == hits.end())
            hits.push_back(candidate);
    }
    return hits;
}

}  // namespace holdfast
