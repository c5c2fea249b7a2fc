#include "plugins/clone/imports.h"

#include "common/copies/snapshot_class.h"
#include "common/core/duration.h"
#include "common/core/refusal.h"
#include "common/core/text.h"
#include "common/kube/objects/workload.h"
#include "plugins/clone/sites.h"
#include "plugins/clone/steps.h"

#include <algorithm>

namespace holdfast::clone {
namespace {

// Drivers may round what they tell of a snapshot later.
constexpr std::chrono::seconds kSameMoment{2};

bool same_moment(const std::string& left, const std::string& right) {
    const auto one = parse_time(left), other = parse_time(right);
    if (!one.ok() || !other.ok()) return true;  // nothing is known
    return std::chrono::abs(*one - *other) < kSameMoment;
}

}  // namespace

Status check_another(kube::ClusterReader& here, kube::ClusterReader& there, const CloneOptions& options) {
    const kube::ObjectRef space{kube::kNamespaces, "", options.to_space};
    TRY_ASSIGN(const std::optional<Json> one, there.find(space));
    if (!one) return {};  // told of where it is needed
    TRY_ASSIGN(const std::optional<Json> other, here.find(space));
    if (!other || kube::uid_of(*one) != kube::uid_of(*other)) return {};
    return Error{ErrorKind::kUsage,
                 "the other cluster is this one: namespace " + options.to_space + " is the same" + where(options) +
                     ", uid " + escape_line(kube::uid_of(*one)) + "; nothing was changed",
                 "--to-namespace is for another namespace of the same cluster"};
}

Result<std::vector<Imported>> gather_imports(kube::ClusterReader& there, const CloneOptions& options,
                                             const Choice& choice, const std::string& operation) {
    std::vector<Imported> imports;
    for (std::size_t i = 0; i < choice.sources.size(); ++i) {
        Imported one;
        one.name = import_name(options, operation, i);
        TRY_ASSIGN(const std::optional<Json> snapshot, there.find({kube::kSnapshots, options.to_space, one.name}));
        TRY_ASSIGN(const std::optional<Json> content, there.find({kube::kSnapshotContents, "", one.name}));
        if (snapshot && content) {
            const kube::Snapshot is = kube::snapshot_of(*snapshot);
            const kube::SnapshotContent of = kube::content_of(*content);
            one.ready = is.ready && !is.deleting && !of.deleting && kube::bound_both_ways(is, of);
            // "" also for Go's zero time, which the sidecar writes for a driver that cannot list its snapshots.
            one.cut_at = of.cut_at;
            one.size = of.restore_size.value_or(0);
        }
        imports.push_back(std::move(one));
    }
    return imports;
}

bool all_imported(const std::vector<Imported>& imports) {
    return std::all_of(imports.begin(), imports.end(), [](const Imported& one) { return one.ready; });
}

Status check_imported(const CloneOptions& options, const Choice& choice, const std::vector<Imported>& imports) {
    for (std::size_t i = 0; i < imports.size() && i < choice.sources.size(); ++i) {
        const Member& source = choice.sources[i];
        if (!source.content) continue;
        const Imported& found = imports[i];
        const long long size = source.content->restore_size.value_or(0);
        const bool moment = found.cut_at.empty() || same_moment(source.content->cut_at, found.cut_at);
        if (moment && (size == 0 || found.size == 0 || size == found.size)) continue;
        return Error{ErrorKind::kMismatch,
                     "the storage" + where(options) +
                         " is not that of the source: what it has under the handle of vs/" + options.space + "/" +
                         source.facts.snapshot + " was cut at " +
                         (found.cut_at.empty() ? "an unknown time" : escape_line(found.cut_at)) + " with " +
                         std::to_string(found.size) + " bytes, and the snapshot at " +
                         escape_line(source.content->cut_at) + " with " + std::to_string(size),
                     "a clone in another cluster needs one storage behind both: its driver " +
                         escape_line(source.driver) + " may be set up for another one there",
                     0, kForeignSnapshot};
    }
    return {};
}

Status gather_classes_there(kube::ClusterReader& there, const CloneOptions& options, bool cuts, Choice& choice) {
    TRY_ASSIGN(const kube::Discovery discovery, there.discover());
    if (!discovery.has(kube::kSnapshots))
        return refused(
            "the cluster" + where(options) + " has no snapshot API, by which a snapshot becomes a volume there",
            "install the VolumeSnapshot CRDs and the snapshot-controller there");
    TRY_ASSIGN(kube::List list, there.list(kube::kSnapshotClasses, ""));
    choice.classes_there = std::move(list.items);
    if (!cuts) return {};
    ClassChooser chooser(choice.classes_there, "");
    for (const Member& source : choice.sources) {
        auto chosen = chooser.choose(source.driver, "the masked copy of " + source.called + where(options));
        if (!chosen.ok()) return chosen.error();
        choice.cut_there[source.driver] = *chosen;
    }
    return {};
}

}  // namespace holdfast::clone
