#include "common/copies/live_facts.h"

#include "common/copies/workload_claims.h"
#include "common/core/text.h"
#include "common/diagnose/diagnose.h"
#include "common/kube/missing.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/snapshot_set.h"
#include "common/kube/objects/workload.h"

#include <algorithm>
#include <set>

namespace holdfast::copies {
namespace {

constexpr std::size_t kMostExplained = 3;  // unbound claims that are looked into; the others are counted

class Gathering {
  public:
    Gathering(kube::ClusterReader& reader, const std::string& space, const CutRequest& options, const std::string& name)
        : reader_(reader), options_(options), name_(name) {
        facts_.space = space;
    }

    Result<LiveFacts> run() {
        TRY_ASSIGN(const kube::Discovery discovery, reader_.discover());
        facts_.has_snapshot_api = discovery.has(kube::kSnapshots);
        if (!facts_.has_snapshot_api && options_.as_set) return std::move(facts_);
        TRY(read_space());
        TRY(read_workloads());
        TRY(read_claims());
        TRY(read_volumes());
        TRY(read_pods());
        if (facts_.has_snapshot_api) {
            TRY_ASSIGN(kube::List classes, reader_.list(kube::kSnapshotClasses, ""));
            facts_.classes = std::move(classes.items);
            TRY(read_names());
        }
        TRY(read_limits());
        explain_claims();
        return std::move(facts_);
    }

  private:
    Status read_space() {
        TRY_ASSIGN(const Json space, reader_.get({kube::kNamespaces, "", facts_.space}));
        facts_.space_terminating = kube::deleting(space) || kube::text_at(space, "/status/phase") == "Terminating";
        return {};
    }

    Status read_workloads() {
        for (const Target& target : options_.targets) {
            TRY_ASSIGN(std::optional<Json> object, reader_.find({*target.resource, facts_.space, target.name}));
            if (!object) return kube::missing_object(reader_, {*target.resource, facts_.space, target.name});
            facts_.workloads.push_back(std::move(*object));
        }
        return {};
    }

    // One list serves the targets, ordinals that no pod uses any more, and --claim.
    Status read_claims() {
        for (std::size_t i = 0; i < options_.targets.size(); ++i) {
            for (const WorkloadClaim& claim : claims_of(*options_.targets[i].resource, facts_.workloads[i]))
                wanted_.insert(claim.name);
        }
        wanted_.insert(options_.claims.begin(), options_.claims.end());
        if (!options_.selector.empty()) {
            kube::ListOptions by_label;
            by_label.label_selector = options_.selector;
            TRY_ASSIGN(const kube::List selected, reader_.list(kube::kClaims, facts_.space, by_label));
            for (const Json& claim : selected.items) {
                facts_.selected.push_back(kube::name_of(claim));
                wanted_.insert(kube::name_of(claim));
            }
        }
        const auto keep = [&](Json&& claim) {
            if (wanted_.contains(kube::name_of(claim)) || is_leftover(kube::name_of(claim)))
                facts_.claims.push_back(std::move(claim));
            return true;
        };
        TRY(reader_.for_each(kube::kClaims, facts_.space, {}, keep, [&] { facts_.claims.clear(); }));
        return {};
    }

    bool is_leftover(const std::string& claim) const {
        for (std::size_t i = 0; i < options_.targets.size(); ++i) {
            if (*options_.targets[i].resource == kube::kStatefulSets && stateful_claim(facts_.workloads[i], claim))
                return true;
        }
        return false;
    }

    Status read_volumes() {
        std::vector<kube::ObjectRef> refs;
        for (const Json& claim : facts_.claims) {
            const std::string volume = kube::text_at(claim, "/spec/volumeName");
            if (!volume.empty()) refs.push_back({kube::kVolumes, "", volume});
        }
        std::vector<Result<Json>> volumes = reader_.get_all(refs);
        for (std::size_t i = 0; i < refs.size(); ++i) {
            if (volumes[i].ok())
                facts_.volumes[refs[i].name] = std::move(volumes[i]).value();
            else if (volumes[i].error().kind != ErrorKind::kNotFound)
                return volumes[i].error();
        }
        return {};
    }

    Status read_pods() {
        std::set<std::string> claims;
        for (const Json& claim : facts_.claims) claims.insert(kube::name_of(claim));
        const auto keep = [&](Json&& pod) {
            const std::string phase = kube::text_at(pod, "/status/phase");
            if (phase == "Succeeded" || phase == "Failed") return true;
            for (const std::string& claim : kube::claims_of_pod(pod)) {
                if (!claims.contains(claim)) continue;
                facts_.pods.push_back(std::move(pod));
                break;
            }
            return true;
        };
        TRY(reader_.for_each(kube::kPods, facts_.space, {}, keep, [&] { facts_.pods.clear(); }));
        return {};
    }

