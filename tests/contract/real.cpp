#include "common/kube/connect.h"
#include "common/kube/objects/workload.h"
#include "common/os/quiet_console.h"
#include "common/os/subprocess.h"
#include "tests/contract/ground.h"

#include <algorithm>

namespace holdfast::contract {
namespace {

constexpr char kOwnFinalizers[] = "hf.test/";

struct NoSignals : Signals {
    int count() const override { return 0; }
    int last() const override { return 0; }
};

// One connection, with all that it needs.
struct Connection {
    RealClock clock;
    QuietConsole console;
    NoSignals signals;
    std::unique_ptr<kube::Connector> connector;
    std::unique_ptr<kube::Cluster> cluster;

    static Result<std::unique_ptr<Connection>> open(const kubeconfig::ConnectionFlags& flags) {
        auto made = std::make_unique<Connection>();
        TRY_ASSIGN(const auto config, kubeconfig::load_client_config(flags, Environment::of_process()));
        made->connector = kube::make_connector(config, {"contract-tests", "0", false, milliseconds(0)}, made->clock,
                                               made->console, made->signals);
        TRY_ASSIGN(made->cluster, made->connector->connect(made->signals, made->console, milliseconds(30000)));
        return made;
    }
};

Status kubectl(const std::string& kubeconfig, const std::string& space, std::vector<std::string> words) {
    words.insert(words.begin(), {"kubectl", "-n", space});
    if (!kubeconfig.empty()) words.insert(words.begin() + 1, "--kubeconfig=" + kubeconfig);
    Command command;
    command.argv = std::move(words);
    TRY_ASSIGN(const CommandOutput output, run_command(command));
    if (output.exit_code != 0) return Error{ErrorKind::kFailed, "kubectl: " + output.err, "", 0, ""};
    return {};
}

class RealGround : public Ground {
  public:
    RealGround(std::string kubeconfig, std::unique_ptr<Connection> connection)
        : kubeconfig_(std::move(kubeconfig)), connection_(std::move(connection)) {}

    kube::Cluster& cluster() override { return *connection_->cluster; }
    Clock& clock() override { return connection_->clock; }
    kube::Cluster* limited(const std::string& space, const std::vector<Right>& rights) override;
    bool scheduler_lags() const override { return true; }

  private:
    bool in_force(kube::Cluster& user, const std::string& space, const std::vector<Right>& rights);

    std::string kubeconfig_;
    std::unique_ptr<Connection> connection_;
    std::vector<std::unique_ptr<Connection>> others_;
};

// The API server goes by roles that it has read, which nobody can watch: it is asked until it knows them all.
bool RealGround::in_force(kube::Cluster& user, const std::string& space, const std::vector<Right>& rights) {
    std::vector<kube::AccessCheck> checks;
    for (const Right& right : rights) {
        const auto slash = right.resource.find('/');
        const std::string subresource = slash == std::string::npos ? "" : right.resource.substr(slash + 1);
        const kube::Resource* resource = kube::find_resource(right.resource.substr(0, slash));
        if (resource == nullptr) return false;
        for (const std::string& verb : right.verbs) checks.push_back({verb, *resource, space, subresource, right.name});
    }
    const auto end = clock().steady_now() + milliseconds(180000);
    while (clock().steady_now() < end) {
        const auto answers = user.allowed(checks);
        if (!answers.ok()) return false;
        if (std::find(answers->begin(), answers->end(), false) == answers->end()) return true;
        clock().sleep_for(milliseconds(50));
    }
    return false;
}

// A user of that name, whom only roles of this namespace know.
kube::Cluster* RealGround::limited(const std::string& space, const std::vector<Right>& rights) {
    int number = 0;
    for (const Right& right : rights) {
        const std::string role = "contract-" + std::to_string(number++);
        std::vector<std::string> words = {"create", "role", role, "--resource=" + right.resource};
        for (const std::string& verb : right.verbs) words.push_back("--verb=" + verb);
        if (!right.name.empty()) words.push_back("--resource-name=" + right.name);
        if (!kubectl(kubeconfig_, space, words).ok()) return nullptr;
        if (!kubectl(kubeconfig_, space, {"create", "rolebinding", role, "--role=" + role, "--user=user-of-" + space})
                 .ok())
            return nullptr;
    }
    kubeconfig::ConnectionFlags flags;
    if (!kubeconfig_.empty()) flags.kubeconfig = kubeconfig_;
    flags.as = "user-of-" + space;
    auto connection = Connection::open(flags);
    if (!connection.ok() || !in_force(*(*connection)->cluster, space, rights)) return nullptr;
    others_.push_back(std::move(*connection));
    return others_.back()->cluster.get();
}

// Takes away what would keep an object of a failed case for ever.
void drop_own_finalizers(kube::Cluster& cluster, const kube::Resource& resource, const std::string& space) {
    const auto found =
        cluster.list(resource, resource.namespaced ? space : "", {resource.namespaced ? "" : "contract=" + space, ""});
    if (!found.ok()) return;
    for (const Json& one : found->items) {
        Json kept = Json::array();
        const Json* all = kube::find_at(one, "/metadata/finalizers");
        for (const Json& name : all == nullptr ? Json::array() : *all) {
            if (!name.get<std::string>().starts_with(kOwnFinalizers)) kept.push_back(name);
        }
        if (all == nullptr || kept.size() == all->size()) continue;
        (void)cluster.patch({resource, kube::space_of(one), kube::name_of(one)}, kube::PatchType::kMerge,
                            {{"metadata", {{"finalizers", kept}}}}, {});
    }
}

// Volumes and contents go with the namespace: those that would be kept are told to go too.
void let_storage_go(kube::Cluster& cluster, const std::string& space) {
    if (const auto volumes = cluster.list(kube::kVolumes, ""); volumes.ok()) {
        for (const Json& one : volumes->items) {
            const kube::ObjectRef ref{kube::kVolumes, "", kube::name_of(one)};
            if (kube::label_of(one, "contract") == space)
                (void)cluster.remove(ref, {});
            else if (kube::text_at(one, "/spec/claimRef/namespace") == space)
                (void)cluster.patch(ref, kube::PatchType::kMerge,
                                    {{"spec", {{"persistentVolumeReclaimPolicy", "Delete"}}}}, {});
        }
    }
    const auto contents = cluster.list(kube::kSnapshotContents, "");
    if (!contents.ok()) return;
    for (const Json& one : contents->items) {
        if (kube::text_at(one, "/spec/volumeSnapshotRef/namespace") != space) continue;
        const kube::ObjectRef ref{kube::kSnapshotContents, "", kube::name_of(one)};
        (void)cluster.patch(ref, kube::PatchType::kMerge, {{"spec", {{"deletionPolicy", "Delete"}}}}, {});
        (void)cluster.remove(ref, {});
    }
}

class RealWorld : public World {
  public:
    explicit RealWorld(std::string kubeconfig) : kubeconfig_(std::move(kubeconfig)) {
        if (!kubeconfig_.empty()) flags_.kubeconfig = kubeconfig_;
    }

