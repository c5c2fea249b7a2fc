// Several kubeconfig files as one, and the part of it that one context uses. Pure.
// Source: client-go tools/clientcmd/loader.go (Load, ResolveLocalPaths), api/helpers.go (MinifyConfig).
#pragma once

#include "common/core/result.h"
#include "common/kubeconfig/raw_config.h"

#include <string>
#include <string_view>
#include <vector>

namespace holdfast::kubeconfig {

// Files in order of precedence: entries of one name are never blended, the first file's stays; of scalars the first
// that is not empty.
RawConfig merge_configs(std::vector<RawConfig> files);

// Relative file names in entries become absolute against the directory of the entry's file. exec.command only if it has
// a slash.
void resolve_paths(RawConfig& config, const std::string& working_directory);

// filepath.Join and Clean: no "." and ".." left, no double slashes.
std::string join_path(std::string_view directory, std::string_view path);
std::string clean_path(std::string_view path);

// Keeps what the context `name` refers to (current-context if `name` is empty). kInvalid: the context, its cluster or
// its user does not exist.
Result<RawConfig> minify(RawConfig config, const std::string& name);

}  // namespace holdfast::kubeconfig
