#include "common/kube/objects/workload_state.h"

#include "common/core/text.h"
#include "common/kube/objects/redact.h"
#include "common/kube/objects/workload.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace holdfast::kube {
namespace {

constexpr int kOrdinalLimit = 1000;  // replicas is a number from outside

std::vector<ClaimTemplate> templates_of(const Json& workload) {
    std::vector<ClaimTemplate> templates;
    const Json* all = find_at(workload, "/spec/volumeClaimTemplates");
    if (all == nullptr || !all->is_array()) return templates;
    for (const Json& one : *all) {
        const ClaimState claim = claim_state_of(one);
        templates.push_back({claim.name, claim.storage_class, claim.source});
    }
    return templates;
}

// Names only: a value never leaves this function.
void read_container(const Json& container, WorkloadState& state) {
    state.images.push_back(text_at(container, "/image"));
    const Json* env = find_at(container, "/env");
    if (env == nullptr || !env->is_array()) return;
    for (const Json& variable : *env) {
        const std::string name = text_at(variable, "/name"), value = text_at(variable, "/value");
        if (!value.empty() && is_secret(name, value)) {
            state.literal_secrets.push_back(text_at(container, "/name") + "/" + name);
        }
    }
}

void read_template(const Json& workload, WorkloadState& state) {
    const Json* spec = find_at(workload, "/spec/template/spec");
    if (spec == nullptr) return;
    for (const auto& [volume, claim] : claims_of_pod_spec(*spec)) state.pod_claims.push_back(claim);
    for (const char* where : {"/initContainers", "/containers"}) {
        const Json* containers = find_at(*spec, where);
        if (containers == nullptr || !containers->is_array()) continue;
        for (const Json& container : *containers) read_container(container, state);
    }
    state.spreads = find_at(*spec, "/affinity/podAntiAffinity") != nullptr ||
                    find_at(*spec, "/topologySpreadConstraints") != nullptr;
}

std::string deployer_of(const Json& workload) {
    const std::string argo = annotation_of(workload, "argocd.argoproj.io/tracking-id");
    if (!argo.empty()) return "Argo CD application " + argo.substr(0, argo.find(':'));
    const std::string argo_label = label_of(workload, "argocd.argoproj.io/instance");
    if (!argo_label.empty()) return "Argo CD application " + argo_label;
    const std::string kustomization = label_of(workload, "kustomize.toolkit.fluxcd.io/name");
    if (!kustomization.empty()) return "Flux kustomization " + kustomization;
    const std::string flux_release = label_of(workload, "helm.toolkit.fluxcd.io/name");
    if (!flux_release.empty()) return "Flux Helm release " + flux_release;
    const std::string release = annotation_of(workload, "meta.helm.sh/release-name");
    return release.empty() ? "" : "Helm release " + release;
}

// By the owner's API group: each is the operator's own.
constexpr std::array<std::pair<const char*, const char*>, 16> kOperators{{
    {"postgresql.cnpg.io", "CloudNativePG"},
    {"acid.zalan.do", "the Zalando Postgres operator"},
    {"postgres-operator.crunchydata.com", "Crunchy Postgres for Kubernetes"},
    {"stackgres.io", "StackGres"},
    {"pgv2.percona.com", "the Percona operator for PostgreSQL"},
    {"pxc.percona.com", "the Percona operator for MySQL"},
    {"psmdb.percona.com", "the Percona operator for MongoDB"},
    {"mysql.oracle.com", "the MySQL operator"},
    {"k8s.mariadb.com", "the MariaDB operator"},
    {"mongodbcommunity.mongodb.com", "the MongoDB operator"},
    {"kafka.strimzi.io", "Strimzi"},
    {"core.strimzi.io", "Strimzi"},
    {"elasticsearch.k8s.elastic.co", "Elastic Cloud on Kubernetes"},
    {"redis.redis.opstreelabs.in", "the Redis operator"},
    {"rabbitmq.com", "the RabbitMQ cluster operator"},
    {"monitoring.coreos.com", "the Prometheus operator"},
}};

}  // namespace

WorkloadState workload_state_of(const Json& workload) {
    WorkloadState state;
    state.kind = text_at(workload, "/kind");
    state.space = space_of(workload);
    state.name = name_of(workload);
    state.uid = uid_of(workload);
    state.replicas = replicas_of(workload);
    state.ready = static_cast<int>(number_at(workload, "/status/readyReplicas", 0));
    state.start_ordinal = start_ordinal_of(workload);
    state.templates = templates_of(workload);
    read_template(workload, state);
    const std::string policy = "/spec/persistentVolumeClaimRetentionPolicy";
    if (const std::string text = text_at(workload, policy + "/whenDeleted"); !text.empty()) state.when_deleted = text;
    if (const std::string text = text_at(workload, policy + "/whenScaled"); !text.empty()) state.when_scaled = text;
    state.strategy = text_at(workload, "/spec/strategy/type");
    if (state.strategy.empty()) state.strategy = "RollingUpdate";
    state.controller = controller_of(workload);
    state.deployed_by = deployer_of(workload);
    return state;
}

std::vector<std::string> template_claims_of(const WorkloadState& workload) {
    std::vector<std::string> claims;
    const int bounded = std::min(workload.replicas, kOrdinalLimit);
    for (int i = 0; i < bounded; ++i) {
        for (const ClaimTemplate& one : workload.templates) {
            claims.push_back(one.name + "-" + workload.name + "-" + std::to_string(workload.start_ordinal + i));
        }
    }
    return claims;
}

std::string operator_of(const Owner& owner) {
    for (const auto& [group, name] : kOperators) {
        if (owner.group == group) return name;
    }
    return "";
}

}  // namespace holdfast::kube
