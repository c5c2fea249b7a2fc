// What the cluster says of a clone that is to be made, or half made. Gathering reads; the record is what a journal
// keeps of the source, so that a resume goes on with what was decided although the source has changed since.
#pragma once

#include "common/kube/objects/claim.h"
#include "common/kube/reader.h"
#include "plugins/clone/choice.h"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace holdfast::clone {

// Of the source; from the record where there is one. kNotFound (with the nearest names), kRefused, the server's.
Result<LiveFacts> gather_origin(kube::ClusterReader& reader, const CloneOptions& options, const Json& record,
                                const std::string& operation);
// treats: a throwaway database prepares the data. What that was decided by may be gone when it is gone on with.
Json record_of(const LiveFacts& live, const Choice& choice, bool treats);
bool has_record(const Json& record);
bool recorded_treats(const Json& record);
// kRefused: the statements are not those that the clone was begun with. Only their hash is kept.
void record_statements(const CloneOptions& options, Json& record);
Status check_statements(const CloneOptions& options, const Json& record, const std::string& operation);

struct Now {
    bool terminating = false;                     // the namespace of the clone
    std::string level;                            // its kEnforcedLevel, "" : none
    std::map<std::string, kube::Claim> claims;    // under the names that are to be made, whoever made them; drafts too
    std::set<std::string> unfinished;             // operations beside the source that have a journal
    std::vector<Json> quotas;                     // of that namespace, if they may be seen
    std::map<std::string, std::string> prepared;  // of those claims, what was done to their data
    std::map<std::string, std::string> cut_at;    // of those claims, when their snapshot was cut
    std::map<std::string, Json> volumes;          // that they are bound to, by name

    // Every claim is there, made by this operation and bound.
    bool all_bound(const Choice& choice, const std::string& operation) const;
    // Every claim has this mark.
    bool all_prepared(const Choice& choice, const std::string& mark) const;
    bool any_made(const std::string& operation) const;
};
// A claim of another clone that has this one's name in that namespace, if there is one: `delete` takes a clone by its
// name, and both would go.
Result<std::optional<kube::Claim>> gather_namesake(kube::ClusterReader& there, const CloneOptions& options,
                                                   const std::string& operation);
// Only the operation's own snapshots of these sources, in this namespace.
Status gather_snapshots(kube::ClusterReader& reader, const std::string& space, const std::string& operation,
                        Choice& choice);
// here: the source's cluster; there: the clone's. Fills in the snapshots of choice.sources, too. kNotFound: the
// namespace is not there.
Result<Now> gather_now(kube::ClusterReader& here, kube::ClusterReader& there, const CloneOptions& options,
                       const std::string& operation, Choice& choice);

}  // namespace holdfast::clone
