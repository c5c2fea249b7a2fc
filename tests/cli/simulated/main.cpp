// sim_server: the simulated cluster of tests/sim over HTTPS, for tests/cli and by hand. Never part of a plugin.
//   sim_server [--cert PEM --key PEM] [--ca PEM] [--log FILE] [--kubeconfig FILE] [--objects JSON] [--seed N]
//              [--pace N] [--controllers MS] [--other LOG] [--other-storage-cut-later S]
// Without --cert it speaks plain HTTP. It prints "listening PORT" and "kubeconfig PATH" and serves until stdin ends;
// what may come on stdin: control.h. --pace N: storage and pods are N times as quick as tests/sim has them; 10 unless
// said. --controllers MS: so long until a controller looks at what has changed; for worlds of many objects. --other
// LOG: a second cluster on the same storage, by a face of its own that logs there; the kubeconfig has it as context
// "other". --other-storage-cut-later S: its storage is another one after all, whose snapshots of the same handles were
// cut S seconds later.
#include "tests/cli/double/face.h"
#include "tests/cli/simulated/control.h"
#include "tests/cli/simulated/engine.h"
#include "tests/cli/simulated/pods.h"
#include "tests/crash/command.h"
#include "tests/crash/world.h"

#include <unistd.h>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <future>
#include <sstream>
#include <thread>

using namespace holdfast;

namespace {

using Flags = std::map<std::string, std::string>;

void quicken(sim::Delays& delays, int pace) {
    for (auto* one :
         {&delays.controller, &delays.provision, &delays.cut, &delays.ready, &delays.pod_start, &delays.pod_stop})
        *one = std::max(*one / pace, std::chrono::milliseconds(5));
}

// Objects that are there from the start, with uids and times of their own or new ones.
void put_objects(sim::Sim& sim, const std::string& path) {
    if (path.empty()) return;
    std::ifstream in(path);
    for (Json object : Json::parse(in)) {
        Json& metadata = object["metadata"];
        if (!metadata.contains("uid")) metadata["uid"] = sim.new_uid();
        if (!metadata.contains("creationTimestamp")) metadata["creationTimestamp"] = format_time(sim.now());
        sim.put(std::move(object));
    }
    if (!sim.settle(std::chrono::milliseconds(600000))) throw std::runtime_error("the objects do not come to rest");
}

std::string content_of(const std::string& path) {
    std::ostringstream out;
    out << std::ifstream(path).rdbuf();
    return out.str();
}

std::string base64(const std::string& text) {
    static constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    for (std::size_t at = 0; at < text.size(); at += 3) {
        unsigned bits = 0;
        for (std::size_t i = 0; i < 3; ++i)
            bits = bits << 8 | (at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0U);
        for (std::size_t i = 0; i < 4; ++i) out += at + i > text.size() ? '=' : kAlphabet[bits >> (18 - 6 * i) & 63U];
    }
    return out;
}

Json cluster_at(Flags& flags, int port) {
    Json cluster{{"server", (flags["--cert"].empty() ? "http" : "https") + ("://127.0.0.1:" + std::to_string(port))}};
    if (!flags["--ca"].empty()) cluster["certificate-authority-data"] = base64(content_of(flags["--ca"]));
    return cluster;
}

// other: the port of the second cluster; 0: there is none.
void write_kubeconfig(Flags& flags, int port, int other) {
    std::string& path = flags["--kubeconfig"];
    if (path.empty()) path = "/tmp/sim_server." + std::to_string(port) + ".kubeconfig";
    const auto context = [](const char* cluster) {
        return Json{{"cluster", cluster}, {"user", "simulated"}, {"namespace", crash::kSpace}};
    };
    Json config{{"apiVersion", "v1"},
                {"kind", "Config"},
                {"current-context", "simulated"},
                {"clusters", Json::array({{{"name", "simulated"}, {"cluster", cluster_at(flags, port)}}})},
                {"contexts", Json::array({{{"name", "simulated"}, {"context", context("simulated")}}})},
                {"users", Json::array({{{"name", "simulated"}, {"user", {{"token", "token-of-the-test"}}}}})}};
    if (other != 0) {
        config["clusters"].push_back({{"name", "other"}, {"cluster", cluster_at(flags, other)}});
        config["contexts"].push_back({{"name", "other"}, {"context", context("other")}});
    }
    std::ofstream(path) << config.dump(2) << "\n";
    double_::say("kubeconfig " + path);
}

// The face of the second cluster; gives its port.
int serve_other(const Flags& flags, double_::Engine& api) {
    std::promise<int> port;
    double_::FaceOptions options{flags.at("--cert"), flags.at("--key"), flags.at("--other")};
    options.listening = [&](int at) { port.set_value(at); };
    std::thread([options, &api] { double_::serve(options, {&api}); }).detach();
    return port.get_future().get();
}

int serve(Flags& flags) {
    const std::string seed = flags["--seed"], pace = flags["--pace"];
    sim::Sim world = crash::make_world(seed.empty() ? 4 : std::strtoull(seed.c_str(), nullptr, 10));
    put_objects(world, flags["--objects"]);
    if (!flags["--other"].empty()) crash::add_other_cluster(world);
    if (const std::string later = flags["--other-storage-cut-later"]; !later.empty())
        world.other()->cut_later = std::chrono::seconds(std::atoi(later.c_str()));
    for (sim::Sim* one : {&world, world.other()}) {
        if (one == nullptr) continue;
        quicken(one->delays, pace.empty() ? 10 : std::atoi(pace.c_str()));
        if (!flags["--controllers"].empty())
            one->delays.controller = std::chrono::milliseconds(std::atoi(flags["--controllers"].c_str()));
    }
    const bool two = world.other() != nullptr;
    simulated::Live live(std::move(world));
    const auto api = simulated::make_engine(simulated::Side(live));
    const auto there = two ? simulated::make_engine(simulated::Side(live, true)) : nullptr;
    const int other = two ? serve_other(flags, *there) : 0;
    const auto pods = simulated::make_pods(live);
    const auto script = double_::make_script(Json::array(), *api);
    simulated::Control control(live, *script);
    std::thread([&] { live.run(); }).detach();
    double_::FaceOptions options{flags["--cert"], flags["--key"], flags["--log"]};
    options.listening = [&](int port) {
        double_::say("listening " + std::to_string(port));
        write_kubeconfig(flags, port, other);
        std::thread([&] { control.run(); }).detach();
    };
    return double_::serve(options, {script.get(), pods.get(), api.get()});
}

}  // namespace

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);
    Flags flags;
    for (int i = 1; i + 1 < argc; i += 2) flags[argv[i]] = argv[i + 1];
    try {
        return serve(flags);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "sim_server: %s\n", error.what());
        return 1;
    }
}
