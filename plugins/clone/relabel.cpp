#include "plugins/clone/relabel.h"

#include "common/core/names.h"
#include "common/core/refusal.h"
#include "common/kube/objects/labels.h"
#include "plugins/clone/copied.h"

#include <algorithm>

namespace holdfast::clone {
namespace {

constexpr std::size_t kValueLimit = 63;

// The label that says which one it is, not what it is: changing that leaves the others true.
int rank(const std::string& key, const std::string& value, const Names& names) {
    if (value == names.source) return 0;
    if (key == kInstance) return 1;
    if (key == "release") return 2;
    return key == "app" || key == "name" ? 3 : 4;
}

bool matches(const Json& selector, const kube::LabelMap& labels, const Beside& beside) {
    if (kube::selector_matches(selector, labels)) return true;
    return std::any_of(beside.begin(), beside.end(), [&](const kube::LabelMap& more) {
        kube::LabelMap all = labels;
        all.insert(more.begin(), more.end());
        return kube::selector_matches(selector, all);
    });
}

class Relabelling {
  public:
    Relabelling(const kube::LabelMap& was, const Json& own, const Names& names, const Beside& beside)
        : own_(own), names_(names), beside_(beside) {
        result_.was = was;
        result_.now = was;
        result_.now[labels::kClone] = names.clone;
        // The claims carry it before there is a workload of the clone that they would be taken for a part of.
        if (was.contains(kInstance)) change(kInstance);
    }

    Status escape(const kube::NamedSelector& one) {
        if (kube::selects_everything(one.selector)) {
            result_.everywhere.push_back(one.owner);
            return {};
        }
        for (const std::string& key : candidates(one.selector)) {
            if (!matches(one.selector, result_.now, beside_)) return {};
            change(key);
        }
        for (const std::string& key : kube::keys_wanted(one.selector)) {
            if (!matches(one.selector, result_.now, beside_)) return {};
            if (!is_own(key)) result_.now.erase(key);
        }
        if (!matches(one.selector, result_.now, beside_)) return {};
        return refused("the selector of " + one.owner + " would pick the clone's pods whatever their labels",
                       "clone to another namespace (--to-namespace), or change that selector");
    }

    Relabelled take() { return std::move(result_); }

  private:
    bool is_own(const std::string& key) const {
        const std::vector<std::string> keys = kube::keys_wanted(own_);
        return std::find(keys.begin(), keys.end(), key) != keys.end();
    }
    // Keys that the labels have and that were not changed yet, the best one first.
    std::vector<std::string> candidates(const Json& selector) const {
        std::vector<std::string> keys;
        for (const std::string& key : kube::keys_wanted(selector)) {
            const auto was = result_.was.find(key);
            const auto now = result_.now.find(key);
            if (was != result_.was.end() && now != result_.now.end() && was->second == now->second) keys.push_back(key);
        }
        std::stable_sort(keys.begin(), keys.end(), [&](const std::string& a, const std::string& b) {
            return rank(a, result_.was.at(a), names_) < rank(b, result_.was.at(b), names_);
        });
        return keys;
    }
    void change(const std::string& key) {
        std::string& value = result_.now[key];
        if (value == names_.source && names_.source != names_.clone)
            value = names_.clone;
        else
            value =
                bounded_name(value + "-" + (names_.source == names_.clone ? "clone" : names_.clone), "", kValueLimit);
    }

    const Json& own_;
    const Names& names_;
    const Beside& beside_;
    Relabelled result_;
};

}  // namespace

Status check_unselected(const kube::LabelMap& labels, const std::vector<kube::NamedSelector>& selectors,
                        const Beside& beside) {
    for (const kube::NamedSelector& one : selectors) {
        if (kube::selects_everything(one.selector) || !matches(one.selector, labels, beside)) continue;
        return refused("the selector of " + one.owner + " would pick the clone's pods",
                       "choose another name for the clone, other labels with --set, or another namespace");
    }
    return {};
}

Result<Relabelled> relabel(const kube::LabelMap& was, const Json& own,
                           const std::vector<kube::NamedSelector>& selectors, const Names& names,
                           const Beside& beside) {
    Relabelling relabelling(was, own, names, beside);
    for (const kube::NamedSelector& one : selectors) TRY(relabelling.escape(one));
    Relabelled result = relabelling.take();
    // A value that was chosen for one selector may be what another one asks for.
    TRY(check_unselected(result.now, selectors, beside));
    std::sort(result.everywhere.begin(), result.everywhere.end());
    result.everywhere.erase(std::unique(result.everywhere.begin(), result.everywhere.end()), result.everywhere.end());
    return result;
}

}  // namespace holdfast::clone
