#include "common/os/console.h"

#include "common/os/signal_count.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <cerrno>
#include <cstdio>

namespace holdfast {
namespace {

constexpr std::size_t kBuffer = 64 * 1024;

bool write_all(int descriptor, std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(descriptor, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

}  // namespace

void protect_standard_streams() {
    for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; descriptor++) {
        if (fcntl(descriptor, F_GETFD) == -1 && errno == EBADF)
            open("/dev/null", O_RDONLY);  // the lowest free one: this
    }
}

ProcessConsole::~ProcessConsole() { flush(); }

void ProcessConsole::out(std::string_view text) {
    buffer_ += text;
    if (buffer_.size() >= kBuffer) flush();
}

// stdout is flushed first so that the order on a terminal is the order of the calls.
void ProcessConsole::err(std::string_view text) {
    flush();
    write_all(STDERR_FILENO, text);
}

bool ProcessConsole::flush() {
    if (!broken_ && !buffer_.empty() && !write_all(STDOUT_FILENO, buffer_)) {
        broken_ = true;
        closed_ = errno == EPIPE || errno == EBADF;
    }
    buffer_.clear();
    return !broken_;
}

bool ProcessConsole::in_is_terminal() const { return isatty(STDIN_FILENO) == 1; }
bool ProcessConsole::out_is_terminal() const { return isatty(STDOUT_FILENO) == 1; }
bool ProcessConsole::err_is_terminal() const { return isatty(STDERR_FILENO) == 1; }

int ProcessConsole::err_columns() const {
    winsize size{};
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

std::optional<std::string> ProcessConsole::read_line() {
    flush();
    std::string line;
    char c = 0;
    while (true) {
        // A signal between the question and the read would be lost if only read were interrupted: poll, and look.
        pollfd input{STDIN_FILENO, POLLIN, 0};
        if (signals_received() > 0) return std::nullopt;
        if (poll(&input, 1, 100) <= 0) continue;
        const ssize_t got = ::read(STDIN_FILENO, &c, 1);
        if (got < 0) return std::nullopt;  // EINTR too: a signal is an answer
        if (got == 0) return line.empty() ? std::nullopt : std::optional(line);
        if (c == '\n') return line;
        if (line.size() < 4096) line += c;
    }
}

}  // namespace holdfast
