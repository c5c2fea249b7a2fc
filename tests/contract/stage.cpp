#include "tests/contract/stage.h"

#include "common/kube/objects/workload.h"

#include <algorithm>

namespace holdfast::contract {
namespace {

constexpr milliseconds kLimit{180000};

std::string place(const kube::Resource& resource, const std::string& name) { return resource.short_name + "/" + name; }

kube::ListOptions only(const std::string& name) { return {"", "metadata.name=" + name}; }

}  // namespace

void Stage::note(int line, const std::string& what) {
    failures_.push_back("line " + std::to_string(line) + ": " + what);
}

void Stage::stop(int line, const std::string& what) {
    note(line, what);
    throw CaseEnded{};
}

std::string Stage::words(const Error& error) {
    return error.message + " (" + std::to_string(error.http_status) + " " + error.reason + ")";
}

void Stage::same(const Json& is, const Json& wanted, const char* what, int line) {
    if (is != wanted) note(line, std::string(what) + " is " + is.dump() + ", not " + wanted.dump());
}

void Stage::judge(const Error& error, int code, const std::string& reason, const char* what, int line) {
    if (error.http_status == code && error.reason == reason) return;
    note(line, std::string(what) + " failed with " + words(error) + ", not " + std::to_string(code) + " " + reason);
}

Json Stage::make(const Json& manifest) {
    return must(cluster.create(manifest), ("create " + kube::name_of(manifest)).c_str(), 0);
}

Json Stage::get(const kube::Resource& resource, const std::string& name) {
    return must(cluster.get(ref(resource, name)), ("get " + place(resource, name)).c_str(), 0);
}

Json Stage::merge(const kube::Resource& resource, const std::string& name, const Json& body,
                  const std::string& subresource) {
    return must(cluster.patch(ref(resource, name), kube::PatchType::kMerge, body, {}, kube::DryRun::kNone, subresource),
                ("patch " + place(resource, name)).c_str(), 0);
}

void Stage::remove(const kube::Resource& resource, const std::string& name, kube::Propagation propagation) {
    must(cluster.remove(ref(resource, name), {}, propagation), ("delete " + place(resource, name)).c_str(), 0);
}

bool Stage::there(const kube::Resource& resource, const std::string& name) {
    return must(cluster.find(ref(resource, name)), ("find " + place(resource, name)).c_str(), 0).has_value();
}

kube::Cluster& Stage::limited(const std::vector<Right>& rights) {
    kube::Cluster* made = ground_.limited(space, rights);
    if (made == nullptr) stop(0, "no user with limited rights could be made");
    return *made;
}

// Lists, and again after every event, until it is enough or the time is over.
bool Stage::follow(const kube::Resource& resource, const kube::ListOptions& options, milliseconds time,
                   const std::function<bool(const kube::List&)>& enough) {
    const std::string in = resource.namespaced ? space : "";
    const auto end = ground_.clock().steady_now() + time;
    while (true) {
        const kube::List list = must(cluster.list(resource, in, options), "list", 0);
        if (enough(list)) return true;
        auto watch = must(cluster.watch(resource, in, options, list.resource_version), "watch", 0);
        while (true) {
            const auto left = std::chrono::duration_cast<milliseconds>(end - ground_.clock().steady_now());
            if (left.count() <= 0) return false;
            const auto event = watch->next(left);
            if (!event.ok() && event.error().kind != ErrorKind::kUnavailable && event.error().kind != ErrorKind::kGone)
                stop(0, "watch: " + words(event.error()));
            if (!event.ok()) break;
            if (*event && (*event)->type != kube::WatchEvent::Type::kBookmark) break;
        }
    }
}

Json Stage::until(const kube::Resource& resource, const std::string& name, const std::string& what,
                  const Predicate& good) {
    Json last;
    const bool came = follow(resource, only(name), kLimit, [&](const kube::List& list) {
        if (list.items.empty()) return false;
        last = list.items.front();
        return good(last);
    });
    if (!came) stop(0, place(resource, name) + " is not " + what + " after three minutes; it is " + last.dump());
    return last;
}

Json Stage::until_looked_again(const kube::Resource& resource, const std::string& name, const std::string& what,
                               const Predicate& good) {
    constexpr milliseconds kGlance{5000};
    Json last;
    for (int look = 0; look < kLimit / kGlance; ++look) {
        merge(resource, name, {{"metadata", {{"labels", {{"look", std::to_string(look)}}}}}});
        const bool came = follow(resource, only(name), kGlance, [&](const kube::List& list) {
            if (list.items.empty()) return false;
            last = list.items.front();
            return good(last);
        });
        if (came) return last;
    }
    stop(0, place(resource, name) + " is not " + what + " after three minutes; it is " + last.dump());
}

void Stage::until_gone(const kube::Resource& resource, const std::string& name) {
    Json last;
    const bool gone = follow(resource, only(name), kLimit, [&](const kube::List& list) {
        if (!list.items.empty()) last = list.items.front();
        return list.items.empty();
    });
    if (!gone) stop(0, place(resource, name) + " is still there after three minutes; it is " + last.dump());
}

void Stage::until_refused(const std::string& what, int code, const std::function<Result<Json>()>& ask) {
    until_answered(what + " is refused", [&] {
        const Result<Json> answer = ask();
        if (!answer.ok() && answer.error().http_status != code) stop(0, what + ": " + words(answer.error()));
        return !answer.ok();
    });
}

void Stage::until_answered(const std::string& what, const std::function<bool()>& ask) {
    const auto end = ground_.clock().steady_now() + kLimit;
    while (!ask()) {
        if (ground_.clock().steady_now() >= end) stop(0, "not within three minutes: " + what);
        ground_.clock().sleep_for(milliseconds(50));
    }
}

std::vector<Json> Stage::until_count(const kube::Resource& resource, std::size_t count, const std::string& what,
                                     const Predicate& good, const kube::ListOptions& options) {
    std::vector<Json> found;
    const bool came = follow(resource, options, kLimit, [&](const kube::List& list) {
        found.clear();
        std::copy_if(list.items.begin(), list.items.end(), std::back_inserter(found), good);
        return found.size() == count;
    });
    if (!came)
        stop(0, std::to_string(found.size()) + " " + resource.plural + " are " + what + " after three minutes, not " +
                    std::to_string(count));
    return found;
}

void Stage::never(const kube::Resource& resource, const std::string& name, const std::string& what,
                  const Predicate& bad, milliseconds time) {
    Json last;
    const bool came = follow(resource, only(name), time, [&](const kube::List& list) {
        last = list.items.empty() ? Json() : list.items.front();
        return list.items.empty() || bad(last);
    });
    if (came) note(0, place(resource, name) + " has become " + (last.is_null() ? "gone" : what + ": " + last.dump()));
}

}  // namespace holdfast::contract
