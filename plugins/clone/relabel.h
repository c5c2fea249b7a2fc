// The labels of a clone's pods: like those of the source, changed just so far that nothing which selects the source by
// them selects the clone (safety R25). Pure.
#pragma once

#include "common/kube/objects/label_selector.h"
#include "common/kube/objects/selectors.h"

#include "common/core/result.h"

#include <string>
#include <vector>

namespace holdfast::clone {

struct Relabelled {
    kube::LabelMap was, now;
    std::vector<std::string> everywhere;  // owners of empty selectors: these mean the clone's pods too
};

struct Names {
    std::string source, clone;
};
// `own`: the source's own selector, whose keys stay. kRefused: a selector matches whatever the labels are.
Result<Relabelled> relabel(const kube::LabelMap& was, const Json& own,
                           const std::vector<kube::NamedSelector>& selectors, const Names& names);
// kRefused, naming the selector: one that is not empty matches these labels.
Status check_unselected(const kube::LabelMap& labels, const std::vector<kube::NamedSelector>& selectors);

}  // namespace holdfast::clone
