#include "tests/sim/actors.h"
#include "tests/sim/outside.h"

#include "common/kube/objects/claim.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/workload.h"

#include <array>

namespace holdfast::sim {
namespace {

// Of the volumes that the pod mounts; none if there is no such pod.
std::vector<std::string> handles_of(const Sim& sim, const std::string& space, const std::string& pod) {
    std::vector<std::string> handles;
    const ObjectPtr object = sim.store.find(kube::kPods, space, pod);
    if (!object) return handles;
    for (const auto& [volume, name] : kube::claims_of_pod_spec((*object)["spec"])) {
        const ObjectPtr claim = sim.store.find(kube::kClaims, space, name);
        if (!claim) continue;
        const ObjectPtr pv = sim.store.find(kube::kVolumes, "", claim.claim().volume);
        if (!pv) continue;
        const std::string handle = kube::text_at(*pv, "/spec/csi/volumeHandle");
        if (sim.backend().disks.contains(handle)) handles.push_back(handle);
    }
    return handles;
}

// What the first volume of the pod holds.
std::optional<Token> token_of(const Sim& sim, const std::string& space, const std::string& pod) {
    const std::vector<std::string> handles = handles_of(sim, space, pod);
    return handles.empty() ? std::nullopt : std::optional(sim.backend().disks.at(handles.front()).token);
}

// Each database made its identifier when it was first started.
std::string system_identifier(const Token& token) {
    unsigned long long sum = 7000000000000000000ULL;
    for (const char c : token.writer) sum = sum * 31 % 1000000000000000ULL + static_cast<unsigned char>(c);
    return "7" + std::to_string(100000000000000ULL + sum);
}

std::string control_data(const Token& token) {
    return "data_directory=/data/pgdata\nmajor=15\nDatabase system identifier:           " + system_identifier(token) +
           "\nLatest checkpoint's TimeLineID:       1\n";
}

Error unreachable(const std::string& pod) {
    return {ErrorKind::kUnavailable, "pod/" + pod + ": the container could not be reached", "", 0, ""};
}

// What takes the old rows out of everything that is on the disk, each after the one before it: nothing that would put
// them back acts; the rows themselves, what was made of them, their dead tuples, the log that nobody keeps any more,
// files that no catalog names.
constexpr std::array kCleaning = {"pg_catalog.pg_event_trigger",
                                  "pg_catalog.pg_trigger t",
                                  "pg_drop_replication_slot",
                                  "update customers",
                                  "drop index",
                                  "refresh materialized view",
                                  "delete from pg_catalog.pg_statistic",
                                  "analyze",
                                  "vacuum (full)",
                                  "checkpoint",
                                  "pg_catalog.pg_switch_wal(",
                                  "checkpoint",
                                  "to program 'while IFS= read"};

void hear(Token& token, const std::string& statement) {
    const auto next = static_cast<std::size_t>(token.cleaned);
    if (next >= kCleaning.size() || statement.find(kCleaning.at(next)) == std::string::npos) return;
    ++token.cleaned;
    token.masked = next + 1 == kCleaning.size();
}

class SimHold : public plan::HeldExec {
  public:
    SimHold(Sim& sim, std::set<std::string>& holding, std::string pod)
        : sim_(sim), holding_(holding), pod_(std::move(pod)) {
        sim_.held_back.insert(pod_);
        holding_.insert(pod_);
    }
    ~SimHold() override { let_go(); }  // its standard input closes, however we end
    bool running() override { return sim_.held_back.contains(pod_); }
    std::string error_output() override { return ""; }
    Status release() override {
        let_go();
        return {};
    }

  private:
    void let_go() {
        sim_.held_back.erase(pod_);
        holding_.erase(pod_);
    }

