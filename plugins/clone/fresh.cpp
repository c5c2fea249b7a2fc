#include "plugins/clone/fresh.h"

#include "common/copies/database.h"
#include "common/core/hash.h"
#include "common/core/names.h"
#include "common/core/text.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/provisioning.h"
#include "common/plan/make_step.h"
#include "plugins/clone/sites.h"
#include "plugins/clone/steps.h"

#include <algorithm>

namespace holdfast::clone {
namespace {

using plan::Condition;
using plan::Create;
using plan::WaitFor;

constexpr std::chrono::hours kLongestCopy{48};  // without progress that could be seen
constexpr char kFrom[] = "/holdfast-from/";
constexpr char kTo[] = "/holdfast-to/";

Result<std::size_t> index_of_draft(const Choice& seeds, const std::string& name, const std::string& operation) {
    for (std::size_t i = 0; i < seeds.copies.size(); ++i) {
        if (draft_name(operation, seeds.copies[i]) == name) return i;
    }
    // Any other pair would put one claim's data onto another's volume.
    return Error{ErrorKind::kFailed, "pvc/" + name + " is a draft of none of the clone's claims; nothing was copied"};
}

// As it was asked for when its snapshot had said how large it is.
Quantity size_of_draft(const Copy& seed, const std::string& draft, const Now& now) {
    const auto there = now.claims.find(draft);
    if (there == now.claims.end() || !there->second.requested) return seed.spec.size;
    return there->second.requested->bytes() > seed.spec.size.bytes() ? *there->second.requested : seed.spec.size;
}

Json fresh_claim(const CloneOptions& options, const Choice& seeds, std::size_t index, const Now& now,
                 const plan::Input& input) {
    const Copy& seed = seeds.copies[index];
    const Member& source = seeds.sources[seed.of];
    const std::string draft = draft_name(input.operation, seed);
    ClaimSpec spec = seed.spec;
    spec.size = size_of_draft(seed, draft, now);
    Json manifest = claim_manifest(spec, source, Json::object());
    manifest["metadata"]["annotations"] = Json::object();
    manifest["spec"].erase("dataSource");
    for (const auto& [key, value] : seed.labels) manifest["metadata"]["labels"][key] = value;
    mark(options, input, source.called + " uid=" + source.facts.claim_uid, manifest);
    const auto cut_at = now.cut_at.find(draft);
    if (cut_at != now.cut_at.end() && !cut_at->second.empty())
        manifest["metadata"]["annotations"][labels::kCutAt] = cut_at->second;
    return manifest;
}

std::vector<std::string> copiers(const Treatment& drafts, const std::string& operation) {
    std::vector<std::string> pods;
    for (std::size_t i = 0; i < drafts.instances.size(); ++i) pods.push_back(copier_pod(operation, i));
    return pods;
}

}  // namespace

std::string draft_name(const std::string& operation, const Copy& seed) {
    constexpr std::size_t kLongest = 150;  // of 253, with an operation's id before it
    const std::string& name = seed.spec.name;
    const std::string end =
        name.size() <= kLongest ? name : short_hash(name).substr(0, 8) + name.substr(name.size() + 8 - kLongest);
    return kube::placed_like(name, operation + "-draft-" + end);
}

std::string copier_pod(const std::string& operation, std::size_t instance) {
    return bounded_name(operation, "-copy-" + std::to_string(instance));
}

std::string draft_mark_of(const CloneOptions& options) { return "draft:" + short_hash(mark_of(options)); }

Choice drafts_of(const Choice& seeds, const std::string& operation) {
    Choice drafts = seeds;
    for (std::size_t i = 0; i < drafts.copies.size(); ++i) {
        drafts.copies[i].spec.name = draft_name(operation, seeds.copies[i]);
        drafts.copies[i].labels.clear();  // they are no StatefulSet's
    }
    return drafts;
}

// find, cksum, sort and stat are what a database's image and busybox both have. What belongs to somebody else and could
// not be kept so is a difference like any other.
std::string copy_script() {
    return R"sh(set -eu
die() { echo "holdfast: $*" >&2; exit 1; }
trap 'code=$?; [ $code = 0 ] || echo "holdfast: the masked copy could not be put onto a fresh volume" >&2' EXIT
for tool in find cksum sort stat cp; do command -v $tool >/dev/null || die "the image has no $tool"; done
# Not through pipes: what fails left of one is not told.
tell() {
    cd "$1"
    find . -path ./lost+found -prune -o -type f -exec cksum {} + >/holdfast/sums || die "not every file can be read"
    find . -path ./lost+found -prune -o ! -path . -exec stat -c '%n %f %u %g %N' {} + >/holdfast/stats || die "not every file can be seen"
    sort /holdfast/sums /holdfast/stats
}
for i in $HOLDFAST_VOLUMES; do
    from=/holdfast-from/$i to=/holdfast-to/$i
    for one in "$to"/* "$to"/.[!.]* "$to"/..?*; do
        [ ! -e "$one" ] && [ ! -L "$one" ] || [ "$one" = "$to/lost+found" ] || die "the volume that was to be fresh holds ${one##*/}"
    done
    cd "$from"
    for one in * .[!.]* ..?*; do
        [ -e "$one" ] || [ -L "$one" ] || continue
        [ "$one" = lost+found ] || cp -a "$one" "$to/"
    done
    if [ "$(id -u)" = 0 ]; then
        chown "$(stat -c %u:%g .)" "$to"
        chmod "$(stat -c %a .)" "$to"
    fi
    sync
    (tell "$from") >/holdfast/from
    (tell "$to") >/holdfast/to
    [ -s /holdfast/from ] || die "nothing was copied"
    [ "$(cksum </holdfast/from)" = "$(cksum </holdfast/to)" ] || die "what was copied is not what is there now"
done
)sh";
}

