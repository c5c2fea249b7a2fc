// kubectl restore finalize OP: removes the volumes that an operation has taken out and kept. The only command here that
// destroys data: it asks, and names each volume with size and date (safety R18).
#pragma once

#include "common/plan/operation.h"
#include "plugins/restore/kept.h"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace holdfast::restore {

struct FinalizeOptions {
    std::string space, operation;
};

struct FinalizeFacts {
    std::vector<KeptVolume> volumes;  // of the operation
    std::vector<std::string> live;    // volumes that a claim of the namespace is bound to, or asks for
    std::set<std::string> attached;   // volumes with a VolumeAttachment
    // Of a kept volume another one that is the same disk to the driver, which somebody has made to get at its data.
    std::map<std::string, std::string> shared;
    bool unfinished = false;  // the operation's own journal is open
    std::string undo;         // an unfinished one that is putting back what the operation took out; "" : none
    std::vector<std::string> elsewhere;  // other namespaces that it keeps volumes in, if none in this one
    std::string record_uid;              // of that journal; "" : it is not there
    std::vector<std::string> others;     // operations that keep volumes in this namespace
    bool begun = false;                  // by an earlier run of this very finalize, which may have removed all of it
};

// now: by the API server's clock; nullopt: not told. kRefused: a volume that is bound, attached, or of an unfinished
// operation. kNotFound: nothing is left of an operation of this name here, by which name whatever was mistyped. No
// steps: this very finalize was done before.
Result<plan::Plan> plan_finalize(const FinalizeOptions& options, const FinalizeFacts& facts,
                                 std::optional<SystemTime> now);

class Finalize : public plan::Operation {
  public:
    explicit Finalize(FinalizeOptions options) : options_(std::move(options)) {}
    std::string kind() const override { return "finalize"; }
    std::string target() const override { return options_.operation; }
    std::string space() const override { return options_.space; }
    kube::ObjectRef event_target() const override;  // the finalized operation's record
    Result<std::vector<kube::ObjectRef>> lock_targets(kube::ClusterReader& reader) override;
    Result<plan::Plan> plan(kube::ClusterReader& reader, const plan::Input& input) override;
    // Back to Retain, of the volumes that the storage has not begun to delete.
    Result<std::optional<plan::Plan>> take_back(kube::ClusterReader& reader, const plan::Input& input) override;
    Result<plan::Report> report(kube::ClusterReader& reader, const plan::Input& input) override;

  private:
    FinalizeOptions options_;
    std::vector<std::string> removed_;  // by the last plan
};

}  // namespace holdfast::restore
