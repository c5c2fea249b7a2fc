#include "plugins/clone/workload.h"

#include "common/core/names.h"
#include "common/core/refusal.h"
#include "common/core/text.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/lifecycle.h"
#include "common/kube/objects/placement.h"
#include "common/kube/objects/workload.h"
#include "common/plan/describe.h"
#include "plugins/clone/copied.h"
#include "plugins/clone/mentions.h"
#include "plugins/clone/pod_security.h"
#include "plugins/clone/shared_storage.h"
#include "plugins/clone/spoken.h"
#include "plugins/clone/steps.h"

#include <algorithm>
#include <set>

namespace holdfast::clone {
namespace {

// The name of a Service beside the clone: "postgres" -> "staging", "postgres-headless" -> "staging-headless".
std::string service_name(const std::string& service, const Names& names) {
    if (service == names.source) return names.clone;
    if (starts_with(service, names.source + "-")) return bounded_name(names.clone, service.substr(names.source.size()));
    return names.source == names.clone ? service : bounded_name(names.clone + "-" + service, "");
}

constexpr char kPodName[] = "statefulset.kubernetes.io/pod-name";
constexpr char kPodIndex[] = "apps.kubernetes.io/pod-index";

class Copying {
  public:
    Copying(const CloneOptions& options, const LiveFacts& live, const Choice& choice, const Surroundings& around,
            const plan::Input& input)
        : options_(options),
          source_(live.workloads.front()),
          live_(live),
          choice_(choice),
          around_(around),
          input_(input),
          names_{options.source.name, options.name},
          selectors_(around.selectors(options, input.operation)) {}

    Result<Workload> run() {
        TRY(check_present());
        TRY(take_labels());
        TRY(make_manifest());
        copy_services();
        if (options_.isolated) made_.before.push_back(isolation_policy(options_));
        copy_objects(around_.config_maps, kube::kConfigMaps);
        copy_objects(around_.secrets, kube::kSecrets);
        TRY(apply_wishes());
        TRY(check_unselected(pod_labels(), selectors_, beside_));
        TRY(check_shared_storage(pod_spec()));
        if (!options_.sql.empty()) TRY(check_made_of_nothing(pod_spec()));
        TRY(check_names());
        TRY(check_pod_security(around_.level, options_.to_space, pod_spec()));
        tell();
        mark_all();
        return std::move(made_);
    }

  private:
    bool stateful() const { return *options_.source.resource == kube::kStatefulSets; }
    std::string what() const { return options_.source.text(); }
    const Json& spec() const { return source_.find("spec").value(); }
    Json& pod_spec() { return made_.manifest["spec"]["template"]["spec"]; }
    kube::LabelMap pod_labels() { return kube::label_map(made_.manifest["spec"]["template"]["metadata"]["labels"]); }

    // Named before anything is made: pods that wait for a Secret would be the first to tell otherwise.
    Status check_present() const {
        std::vector<std::string> lacking;
        std::string hint;
        const auto list = [&](const std::set<std::string>& missing, const char* kind, const char* flag) {
            for (const std::string& name : missing) lacking.push_back(std::string(kind) + "/" + name);
            if (!missing.empty())
                hint += (hint.empty() ? "" : " ") + std::string(flag) + " " +
                        join({missing.begin(), missing.end()}, std::string(" ") + flag + " ");
        };
        list(around_.missing.config_maps, "configmap", "--copy-configmaps");
        list(around_.missing.secrets, "secret", "--copy-secrets");
        if (!around_.missing.service_account.empty())
            lacking.push_back("serviceaccount/" + around_.missing.service_account);
        if (lacking.empty()) return {};
        const std::string unseen =
            around_.missing.secrets.empty() ? "" : " (a Secret is looked at only if it is named)";
        return refused(
            "the pods of the clone need in namespace " + options_.to_space + ": " + join(lacking, ", ") + unseen,
            hint.empty() ? "make it there first" : "copied, or left as they are where they exist, with: " + hint);
    }

    Status take_labels() {
        const Json* own = kube::find_at(source_, std::string("/spec") + "/selector");
        const Json* labels = kube::find_at(source_, std::string("/spec") + "/template/metadata/labels");
        own_ = own == nullptr ? Json::object() : *own;
        const kube::LabelMap was = kube::label_map(labels == nullptr ? Json() : *labels);
        beside_ = labels_beside(was);
        TRY_ASSIGN(labels_, relabel(was, own_, selectors_, names_, beside_));
        return {};
    }

