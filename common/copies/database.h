// How PostgreSQL is started on a throwaway copy of a data directory without doing anything in the world (safety R23):
// our own configuration and access file, loopback only, nothing archived, replicated, preloaded or scheduled. Pure.
#pragma once

#include <string>
#include <vector>

namespace holdfast::copies {

inline constexpr int kDatabasePort = 5432;
inline constexpr char kScratch[] = "/holdfast";  // an emptyDir: configuration, socket; nothing of it is on the volumes

// Exit codes of the start script, before PostgreSQL itself runs. Others are PostgreSQL's own.
enum ScriptExit {
    kNoDataDirectory = 65,  // none, or two, on the restored volumes
    kOtherSystem = 67,      // pg_control names another system than was recorded
    kOtherMajor = 66,       // the data is of another major version than was recorded
    kOtherImage = 68,       // the image has another major version than the data, or no PostgreSQL at all
    kCannotRunAs = 69,      // the container's user is not the data's owner
    kNotTheDatabases = 70,  // HOLDFAST_MASKS=yes, and nothing of the database is on one of the volumes, or more than
                            // its logs is among these
};

// One setting given on the command line, where it is stronger than postgresql.conf and postgresql.auto.conf.
struct Setting {
    std::string name, value;
    int first_major = 0, last_major = 0;  // 0: no bound
};
// lasting: the copy is written to, and used by a workload afterwards.
std::vector<Setting> harmless_settings(bool lasting = false);

// The text for `sh -c` that only looks, on volumes that are mounted read-only (safety R7): is there a data directory,
// of the recorded major version, can this image's PostgreSQL run it, does pg_control name the recorded system. It takes
// the same environment, HOLDFAST_SYSTEM (may be empty) and HOLDFAST_ANY ("yes": no database at all is fine too).
std::string look_script();

// The text for `sh -c`. It takes HOLDFAST_DATA (may be empty), HOLDFAST_ROOTS (":" between) and HOLDFAST_MAJOR (may be
// empty) from the environment, HOLDFAST_MASKS too if lasting, and ends by becoming the server.
// lasting: what ALTER SYSTEM wrote stays in the copy, which can be written to; the source's server logs and statement
// statistics, which hold its data, go.
std::string start_script(bool lasting = false);
// True (exit 0) once the server accepts connections; needs no PostgreSQL client.
std::string ready_script();
// Keeps a container of any image with a shell alive for a check by exec.
std::string idle_script();

// Words that run a user's command so that its output and its exit code come back even when it fails, and what they
// printed.
std::vector<std::string> check_words(const std::string& command);
struct CheckOutput {
    int exit_code = -1;  // -1: the command was cut off
    std::string out;     // stdout without its last newlines; the end of stderr too, if it failed
};
CheckOutput parse_check(const std::string& printed);

}  // namespace holdfast::copies
