// kubectl restore undo [OP]: the volumes that a swap took out are put back by the same mechanism, and what was put in
// is kept in turn. An operation like the one that it undoes, and undoable itself (safety R18).
#pragma once

#include "plugins/restore/kept.h"
#include "plugins/restore/swapping.h"

#include <string>

namespace holdfast::restore {

struct UndoOptions {
    std::string space, operation;  // operation "" : the only one that can be undone
    bool gitops_paused = false;    // the user's word, where it cannot be seen
};

class Undo : public Swapping {
  public:
    explicit Undo(UndoOptions options) : Swapping({kube::kClaims, options.space, ""}), options_(std::move(options)) {}
    std::string kind() const override { return "undo"; }
    std::string target() const override { return options_.operation.empty() ? "last" : options_.operation; }
    Result<std::vector<kube::ObjectRef>> lock_targets(kube::ClusterReader& reader) override;

  protected:
    Result<Opening> open(kube::ClusterReader& reader, const plan::Input& input) override;
    Result<plan::Plan> prove(kube::ClusterReader& reader, const SwapRecord& record,
                             const std::string& operation) override;
    std::string done_text(const SwapRecord& record, const std::string& operation) const override;

  private:
    UndoOptions options_;
};

}  // namespace holdfast::restore
