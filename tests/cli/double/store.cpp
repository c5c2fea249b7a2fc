#include "tests/cli/double/store.h"

#include "tests/cli/double/documents.h"
#include "tests/cli/double/place.h"

#include <condition_variable>
#include <mutex>
#include <sstream>

namespace holdfast::double_ {

namespace {

std::string text(const Json& object, const char* pointer) {
    const Json::json_pointer at(pointer);
    return object.contains(at) && object[at].is_string() ? object[at].get<std::string>() : "";
}

// "a=b,c" of equality and existence.
bool labels_match(const Json& object, const std::string& selector) {
    std::stringstream in(selector);
    const Json labels = object["metadata"].value("labels", Json::object());
    for (std::string term; std::getline(in, term, ',');) {
        const auto equals = term.find('=');
        const std::string key = term.substr(0, equals);
        if (!labels.contains(key)) return false;
        if (equals != std::string::npos && labels[key] != term.substr(term.find_last_of('=') + 1)) return false;
    }
    return true;
}

struct Change {
    long long version;
    std::string type;
    Json object;
};

class Store : public Engine, public std::enable_shared_from_this<Store> {
  public:
    // False: of a kind that is not known.
    bool put(Json object) {
        const kube::Resource* resource = resource_of(object);
        if (resource == nullptr) return false;
        const std::lock_guard lock(mutex_);
        const std::string id = key(*resource, text(object, "/metadata/namespace"), text(object, "/metadata/name"));
        save(id, std::move(object), "ADDED");
        return true;
    }

    std::optional<Reply> answer(const Call& call) override {
        if (call.method == "GET") {
            if (auto document = discovery_document(call.path)) return json_reply(200, *document);
        }
        const auto place = place_of(call.path);
        if (!place) return std::nullopt;
        if (place->resource->plural == "selfsubjectaccessreviews") return review(call);
        if (!place->subresource.empty() && place->subresource != "status") return std::nullopt;
        const std::lock_guard lock(mutex_);
        if (call.method == "GET" && place->name.empty())
            return call.query.contains("watch") ? watch(call, *place) : list(call, *place);
        if (call.method == "GET") return get(*place);
        if (call.method == "POST" && place->name.empty()) return create(call, *place);
        if (call.method == "PATCH") return patch(call, *place);
        if (call.method == "PUT") return replace(call, *place);
        if (call.method == "DELETE" && !place->name.empty()) return remove(call, *place);
        return std::nullopt;
    }

  private:
    static const kube::Resource* resource_of(const Json& object) {
        const std::string api = text(object, "/apiVersion");
        return kube::find_kind(api.find('/') == std::string::npos ? "" : api.substr(0, api.find('/')),
                               text(object, "/kind"));
    }
    static std::string key(const kube::Resource& resource, const std::string& space, const std::string& name) {
        return resource.qualified() + "|" + space + "|" + name;
    }
    static std::string key(const Place& place) { return key(*place.resource, place.space, place.name); }

    static Reply review(const Call& call) {
        Json body = Json::parse(call.body, nullptr, false);
        body["status"] = Json{{"allowed", true}};
        return json_reply(201, body);
    }

    Reply not_found(const Place& place) const {
        return status_reply(404, "NotFound", place.resource->qualified() + " \"" + place.name + "\" not found");
    }
    static Reply conflict(const Place& place) {
        return status_reply(
            409, "Conflict",
            "Operation cannot be fulfilled on " + place.resource->qualified() + " \"" + place.name +
                "\": the object has been modified; please apply your changes to the latest version and try again");
    }

    void save(const std::string& id, Json object, const std::string& type) {
        Json& metadata = object["metadata"];
        metadata["resourceVersion"] = std::to_string(++version_);
        if (!metadata.contains("uid"))
            metadata["uid"] = "00000000-0000-4000-8000-" + std::to_string(100000000000 + ++uids_);
        if (!metadata.contains("creationTimestamp")) metadata["creationTimestamp"] = "2026-11-21T04:30:00Z";
        changes_.push_back({version_, type, object});
        objects_[id] = std::move(object);
        changed_.notify_all();
    }

    Reply get(const Place& place) const {
        const auto found = objects_.find(key(place));
        return found == objects_.end() ? not_found(place) : json_reply(200, found->second);
    }

    static bool selected(const Call& call, const Place& place, const Json& object) {
        const auto query = [&](const char* name) { return call.query.contains(name) ? call.query.at(name) : ""; };
        if (resource_of(object) != place.resource) return false;
        if (!place.space.empty() && text(object, "/metadata/namespace") != place.space) return false;
        const std::string field = query("fieldSelector");
        if (field.rfind("metadata.name=", 0) == 0 && text(object, "/metadata/name") != field.substr(14)) return false;
        return labels_match(object, query("labelSelector"));
    }

