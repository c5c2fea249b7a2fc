#include "tests/golden/golden.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

namespace holdfast::golden {

namespace {

std::filesystem::path path_of(const std::string& name) { return folder() / name; }

std::optional<std::string> contents(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return std::nullopt;
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

// The first line that differs: whole texts are too long to compare by eye in a test log.
std::string first_difference(const std::string& expected, const std::string& actual) {
    std::istringstream left(expected), right(actual);
    std::string a, b;
    for (int line = 1;; line++) {
        const bool more_left = static_cast<bool>(std::getline(left, a));
        const bool more_right = static_cast<bool>(std::getline(right, b));
        if (!more_left && !more_right) return "they differ in their last newline";
        if (more_left && more_right && a == b) continue;
        return "line " + std::to_string(line) + "\n  expected: " + (more_left ? a : "(end)") +
               "\n  actual:   " + (more_right ? b : "(end)");
    }
}

}  // namespace

std::filesystem::path folder() { return std::filesystem::path(HOLDFAST_SOURCE_DIR) / "tests" / "golden"; }

void check(const std::string& name, const std::string& actual) {
    const auto path = path_of(name);
    const char* update = std::getenv("HOLDFAST_UPDATE_GOLDEN");
    if (update != nullptr && std::string(update) == "1") {
        std::filesystem::create_directories(path.parent_path());
        std::ofstream(path, std::ios::binary) << actual;
        return;
    }
    const auto expected = contents(path);
    if (!expected) {
        FAIL_CHECK("tests/golden/" << name << " is missing; HOLDFAST_UPDATE_GOLDEN=1 writes it");
        return;
    }
    if (*expected == actual) return;
    FAIL_CHECK("tests/golden/" << name << " differs: " << first_difference(*expected, actual)
                               << "\n(HOLDFAST_UPDATE_GOLDEN=1 rewrites it)");
}

std::string read(const std::string& name) {
    auto text = contents(path_of(name));
    if (!text) FAIL("tests/golden/" << name << " is missing");
    return text.value_or("");
}

}  // namespace holdfast::golden
