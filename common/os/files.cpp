#include "common/os/files.h"

#include "common/core/text.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>

namespace holdfast {
namespace {

class Descriptor {
  public:
    explicit Descriptor(int value) : value_(value) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (value_ >= 0) ::close(value_);
    }
    int get() const { return value_; }

  private:
    int value_;
};

Error io_error(const std::string& path, int code) {
    const ErrorKind kind = code == ENOENT || code == ENOTDIR ? ErrorKind::kNotFound
                           : code == EACCES || code == EPERM ? ErrorKind::kForbidden
                                                             : ErrorKind::kInvalid;
    return {kind, escape_line(path) + ": " + std::strerror(code), "", 0, ""};
}

// What temp_directory_path() looked at; it does not say so when that is no folder.
std::string temporary_folder() {
    for (const char* const name : {"TMPDIR", "TMP", "TEMP", "TEMPDIR"})
        if (const char* const given = std::getenv(name)) return given;
    return "/tmp";
}

constexpr int kPipePatienceMs = 10'000;

Status wait_for_pipe(int descriptor, const std::string& path) {
    struct pollfd question {
        descriptor, POLLIN, 0
    };
    int ready = 0;
    while ((ready = ::poll(&question, 1, kPipePatienceMs)) < 0 && errno == EINTR) {
    }
    if (ready > 0) return {};
    return Error{ErrorKind::kTimeout, escape_line(path) + ": nothing was written to this pipe for 10 seconds", "", 0,
                 ""};
}

Result<std::string> content_of(const std::string& path, std::size_t limit, bool pipes) {
    // O_NONBLOCK: opening a FIFO must not wait for a writer that never comes.
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (file.get() < 0) return io_error(path, errno);
    struct stat info {};
    if (fstat(file.get(), &info) != 0) return io_error(path, errno);
    const bool pipe = pipes && S_ISFIFO(info.st_mode);
    if (!S_ISREG(info.st_mode) && !pipe)
        return Error{ErrorKind::kInvalid, escape_line(path) + ": not a regular file", "", 0, ""};
    std::string content;
    char buffer[65536];
    while (true) {
        if (pipe) TRY(wait_for_pipe(file.get(), path));
        const ssize_t got = ::read(file.get(), buffer, sizeof buffer);
        if (got < 0 && (errno == EINTR || (pipe && errno == EAGAIN))) continue;
        if (got < 0) return io_error(path, errno);
        if (got == 0) return content;
        content.append(buffer, static_cast<std::size_t>(got));
        if (content.size() > limit) {
            return Error{ErrorKind::kInvalid,
                         escape_line(path) + ": larger than the limit of " + human_bytes(static_cast<long long>(limit)),
                         "", 0, ""};
        }
    }
}

}  // namespace

Result<std::string> read_file(const std::string& path, std::size_t limit) { return content_of(path, limit, false); }
Result<std::string> read_file_or_pipe(const std::string& path, std::size_t limit) {
    return content_of(path, limit, true);
}

bool is_pipe(const std::string& path) {
    struct stat info {};
    return ::stat(path.c_str(), &info) == 0 && S_ISFIFO(info.st_mode);
}

bool is_special(const std::string& path) {
    struct stat info {};
    return ::stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode);
}

namespace {

// 0, or what went wrong.
int write_whole(int file, std::string_view content) {
    while (!content.empty()) {
        const ssize_t written = ::write(file, content.data(), content.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return errno;
        content.remove_prefix(static_cast<std::size_t>(written));
    }
    return 0;
}

// A new file under the name of a device would take the machine's device away.
Status write_into(const std::string& path, std::string_view content) {
    const Descriptor file(::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
    if (file.get() < 0) return io_error(path, errno);
    const int failed = write_whole(file.get(), content);
    return failed == 0 ? Status() : Status(io_error(path, failed));
}

}  // namespace

Status write_file_atomic(const std::string& path, std::string_view content) {
    if (is_special(path)) return write_into(path, content);
    std::error_code unknown;
    const std::string target = std::filesystem::weakly_canonical(path, unknown).string();
    if (unknown) return io_error(path, unknown.value());
    std::string temporary = target + ".XXXXXX";
    const Descriptor file(mkostemp(temporary.data(), O_CLOEXEC));  // mode 0600
    if (file.get() < 0) return io_error(path, errno);
    auto give_up = [&](int code) {
        ::unlink(temporary.c_str());
        return io_error(path, code);
    };
    if (const int failed = write_whole(file.get(), content); failed != 0) return give_up(failed);
    // Content before name: after a power loss the name must not point to an empty file.
    if (fsync(file.get()) != 0) return give_up(errno);
    if (::rename(temporary.c_str(), target.c_str()) != 0) return give_up(errno);
    return {};
}

Status make_private_folder(const std::string& path) {
    std::error_code failed;
    const bool made = std::filesystem::create_directories(path, failed);
    if (made) std::filesystem::permissions(path, std::filesystem::perms::owner_all, failed);
    if (!failed) return {};
    return Error{ErrorKind::kFailed, path + ": cannot be made: " + failed.message(), "", 0, ""};
}

void remove_file(const std::string& path) {
    std::error_code ignored;
    std::filesystem::remove(path, ignored);
}

bool file_exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

std::string resolve_path(const std::string& path, const std::string& directory) {
    return (std::filesystem::path(directory) / path).lexically_normal().string();
}

Result<TemporaryDirectory> TemporaryDirectory::create() {
    std::error_code failed;
    const std::string folder = std::filesystem::temp_directory_path(failed).string();
    if (failed) return io_error(temporary_folder(), failed.value());
    std::string path = folder + "/holdfast-XXXXXX";
    if (mkdtemp(path.data()) == nullptr) return io_error(folder, errno);
    return TemporaryDirectory(path);
}

TemporaryDirectory::TemporaryDirectory(TemporaryDirectory&& other) noexcept : path_(std::move(other.path_)) {
    other.path_.clear();
}

TemporaryDirectory::~TemporaryDirectory() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

Result<MemoryFile> MemoryFile::create(std::string_view content) {
    MemoryFile file(memfd_create("holdfast", MFD_CLOEXEC));
    if (file.descriptor_ < 0) return io_error("memory file", errno);
    for (std::size_t done = 0; done < content.size();) {
        const ssize_t put = ::write(file.descriptor_, content.data() + done, content.size() - done);
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) return io_error("memory file", errno);
        done += static_cast<std::size_t>(put);
    }
    return file;
}

MemoryFile::MemoryFile(MemoryFile&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

MemoryFile::~MemoryFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

std::string MemoryFile::path() const {
    return "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(descriptor_);
}

}  // namespace holdfast