    // Those that the software puts on its pods (Patroni: role), as its source's have them, and those that a
    // StatefulSet's controller puts on by ordinal.
    Beside labels_beside(const kube::LabelMap& was) const {
        Beside all(1);
        for (const Json& pod : live_.pods) {
            kube::LabelMap more = kube::label_map(value_or_empty(value_or_empty(pod, "metadata"), "labels"));
            if (!kube::selector_matches(own_, more)) continue;  // somebody else's, which mounts a claim of the source
            std::erase_if(more, [&](const auto& one) {
                return was.contains(one.first) || one.first == kPodName || one.first == kPodIndex ||
                       one.first == "controller-revision-hash" || one.first == "pod-template-hash";
            });
            all.push_back(std::move(more));
        }
        if (!stateful()) return all;
        Beside each;
        const int count = std::max({1, choice_.replicas, options_.replicas.value_or(0), kube::replicas_of(source_)});
        for (int ordinal = choice_.start; ordinal < choice_.start + count; ++ordinal) {
            for (kube::LabelMap more : all) {
                more[kPodIndex] = std::to_string(ordinal);
                more[kPodName] = options_.name + "-" + std::to_string(ordinal);
                each.push_back(std::move(more));
            }
        }
        return each;
    }

    Json renamed_labels(Json labels) const {
        for (auto& [key, value] : labels.items()) {
            const auto was = labels_.was.find(key);
            const auto now = labels_.now.find(key);
            if (was != labels_.was.end() && now != labels_.now.end() && value == was->second) value = now->second;
        }
        return labels;
    }

    Status make_manifest() {
        Json& manifest = made_.manifest;
        manifest = {{"apiVersion", options_.source.resource->api_version()},
                    {"kind", options_.source.resource->kind},
                    {"metadata", {{"name", options_.name}, {"namespace", options_.to_space}}}};
        const Json metadata = value_or_empty(source_, "metadata");
        manifest["metadata"]["labels"] = renamed_labels(without_deployers(value_or_empty(metadata, "labels")));
        name_instance(manifest["metadata"]["labels"], options_.name);
        manifest["metadata"]["annotations"] = without_deployers(value_or_empty(metadata, "annotations"));
        manifest["spec"] = spec();
        Json& made = manifest["spec"];
        made["selector"] = own_;
        kube::rename_in_selector(made["selector"], labels_.was, labels_.now);
        made["selector"]["matchLabels"][labels::kClone] = options_.name;
        made["template"]["metadata"]["labels"] = Json(labels_.now);
        made["replicas"] =
            choice_.replicas > 0 ? choice_.replicas : options_.replicas.value_or(kube::replicas_of(source_));
        bring_terms_home();
        pod_spec().erase("nodeName");
        for (const std::string& one : take_off_node(pod_spec()))
            made_.notes.push_back(one + " is taken off: the clone would answer at its node's address");
        use_claims();
        if (stateful()) make_stateful(made);
        return {};
    }

    // Of its terms those that mean the source's pods are about the clone's own: one that keeps them apart would keep
    // the source's off each node that a pod of the clone is on.
    void bring_terms_home() {
        bool far = false;
        kube::for_each_pod_term(pod_spec(), [&](Json& term) {
            Json& selector = term["labelSelector"];
            if (options_.elsewhere() && means_source(selector))
                far = term.erase("namespaces") + term.erase("namespaceSelector") > 0 || far;
            kube::rename_in_selector(selector, labels_.was, labels_.now);
        });
        if (far)
            made_.notes.push_back(
                "affinity terms that mean the source's pods in other namespaces are about the clone's "
                "own pods in namespace " +
                options_.to_space + " alone");
    }

    // Whether it picks pods of the source: by what their template says, or with what they carry beside it.
    bool means_source(const Json& selector) const {
        if (kube::selector_matches(selector, labels_.was)) return true;
        return std::any_of(live_.pods.begin(), live_.pods.end(), [&](const Json& pod) {
            const kube::LabelMap labels = kube::labels_of(pod);
            return kube::selector_matches(own_, labels) && kube::selector_matches(selector, labels);
        });
    }

    // Claims that the template mounts by name: the copies, never the source's own.
    void use_claims() {
        if (!pod_spec().contains("volumes")) return;
        for (Json& volume : pod_spec()["volumes"]) {
            if (!volume.contains("persistentVolumeClaim")) continue;
            Json& name = volume["persistentVolumeClaim"]["claimName"];
            for (const Copy& copy : choice_.copies) {
                if (copy.ordinal < 0 && name == choice_.sources[copy.of].facts.claim) {
                    name = copy.spec.name;
                    break;
                }
            }
        }
    }

