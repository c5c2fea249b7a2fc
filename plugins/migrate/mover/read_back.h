// Workers of a check: files opened, their metadata and content compared.
#pragma once

#include "plugins/migrate/mover/counters.h"
#include "plugins/migrate/mover/run_check.h"
#include "plugins/migrate/mover/side.h"
#include "plugins/migrate/mover/tree.h"

#include <memory>
#include <mutex>
#include <string>
#include <variant>
#include <vector>

namespace holdfast::mover {

// What is wrong, counted and the first few named. Thread-safe.
class Findings {
  public:
    explicit Findings(const Tree& tree) : tree_(tree) {}
    void add(const std::string& path, const std::string& what);
    void add_bytes(std::uint64_t bytes);
    Verdict verdict();

  private:
    const Tree& tree_;
    std::mutex mutex_;
    Verdict verdict_;
};

struct FilesCheck {
    std::string directory;
    std::vector<Entry> files;
};
using ReadBackUnit = std::variant<FilesCheck, RunCheck>;

class ReadBack {
  public:
    ReadBack(const Tree& tree, Findings& findings, Counters& counters, bool from_disk);
    Status run(const ReadBackUnit& unit);

  private:
    struct Free {
        void operator()(char* memory) const;
    };
    Status files(const FilesCheck& unit);
    Status file(int directory, const Entry& entry, int opened);
    Status blocks(const RunCheck& unit);
    Status stretch(const RunCheck& unit, int file, std::uint64_t at, std::size_t length);
    Status hole(const RunCheck& unit, int file, std::uint64_t begin, std::uint64_t end);
    Result<std::size_t> read(int file, std::size_t length, std::uint64_t offset, const std::string& shown);

    const Tree& tree_;
    Findings& findings_;
    Counters& counters_;
    const bool from_disk_;
    std::unique_ptr<char, Free> buffer_;
};

}  // namespace holdfast::mover
