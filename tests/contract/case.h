// The registry of the contract: what Holdfast relies on of Kubernetes, a case each. Every case runs against the
// simulator and against a real cluster; both must pass it.
//
//   CONTRACT("versions", "a write with an old resourceVersion is refused") {
//       const Json map = s.make(config_map(s, "one"));
//       ...
//       SAME(uid_of(a), uid_of(b));
//   }
#pragma once

#include <string>
#include <vector>

namespace holdfast::contract {

class Stage;

struct Case {
    std::string group;  // the file's concept
    std::string name;   // what must hold, as a sentence
    void (*body)(Stage& s);
    std::string id() const { return group + ": " + name; }
};

// In the order of the files' names and of the lines in them.
const std::vector<Case>& all_cases();

struct Registration {
    Registration(const char* group, const char* name, void (*body)(Stage&), const char* file, int line);
};

}  // namespace holdfast::contract

#define CONTRACT_JOIN_(a, b) a##b
#define CONTRACT_JOIN(a, b) CONTRACT_JOIN_(a, b)
#define CONTRACT_AS_(body, group, name)                                                                  \
    static void body(Stage& s);                                                                          \
    static const Registration CONTRACT_JOIN(body, _registration)(group, name, body, __FILE__, __LINE__); \
    static void body([[maybe_unused]] Stage& s)
#define CONTRACT(group, name) CONTRACT_AS_(CONTRACT_JOIN(contract_case_, __COUNTER__), group, name)