    // What stands under the names that would be made.
    Status read_names() {
        if (options_.as_set) {
            TRY_ASSIGN(facts_.set_object,
                       reader_.find({kube::kConfigMaps, facts_.space, kube::set_config_map_name(name_)}));
        }
        std::set<std::string> names;
        for (const Json& claim : facts_.claims) names.insert(snapshot_name(name_, kube::name_of(claim)));
        const auto keep = [&](Json&& snapshot) {
            if (names.contains(kube::name_of(snapshot))) facts_.snapshots.push_back(std::move(snapshot));
            return true;
        };
        TRY(reader_.for_each(kube::kSnapshots, facts_.space, {}, keep, [&] { facts_.snapshots.clear(); }));
        return {};
    }

    Status read_limits() {
        // Good to know before the first write, but no reason to ask for one more permission.
        kube::AccessCheck quotas{"list", kube::kResourceQuotas, facts_.space, "", ""};
        kube::AccessCheck exec{"create", kube::kPods, facts_.space, "exec", ""};
        TRY_ASSIGN(const std::vector<bool> allowed, reader_.allowed({quotas, exec}));
        facts_.may_exec = allowed.size() > 1 && allowed[1];
        if (allowed.empty() || !allowed[0]) return {};
        TRY_ASSIGN(kube::List list, reader_.list(kube::kResourceQuotas, facts_.space));
        facts_.quotas = std::move(list.items);
        return {};
    }

    void explain_claims() {
        std::set<std::string> unbound = wanted_;
        for (const Json& claim : facts_.claims) {
            if (kube::text_at(claim, "/status/phase") == "Bound") unbound.erase(kube::name_of(claim));
        }
        std::size_t explained = 0;
        for (const std::string& name : unbound) {
            if (++explained > kMostExplained) break;
            facts_.explanations[name] = diagnose::headline(diagnose::explain_claim(reader_, facts_.space, name));
        }
    }

    kube::ClusterReader& reader_;
    const CutRequest& options_;
    std::string name_;
    LiveFacts facts_;
    std::set<std::string> wanted_;
};

std::vector<Json> items_of(const Json& json, const char* key) {
    std::vector<Json> items;
    if (!json.contains(key)) return items;
    for (const Json& item : json[key]) items.push_back(item);
    return items;
}

}  // namespace

Result<LiveFacts> gather_live(kube::ClusterReader& reader, const std::string& space, const CutRequest& request,
                              const std::string& name) {
    return Gathering(reader, space, request, name).run();
}

Json live_facts_to_json(const LiveFacts& facts, const std::vector<std::string>& claims) {
    const auto whole = [](Json object) {
        object["metadata"].erase("managedFields");
        return object;
    };
    Json json = {{"space", facts.space},     {"workloads", Json::array()}, {"claims", Json::array()},
                 {"volumes", Json::array()}, {"pods", Json::array()},      {"classes", Json::array()}};
    const std::set<std::string> wanted(claims.begin(), claims.end());
    for (const Json& one : facts.workloads) json["workloads"].push_back(whole(one));
    for (const Json& one : facts.classes) json["classes"].push_back(whole(one));
    std::set<std::string> volumes;
    for (const Json& one : facts.claims) {
        if (!wanted.contains(kube::name_of(one))) continue;
        json["claims"].push_back(whole(one));
        volumes.insert(kube::volume_of_claim(one));
    }
    for (const auto& [name, one] : facts.volumes) {
        if (volumes.contains(name)) json["volumes"].push_back(whole(one));
    }
    for (const Json& one : facts.pods) json["pods"].push_back(whole(one));
    return json;
}

LiveFacts live_facts_from_json(const Json& json) {
    LiveFacts facts;
    facts.space = kube::text_at(json, "/space");
    facts.space_terminating = kube::bool_at(json, "/spaceTerminating", false);
    facts.has_snapshot_api = kube::bool_at(json, "/hasSnapshotAPI", true);
    facts.may_exec = kube::bool_at(json, "/mayExec", false);
    facts.workloads = items_of(json, "workloads");
    facts.claims = items_of(json, "claims");
    for (const Json& name : items_of(json, "selected")) facts.selected.push_back(name.get<std::string>());
    for (const Json& volume : items_of(json, "volumes")) facts.volumes[kube::name_of(volume)] = volume;
    facts.pods = items_of(json, "pods");
    facts.classes = items_of(json, "classes");
    facts.quotas = items_of(json, "quotas");
    facts.snapshots = items_of(json, "snapshots");
    if (json.contains("set")) facts.set_object = json["set"];
    if (json.contains("explanations")) {
        for (const auto& [claim, why] : json["explanations"].items())
            facts.explanations[claim] = why.get<std::string>();
    }
    return facts;
}

}  // namespace holdfast::copies
