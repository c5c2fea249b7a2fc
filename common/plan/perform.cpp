#include "common/plan/perform.h"

#include "common/core/doubt.h"
#include "common/core/text.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/workload.h"
#include "common/plan/describe.h"
#include "common/plan/wait.h"

namespace holdfast::plan {
namespace {

constexpr int kTries = 4;
constexpr std::chrono::milliseconds kPause{1000};
constexpr std::chrono::milliseconds kAskAgain{500};

Json labelled(const Json& manifest, const std::string& operation) {
    Json copy = manifest;
    Json& labels = copy["metadata"]["labels"];
    if (!labels.is_object()) labels = Json::object();
    labels[labels::kManagedBy] = labels::kManagedByValue;
    labels[labels::kOperation] = operation;
    return copy;
}

Status survived(const Create& create, const Json& object) {
    for (const std::string& pointer : create.must_survive) {
        const Json* sent = kube::find_at(create.manifest, pointer);
        const Json* kept = kube::find_at(object, pointer);
        // Fields have no order: an ordered map would say that they differ.
        if (sent == nullptr || (kept != nullptr && nlohmann::json(*kept) == nlohmann::json(*sent))) continue;
        return Error{ErrorKind::kRefused,
                     ref_of_manifest(create.manifest).text() + ": the API server " +
                         (kept == nullptr ? "dropped " : "changed ") + pointer.substr(1) +
                         ": what it made is not what was asked for and holds no data of yours",
                     "", 0, "DataSourceDropped"};
    }
    return {};
}

// Judges what is there under the name: ours, or somebody else's.
Status ours(const Create& create, const std::string& operation, const Json& object) {
    const std::string id = kube::label_of(object, labels::kOperation);
    const std::string what = ref_of_manifest(create.manifest).text();
    if (id == operation || create.anybodys) {
        if (kube::deleting(object))
            return Error{ErrorKind::kConflict, what + ": it is being deleted",
                         "wait until it is gone, then run the command again", 0, ""};
        return survived(create, object);
    }
    if (id.empty())
        return Error{ErrorKind::kLocked, what + ": the name is taken by an object that Holdfast did not make",
                     "choose another name", 0, "AlreadyExists"};
    return Error{ErrorKind::kLocked, what + ": the name is taken by operation " + escape_line(id),
                 "choose another name, or look at that operation with status", 0, "AlreadyExists"};
}

// Quota that has not been counted again yet, a webhook that says no or is down: what was deleted must come again.
bool tried_again(const Create& create, const Error& error) {
    const bool ends = error.message.find("is being terminated") != std::string::npos;  // its namespace: never again
    return create.insists && !ends && (error.kind == ErrorKind::kForbidden || in_doubt(error));
}

// One create whose first answer was `answer`.
Status settle(const Create& create, const Json& manifest, Result<Json> answer, const std::string& operation,
              World& world, const Limits& limits) {
    const kube::ObjectRef ref = ref_of_manifest(create.manifest);
    const auto begin = world.clock.steady_now();  // answers take time, too
    for (int attempt = 1;; ++attempt) {
        if (answer.ok()) return survived(create, *answer);
        const Error& error = answer.error();
        if (tried_again(create, error) && world.clock.steady_now() - begin < limits.stall &&
            limits.dry_run == kube::DryRun::kNone && world.signals.count() <= 1) {
            world.clock.sleep_for(kPause);
            answer = world.cluster.create(manifest, limits.dry_run);
            attempt = 0;
            continue;
        }
        if (error.kind != ErrorKind::kAlreadyExists && !in_doubt(error)) return error.with_context(ref.text());
        auto found = world.cluster.find(ref);
        if (found.ok() && found->has_value()) return ours(create, operation, **found);
        if (attempt >= kTries || world.signals.count() > 1) return error.with_context(ref.text());
        world.clock.sleep_for(kPause);
        // The name is deterministic, so a second create can only meet the first one and never make two.
        if (found.ok()) answer = world.cluster.create(manifest, limits.dry_run);
    }
}

// The answer to a create may hold what the server did not keep: a fresh read says what is there. All at once, eight in
// flight: a thousand one after the other are a thousand round trips.
void read_back(const std::vector<const Create*>& creates, World& world, std::vector<Status>& results) {
    std::vector<std::size_t> places;
    std::vector<kube::ObjectRef> refs;
    for (std::size_t i = 0; i < creates.size(); ++i) {
        if (!results[i].ok() || creates[i]->must_survive.empty()) continue;
        places.push_back(i);
        refs.push_back(ref_of_manifest(creates[i]->manifest));
    }
    const std::vector<Result<Json>> fresh = world.cluster.get_all(refs);
    for (std::size_t n = 0; n < places.size(); ++n) {
        results[places[n]] = fresh[n].ok() ? survived(*creates[places[n]], *fresh[n]) : Status(fresh[n].error());
    }
}

// Whether a merge patch would change nothing that matters: which version of a claim is meant, the binder writes into a
// volume's claimRef again at once.
bool holds(const Json& object, const Json& patch) {
    static const Json kNothing;  // as where the last label was taken off, and the labels with it
    if (!patch.is_object()) return object == patch;
    for (const auto& [key, value] : patch.items()) {
        const auto found = object.is_object() ? object.find(key) : object.end();
        if (value.is_null() && key == "resourceVersion") continue;
        const bool there = object.is_object() && found != object.end();
        if (value.is_null() ? there : !holds(there ? *found : kNothing, value)) return false;
    }
    return true;
}

Error replaced(const kube::ObjectRef& ref) {
    return {ErrorKind::kConflict, ref.text() + ": object replaced: its uid is not the one that was planned for",
            "nothing was done to the new one", 0, ""};
}

}  // namespace

std::vector<Status> perform_creates(const std::vector<const Create*>& creates, const std::string& operation,
                                    World& world, const Limits& limits) {
    std::vector<Json> manifests;
    manifests.reserve(creates.size());
    for (const Create* create : creates)
        manifests.push_back(create->anybodys ? create->manifest : labelled(create->manifest, operation));
    auto answers = world.cluster.create_all(manifests, limits.dry_run);
    std::vector<Status> results;
    for (std::size_t i = 0; i < creates.size(); ++i) {
        results.push_back(settle(*creates[i], manifests[i], std::move(answers[i]), operation, world, limits));
    }
    if (limits.dry_run != kube::DryRun::kServer) read_back(creates, world, results);
    return results;
}

namespace {

// One patch whose first answer was `answer`. tries: how often it is sent while nobody knows whether it was done.
Status settle_patch(const Patch& patch, Result<Json> answer, int tries, World& world, const Limits& limits) {
    for (int attempt = 1;; ++attempt) {
        if (answer.ok()) return {};
        const Error& error = answer.error();
        const bool conflict = error.kind == ErrorKind::kConflict;
        if (!conflict && !in_doubt(error)) return error.with_context(patch.ref.text());
        auto found = world.cluster.get(patch.ref);
        if (found.ok()) {
            if (!patch.preconditions.uid.empty() && kube::uid_of(*found) != patch.preconditions.uid)
                return replaced(patch.ref);
            if (patch.type == kube::PatchType::kMerge && holds(*found, patch.body)) return {};
            const bool moved = !patch.preconditions.resource_version.empty() &&
                               kube::version_of(*found) != patch.preconditions.resource_version;
            if (moved)
                return Error{ErrorKind::kConflict, patch.ref.text() + ": somebody changed it since it was read",
                             "run the command again", 409, "Conflict"};
        }
        if (attempt >= tries || world.signals.count() > 1) return error.with_context(patch.ref.text());
        world.clock.sleep_for(kPause);
        answer = world.cluster.patch(patch.ref, patch.type, patch.body, patch.preconditions, limits.dry_run,
                                     patch.subresource);
    }
}

}  // namespace

Status perform_patch(const Patch& patch, World& world, const Limits& limits) {
    return settle_patch(
        patch,
        world.cluster.patch(patch.ref, patch.type, patch.body, patch.preconditions, limits.dry_run, patch.subresource),
        kTries, world, limits);
}

std::vector<Status> perform_patches(const std::vector<const Patch*>& patches, World& world, const Limits& limits) {
    std::vector<kube::PatchCall> calls;
    calls.reserve(patches.size());
    for (const Patch* one : patches)
        calls.push_back({one->ref, one->type, one->body, one->preconditions, one->subresource});
    auto answers = world.cluster.patch_all(calls, limits.dry_run);
    std::vector<Status> results;
    bool failed = false;
    for (std::size_t i = 0; i < patches.size(); ++i) {
        // Once one has been tried in vain, the others are looked at and not waited for one after the other.
        results.push_back(settle_patch(*patches[i], std::move(answers[i]), failed ? 1 : kTries, world, limits));
        failed = failed || !results.back().ok();
    }
    return results;
}

namespace {

Json scale_body(const Scale& scale, bool with_replicas) {
    Json body = Json::object();
    if (!scale.annotations.is_null()) body["metadata"] = {{"annotations", scale.annotations}};
    if (with_replicas) body["spec"] = {{"replicas", scale.replicas}};
    return body;
}

// Read and changed by the version that was read, so that nobody's edit in between is lost; looked at again as often as
// somebody was faster.
Status scale_workload(const Scale& scale, World& world, const Limits& limits) {
    constexpr int kMostRaces = 20;
    for (int attempt = 1;; ++attempt) {
        auto found = world.cluster.get(scale.ref);
        if (!found.ok()) return found.error().with_context(scale.ref.text());
        if (!scale.preconditions.uid.empty() && kube::uid_of(*found) != scale.preconditions.uid)
            return replaced(scale.ref);
        if (holds(*found, scale_body(scale, true))) return {};
        const bool edited = scale.from && kube::replicas_of(*found) != *scale.from;
        if (edited && !scale.edit_wins) {
            return Error{
                ErrorKind::kConflict,
                scale.ref.text() + ": somebody scaled it meanwhile, to " + std::to_string(kube::replicas_of(*found)),
                "run the command again", 409, "Conflict"};
        }
        const Json body = scale_body(scale, !edited);
        if (body.empty() || holds(*found, body)) return {};
        const auto answer = world.cluster.patch(scale.ref, kube::PatchType::kMerge, body,
                                                {kube::uid_of(*found), kube::version_of(*found)}, limits.dry_run, "");
        if (answer.ok()) return {};
        const bool raced = answer.error().kind == ErrorKind::kConflict;
        if (!raced && !in_doubt(answer.error())) return answer.error().with_context(scale.ref.text());
        if (attempt >= (raced ? kMostRaces : kTries) || world.signals.count() > 1)
            return answer.error().with_context(scale.ref.text());
        if (!raced) world.clock.sleep_for(kPause);
    }
}

}  // namespace

Status perform_scale(const Scale& scale, World& world, const Limits& limits) {
    if (scale.of_workload()) return scale_workload(scale, world, limits);
    const Json body = {{"spec", {{"replicas", scale.replicas}}}};
    return perform_patch(Patch{scale.ref, kube::PatchType::kMerge, body, scale.preconditions, "scale"}, world, limits);
}

namespace {

constexpr int kTooMany = 429;

// A budget that allows no eviction now does when another pod is ready, so it is asked again until then.
Status evict(const Delete& action, const Step& step, World& world, const Limits& limits,
             std::chrono::milliseconds stall) {
    constexpr std::chrono::milliseconds kAgain{2000};
    const auto begin = world.clock.steady_now();
    for (;;) {
        Status answer = world.cluster.evict(action.ref, action.preconditions, limits.dry_run);
        if (answer.ok() || answer.error().http_status != kTooMany) return answer;
        const std::string text = "not evicted yet: " + answer.error().message;
        if (world.signals.count() >= (limits.cleaning ? 2 : 1))
            return Error{ErrorKind::kInterrupted, "interrupted; " + text, "", 0, ""};
        if (world.clock.steady_now() - begin >= stall || limits.dry_run == kube::DryRun::kServer)
            return Error{ErrorKind::kTimeout, text,
                         "`kubectl get poddisruptionbudgets -n " + action.ref.space + "` shows what is allowed",
                         kTooMany, ""};
        world.witness.step_waits(step, action.ref.text() + ": " + text);
        world.clock.sleep_for(kAgain);
    }
}

}  // namespace

Status perform_delete(const Delete& action, const Step& step, World& world, const Limits& limits,
                      std::chrono::milliseconds stall) {
    for (int attempt = 1;; ++attempt) {
        const Status answer =
            action.evict ? evict(action, step, world, limits, stall)
                         : world.cluster.remove(action.ref, action.preconditions, action.propagation, limits.dry_run);
        if (answer.ok()) break;
        const Error& error = answer.error();
        const bool missing = error.kind == ErrorKind::kNotFound;
        if (missing || error.kind == ErrorKind::kConflict) {
            // A fresh read decides: "not found" may be the word of a proxy or of an API that is being installed, and
            // another uid under this name means that the one we meant is gone already.
            auto found = world.cluster.find(action.ref);
            if (found.ok() && !found->has_value()) return {};
            if (found.ok() && !action.preconditions.uid.empty() && kube::uid_of(**found) != action.preconditions.uid)
                return replaced(action.ref);
            if (!missing) return error.with_context(action.ref.text());
        }
        const bool denied = action.evict && error.http_status == kTooMany;  // for as long as a wait may last
        if (denied || (!missing && !in_doubt(error)) || attempt >= kTries || world.signals.count() > 1)
            return error.with_context(action.ref.text());
        world.clock.sleep_for(kPause);
    }
    if (!action.wait || limits.dry_run == kube::DryRun::kServer) return {};
    WaitFor gone{action.ref.resource, action.ref.space, {action.ref.name}, Condition::kGone, ""};
    if (!action.preconditions.uid.empty()) gone.uids = {action.preconditions.uid};
    const std::chrono::milliseconds ask_every = leaves_no_controller(action) ? kAskAgain : std::chrono::milliseconds(0);
    return wait_for(gone, step, world, limits, stall, ask_every);
}

}  // namespace holdfast::plan
