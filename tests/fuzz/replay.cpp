// fuzz_replay FOLDER: every file of FOLDER/<target>/ through its target, without a fuzzer. A crash or a broken promise
// ends the program, naming the file that did it; the last line is the count that the test runner reads.
#include "tests/fuzz/target.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

namespace {

namespace files = std::filesystem;
using Target = void (*)(std::string_view);
constexpr std::pair<const char*, Target> kTargets[] = {{"yaml", holdfast::fuzz::yaml},
                                                       {"kubeconfig", holdfast::fuzz::kubeconfig},
                                                       {"json", holdfast::fuzz::json},
                                                       {"watch", holdfast::fuzz::watch},
                                                       {"journal", holdfast::fuzz::journal},
                                                       {"mover_frames", holdfast::fuzz::mover_frames},
                                                       {"mover_index", holdfast::fuzz::mover_index},
                                                       {"mover_journal", holdfast::fuzz::mover_journal},
                                                       {"mover_serve", holdfast::fuzz::mover_serve}};
constexpr std::chrono::seconds kLimit{5};

// True if the input was dealt with in time.
bool replay(Target target, const files::path& path) {
    std::ifstream file(path, std::ios::binary);
    const std::string content{std::istreambuf_iterator<char>(file), {}};
    const auto begin = std::chrono::steady_clock::now();
    target(content);
    return std::chrono::steady_clock::now() - begin < kLimit;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::cerr << "usage: fuzz_replay FOLDER\n";
        return 2;
    }
    int passed = 0, failed = 0;
    for (const auto& [name, target] : kTargets) {
        std::vector<files::path> inputs;
        std::error_code ignored;
        for (const auto& entry : files::directory_iterator(files::path(argv[1]) / name, ignored))
            inputs.push_back(entry.path());
        std::sort(inputs.begin(), inputs.end());
        if (inputs.empty()) {
            std::cout << "no corpus for " << name << "\n";
            ++failed;
        }
        for (const auto& input : inputs) {
            std::cout << name << " " << input.filename().string() << std::endl;  // at once: a crash must name its input
            const bool good = replay(target, input);
            if (!good) std::cout << "  took longer than " << kLimit.count() << " s\n";
            ++(good ? passed : failed);
        }
    }
    std::cout << passed << " passed, " << failed << " failed\n";
    return failed == 0 ? 0 : 1;
}
