// kubectl restore TYPE/NAME --from SET --in-place: the claims' data as the set has it, under the same claims.
#pragma once

#include "plugins/restore/in_place_facts.h"
#include "plugins/restore/prove.h"
#include "plugins/restore/swapping.h"

#include <string>

namespace holdfast::restore {

class InPlace : public Swapping {
  public:
    explicit InPlace(InPlaceOptions options) : Swapping(options.target), options_(std::move(options)) {}
    std::string kind() const override { return "in-place"; }

  protected:
    Result<Opening> open(kube::ClusterReader& reader, const plan::Input& input) override;
    Result<plan::Plan> prove(kube::ClusterReader& reader, const SwapRecord& record,
                             const std::string& operation) override;
    std::string done_text(const SwapRecord& record, const std::string& operation) const override;

  private:
    InPlaceOptions options_;
};

}  // namespace holdfast::restore
