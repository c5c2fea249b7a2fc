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
// What its pods may carry beside these labels, put on by a controller or by the software in them: for each pod that
// there may be, one map. A selector that asks for such a label, too, is escaped by another key.
using Beside = std::vector<kube::LabelMap>;

// `own`: the source's own selector, whose keys stay. kRefused: a selector matches whatever the labels are.
Result<Relabelled> relabel(const kube::LabelMap& was, const Json& own,
                           const std::vector<kube::NamedSelector>& selectors, const Names& names,
                           const Beside& beside = {});
// kRefused, naming the selector: one that is not empty matches these labels.
Status check_unselected(const kube::LabelMap& labels, const std::vector<kube::NamedSelector>& selectors,
                        const Beside& beside = {});

}  // namespace holdfast::clone
