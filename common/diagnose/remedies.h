// What to do, where several causes share it. Each is one line of commands or changes.
#pragma once

#include <string>

namespace holdfast::diagnose {

std::string remedy_install_snapshots();
std::string remedy_no_controller();
std::string remedy_no_sidecar(const std::string& driver);
std::string remedy_driver(const std::string& driver);
std::string remedy_make_class(const std::string& driver);
// How to see an object's own words: `kubectl describe pvc x -n y`.
std::string remedy_describe(const std::string& type, const std::string& space, const std::string& name);

}  // namespace holdfast::diagnose