    void make_stateful(Json& made) {
        if (choice_.start != 0 || made.contains("ordinals")) made["ordinals"] = {{"start", choice_.start}};
        made.erase("persistentVolumeClaimRetentionPolicy");  // the clone's data goes when the clone is deleted
        if (!made.contains("volumeClaimTemplates")) return;
        for (Json& one : made["volumeClaimTemplates"]) {
            one.erase("status");
            // Of a later ordinal: what the source's were made of is the source's, unmasked, or one volume for all.
            for (const char* origin : {"dataSource", "dataSourceRef", "volumeName", "selector"}) {
                if (one.contains("spec")) one["spec"].erase(origin);
            }
            for (const Copy& copy : choice_.copies) {
                if (copy.ordinal < 0 || choice_.sources[copy.of].facts.claim_template != kube::name_of(one)) continue;
                // A later ordinal is to be like these.
                one["spec"]["storageClassName"] = copy.spec.storage_class.name;
                one["spec"]["resources"]["requests"]["storage"] = copy.spec.size.text();
                break;
            }
        }
    }

    void copy_services() {
        if (!stateful()) {
            made_.notes.push_back("no Service is copied: nothing sends traffic to the clone until you make one");
            return;
        }
        const std::string name = kube::service_of(source_);
        if (name.empty()) return;
        made_.manifest["spec"]["serviceName"] = service_name(name, names_);
        const auto found = std::find_if(around_.services.begin(), around_.services.end(),
                                        [&](const Json& one) { return kube::name_of(one) == name; });
        if (found == around_.services.end()) {
            made_.notes.push_back("svc/" + options_.space + "/" + name + ", which " + what() +
                                  " names, does not exist: the clone's pods have no names in DNS either");
            return;
        }
        const Json labels = value_or_empty(value_or_empty(*found, "metadata"), "labels");
        made_.before.push_back(
            service_copy(options_, *found, service_name(name, names_), renamed_labels(without_deployers(labels))));
    }

    void copy_objects(const std::map<std::string, Json>& objects, const kube::Resource& resource) {
        for (const auto& [name, object] : objects) {
            if (options_.elsewhere()) made_.before.push_back(object_copy(options_, resource, name, object));
        }
    }

    // A clone that mounted a claim of its source would write to it.
    Status check_own_claims() {
        if (options_.elsewhere()) return {};
        for (const auto& [volume, claim] : kube::claims_of_pod_spec(pod_spec())) {
            const auto& all = choice_.looked_at;
            const bool copy = std::any_of(choice_.copies.begin(), choice_.copies.end(),
                                          [&, name = claim](const Copy& one) { return one.spec.name == name; });
            if (copy || std::find(all.begin(), all.end(), claim) == all.end()) continue;
            return refused("the clone would mount pvc/" + options_.to_space + "/" + claim + ", which its source uses",
                           "mount the clone's own claims");
        }
        return {};
    }

    // What the clone's claims are made for.
    Json numbers(const Json& manifest) const {
        if (!stateful()) return nullptr;
        const Json spec = value_or_empty(manifest, "spec");
        const auto part = [&](const char* key) { return spec.contains(key) ? spec[key] : Json(); };
        Json found = Json::array({part("replicas"), part("ordinals")});
        for (const Json& one : part("volumeClaimTemplates")) found.push_back(kube::name_of(one));
        return found;
    }

    Status apply_wishes() {
        const Json before = numbers(made_.manifest);
        TRY(take_from_line(options_, made_.manifest));
        if (numbers(made_.manifest) != before)
            return refused(
                "--set must not change the clone's replicas, ordinals or claim templates: its claims are made "
                "for these, and a pod beyond them would mount what is there under its claim's name",
                "--replicas and --ordinals say how many and which");
        TRY(check_own_claims());
        // What makes it this clone is not to be set: its claims and selectors hang on it.
        const auto is_marked = [&](const char* place) {
            const Json* labels = kube::find_at(made_.manifest, std::string("/spec") + place);
            return labels != nullptr && kube::label_map(*labels)[labels::kClone] == options_.name;
        };
        const bool same = plan::ref_of_manifest(made_.manifest) ==
                          kube::ObjectRef{*options_.source.resource, options_.to_space, options_.name};
        if (!same || !is_marked("/template/metadata/labels") || !is_marked("/selector/matchLabels"))
            return refused("--set must not change the clone's kind, name, namespace, or its label " +
                               std::string(labels::kClone) + " in its selector and its pods",
                           "");
        return {};
    }

