// Shell completion by kubectl's protocol (kubectl, pkg/cmd/plugin/plugin_completion.go; spf13/cobra, completions.go):
// candidates, each with a description after a tab, and a last line ":N".
#pragma once

#include "common/app/command.h"
#include "common/app/session.h"

#include <optional>
#include <string>
#include <vector>

namespace holdfast::app {

struct Candidate {
    std::string word, description;
};

// Cobra's directives.
enum Directive { kDefault = 0, kNoSpace = 2, kNoFile = 4 };

// What may stand where the last word is: words of the tables, and what names from the cluster are asked for.
struct Wanted {
    std::vector<Candidate> words;    // already complete candidates
    std::optional<Completes> names;  // and these, from kubeconfig or cluster
    std::string prefix;              // stands before each name in the same word: "--from=", "pvc/"
    std::string partial;             // what of the name is typed
    std::vector<std::string> choices;
    int directive = kNoFile;
};

// words: after the plugin's name, the last one partial (maybe ""). Pure.
Wanted wanted(const Plugin& plugin, const std::vector<std::string>& words);

// The whole of it: asks kubeconfig and cluster for at most a second, prints, and returns the exit code. Never writes to
// stderr: the shell is in the middle of a line.
int complete(const Plugin& plugin, const std::vector<std::string>& words, const Process& process);

// "bash", "zsh", "fish": a script to be sourced; "kubectl": the shim kubectl_complete-NAME.
Command completion_command();
std::string completion_script(const std::string& plugin, const std::string& shell);

}  // namespace holdfast::app
