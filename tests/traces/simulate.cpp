#include "tests/traces/simulate.h"

#include "common/core/text.h"
#include "common/kube/objects/workload.h"
#include "common/kubeconfig/yaml.h"
#include "common/os/files.h"
#include "tests/crash/command.h"
#include "tests/sim/sim_cluster.h"
#include "tests/sim/test_cluster.h"

namespace holdfast::traces {
namespace {

using crash::kSpace;
using std::chrono::milliseconds;

constexpr sim::milliseconds kRest{600000};
constexpr char kKilled[] = " # killed when ";

// Kills the process with the request in which `what` happened, or the next one.
class KillGate : public sim::Gate {
  public:
    explicit KillGate(const bool& happened) : happened_(happened) {}
    std::optional<Error> before(const sim::Call&) override { return look(); }
    std::optional<Error> after(const sim::Call&) override { return look(); }

  private:
    std::optional<Error> look() const {
        if (happened_) throw sim::Killed{};
        return std::nullopt;
    }
    const bool& happened_;
};

Error failed(const std::string& command, const std::string& why) {
    return {ErrorKind::kFailed, command + ": " + why, "", 0, ""};
}

class Story {
  public:
    Story(std::string folder, std::uint64_t seed)
        : folder_(std::move(folder)), sim_(sim::make_test_cluster(seed)), clock_(sim_) {
        sim::put_namespace(sim_, kSpace);
        (void)sim_.settle(kRest);
        sim_.restless = true;
        draw_delays();
        sim_.on_change = [this](const sim::Sim&, const sim::Change& change) { note(change); };
    }

    Result<Trace> tell(const Trace& story) {
        for (const Phase& phase : story.phases) {
            told_.phases.push_back({phase.command, {}});
            TRY(carry_out(phase.command));
            if (!sim_.settle(kRest)) return failed(phase.command, "the cluster does not come to rest");
        }
        return std::move(told_);
    }

  private:
    // How fast the storage, the kubelet, the controllers and we are is drawn, too.
    void draw_delays() {
        sim::Delays& delays = sim_.delays;
        for (milliseconds* one : {&delays.provision, &delays.cut, &delays.pod_start, &delays.probe, &delays.pod_stop,
                                  &delays.pod_clear, &delays.controller})
            *one = milliseconds(sim_.dice.between(1, 40 * one->count()) / 20);
        delays.request = milliseconds(sim_.dice.between(0, 2) == 0 ? sim_.dice.between(1, 400) : 2);
        delays.detach = milliseconds(sim_.dice.between(1, 20000));
    }

    void note(const sim::Change& change) {
        const auto event = reducer_.reduce(change.type, *change.object);
        if (!event) return;
        told_.phases.back().events.push_back(*event);
        if (event->object + " " + event->state == kill_when_) killed_ = true;
    }

    Status carry_out(const std::string& command) {
        killed_ = false;
        const std::size_t cut = command.find(kKilled);
        kill_when_ = cut == std::string::npos ? "" : command.substr(cut + sizeof kKilled - 1);
        const std::vector<std::string> words = split(command.substr(0, cut), ' ');
        if (words.size() == 2 && words[0] == "apply") return apply(words[1]);
        if (words.size() == 4 && words[1] == "scale") return scale(command, words[2], words[3]);
        if (words.size() == 3 && words[1] == "delete") return remove(command, words[2]);
        if (words.size() > 2 && words[0] == "kubectl")
            return run(command, {words[1], {words.begin() + 2, words.end()}});
        return failed(command, "no such command");
    }

    kube::ObjectRef ref_of(const std::string& word) const {
        const auto parts = split(word, '/');
        const kube::Resource* resource = parts.size() == 2 ? kube::find_resource(parts[0]) : nullptr;
        return resource == nullptr ? kube::ObjectRef() : kube::ObjectRef{*resource, kSpace, parts[1]};
    }

    Status apply(const std::string& file) {
        TRY_ASSIGN(const std::string text, read_file(folder_ + "/" + file, std::size_t(1) << 20));
        TRY_ASSIGN(const std::vector<Json> manifests, kubeconfig::parse_yaml_documents(text));
        for (Json manifest : manifests) {
            manifest["metadata"]["namespace"] = kSpace;
            TRY(cluster().create(manifest, kube::DryRun::kNone));
        }
        return {};
    }

    Status scale(const std::string& command, const std::string& what, const std::string& flag) {
        if (!flag.starts_with("--replicas=")) return failed(command, "no --replicas=");
        const int replicas = std::atoi(flag.c_str() + flag.find('=') + 1);
        TRY(cluster().patch(ref_of(what), kube::PatchType::kMerge, {{"spec", {{"replicas", replicas}}}}, {},
                            kube::DryRun::kNone, ""));
        return {};
    }

    Status remove(const std::string&, const std::string& what) {
        return cluster().remove(ref_of(what), {}, kube::Propagation::kBackground, kube::DryRun::kNone);
    }

    Status run(const std::string& command, crash::CommandLine line) {
        for (std::string& word : line.words) {
            if (const auto id = reducer_.operation(word)) word = *id;
        }
        crash::CaseSignals signals;
        KillGate gate(killed_);
        const crash::Ending ending = crash::run_command(line, {sim_, clock_, signals}, gate, ++pid_);
        if (ending.killed != !kill_when_.empty()) return failed(command, "was not killed");
        if (!ending.killed && ending.exit_code != 0)
            return failed(command, "exit " + std::to_string(ending.exit_code) + "\n" + ending.out + ending.err);
        return {};
    }

    sim::SimCluster& cluster() {
        if (!cluster_) cluster_.emplace(sim_, gate_);
        return *cluster_;
    }

    std::string folder_;
    sim::Sim sim_;
    sim::SimClock clock_;
    bool killed_ = false;
    const bool never_ = false;
    KillGate gate_{never_};
    std::optional<sim::SimCluster> cluster_;
    Reducer reducer_;
    Trace told_;
    std::string kill_when_;
    int pid_ = 400;
};

}  // namespace

Result<Trace> simulate(const Trace& story, const std::string& folder, std::uint64_t seed) {
    return Story(folder, seed).tell(story);
}

}  // namespace holdfast::traces
