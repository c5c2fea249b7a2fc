#include "tests/cli/simulated/pages.h"

#include "tests/sim/sim_watch.h"

#include <algorithm>
#include <cstdlib>

namespace holdfast::simulated {

namespace {

using double_::Call;
using double_::Place;
using double_::Reply;
using std::chrono::milliseconds;

constexpr milliseconds kBookmarks{5000};  // the real one sends one a minute; here it also finds clients that have gone

kube::ListOptions options_of(const Call& call) {
    return {parameter(call, "labelSelector"), parameter(call, "fieldSelector")};
}

std::string name_of(const Json& object) {
    return object["metadata"].value("namespace", "") + "/" + object["metadata"].value("name", "");
}

Reply expired() {
    return double_::status_reply(
        410, "Expired",
        "The provided continue parameter is too old to display a consistent list result. You can start a new list "
        "without the continue parameter.");
}

const char* type_name(kube::WatchEvent::Type type) {
    switch (type) {
        case kube::WatchEvent::Type::kAdded:
            return "ADDED";
        case kube::WatchEvent::Type::kModified:
            return "MODIFIED";
        case kube::WatchEvent::Type::kDeleted:
            return "DELETED";
        case kube::WatchEvent::Type::kBookmark:
            return "BOOKMARK";
    }
    return "ERROR";
}

std::string line_of(const char* type, const Json& object) {
    return Json{{"type", type}, {"object", object}}.dump() + "\n";
}

// One open watch. The stream's thread asks it for more; the world is another thread's meanwhile.
class Stream {
  public:
    Stream(Side side, const Call& call, const Place& place)
        : side_(side),
          place_(place),
          bookmarks_(parameter(call, "allowWatchBookmarks") == "true"),
          end_(std::chrono::steady_clock::now() +
               std::chrono::seconds(std::max(1, std::atoi(("0" + parameter(call, "timeoutSeconds")).c_str())))) {
        const std::string from = parameter(call, "resourceVersion");
        life_ = side_.life();
        side_.with([&](sim::Sim& sim) {
            const bool anew = from.empty() || from == "0";
            if (anew) {
                for (const auto& object : sim.store.list(*place.resource, place.space)) {
                    if (sim::chosen(*object, options_of(call))) begin_ += line_of("ADDED", *object);
                }
            }
            watch_ = sim::make_sim_watch(sim, {*place.resource, place.space, options_of(call),
                                               anew ? sim.store.revision() : std::atoll(from.c_str())});
        });
    }

    // What there is; waits if there is nothing. nullopt: the end.
    std::optional<std::string> more() {
        if (ended_) return std::nullopt;
        std::string lines = std::exchange(begin_, "\n");
        if (lines != "\n") return lines;
        lines.clear();
        const auto left = std::chrono::ceil<milliseconds>(end_ - std::chrono::steady_clock::now());
        const bool told = side_.wait(std::clamp(left, milliseconds(0), kBookmarks), [&](sim::Sim& sim) {
            revision_ = sim.store.revision();
            ended_ = ended_ || life_ != side_.life();
            if (!ended_) lines = take();
            return ended_ || !lines.empty();
        });
        if (!told && left > kBookmarks) return bookmark();
        if (!told || (ended_ && lines.empty())) return std::nullopt;
        return lines;
    }

  private:
    std::string take() {
        std::string lines;
        while (true) {
            const auto event = watch_->next(milliseconds(0));
            if (!event.ok()) {
                ended_ = true;
                if (event.error().kind == ErrorKind::kUnavailable) return lines;  // the server ends it after a while
                return lines + line_of("ERROR", Json::parse(error_reply(event.error()).body));
            }
            if (!*event) return lines;
            lines += line_of(type_name((*event)->type), (*event)->object);
        }
    }

    std::string bookmark() const {
        if (!bookmarks_) return "\n";
        return line_of("BOOKMARK", Json{{"kind", place_.resource->kind},
                                        {"apiVersion", place_.resource->api_version()},
                                        {"metadata", {{"resourceVersion", std::to_string(revision_)}}}});
    }

    Side side_;
    Place place_;
    bool bookmarks_;
    std::chrono::steady_clock::time_point end_;
    std::unique_ptr<kube::Watch> watch_;
    std::string begin_ = "\n";  // sent at once, so that the head goes out before the first event
    long long revision_ = 0;
    int life_ = 0;
    bool ended_ = false;
};

}  // namespace

std::string parameter(const Call& call, const std::string& name) {
    const auto found = call.query.find(name);
    return found == call.query.end() ? "" : found->second;
}

Reply error_reply(const Error& error) {
    return double_::status_reply(error.http_status == 0 ? 500 : error.http_status, error.reason, error.message);
}

// The token is "REVISION:NAMESPACE/NAME", of the list and of the last object before the page.
Reply list_reply(const sim::Sim& sim, const Call& call, const Place& place) {
    const std::string token = parameter(call, "continue");
    const std::string after = token.empty() ? "" : token.substr(token.find(':') + 1);
    const long long revision = token.empty() ? sim.store.revision() : std::atoll(token.c_str());
    const long long lag = sim.store.revision() - revision;
    if (lag > static_cast<long long>(sim.store.history().size())) return expired();
    const auto all = lag > 0 ? sim.store.list_stale(*place.resource, place.space, static_cast<int>(lag))
                             : sim.store.list(*place.resource, place.space);
    const auto limit = static_cast<std::size_t>(std::atoll(("0" + parameter(call, "limit")).c_str()));
    Json items = Json::array();
    Json metadata{{"resourceVersion", std::to_string(revision)}};
    for (const auto& object : all) {
        if ((!after.empty() && name_of(*object) <= after) || !sim::chosen(*object, options_of(call))) continue;
        if (limit != 0 && items.size() == limit) {
            metadata["continue"] = std::to_string(revision) + ":" + name_of(items.back());
            break;
        }
        items.push_back(*object);
        // The server writes them on the list alone.
        items.back().erase("kind");
        items.back().erase("apiVersion");
    }
    return double_::json_reply(200, Json{{"kind", place.resource->kind + "List"},
                                         {"apiVersion", place.resource->api_version()},
                                         {"metadata", metadata},
                                         {"items", items}});
}

Reply watch_reply(Side side, const Call& call, const Place& place) {
    Reply reply;
    reply.source = [stream = std::make_shared<Stream>(side, call, place)] { return stream->more(); };
    return reply;
}

}  // namespace holdfast::simulated
