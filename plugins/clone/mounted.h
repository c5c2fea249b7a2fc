// Files that a container has from ConfigMaps: how its software is set, or started, may stand there (safety R26).
// Secrets are not read (safety R30). Pure.
#pragma once

#include "common/core/json.h"

#include <initializer_list>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace holdfast::clone {

struct MountedFile {
    std::string path, text;
};
struct MountedFiles {
    std::vector<MountedFile> files;
    std::vector<std::string> unread;  // where other volumes are, and ConfigMaps of which nothing is known

    // The file at this path; nullptr: none of these, and what is there instead is not known.
    const MountedFile* at(const std::string& path) const;
    // The same by its name alone, for what a script copies somewhere else.
    const MountedFile* called(const std::string& name) const;
    // Something unread is at, above or below this folder.
    bool unread_in(const std::string& folder) const;
    // One of these has a line that begins with one of these words, comments apart.
    bool say(std::initializer_list<const char*> words) const;
};

std::set<std::string> config_maps_mounted(const Json& pod_spec, const std::string& container);
// maps: by name, of those that could be read.
MountedFiles mounted_files(const Json& pod_spec, const std::string& container, const std::map<std::string, Json>& maps);

}  // namespace holdfast::clone
