// Expected output kept in files under tests/golden. HOLDFAST_UPDATE_GOLDEN=1 ./unit_tests rewrites them; reviews read
// the diff.
#pragma once

#include <filesystem>
#include <string>

namespace holdfast::golden {

// tests/golden itself.
std::filesystem::path folder();
// Fails the running test case unless tests/golden/NAME holds exactly `actual`. NAME may have folders: "help/snap.txt".
void check(const std::string& name, const std::string& actual);
// The file as it is, for facts that tests start from. Fails the test case if it is missing.
std::string read(const std::string& name);

}  // namespace holdfast::golden
