#include "common/os/process_identity.h"

#include "common/core/text.h"
#include "common/os/files.h"

#include <unistd.h>
#include <filesystem>

namespace holdfast {
namespace {

std::string boot_id() {
    const auto text = read_file("/proc/sys/kernel/random/boot_id", 4096);
    return text.ok() ? std::string(trim(*text)) : "";
}

std::string pid_namespace() {
    std::error_code failed;
    const std::string link = std::filesystem::read_symlink("/proc/self/ns/pid", failed).string();
    return failed ? "" : link;
}

// Field 22 of /proc/PID/stat: a reused pid has another one. "" : no such process.
std::string start_time(const std::string& pid) {
    const auto stat = read_file("/proc/" + pid + "/stat", 4096);
    if (!stat.ok()) return "";
    const std::size_t after_name = stat->rfind(") ");
    if (after_name == std::string::npos) return "";
    const auto fields = split(stat->substr(after_name + 2), ' ');
    const bool zombie = !fields.empty() && (fields[0] == "Z" || fields[0] == "X");
    return fields.size() > 19 && !zombie ? fields[19] : "";
}

}  // namespace

std::string process_identity() { return process_identity_of(getpid()); }

std::string process_identity_of(int number) {
    const std::string pid = std::to_string(number);
    const std::string boot = boot_id(), space = pid_namespace(), start = start_time(pid);
    if (boot.empty() || space.empty() || start.empty()) return "";
    return boot + "/" + space + "/" + pid + "/" + start;
}

std::string host_name() {
    const auto text = read_file("/proc/sys/kernel/hostname", 4096);
    return text.ok() ? std::string(trim(*text)) : "";
}

OwnerState owner_state(const std::string& identity) {
    const auto parts = split(identity, '/');
    if (parts.size() != 4 || parts[0] != boot_id() || parts[1] != pid_namespace()) return OwnerState::kElsewhere;
    if (identity == process_identity()) return OwnerState::kSelf;
    return start_time(parts[2]) == parts[3] ? OwnerState::kAlive : OwnerState::kDead;
}

}  // namespace holdfast
