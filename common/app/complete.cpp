#include "common/app/complete.h"

#include "common/app/complete_names.h"
#include "common/core/text.h"

#include <algorithm>

namespace holdfast::app {

namespace {

// Words of choices and names, with what stands before them in the same word.
std::vector<Candidate> candidates(const Wanted& wanted, const std::vector<Candidate>& names) {
    std::vector<Candidate> all = wanted.words;
    for (const auto& choice : wanted.choices) {
        if (starts_with(choice, wanted.partial)) all.push_back({wanted.prefix + choice, ""});
    }
    for (const auto& name : names) {
        if (starts_with(name.word, wanted.partial)) all.push_back({wanted.prefix + name.word, name.description});
    }
    return all;
}

// "pvc/" alone invites a name: the shell must not put a space after it.
bool ends_open(const std::vector<Candidate>& all) {
    return !all.empty() &&
           std::all_of(all.begin(), all.end(), [](const Candidate& c) { return ends_with(c.word, "/"); });
}

}  // namespace

int complete(const Plugin& plugin, const std::vector<std::string>& words, const Process& process) {
    const Wanted what = wanted(plugin, words);
    std::vector<Candidate> names;
    if (what.names) names = names_for(plugin, words, *what.names, what.partial, process);
    const auto all = candidates(what, names);
    for (const auto& candidate : all) {
        process.console.out(escape_line(candidate.word));
        if (!candidate.description.empty()) process.console.out("\t" + escape_line(candidate.description));
        process.console.out("\n");
    }
    const int directive = what.directive | (ends_open(all) ? kNoSpace : 0);
    process.console.out(":" + std::to_string(directive) + "\n");
    process.console.flush();
    return 0;
}

}  // namespace holdfast::app
