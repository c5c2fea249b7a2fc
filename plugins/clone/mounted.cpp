#include "plugins/clone/mounted.h"

#include "common/core/text.h"
#include "common/kube/objects/workload.h"
#include "plugins/clone/containers.h"
#include "plugins/clone/started.h"

#include <algorithm>

namespace holdfast::clone {
namespace {

std::string folder_of(std::string path) {
    while (path.size() > 1 && path.back() == '/') path.pop_back();
    return path;
}

std::string below(const std::string& folder, const std::string& path) {
    return folder == "/" ? "/" + path : folder + "/" + path;
}

bool is_in(const std::string& path, const std::string& folder) {
    return path == folder || folder == "/" || starts_with(path, folder + "/");
}

// What a ConfigMap's volume, or one source of a projected one, has: path in the volume -> text.
class Projecting {
  public:
    explicit Projecting(const std::map<std::string, Json>& maps) : maps_(maps) {}

    std::map<std::string, std::string> files;
    bool whole = true;  // all of it is known

    void take(const Json& source) {
        const auto map = maps_.find(kube::text_at(source, "/name"));
        const Json* data = map == maps_.end() ? nullptr : kube::find_at(map->second, "/data");
        const Json* binary = map == maps_.end() ? nullptr : kube::find_at(map->second, "/binaryData");
        whole = whole && map != maps_.end() && (binary == nullptr || binary->empty());
        if (data == nullptr || !data->is_object()) return;
        const Json* items = kube::find_at(source, "/items");
        if (items == nullptr || !items->is_array() || items->empty()) {
            for (const auto& [key, text] : data->items()) keep(key, text);
            return;
        }
        for (const Json& item : *items) {
            const auto found = data->find(kube::text_at(item, "/key"));
            if (found != data->end()) keep(kube::text_at(item, "/path"), *found);
        }
    }

  private:
    void keep(const std::string& path, const Json& text) {
        if (text.is_string()) files[path] = text.get<std::string>();
    }

    const std::map<std::string, Json>& maps_;
};

const Json* volume_called(const Json& pod_spec, const std::string& name) {
    for (const Json& volume : list_of_container(pod_spec, "volumes")) {
        if (kube::text_at(volume, "/name") == name) return &volume;
    }
    return nullptr;
}

std::vector<const Json*> config_map_sources(const Json& volume, bool& others) {
    std::vector<const Json*> sources;
    if (const Json* one = kube::find_at(volume, "/configMap"); one != nullptr) return {one};
    const Json* projected = kube::find_at(volume, "/projected/sources");
    others = projected == nullptr || !projected->is_array();
    if (others) return {};
    for (const Json& source : *projected) {
        if (const Json* one = kube::find_at(source, "/configMap"); one != nullptr)
            sources.push_back(one);
        else
            others = true;
    }
    return sources;
}

// It is empty when the container starts: nobody else has it.
bool is_scratch(const Json& volume, const std::vector<Placed>& all) {
    if (!volume.contains("emptyDir")) return false;
    const std::string name = kube::text_at(volume, "/name");
    std::size_t users = 0;
    for (const Placed& one : all) {
        const Json& mounts = list_of_container(*one.container, "volumeMounts");
        users += std::any_of(mounts.begin(), mounts.end(),
                             [&](const Json& mount) { return kube::text_at(mount, "/name") == name; })
                     ? 1
                     : 0;
    }
    return users == 1;
}

std::vector<std::string> words_of_line(const std::string& line) {
    std::string spaced = line;
    std::replace(spaced.begin(), spaced.end(), '\t', ' ');
    std::vector<std::string> words = split(std::string(trim(spaced)), ' ');
    std::erase(words, "");
    return words;
}

}  // namespace

const MountedFile* MountedFiles::at(const std::string& path) const {
    const auto found =
        std::find_if(files.begin(), files.end(), [&](const MountedFile& one) { return one.path == folder_of(path); });
    return found == files.end() ? nullptr : &*found;
}

const MountedFile* MountedFiles::called(const std::string& name) const {
    const auto found = std::find_if(files.begin(), files.end(),
                                    [&](const MountedFile& one) { return base_name(one.path) == base_name(name); });
    return found == files.end() ? nullptr : &*found;
}

bool MountedFiles::unread_in(const std::string& folder) const {
    return std::any_of(unread.begin(), unread.end(),
                       [&](const std::string& one) { return is_in(one, folder) || is_in(folder, one); });
}

bool MountedFiles::say(std::initializer_list<const char*> words) const {
    for (const MountedFile& file : files) {
        for (const std::string& line : split(file.text, '\n')) {
            const std::vector<std::string> said = words_of_line(line);
            if (said.empty() || starts_with(said.front(), "#")) continue;
            // "- seeds: ..." of a list in YAML
            const std::string& first = said.front() == "-" && said.size() > 1 ? said[1] : said.front();
            for (const char* word : words) {
                if (starts_with(first, word)) return true;
            }
        }
    }
    return false;
}

std::set<std::string> config_maps_mounted(const Json& pod_spec, const std::string& container) {
    std::set<std::string> names;
    const std::vector<Placed> all = all_containers(pod_spec);
    const Placed* placed = placed_of(all, container);
    if (placed == nullptr) return names;
    for (const Json& mount : list_of_container(*placed->container, "volumeMounts")) {
        const Json* volume = volume_called(pod_spec, kube::text_at(mount, "/name"));
        bool others = false;
        if (volume == nullptr) continue;
        for (const Json* source : config_map_sources(*volume, others)) names.insert(kube::text_at(*source, "/name"));
    }
    names.erase("");
    return names;
}

MountedFiles mounted_files(const Json& pod_spec, const std::string& container,
                           const std::map<std::string, Json>& maps) {
    MountedFiles found;
    const std::vector<Placed> all = all_containers(pod_spec);
    const Placed* placed = placed_of(all, container);
    if (placed == nullptr) return found;
    for (const Json& mount : list_of_container(*placed->container, "volumeMounts")) {
        const std::string at = folder_of(kube::text_at(mount, "/mountPath"));
        const Json* volume = volume_called(pod_spec, kube::text_at(mount, "/name"));
        Projecting projected(maps);
        bool others = true;
        if (volume != nullptr && is_scratch(*volume, all)) continue;
        if (volume != nullptr) {
            others = false;
            for (const Json* source : config_map_sources(*volume, others)) projected.take(*source);
        }
        const std::string part = kube::text_at(mount, "/subPath");
        const bool known = kube::text_at(mount, "/subPathExpr").empty();
        for (const auto& [path, text] : projected.files) {
            if (!known || (!part.empty() && !is_in(path, part))) continue;
            const std::string rest = part.empty() ? path : path.substr(std::min(path.size(), part.size() + 1));
            found.files.push_back({rest.empty() ? at : below(at, rest), text});
        }
        if (others || !projected.whole || !known) found.unread.push_back(at);
    }
    return found;
}

}  // namespace holdfast::clone
