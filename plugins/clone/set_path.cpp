#include "plugins/clone/set_path.h"

#include "common/core/refusal.h"
#include "common/core/text.h"
#include "common/kube/objects/workload.h"
#include "plugins/clone/software.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <vector>

namespace holdfast::clone {
namespace {

struct Part {
    std::string key;
    std::optional<std::size_t> index;  // of a list
};

Error no_path(const std::string& path) {
    return {ErrorKind::kUsage, "--set " + escape_line(path) + ": not a path",
            "for example --set spec.template.spec.containers[0].args[1]=--standalone"};
}

Result<std::vector<Part>> parse_path(const std::string& path) {
    std::vector<Part> parts;
    std::string key;
    const auto end_key = [&] {
        if (!key.empty()) parts.push_back({key, std::nullopt});
        key.clear();
    };
    for (std::size_t i = 0; i < path.size(); ++i) {
        const char c = path[i];
        if (c == '\\' && i + 1 < path.size()) {
            key += path[++i];
        } else if (c == '.') {
            if (key.empty() && (i == 0 || path[i - 1] != ']')) return no_path(path);
            end_key();
        } else if (c == '[') {
            end_key();
            const std::size_t close = path.find(']', i);
            if (close == std::string::npos) return no_path(path);
            std::size_t index = 0;
            const char *first = path.data() + i + 1, *last = path.data() + close;
            const auto [rest, failed] = std::from_chars(first, last, index);
            if (failed != std::errc() || rest != last || parts.empty()) return no_path(path);
            parts.push_back({"", index});
            i = close;
        } else {
            key += c;
        }
    }
    end_key();
    if (parts.empty()) return no_path(path);
    return parts;
}

Json value_of(const std::string& text) {
    Json value = Json::parse(text, nullptr, false);
    return value.is_discarded() ? Json(text) : value;
}

}  // namespace

Status set_path(Json& manifest, const std::string& path, const std::string& value) {
    TRY_ASSIGN(const std::vector<Part> parts, parse_path(path));
    const Json wanted = value_of(value);
    Json* place = &manifest;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        const Part& part = parts[i];
        const bool last = i + 1 == parts.size();
        if (part.index) {
            if (!place->is_array() || *part.index >= place->size())
                return refused(
                    "--set " + escape_line(path) + ": there is no element [" + std::to_string(*part.index) + "]", "");
            if (last && wanted.is_null()) {
                place->erase(*part.index);
                return {};
            }
            place = &(*place)[*part.index];
            continue;
        }
        if (place->is_null()) *place = Json::object();
        if (!place->is_object())
            return refused(
                "--set " + escape_line(path) + ": what stands before " + escape_line(part.key) + " is no object", "");
        if (last && wanted.is_null()) {
            place->erase(part.key);
            return {};
        }
        place = &(*place)[part.key];
    }
    *place = wanted;
    return {};
}

Status set_env(Json& pod_spec, const std::string& name, const std::string& value) {
    if (!pod_spec.is_object() || !pod_spec.contains("containers") || pod_spec["containers"].empty())
        return refused("--env " + name + ": the pods have no container", "");
    bool set = false;
    const auto put = [&](Json& container) {
        if (!container.contains("env")) return;
        for (Json& one : container["env"]) {
            if (kube::text_at(one, "/name") != name) continue;
            one = {{"name", name}, {"value", value}};
            set = true;
        }
    };
    for (Json& container : pod_spec["containers"]) put(container);
    if (pod_spec.contains("initContainers")) {
        for (Json& container : pod_spec["initContainers"]) put(container);
    }
    if (set) return {};
    const std::vector<Recognised> software = recognise_all(pod_spec);
    const auto give = [&](Json& container) {
        const bool meant = std::any_of(software.begin(), software.end(), [&](const Recognised& one) {
            return one.container == kube::text_at(container, "/name");
        });
        if (meant) container["env"].push_back({{"name", name}, {"value", value}});
    };
    if (software.empty()) pod_spec["containers"][0]["env"].push_back({{"name", name}, {"value", value}});
    for (const char* kind : {"containers", "initContainers"}) {
        if (!pod_spec.contains(kind)) continue;
        for (Json& container : pod_spec[kind]) give(container);
    }
    return {};
}

}  // namespace holdfast::clone