    Result<std::unique_ptr<Ground>> open(const std::string& space) override {
        TRY_ASSIGN(auto connection, Connection::open(flags_));
        auto ground = std::make_unique<RealGround>(kubeconfig_, std::move(connection));
        Stage stage(*ground, space);
        TRY(stage.cluster.create({{"apiVersion", "v1"},
                                  {"kind", "Namespace"},
                                  {"metadata", {{"name", space}, {"labels", {{"contract", run()}}}}}}));
        try {  // pods need it, and a controller makes it
            stage.until(kube::kServiceAccounts, "default", "there", [](const Json&) { return true; });
        } catch (const CaseEnded&) {
            return Error{ErrorKind::kTimeout, stage.failures().front(), "", 0, ""};
        }
        return std::unique_ptr<Ground>(std::move(ground));
    }

    void close(Ground& ground, const std::string& space) override {
        kube::Cluster& cluster = ground.cluster();
        for (const kube::Resource* one : {&kube::kConfigMaps, &kube::kClaims, &kube::kVolumes, &kube::kPods})
            drop_own_finalizers(cluster, *one, space);
        let_storage_go(cluster, space);
        (void)cluster.remove({kube::kNamespaces, "", space}, {});
    }

    Status finish() override;
    int workers() const override { return 10; }

  private:
    static std::string run() { return "run"; }
    std::string kubeconfig_;
    kubeconfig::ConnectionFlags flags_;
};

Status RealWorld::finish() {
    TRY_ASSIGN(auto connection, Connection::open(flags_));
    RealGround ground(kubeconfig_, std::move(connection));
    Stage stage(ground, "default");
    std::string last;  // of what was seen last, why it is still there
    const auto any = [&](const Json& space) {
        last = kube::name_of(space) + ": " + space.value("status", Json::object()).dump();
        return true;
    };
    const auto of_ours = [](const Json& object) {
        return kube::text_at(object, "/spec/claimRef/namespace").starts_with("contract-") ||
               kube::text_at(object, "/spec/volumeSnapshotRef/namespace").starts_with("contract-");
    };
    // Three waits: a sidecar tries what failed again after up to five minutes (--retry-interval-max).
    for (int left = 2;; --left) {
        try {
            stage.until_count(kube::kNamespaces, 0, "still there", any, {"contract=run", ""});
            stage.until_count(kube::kVolumes, 0, "still there", of_ours);
            stage.until_count(kube::kSnapshotContents, 0, "still there", of_ours);
            return {};
        } catch (const CaseEnded&) {
            if (left == 0)
                return Error{ErrorKind::kFailed, "left behind: " + stage.failures().back() + "; " + last, "", 0, ""};
        }
    }
}

}  // namespace

Result<std::unique_ptr<World>> make_real_world(const std::string& kubeconfig) {
    return std::unique_ptr<World>(std::make_unique<RealWorld>(kubeconfig));
}

}  // namespace holdfast::contract
