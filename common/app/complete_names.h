// Names for completion: contexts from kubeconfig, objects from the cluster. Silent and quick, or nothing.
#pragma once

#include "common/app/complete.h"

#include <string>
#include <vector>

namespace holdfast::app {

// words: the whole line, for its connection flags. partial: what is typed of the name, "sts/po". Errors give no names.
std::vector<Candidate> names_for(const Plugin& plugin, const std::vector<std::string>& words, Completes what,
                                 const std::string& partial, const Process& process);

}  // namespace holdfast::app
