#include "plugins/snap/chain.h"

#include "common/core/text.h"
#include "common/kube/objects/labels.h"
#include "common/kube/objects/workload.h"

#include <algorithm>
#include <set>

namespace holdfast::snap {
namespace {

constexpr const char* kOwnAnnotations[] = {labels::kClaim, labels::kOrdinal, labels::kWorkload, labels::kRecord,
                                           labels::kSetSummary};

std::map<std::string, std::string> own_annotations(const Json& object) {
    std::map<std::string, std::string> own;
    for (const char* key : kOwnAnnotations) {
        std::string value = kube::annotation_of(object, key);
        if (!value.empty()) own[key] = std::move(value);
    }
    return own;
}

Error no_such_snapshot(kube::ClusterReader& reader, const std::string& space, const std::string& name) {
    Error error{ErrorKind::kNotFound, "vs/" + space + "/" + name + " not found"};
    const auto list = reader.list(kube::kSnapshots, space);
    std::vector<std::string> names;
    if (list.ok()) {
        for (const Json& item : list->items) names.push_back(kube::name_of(item));
    }
    const std::vector<std::string> near = nearest(name, names);
    error.hint =
        near.empty() ? "`kubectl snap list` shows what there is" : "did you mean vs/" + join(near, ", vs/") + "?";
    return error;
}

void set_snapshot(Link& link, const Json& object) {
    link.snapshot = kube::snapshot_of(object);
    link.annotations = own_annotations(object);
}

Result<Subject> read_subject(kube::ClusterReader& reader, const std::string& space, const kube::SnapshotName& name) {
    Subject subject;
    subject.name = name;
    if (!name.is_set) {
        TRY_ASSIGN(const std::optional<Json> object, reader.find({kube::kSnapshots, space, name.name}));
        if (!object) return no_such_snapshot(reader, space, name.name);
        Link link;
        link.snapshot_name = name.name;
        set_snapshot(link, *object);
        subject.links.push_back(std::move(link));
        return subject;
    }
    TRY_ASSIGN(subject.set, kube::read_set(reader, space, name.name));
    TRY_ASSIGN(const auto members, kube::read_members(reader, *subject.set));
    for (std::size_t i = 0; i < members.size(); ++i) {
        Link link;
        link.snapshot_name = subject.set->members[i].snapshot;
        if (members[i]) set_snapshot(link, *members[i]);
        subject.links.push_back(std::move(link));
    }
    return subject;
}

Status read_contents(kube::ClusterReader& reader, std::vector<Link*>& links, bool must) {
    std::vector<kube::ObjectRef> refs;
    std::vector<Link*> of;
    for (Link* link : links) {
        if (!link->snapshot || link->snapshot->content.empty()) continue;
        refs.push_back({kube::kSnapshotContents, "", link->snapshot->content});
        of.push_back(link);
    }
    const std::vector<Result<Json>> answers = reader.get_all(refs);
    for (std::size_t i = 0; i < answers.size(); ++i) {
        if (answers[i].ok()) {
            of[i]->content = kube::content_of(*answers[i]);
            of[i]->content_version = kube::version_of(*answers[i]);
            of[i]->content_annotations = own_annotations(*answers[i]);
        } else if (answers[i].error().kind != ErrorKind::kNotFound && must) {
            return answers[i].error();
        }
    }
    return {};
}

// The snapshot that a claim is made of, by dataSource or dataSourceRef; "" : none of this namespace.
std::string source_of(const Json& claim, const std::string& space) {
    for (const char* field : {"/spec/dataSourceRef", "/spec/dataSource"}) {
        const std::string base = field;
        if (kube::text_at(claim, base + "/kind") != kube::kSnapshots.kind) continue;
        const std::string other = kube::text_at(claim, base + "/namespace");
        if (other.empty() || other == space) return kube::text_at(claim, base + "/name");
    }
    return "";
}

Status read_lineage(kube::ClusterReader& reader, const std::string& space, std::vector<Link*>& links) {
    std::multimap<std::string, Link*> by_name;
    for (Link* link : links) by_name.emplace(link->snapshot_name, link);
    const auto each = [&](Json&& claim) {
        const auto [first, last] = by_name.equal_range(source_of(claim, space));
        for (auto found = first; found != last; ++found) {
            found->second->restored.push_back(kube::name_of(claim));
            if (kube::text_at(claim, "/status/phase") != "Bound")
                found->second->pending.push_back(kube::name_of(claim));
        }
        return true;
    };
    const auto restart = [&] {
        for (Link* link : links) {
            link->restored.clear();
            link->pending.clear();
        }
    };
    TRY(reader.for_each(kube::kClaims, space, {}, each, restart));
    return {};
}

}  // namespace

Result<std::vector<Subject>> read_subjects(kube::ClusterReader& reader, const std::string& space,
                                           const std::vector<std::string>& words, const ChainOptions& options) {
    std::vector<Subject> subjects;
    std::set<std::string> seen;
    for (const std::string& word : words) {
        TRY_ASSIGN(const kube::SnapshotName name, kube::parse_snapshot_name(word));
        TRY_ASSIGN(Subject subject, read_subject(reader, space, name));
        if (seen.insert(subject.text()).second) subjects.push_back(std::move(subject));
    }
    std::vector<Link*> links;
    for (Subject& subject : subjects) {
        for (Link& link : subject.links) links.push_back(&link);
    }
    if (options.contents) TRY(read_contents(reader, links, options.must));
    TRY(read_lineage(reader, space, links));
    return subjects;
}

std::string link_text(const std::string& space, const Link& link) { return "vs/" + space + "/" + link.snapshot_name; }

}  // namespace holdfast::snap