    Reply list(const Call& call, const Place& place) const {
        const std::size_t limit = call.query.contains("limit") ? std::stoul(call.query.at("limit")) : 0;
        const std::string after = call.query.contains("continue") ? call.query.at("continue") : "";
        Json items = Json::array();
        std::string last, token;
        for (const auto& [id, object] : objects_) {
            if (id <= after || !selected(call, place, object)) continue;
            if (limit != 0 && items.size() == limit) {
                token = last;
                break;
            }
            items.push_back(object);
            last = id;
        }
        Json metadata{{"resourceVersion", std::to_string(version_)}};
        if (!token.empty()) metadata["continue"] = token;
        return json_reply(200, Json{{"kind", place.resource->kind + "List"},
                                    {"apiVersion", place.resource->api_version()},
                                    {"metadata", metadata},
                                    {"items", items}});
    }

    Reply watch(const Call& call, const Place& place) {
        Reply reply;
        const std::string from = call.query.contains("resourceVersion") ? call.query.at("resourceVersion") : "";
        auto seen = std::make_shared<long long>(from.empty() ? 0 : std::stoll(from));
        reply.source = [self = shared_from_this(), seen, call, place]() -> std::optional<std::string> {
            std::unique_lock lock(self->mutex_);
            const auto news = [&] { return !self->changes_.empty() && self->changes_.back().version > *seen; };
            while (!news()) self->changed_.wait(lock);
            std::string out = "\n";
            for (const Change& change : self->changes_) {
                if (change.version <= *seen || !selected(call, place, change.object)) continue;
                out += Json{{"type", change.type}, {"object", change.object}}.dump() + "\n";
            }
            *seen = self->version_;
            return out;
        };
        return reply;
    }

    static bool dry(const Call& call) { return call.query.contains("dryRun"); }

    Reply create(const Call& call, const Place& place) {
        Json object = Json::parse(call.body, nullptr, false);
        if (object.is_discarded() || text(object, "/metadata/name").empty())
            return status_reply(422, "Invalid", "name is required");
        Place made = place;
        made.name = text(object, "/metadata/name");
        if (objects_.contains(key(made))) {
            return status_reply(409, "AlreadyExists",
                                place.resource->qualified() + " \"" + made.name + "\" already exists");
        }
        if (!place.space.empty()) object["metadata"]["namespace"] = place.space;
        if (dry(call)) return json_reply(201, object);
        save(key(made), std::move(object), "ADDED");
        return json_reply(201, objects_[key(made)]);
    }

    // Answers 409 where uid or resourceVersion in `wanted` are not the object's.
    static bool guarded(const Json& wanted, const Json& object) {
        for (const char* field : {"uid", "resourceVersion"}) {
            if (wanted.is_object() && wanted.contains(field) && wanted[field] != object["metadata"][field])
                return false;
        }
        return true;
    }

    Reply store_changed(const Call& call, const Place& place, Json object) {
        if (dry(call)) return json_reply(200, object);
        save(key(place), std::move(object), "MODIFIED");
        return json_reply(200, objects_[key(place)]);
    }

    Reply patch(const Call& call, const Place& place) {
        const auto found = objects_.find(key(place));
        if (found == objects_.end()) return not_found(place);
        Json object = found->second;
        const Json body = Json::parse(call.body, nullptr, false);
        if (body.is_array())
            object = object.patch(body);
        else
            object.merge_patch(body);
        if (!guarded(object["metadata"], found->second)) return conflict(place);
        return store_changed(call, place, std::move(object));
    }

    Reply replace(const Call& call, const Place& place) {
        const auto found = objects_.find(key(place));
        if (found == objects_.end()) return not_found(place);
        Json object = Json::parse(call.body, nullptr, false);
        if (!guarded(object["metadata"], found->second)) return conflict(place);
        return store_changed(call, place, std::move(object));
    }

    Reply remove(const Call& call, const Place& place) {
        const auto found = objects_.find(key(place));
        if (found == objects_.end()) return not_found(place);
        const Json options = call.body.empty() ? Json::object() : Json::parse(call.body, nullptr, false);
        if (options.contains("preconditions") && !guarded(options["preconditions"], found->second))
            return conflict(place);
        if (!options.contains("dryRun") && !dry(call)) {
            changes_.push_back({++version_, "DELETED", found->second});
            objects_.erase(found);
            changed_.notify_all();
        }
        return json_reply(
            200, Json{{"kind", "Status"}, {"apiVersion", "v1"}, {"metadata", Json::object()}, {"status", "Success"}});
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::map<std::string, Json> objects_;
    std::vector<Change> changes_;
    long long version_ = 1000;
    long long uids_ = 0;
};

// Keeps the store alive for watches that outlive a call.
class Owner : public Engine {
  public:
    explicit Owner(std::shared_ptr<Store> store) : store_(std::move(store)) {}
    std::optional<Reply> answer(const Call& call) override { return store_->answer(call); }

  private:
    std::shared_ptr<Store> store_;
};

}  // namespace

std::unique_ptr<Engine> make_store(const Json& objects) {
    auto store = std::make_shared<Store>();
    for (const Json& object : objects) {
        if (!store->put(object)) return nullptr;
    }
    return std::make_unique<Owner>(std::move(store));
}

}  // namespace holdfast::double_
