#include "tests/contract/case.h"

#include <algorithm>
#include <tuple>

namespace holdfast::contract {
namespace {

struct Entry {
    std::string file;
    int line;
    Case what;
};

std::vector<Entry>& entries() {
    static std::vector<Entry> all;
    return all;
}

}  // namespace

Registration::Registration(const char* group, const char* name, void (*body)(Stage&), const char* file, int line) {
    entries().push_back({file, line, {group, name, body}});
}

const std::vector<Case>& all_cases() {
    static const std::vector<Case> cases = [] {
        auto sorted = entries();
        std::sort(sorted.begin(), sorted.end(),
                  [](const Entry& a, const Entry& b) { return std::tie(a.file, a.line) < std::tie(b.file, b.line); });
        std::vector<Case> out;
        for (Entry& entry : sorted) out.push_back(std::move(entry.what));
        return out;
    }();
    return cases;
}

}  // namespace holdfast::contract