    Status check_names() const {
        std::vector<std::pair<const kube::Resource*, std::string>> wanted = {{options_.source.resource, options_.name}};
        for (const Json& one : made_.before) {
            for (const kube::Resource* resource : {&kube::kServices, &kube::kNetworkPolicies}) {
                if (kube::text_at(one, "/kind") == resource->kind) wanted.push_back({resource, kube::name_of(one)});
            }
        }
        for (const Json& object : around_.there) {
            for (const auto& [resource, name] : wanted) {
                const bool same = kube::text_at(object, "/kind") == resource->kind && kube::name_of(object) == name;
                if (!same || kube::label_of(object, labels::kOperation) == input_.operation) continue;
                return refused(kube::ObjectRef{*resource, options_.to_space, name}.text() + " exists already",
                               "choose another name for the clone");
            }
            if (kube::text_at(object, "/kind") == kube::kHorizontalPodAutoscalers.kind &&
                kube::scales(object, options_.source.resource->kind, options_.name))
                return refused("hpa/" + options_.to_space + "/" + kube::name_of(object) + " scales " +
                                   options_.source.resource->short_name + "/" + options_.name +
                                   ": it would scale the clone",
                               "choose another name for the clone");
        }
        return {};
    }

    // The clone has the data and the passwords of its source, and not what kept others from connecting to that.
    void tell_of_policies() {
        std::vector<std::string> left_behind;
        for (const Json& policy : around_.policies) {
            const std::string name = "netpol/" + options_.space + "/" + kube::name_of(policy);
            for (const kube::NamedSelector& one : kube::selectors_of(policy)) {
                if (one.owner != name || !means_source(one.selector)) continue;
                const bool follows = !options_.elsewhere() && kube::selector_matches(one.selector, labels_.now);
                if (!follows) left_behind.push_back(name);
            }
        }
        if (left_behind.empty()) return;
        std::sort(left_behind.begin(), left_behind.end());
        made_.notes.push_back("what restricts who may connect to the source's pods does not restrict the clone's: " +
                              join(left_behind, ", ") + "; make a policy for label " + labels::kClone + "=" +
                              options_.name);
    }

    void tell() {
        tell_of_policies();
        for (const auto& [key, value] : labels_.now) {
            const auto was = labels_.was.find(key);
            if (was != labels_.was.end() && was->second != value)
                made_.notes.push_back("label " + key + " of the pods: " + was->second + " becomes " + value);
        }
        for (const auto& [key, value] : labels_.was) {
            if (!labels_.now.contains(key)) made_.notes.push_back("label " + key + " of the pods is left out");
        }
        if (!labels_.everywhere.empty())
            made_.notes.push_back("these mean every pod of namespace " + options_.to_space +
                                  ", the clone's too: " + join(labels_.everywhere, ", "));
        std::vector<std::string> words;
        for (const Json& service : around_.services) {
            for (const kube::NamedSelector& one : kube::selectors_of(service)) {
                if (means_source(one.selector)) words.push_back(kube::name_of(service));
            }
        }
        if (stateful() && !kube::service_of(source_).empty()) words.push_back(kube::service_of(source_));
        made_.source_names = words;
        for (const std::string& place : places_that_name(pod_spec(), words))
            made_.notes.push_back(place + ", which means the source: the clone may connect to it (--env, --set)");
        for (const std::string& one : around_.kept)
            made_.notes.push_back(one + " is in namespace " + options_.to_space + " already and is left as it is");
    }

    void mark_all() {
        const std::string from = options_.source_ref().text() + " uid=" + kube::uid_of(source_);
        for (Json& one : made_.before) mark(options_, input_, from, one);
        mark(options_, input_, from, made_.manifest);
        std::vector<std::string> secrets;
        for (const auto& [name, object] : around_.secrets) secrets.push_back(name);
        if (!secrets.empty()) made_.manifest["metadata"]["annotations"][labels::kSecrets] = join(secrets, ",");
    }

    const CloneOptions& options_;
    const Json& source_;
    const LiveFacts& live_;
    const Choice& choice_;
    const Surroundings& around_;
    const plan::Input& input_;
    const Names names_;
    const std::vector<kube::NamedSelector> selectors_;
    Json own_;
    Beside beside_;
    Relabelled labels_;
    Workload made_;
};

}  // namespace

Result<Workload> workload_of(const CloneOptions& options, const LiveFacts& live, const Choice& choice,
                             const Surroundings& around, const plan::Input& input) {
    return Copying(options, live, choice, around, input).run();
}

}  // namespace holdfast::clone
