#include "common/copies/throwaway.h"

#include "common/copies/database.h"
#include "common/copies/pods.h"
#include "common/core/names.h"
#include "common/core/text.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/workload.h"

#include <algorithm>
#include <map>
#include <utility>

namespace holdfast::copies {
namespace {

using kube::ContainerFacts;
using kube::text_at;

// What is to last is shut down in peace, with a checkpoint.
constexpr int kLastingGraceSeconds = 600;

bool covers(const std::string& folder, const std::string& path) {
    const std::string prefix = ends_with(folder, "/") ? folder : folder + "/";
    return path == folder || starts_with(path, prefix);
}

// The volumes of the recorded pod, by name: the claim template or the claim of a member.
const Member* member_of_volume(const Source& source, const std::vector<const Member*>& members,
                               const std::string& volume) {
    for (const Member* member : members) {
        if (!member->facts.claim_template.empty() && member->facts.claim_template == volume) return member;
    }
    if (!source.record) return nullptr;
    const Json spec = kube::pod_spec_of_workload(source.record->workload_manifest);
    const auto claims = kube::claims_of_pod_spec(spec);
    const auto found = claims.find(volume);
    if (found == claims.end()) return nullptr;
    for (const Member* member : members) {
        if (member->facts.claim == found->second) return member;
    }
    return nullptr;
}

std::vector<const Member*> all_members(const Source& source) {
    std::vector<const Member*> members;
    for (const Member& member : source.members) members.push_back(&member);
    return members;
}

bool mounts_data(const Source& source, const ContainerFacts& container, const std::string& data_directory) {
    if (!container.volume_mounts.is_array()) return false;
    for (const Json& mount : container.volume_mounts) {
        if (!data_directory.empty() && covers(text_at(mount, "/mountPath"), data_directory)) return true;
        if (data_directory.empty() && member_of_volume(source, all_members(source), text_at(mount, "/name")) != nullptr)
            return true;
    }
    return false;
}

// The container that has the data: the one that mounts the data directory, else the first that mounts one of the
// claims.
const ContainerFacts* choose_container(const Source& source) {
    if (!source.record) return nullptr;
    for (const ContainerFacts& container : source.record->containers) {
        if (mounts_data(source, container, source.record->app.data_directory)) return &container;
    }
    for (const ContainerFacts& container : source.record->containers) {
        if (container.volume_devices.is_array() && !container.volume_devices.empty()) return &container;
    }
    return source.record->containers.empty() ? nullptr : &source.record->containers.front();
}

std::string without_scheme(const std::string& image) {
    const std::size_t at = image.find("://");
    return at == std::string::npos ? image : image.substr(at + 3);
}

// By digest where a node can resolve one, so that a tag that has moved does not matter; images that were only loaded
// onto the nodes have none, and neither has a policy of Never any use for it.
void choose_image(Engine& engine, const ContainerFacts& recorded) {
    const std::string id = without_scheme(recorded.image_id);
    engine.expected_image = id;
    const bool has_digest = id.find("@sha256:") != std::string::npos;
    if (has_digest && recorded.pull_policy != "Never") {
        engine.image = id;
        engine.pull_policy = "IfNotPresent";
        return;
    }
    engine.image = recorded.image;
    engine.pull_policy = recorded.pull_policy.empty() ? "IfNotPresent" : recorded.pull_policy;
}

// "the one that the container's env says": the official image's names, then libpq's.
void choose_login(Engine& engine, const Json& env) {
    engine.user = kube::literal_env(env, "POSTGRES_USER");
    engine.default_database = kube::literal_env(env, "POSTGRES_DB");
    if (engine.default_database.empty()) engine.default_database = kube::literal_env(env, "PGDATABASE");
    if (engine.default_database.empty()) engine.default_database = engine.user;
    if (engine.default_database.empty()) engine.default_database = "postgres";
    if (engine.user.empty()) engine.user = "postgres";
}

void add_mounts(const Source& source, const Engine& engine, Instance& instance) {
    std::vector<const Member*> members;
    for (const ThrowawayClaim& claim : instance.claims) members.push_back(claim.member);
    const auto take = [&](const Json& recorded, bool device) {
        if (!recorded.is_array()) return;
        for (const Json& item : recorded) {
            const Member* member = member_of_volume(source, members, text_at(item, "/name"));
            for (ThrowawayClaim& claim : instance.claims) {
                if (claim.member != member) continue;
                Json copy = item;
                copy["name"] = claim.volume;
                if (!device) copy["readOnly"] = false;  // recovery writes, and this is a copy
                (device ? claim.devices : claim.mounts).push_back(std::move(copy));
            }
        }
    };
    take(engine.volume_mounts, false);
    take(engine.volume_devices, true);
    for (ThrowawayClaim& claim : instance.claims) {
        if (!claim.mounts.empty() || !claim.devices.empty()) continue;
        const std::string place = "/holdfast-volumes/" + claim.volume;
        if (claim.spec.volume_mode == "Block")
            claim.devices.push_back({{"name", claim.volume}, {"devicePath", "/dev/" + claim.volume}});
        else
            claim.mounts.push_back({{"name", claim.volume}, {"mountPath", place}});
    }
}

// Ordinals, the whole of a Deployment, or each claim for itself.
std::map<int, std::vector<const Member*>> groups_of(const Source& source) {
    std::map<int, std::vector<const Member*>> groups;
    const bool ordinals = std::any_of(source.members.begin(), source.members.end(),
                                      [](const Member& member) { return member.facts.ordinal >= 0; });
    const bool workload = source.record && !source.record->workload_kind.empty();
    int next = 0;
    for (const Member& member : source.members) {
        if (ordinals && member.facts.ordinal >= 0)
            groups[member.facts.ordinal].push_back(&member);
        else if (!ordinals)
            groups[workload ? 0 : next++].push_back(&member);
    }
    // A claim that all ordinals share is restored once for each of them: nobody waits for a copy that another one
    // holds.
    for (const Member& member : source.members) {
        if (!ordinals || member.facts.ordinal >= 0) continue;
        for (auto& [ordinal, members] : groups) members.push_back(&member);
    }
    return groups;
}

Json environment(const Engine& engine, const Instance& instance) {
    std::vector<std::string> roots;
    std::string data;
    for (const ThrowawayClaim& claim : instance.claims) {
        for (const Json& mount : claim.mounts) {
            roots.push_back(text_at(mount, "/mountPath"));
            // Where the recorded folder is not on a restored volume, the data is looked for.
            if (!engine.data_directory.empty() && covers(roots.back(), engine.data_directory))
                data = engine.data_directory;
        }
    }
    Json variables = Json::array({{{"name", "HOLDFAST_DATA"}, {"value", data}},
                                  {{"name", "HOLDFAST_ROOTS"}, {"value", join(roots, ":")}},
                                  {{"name", "HOLDFAST_MAJOR"}, {"value", engine.major}}});
    if (engine.masks) variables.push_back({{"name", "HOLDFAST_MASKS"}, {"value", "yes"}});
    return variables;
}

Json container_manifest(const Instance& instance, const Engine& engine) {
    // Never the image's entrypoint, nor the workload's command, arguments or environment.
    const std::string script = engine.database ? start_script(engine.lasting) : idle_script();
    Json container = {{"name", engine.database ? "database" : "check"},
                      {"image", engine.image},
                      {"imagePullPolicy", engine.pull_policy}};
    container["command"] = Json::array({"/bin/sh", "-c", script});
    container["terminationMessagePolicy"] = "FallbackToLogsOnError";
    container["securityContext"] = engine.container_security;
    if (!engine.resources.is_null()) container["resources"] = engine.resources;
    if (engine.database) {
        container["env"] = environment(engine, instance);
        container["readinessProbe"] = {{"exec", {{"command", Json::array({"/bin/sh", "-c", ready_script()})}}},
                                       {"periodSeconds", 1},
                                       {"timeoutSeconds", 5}};
    }
    container["volumeMounts"] = Json::array({{{"name", "holdfast"}, {"mountPath", kScratch}}});
    for (const ThrowawayClaim& claim : instance.claims) {
        for (const Json& mount : claim.mounts) container["volumeMounts"].push_back(mount);
        for (const Json& device : claim.devices) container["volumeDevices"].push_back(device);
    }
    return container;
}

}  // namespace

bool same_image(const std::string& left, const std::string& right) {
    const auto digest = [](const std::string& image) {
        const std::size_t at = image.rfind("sha256:");
        return at == std::string::npos ? image : image.substr(at);
    };
    return digest(left) == digest(right);
}

Result<Engine> choose_engine(const Source& source, const std::string& image, bool database) {
    Engine engine;
    engine.database = database;
    const ContainerFacts* recorded = choose_container(source);
    if (recorded == nullptr && image.empty()) {
        return Error{ErrorKind::kRefused,
                     source.text() + " does not record which image its data belongs to; nothing was changed",
                     "name one with --image, of the same major version as the data"};
    }
    static const ContainerFacts kNothing;
    const ContainerFacts& container = recorded == nullptr ? kNothing : *recorded;
    engine.container = container.name;
    if (image.empty()) {
        choose_image(engine, container);
    } else {
        engine.image = image;
        engine.pull_policy = "IfNotPresent";
    }
    engine.pull_secrets = container.image_pull_secrets;
    engine.pod_security = tame_pod_security(container.pod_security_context);
    engine.container_security = tame_container_security(container.security_context);
    engine.volume_mounts = container.volume_mounts;
    engine.volume_devices = container.volume_devices;
    const kube::Placement placement = source.placement();
    const auto resources = placement.resources.find(container.name);
    if (resources != placement.resources.end()) engine.resources = resources->second;
    if (source.record) {
        engine.data_directory = source.record->app.data_directory;
        engine.major = source.record->app.major_version;
    }
    choose_login(engine, container.env);
    return engine;
}

std::string Instance::text() const {
    if (ordinal >= 0) return "ordinal " + std::to_string(ordinal);
    return "claim " + (claims.empty()                               ? std::string("?")
                       : claims.front().member->facts.claim.empty() ? claims.front().member->text()
                                                                    : claims.front().member->facts.claim);
}

namespace {

// Two workloads in one set have two databases, perhaps of two images: one instance must not hold claims of both.
Status check_one_workload(const Source& source) {
    std::map<std::pair<int, std::string>, std::string> claims;
    for (const Member& member : source.members) {
        if (member.facts.ordinal < 0) continue;
        const auto [other, fresh] =
            claims.insert({{member.facts.ordinal, member.facts.claim_template}, member.facts.claim});
        if (fresh) continue;
        return Error{ErrorKind::kRefused,
                     source.text() + " holds claims of several workloads, " + other->second + " and " +
                         member.facts.claim + ": one database cannot be started on both; nothing was changed",
                     "drill or open a single snapshot of it, vs/NAME, or make a set for each workload"};
    }
    return {};
}

}  // namespace

Instance instance_on(const Source& source, const Engine& engine, std::string pod, std::vector<ThrowawayClaim> claims) {
    Instance instance;
    instance.pod = std::move(pod);
    instance.claims = std::move(claims);
    int index = 0;
    for (ThrowawayClaim& claim : instance.claims) {
        claim.volume = "data-" + std::to_string(index++);
        instance.waits_for_pod = instance.waits_for_pod || claim.spec.storage_class.waits_for_pod();
    }
    add_mounts(source, engine, instance);
    return instance;
}

Result<std::vector<Instance>> instances_of(const Source& source, const Engine& engine, const std::string& operation,
                                           const std::string& space) {
    TRY(check_one_workload(source));
    std::vector<Instance> instances;
    for (const auto& [group, members] : groups_of(source)) {
        const std::string pod = bounded_name(operation, "-" + std::to_string(group));
        std::vector<ThrowawayClaim> claims;
        for (const Member* member : members) {
            ThrowawayClaim claim;
            claim.member = member;
            TRY_ASSIGN(claim.spec, choose_claim(source, *member, {}));
            // One pod mounts them all: the ends of their names are alike, so that a class which binds at once has them
            // placed together (kube::provisioning_place).
            claim.spec.name = bounded_name(pod, "-" + std::to_string(claims.size()) + "-data-" + std::to_string(group));
            claim.spec.space = space;
            claims.push_back(std::move(claim));
        }
        instances.push_back(instance_on(source, engine, pod, std::move(claims)));
        instances.back().ordinal = members.front()->facts.ordinal;
    }
    return instances;
}

std::map<std::string, std::string> throwaway_labels(const std::string& operation, const std::string& role) {
    return {{labels::kManagedBy, labels::kManagedByValue}, {labels::kOperation, operation}, {labels::kRole, role}};
}

Json throwaway_claim_manifest(const ThrowawayClaim& claim, const std::string& role) {
    return claim_manifest(claim.spec, *claim.member, {{labels::kRole, role}});
}

Json throwaway_pod_manifest(const Instance& instance, const Engine& engine, const Source& source,
                            const std::string& space, const std::string& role) {
    Json spec = {{"automountServiceAccountToken", false},
                 {"enableServiceLinks", false},
                 {"restartPolicy", "Never"},
                 {"terminationGracePeriodSeconds", engine.lasting ? kLastingGraceSeconds : 1}};
    spec["securityContext"] = engine.pod_security;
    spec["containers"] = Json::array({container_manifest(instance, engine)});
    spec["volumes"] = Json::array({{{"name", "holdfast"}, {"emptyDir", Json::object()}}});
    std::vector<const Member*> members;
    for (const ThrowawayClaim& claim : instance.claims) {
        spec["volumes"].push_back(
            {{"name", claim.volume}, {"persistentVolumeClaim", {{"claimName", claim.spec.name}}}});
        members.push_back(claim.member);
    }
    for (const std::string& secret : engine.pull_secrets) spec["imagePullSecrets"].push_back({{"name", secret}});
    const kube::Placement placement = without_pod_terms(source.placement());
    // The old volumes' topology tells the scheduler where a volume may be made; one that is bound already says it
    // itself.
    place(spec, placement, instance.waits_for_pod ? topology_of(members) : Json());
    return {{"apiVersion", "v1"},
            {"kind", "Pod"},
            {"metadata", {{"name", instance.pod}, {"namespace", space}, {"labels", {{labels::kRole, role}}}}},
            {"spec", std::move(spec)}};
}

Json throwaway_policy_manifest(const std::string& operation, const std::string& space, const std::string& role) {
    return {{"apiVersion", "networking.k8s.io/v1"},
            {"kind", "NetworkPolicy"},
            {"metadata", {{"name", operation}, {"namespace", space}, {"labels", {{labels::kRole, role}}}}},
            {"spec",
             {{"podSelector", {{"matchLabels", {{labels::kOperation, operation}}}}},
              {"policyTypes", Json::array({"Ingress", "Egress"})}}}};
}

}  // namespace holdfast::copies
