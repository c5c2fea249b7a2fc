#include "tests/crash/remember.h"

#include <nlohmann/json.hpp>

namespace holdfast::crash {

bool Remembering::remembers(const kube::Resource& resource, const std::string& key) {
    if (asked_.emplace(key, look_).first->second < look_) again_.insert(resource.plural);
    return resource.plural == resource_;
}

Result<Json> Remembering::get(const kube::ObjectRef& ref) {
    const std::string key = ref.text();
    if (!remembers(ref.resource, key)) return reader_->get(ref);
    const auto found = objects_.find(key);
    if (found != objects_.end()) return found->second;
    return objects_.emplace(key, reader_->get(ref)).first->second;
}

std::vector<Result<Json>> Remembering::get_all(const std::vector<kube::ObjectRef>& refs) {
    std::vector<Result<Json>> answers;
    for (const kube::ObjectRef& ref : refs) answers.push_back(get(ref));
    return answers;
}

Result<std::string> Remembering::for_each(const kube::Resource& resource, const std::string& space,
                                          const kube::ListOptions& options, const std::function<bool(Json&&)>& each,
                                          const std::function<void()>& restart) {
    const std::string key = resource.plural + "/" + space + "?" + options.label_selector + "&" + options.field_selector;
    if (!remembers(resource, key)) return reader_->for_each(resource, space, options, each, restart);
    auto found = lists_.find(key);
    if (found == lists_.end()) {
        std::vector<Json> items;
        TRY(reader_->for_each(
            resource, space, options,
            [&](Json&& item) {
                items.push_back(std::move(item));
                return true;
            },
            [&] { items.clear(); }));
        found = lists_.emplace(key, std::move(items)).first;
    }
    for (const Json& item : found->second) {
        if (!each(Json(item))) break;
    }
    return std::string("1");
}

}  // namespace holdfast::crash
