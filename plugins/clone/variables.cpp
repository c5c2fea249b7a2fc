#include "plugins/clone/variables.h"

#include "common/kube/objects/workload.h"
#include "plugins/clone/containers.h"

#include <functional>

namespace holdfast::clone {
namespace {

void each_container(Json& pod_spec, const std::function<void(Json&)>& look) {
    for (const char* kind : {"initContainers", "containers"}) {
        if (!pod_spec.is_object() || !pod_spec.contains(kind) || !pod_spec[kind].is_array()) continue;
        for (Json& container : pod_spec[kind]) {
            if (container.is_object()) look(container);
        }
    }
}

const Json* data_of(const std::map<std::string, Json>& maps, const std::string& name) {
    const auto found = maps.find(name);
    const Json* data = found == maps.end() ? nullptr : kube::find_at(found->second, "/data");
    return data != nullptr && data->is_object() ? data : nullptr;
}

void write_out(Json& container, const std::map<std::string, Json>& maps) {
    std::map<std::string, std::string> values;
    for (const Json& from : list_of_container(container, "envFrom")) {
        const Json* data = data_of(maps, kube::text_at(from, "/configMapRef/name"));
        if (data == nullptr) continue;
        for (const auto& [key, value] : data->items()) {
            if (value.is_string()) values[kube::text_at(from, "/prefix") + key] = value.get<std::string>();
        }
    }
    Json env = list_of_container(container, "env");
    for (Json& one : env) {
        values.erase(kube::text_at(one, "/name"));
        const Json* data = data_of(maps, kube::text_at(one, "/valueFrom/configMapKeyRef/name"));
        const std::string key = kube::text_at(one, "/valueFrom/configMapKeyRef/key");
        if (data == nullptr || !data->contains(key) || !(*data)[key].is_string()) continue;
        one = {{"name", kube::text_at(one, "/name")}, {"value", (*data)[key]}};
    }
    for (const auto& [name, value] : values) env.push_back({{"name", name}, {"value", value}});
    if (!env.empty()) container["env"] = std::move(env);
}

}  // namespace

VariableSources sources_of_variables(const Json& pod_spec) {
    VariableSources found;
    Json spec = pod_spec;
    each_container(spec, [&](const Json& container) {
        for (const Json& from : list_of_container(container, "envFrom")) {
            found.config_maps.insert(kube::text_at(from, "/configMapRef/name"));
            found.secrets.insert(kube::text_at(from, "/secretRef/name"));
        }
        for (const Json& one : list_of_container(container, "env"))
            found.config_maps.insert(kube::text_at(one, "/valueFrom/configMapKeyRef/name"));
    });
    found.config_maps.erase("");
    found.secrets.erase("");
    return found;
}

Json written_out(Json pod_spec, const std::map<std::string, Json>& maps) {
    each_container(pod_spec, [&](Json& container) { write_out(container, maps); });
    return pod_spec;
}

}  // namespace holdfast::clone