Result<Json> copier_manifest(const CloneOptions& options, const Choice& seeds, const Treatment& drafts,
                             std::size_t index, const std::string& operation) {
    Instance instance = drafts.instances[index];
    instance.pod = copier_pod(operation, index);
    Json pod = throwaway_pod_manifest(instance, drafts.engine, drafts.source, options.to_space, kTreatmentRole);
    Json& spec = pod["spec"];
    spec["terminationGracePeriodSeconds"] = 1;
    Json volumes = Json::array({{{"name", "holdfast"}, {"emptyDir", Json::object()}}});
    Json mounts = Json::array({{{"name", "holdfast"}, {"mountPath", kScratch}}});
    std::vector<std::string> numbers;
    for (const ThrowawayClaim& draft : instance.claims) {
        TRY_ASSIGN(const std::size_t seed, index_of_draft(seeds, draft.spec.name, operation));
        const std::string number = std::to_string(seed);
        numbers.push_back(number);
        volumes.push_back({{"name", "from-" + number}, {"persistentVolumeClaim", {{"claimName", draft.spec.name}}}});
        volumes.push_back(
            {{"name", "to-" + number}, {"persistentVolumeClaim", {{"claimName", seeds.copies[seed].spec.name}}}});
        mounts.push_back({{"name", "from-" + number}, {"mountPath", kFrom + number}, {"readOnly", true}});
        mounts.push_back({{"name", "to-" + number}, {"mountPath", kTo + number}});
    }
    spec["volumes"] = std::move(volumes);
    Json& container = spec["containers"][0];
    container["name"] = "copy";
    container["command"] = Json::array({"/bin/sh", "-c", copy_script()});
    container["env"] = Json::array({{{"name", "HOLDFAST_VOLUMES"}, {"value", join(numbers, " ")}}});
    container["volumeMounts"] = std::move(mounts);
    container.erase("readinessProbe");
    container.erase("volumeDevices");
    return pod;
}

Result<plan::Plan> plan_fresh(const CloneOptions& options, const Choice& seeds, const Treatment& drafts, const Now& now,
                              const plan::Input& input) {
    plan::Plan plan;
    plan.last = false;
    std::vector<std::string> claims, pods;
    WaitFor bound{kube::kClaims, options.to_space, {}, Condition::kClaimBound, ""};
    for (std::size_t i = 0; i < seeds.copies.size(); ++i) {
        const Copy& seed = seeds.copies[i];
        claims.push_back("create-fresh-" + seed.spec.name);
        bound.names.push_back(seed.spec.name);
        plan.steps.push_back(plan::make_step(
            claims.back(), "create pvc/" + options.to_space + "/" + seed.spec.name,
            "empty: blocks that the source had freed are not in it; class " + seed.spec.storage_class.name,
            Create{fresh_claim(options, seeds, i, now, input), {}}));
    }
    for (std::size_t i = 0; i < drafts.instances.size(); ++i) {
        const std::string pod = copier_pod(input.operation, i);
        pods.push_back("create-" + pod);
        TRY_ASSIGN(Json copier, copier_manifest(options, seeds, drafts, i, input.operation));
        plan.steps.push_back(plan::make_step(pods.back(), "create pod/" + options.to_space + "/" + pod,
                                             "copies every file of the masked draft and compares what it wrote",
                                             Create{std::move(copier), {}}, claims));
    }
    const std::string all = counted(seeds.copies.size(), "fresh claim");
    plan.steps.push_back(plan::make_step("wait-fresh", "wait until " + all + " Bound", "", std::move(bound), pods));
    return plan;
}

plan::Plan plan_fill(const CloneOptions& options, const Choice& seeds, const Treatment& drafts, const Now& now,
                     const std::string& operation) {
    plan::Plan plan;
    plan.last = false;
    const std::vector<std::string> pods = copiers(drafts, operation);
    // For itself, since a pod that no node can take gets nowhere in any time.
    plan.steps.push_back(plan::make_step("wait-copier", "wait until the copying has begun", "",
                                         WaitFor{kube::kPods, options.to_space, pods, Condition::kPodStarted, ""}));
    plan::Step wait =
        plan::make_step("wait-copy", "wait until every file is copied and compared", "",
                        WaitFor{kube::kPods, options.to_space, pods, Condition::kPodSucceeded, ""}, {"wait-copier"});
    wait.limit = kLongestCopy;
    wait.phase = "prepare";
    plan.steps.push_back(std::move(wait));
    std::vector<std::string> gone;
    for (const std::string& pod : pods) {
        gone.push_back("delete-" + pod);
        plan.steps.push_back(plan::delete_step(gone.back(), {kube::kPods, options.to_space, pod}, "",
                                               "it has done its work", {"wait-copy"}));
    }
    if (auto step = take_policy(options, drafts, gone)) {
        gone = {step->id};
        plan.steps.push_back(std::move(*step));
    }
    // Last of all: who finds the mark finds a whole copy.
    for (const Copy& seed : seeds.copies)
        plan.steps.push_back(mark_prepared(options, seed.spec.name, mark_of(options), now, gone));
    return plan;
}

}  // namespace holdfast::clone
