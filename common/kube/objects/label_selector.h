// Label selectors (metav1.LabelSelector) over labels. Pure.
// Source: k8s.io/apimachinery/pkg/apis/meta/v1/helpers.go LabelSelectorAsSelector, pkg/labels/selector.go.
#pragma once

#include "common/core/json.h"

#include <map>
#include <string>
#include <vector>

namespace holdfast::kube {

using LabelMap = std::map<std::string, std::string>;

LabelMap labels_of(const Json& object);  // metadata.labels
// What a StatefulSet's controller puts on each claim that it makes (stateful_set_utils.go getPersistentVolumeClaims).
LabelMap match_labels_of(const Json& workload);  // spec.selector.matchLabels
LabelMap label_map(const Json& labels);          // an object of strings; others are left out
Json selector_of_labels(const Json& labels);     // a plain map, as of a Service, as a LabelSelector
bool selects_everything(const Json& selector);   // empty: no requirement at all
bool selects_by_hand(const Json& job);           // spec.manualSelector: by labels that are not its own
// Null selects nothing, an empty one everything. An operator that we do not know is taken to match: whoever asks wants
// to be sure that it does not.
bool selector_matches(const Json& selector, const LabelMap& labels);
// Keys that it asks a value of, or to be there: which could be changed so that it does not match. In their order.
std::vector<std::string> keys_wanted(const Json& selector);
// Values of these keys become those of `now` wherever the selector names the old one.
void rename_in_selector(Json& selector, const LabelMap& was, const LabelMap& now);

}  // namespace holdfast::kube
