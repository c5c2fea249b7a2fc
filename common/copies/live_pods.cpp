#include "common/copies/live_pods.h"

#include "common/copies/workload_claims.h"
#include "common/core/refusal.h"
#include "common/core/text.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/redact.h"
#include "common/kube/objects/workload.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <set>
#include <tuple>

namespace holdfast::copies {
namespace {

const Json kNoItems = Json::array();

const Json& items_at(const Json& object, const std::string& pointer) {
    const Json* items = kube::find_at(object, pointer);
    return items != nullptr && items->is_array() ? *items : kNoItems;
}

bool is_running(const Json& pod) { return kube::text_at(pod, "/status/phase") == "Running" && !kube::deleting(pod); }

std::tuple<std::string, long long, std::string> natural_order(const std::string& name) {
    std::size_t digits = name.size();
    while (digits > 0 && std::isdigit(static_cast<unsigned char>(name[digits - 1])) != 0) --digits;
    const std::string number = name.substr(digits);
    return {name.substr(0, digits), number.empty() || number.size() > 9 ? -1 : std::stoll(number), name};
}

// Paths at which a container mounts (or has as devices) volumes of these claims.
std::vector<std::string> mounts_of(const Json& pod_spec, const Json& container, const std::set<std::string>& claims) {
    const std::map<std::string, std::string> volumes = kube::claims_of_pod_spec(pod_spec);
    std::vector<std::string> paths;
    for (const Json& mount : items_at(container, "/volumeMounts")) {
        const auto volume = volumes.find(kube::text_at(mount, "/name"));
        if (volume != volumes.end() && claims.contains(volume->second))
            paths.push_back(kube::text_at(mount, "/mountPath"));
    }
    return paths;
}

std::set<std::string> claim_names(const std::vector<kube::SetMember>& members) {
    std::set<std::string> names;
    for (const kube::SetMember& member : members) names.insert(member.claim);
    return names;
}

Place place_in(const Json& pod, const Json& container, const std::set<std::string>& claims) {
    return {kube::name_of(pod), kube::uid_of(pod), kube::text_at(container, "/name"),
            mounts_of(pod["spec"], container, claims)};
}

// kubectl's rule (kubectl.kubernetes.io/default-container), then the first container that has the data.
const Json* hook_container(const Json& pod, const std::string& wanted, const std::set<std::string>& claims) {
    const Json& containers = items_at(pod, "/spec/containers");
    std::string name = wanted;
    if (name.empty()) name = kube::annotation_of(pod, "kubectl.kubernetes.io/default-container");
    for (const Json& one : containers) {
        if (!name.empty() && kube::text_at(one, "/name") == name) return &one;
    }
    if (!wanted.empty() || containers.empty()) return nullptr;
    for (const Json& one : containers) {
        if (!mounts_of(pod["spec"], one, claims).empty()) return &one;
    }
    return &containers.front();
}

bool looks_like_postgres(const Json& container) {
    std::string image = to_lower(kube::text_at(container, "/image"));
    image = image.substr(0, image.find('@'));
    const std::size_t slash = image.rfind('/');
    if (slash != std::string::npos) image = image.substr(slash + 1);
    static constexpr std::array kImages{"postgres", "postgis", "timescale", "pgvector", "spilo"};
    for (const char* part : kImages) {
        if (image.find(part) != std::string::npos) return true;
    }
    for (const Json& variable : items_at(container, "/env")) {
        const std::string name = kube::text_at(variable, "/name");
        if (name == "PGDATA" || starts_with(name, "POSTGRES_")) return true;
    }
    return false;
}

Json value_at(const Json& object, const std::string& pointer) {
    const Json* value = kube::find_at(object, pointer);
    return value == nullptr ? Json() : *value;
}

std::string image_id_of(const Json* pod, const std::string& container) {
    if (pod == nullptr) return "";
    for (const Json& status : items_at(*pod, "/status/containerStatuses")) {
        if (kube::text_at(status, "/name") == container) return kube::text_at(status, "/imageID");
    }
    return "";
}

kube::ContainerFacts facts_of(const Json& pod_spec, const Json& container, const Json* running) {
    kube::ContainerFacts facts;
    facts.name = kube::text_at(container, "/name");
    facts.image = kube::text_at(container, "/image");
    facts.image_id = image_id_of(running, facts.name);
    facts.pull_policy = kube::text_at(container, "/imagePullPolicy");
    for (const Json& secret : items_at(pod_spec, "/imagePullSecrets"))
        facts.image_pull_secrets.push_back(kube::text_at(secret, "/name"));
    facts.env = value_at(container, "/env");
    kube::hash_secrets(facts.env);
    facts.volume_mounts = value_at(container, "/volumeMounts");
    facts.volume_devices = value_at(container, "/volumeDevices");
    facts.security_context = value_at(container, "/securityContext");
    facts.pod_security_context = value_at(pod_spec, "/securityContext");
    return facts;
}

}  // namespace

std::vector<const Json*> pods_of(const LiveFacts& facts, const std::vector<kube::SetMember>& members) {
    const std::set<std::string> claims = claim_names(members);
    std::vector<const Json*> pods;
    for (const Json& pod : facts.pods) {
        for (const std::string& claim : kube::claims_of_pod(pod)) {
            if (!claims.contains(claim)) continue;
            pods.push_back(&pod);
            break;
        }
    }
    std::sort(pods.begin(), pods.end(), [](const Json* a, const Json* b) {
        return natural_order(kube::name_of(*a)) < natural_order(kube::name_of(*b));
    });
    return pods;
}

Result<std::vector<Place>> hook_places(const LiveFacts& facts, const CutRequest& options,
                                       const std::vector<kube::SetMember>& members) {
    const std::set<std::string> claims = claim_names(members);
    std::vector<Place> places;
    for (const Json* pod : pods_of(facts, members)) {
        const std::string what = "pod/" + facts.space + "/" + kube::name_of(*pod);
        if (!is_running(*pod)) {
            return refused(
                "the commands cannot run in " + what + ": " +
                    (kube::deleting(*pod) ? "it is being deleted"
                                          : "its phase is " + escape_line(kube::text_at(*pod, "/status/phase"))),
                "without --pre, --post and --hold the set is crash-consistent and needs no running pod");
        }
        const Json* container = hook_container(*pod, options.container, claims);
        if (container == nullptr) {
            std::vector<std::string> names;
            for (const Json& one : items_at(*pod, "/spec/containers")) names.push_back(kube::text_at(one, "/name"));
            return refused(what + " has no container " + options.container, "it has " + join(names, ", "));
        }
        places.push_back(place_in(*pod, *container, claims));
    }
    if (places.empty())
        return refused("no pod of " + target_text(options) + " runs: there is nothing to hold back",
                       "leave out --pre, --post and --hold: the volumes of a stopped workload are at rest");
    return places;
}

std::optional<Place> database_place(const LiveFacts& facts, const std::vector<kube::SetMember>& members) {
    const std::set<std::string> claims = claim_names(members);
    for (const Json* pod : pods_of(facts, members)) {
        // The first member's alone: each ordinal may be a database of its own, and a restore compares with the first.
        if (kube::name_of(*pod) != members.front().pod || !is_running(*pod)) continue;
        for (const Json& container : items_at(*pod, "/spec/containers")) {
            if (!looks_like_postgres(container)) continue;
            Place place = place_in(*pod, container, claims);
            if (!place.mounts.empty()) return place;
        }
    }
    return std::nullopt;
}

std::vector<std::string> app_command(const Place& place) {
    // A data directory is where PG_VERSION and global/pg_control are: PG_VERSION alone is in each database's folder
    // too. pg_controldata is not on Debian's PATH. Without it the first eight bytes of pg_control are the system
    // identifier.
    static constexpr char kScript[] =
        "found() { [ -f \"$1/PG_VERSION\" ] && [ -f \"$1/global/pg_control\" ]; }\n"
        "dir=; for m in \"$PGDATA\" \"$@\"; do for d in \"$m\" \"$m\"/* \"$m\"/*/*; do\n"
        "  if [ -n \"$d\" ] && found \"$d\"; then dir=$d; break 2; fi; done; done\n"
        "[ -n \"$dir\" ] || exit 0\n"
        "major=$(cat \"$dir/PG_VERSION\"); echo \"data_directory=$dir\"; echo \"major=$major\"\n"
        "for p in pg_controldata \"/usr/lib/postgresql/$major/bin/pg_controldata\" "
        "\"/usr/pgsql-$major/bin/pg_controldata\"; do\n"
        "  if command -v \"$p\" >/dev/null 2>&1; then LC_ALL=C \"$p\" \"$dir\" 2>/dev/null && exit 0; fi; done\n"
        "echo \"Database system identifier: $(od -An -t u8 -N 8 \"$dir/global/pg_control\" 2>/dev/null | tr -d ' ')\"\n"
        "exit 0\n";
    std::vector<std::string> command{"sh", "-c", kScript, "sh"};
    command.insert(command.end(), place.mounts.begin(), place.mounts.end());
    return command;
}

kube::AppFacts parse_app(const std::string& output) {
    kube::AppFacts app;
    const auto only = [](std::string_view text, std::string_view allowed) {
        return text.find_first_not_of(allowed) == std::string_view::npos ? std::string(text) : std::string();
    };
    for (const std::string& line : split(output, '\n')) {
        const auto value = [&](std::string_view key) -> std::optional<std::string_view> {
            if (!starts_with(line, key)) return std::nullopt;
            return trim(std::string_view(line).substr(key.size()));
        };
        if (const auto directory = value("data_directory=")) app.data_directory = escape_line(*directory);
        if (const auto major = value("major=")) app.major_version = only(*major, "0123456789.");
        if (const auto id = value("Database system identifier:")) app.system_identifier = only(*id, "0123456789");
        if (const auto line_id = value("Latest checkpoint's TimeLineID:")) app.timeline = only(*line_id, "0123456789");
    }
    if (!app.data_directory.empty()) app.kind = "postgres";
    return app.kind.empty() ? kube::AppFacts{} : app;
}

std::vector<kube::ContainerFacts> containers_of(const LiveFacts& facts, const CutRequest& options,
                                                const std::vector<kube::SetMember>& members) {
    const std::vector<const Json*> pods = pods_of(facts, members);
    const auto runs = std::find_if(pods.begin(), pods.end(), [](const Json* pod) { return is_running(*pod); });
    const Json* running = runs == pods.end() ? nullptr : *runs;
    const Json* spec = nullptr;
    for (std::size_t i = 0; i < options.targets.size() && spec == nullptr; ++i)
        spec = pod_spec_of(*options.targets[i].resource, facts.workloads[i]);
    if (spec == nullptr && !pods.empty()) spec = kube::find_at(*pods.front(), "/spec");
    std::vector<kube::ContainerFacts> containers;
    if (spec == nullptr) return containers;
    for (const Json& container : items_at(*spec, "/containers"))
        containers.push_back(facts_of(*spec, container, running));
    return containers;
}

}  // namespace holdfast::copies