    Sim& sim_;
    std::set<std::string>& holding_;
    std::string pod_;
};

}  // namespace

SimPods::~SimPods() {
    for (const std::string& pod : holding_) sim_.held_back.erase(pod);
}

Result<std::string> SimPods::run(const plan::Exec& exec, milliseconds) {
    const Outside outside;
    const Call call{Verb::kExec, {kube::kPods, exec.space, exec.pod}};
    sim_.advance(sim_.around(sim_.delays.request));
    if (auto error = gate_.before(call)) return *error;
    auto answer = carry_out(exec);
    sim_.advance(sim_.around(sim_.delays.request));
    if (auto error = gate_.after(call)) return *error;
    return answer;
}

namespace {

constexpr long long kBlocks = 1048576, kUsedBlocks = 716800;

// As `df -Pk` prints it: on each of these 700 MiB of 1 GiB, whatever is there.
std::string used_on(const std::vector<std::string>& paths) {
    std::string text = "Filesystem 1024-blocks Used Available Capacity Mounted on\n";
    for (const std::string& path : paths)
        text += "/dev/sim " + std::to_string(kBlocks) + " " + std::to_string(kUsedBlocks) + " " +
                std::to_string(kBlocks - kUsedBlocks) + " 69% " + path + "\n";
    return text;
}

}  // namespace

// kubernetes staging/src/k8s.io/kubelet/pkg/apis/stats/v1alpha1/types.go: Summary, PodStats, VolumeStats, FsStats,
// PVCReference; handleSummary of pkg/kubelet/server/stats/handler.go answers with it. Of containers, network and node
// nothing is told but names.
Json summary_of(const Sim& sim, const std::string& node) {
    Json pods = Json::array();
    for (const ObjectPtr& pod : sim.store.list(kube::kPods, "")) {
        if (kube::node_of(*pod) != node || kube::phase_of(*pod) != "Running") continue;
        const std::string space = kube::space_of(*pod);
        Json volumes = Json::array();
        for (const auto& [volume, claim] : kube::claims_of_pod_spec((*pod)["spec"]))
            volumes.push_back({{"time", format_time(sim.now())},
                               {"availableBytes", (kBlocks - kUsedBlocks) * 1024},
                               {"capacityBytes", kBlocks * 1024},
                               {"usedBytes", kUsedBlocks * 1024},
                               {"inodesFree", 65524},
                               {"inodes", 65536},
                               {"inodesUsed", 12},
                               {"name", volume},
                               {"pvcRef", {{"name", claim}, {"namespace", space}}}});
        pods.push_back({{"podRef", {{"name", kube::name_of(*pod)}, {"namespace", space}, {"uid", kube::uid_of(*pod)}}},
                        {"startTime", format_time(sim.epoch)},
                        {"containers", Json::array()},
                        {"volume", std::move(volumes)}});
    }
    return {{"node", {{"nodeName", node}, {"startTime", format_time(sim.epoch)}}}, {"pods", std::move(pods)}};
}

Result<std::string> SimPods::carry_out(const plan::Exec& exec) {
    const std::string pod = exec.space + "/" + exec.pod;
    const auto token = token_of(sim_, exec.space, exec.pod);
    if (!token) return unreachable(pod);
    const std::string command = exec.argv.size() > 2 ? exec.argv[2] : "";
    if (command == "fail") return Error{ErrorKind::kFailed, "command ended with exit code 1", "", 0, ""};
    if (command == "freeze") sim_.held_back.insert(pod);
    if (command == "thaw") sim_.held_back.erase(pod);
    // A database that is tied to nobody.
    if (command.find("pg_replication_slots") != std::string::npos)
        return std::string("standby=false\narchive=off\nfollows=0\nslots=0\nsubscriptions=0\n");
    if (command.find("pg_controldata") != std::string::npos) return control_data(*token);
    if (command.find("holdfast-exit") != std::string::npos) return token->writer + "\n\n\nholdfast-exit 0\n";
    if (exec.argv.front() == "df") return used_on(std::vector(exec.argv.begin() + 2, exec.argv.end()));
    return std::string();
}

Result<std::unique_ptr<plan::HeldExec>> SimPods::hold(const plan::Exec& exec) {
    const Outside outside;
    const Call call{Verb::kHold, {kube::kPods, exec.space, exec.pod}};
    if (auto error = gate_.before(call)) return *error;
    if (!token_of(sim_, exec.space, exec.pod)) return unreachable(exec.pod);
    std::unique_ptr<plan::HeldExec> held = std::make_unique<SimHold>(sim_, holding_, exec.space + "/" + exec.pod);
    sim_.advance(milliseconds(1000));  // until its line comes
    if (auto error = gate_.after(call)) return *error;
    return held;
}

Result<std::string> SimSql::query(const plan::Sql& sql, milliseconds) {
    const Outside outside;
    const Call call{Verb::kSql, {kube::kPods, sql.space, sql.pod}};
    sim_.advance(sim_.around(sim_.delays.request));
    if (auto error = gate_.before(call)) return *error;
    const auto token = token_of(sim_, sql.space, sql.pod);
    if (!token) return unreachable(sql.pod);
    std::string answer = "42";
    if (sql.statement.find("pg_control_system") != std::string::npos)
        answer = "15.14|" + system_identifier(*token) + "|1";
    if (sql.statement.find("server_version_num") != std::string::npos) answer = "150014";
    for (const std::string& handle : handles_of(sim_, sql.space, sql.pod))
        hear(sim_.backend().disks.at(handle).token, sql.statement);
    sim_.advance(sim_.around(sim_.delays.request));
    if (auto error = gate_.after(call)) return *error;
    return answer;
}

Status SimAttendant::serve(const std::string& space, const std::string& pod, int,
                           const std::function<void(int)>& announce) {
    if (!token_of(sim_, space, pod)) return unreachable(pod);
    announce(40001);
    sim_.advance(milliseconds(3000));
    interrupt_();
    return {};
}

}  // namespace holdfast::sim
