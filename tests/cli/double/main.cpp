// api_double: a test double of an API server, for tests/cli. Never part of a plugin.
//   api_double --log FILE [--cert PEM --key PEM] [--script JSON] [--objects JSON]
// Without --cert it speaks plain HTTP. It prints "listening PORT" and serves until it is ended; stdin's end ends it
// too, so that it does not outlive its test.
#include "tests/cli/double/face.h"
#include "tests/cli/double/script.h"
#include "tests/cli/double/store.h"

#include <unistd.h>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <thread>

using namespace holdfast::double_;

namespace {

Json read_json(const std::string& path) {
    if (path.empty()) return Json::array();
    std::ifstream in(path);
    return Json::parse(in);
}

void end_with_stdin() {
    char buffer[64];
    while (read(0, buffer, sizeof buffer) > 0) {
    }
    std::raise(SIGTERM);
}

}  // namespace

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);
    std::map<std::string, std::string> flags;
    for (int i = 1; i + 1 < argc; i += 2) flags[argv[i]] = argv[i + 1];
    try {
        const auto store = make_store(read_json(flags["--objects"]));
        if (!store) {
            std::fprintf(stderr, "api_double: an object of --objects is of a kind that is not known\n");
            return 1;
        }
        const auto script = make_script(read_json(flags["--script"]), *store);
        std::thread(end_with_stdin).detach();
        return serve({flags["--cert"], flags["--key"], flags["--log"]}, {script.get(), store.get()});
    } catch (const std::exception& error) {
        std::fprintf(stderr, "api_double: %s\n", error.what());
        return 1;
    }
}
