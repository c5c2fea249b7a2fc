#include "plugins/clone/led.h"

#include "common/core/refusal.h"
#include "common/core/text.h"
#include "common/kube/objects/workload.h"
#include "plugins/clone/containers.h"

#include <algorithm>

namespace holdfast::clone {

const char* const kByHand =
    "copy its claims by themselves, kubectl clone pvc/NAME COPY for each, and start them where they reach none of the "
    "source's";

bool has_any(const std::string& word, std::initializer_list<const char*> parts) {
    return std::any_of(parts.begin(), parts.end(),
                       [&](const char* part) { return word.find(part) != std::string::npos; });
}

std::map<std::string, std::string> variables(const Json& pod_spec, const std::vector<std::string>& prefixes) {
    std::map<std::string, std::string> found;
    for (const Placed& placed : all_containers(pod_spec)) {
        const Json& container = *placed.container;
        for (const Json& one : list_of_container(container, "env")) {
            const std::string name = kube::text_at(one, "/name");
            const bool wanted = std::any_of(prefixes.begin(), prefixes.end(),
                                            [&](const std::string& prefix) { return starts_with(name, prefix); });
            if (wanted) found[kube::text_at(container, "/name") + "/" + name] = one.dump();
        }
    }
    return found;
}

std::map<std::string, std::string> variables_in(const Json& pod_spec, const std::string& container,
                                                const std::vector<std::string>& prefixes) {
    std::map<std::string, std::string> found = variables(pod_spec, prefixes);
    std::erase_if(found, [&](const auto& one) { return !starts_with(one.first, container + "/"); });
    return found;
}

bool sets_anew(const Json& source, const Json& made, const std::string& container,
               const std::vector<std::string>& prefixes) {
    const auto before = variables_in(source, container, prefixes), after = variables_in(made, container, prefixes);
    return std::any_of(after.begin(), after.end(), [&](const auto& one) {
        const auto was = before.find(one.first);
        return was != before.end() && was->second != one.second;
    });
}

std::string value_in(const Json& pod_spec, const std::string& container, const std::string& name) {
    for (const Placed& placed : all_containers(pod_spec)) {
        if (kube::text_at(*placed.container, "/name") != container) continue;
        for (const Json& one : list_of_container(*placed.container, "env")) {
            if (kube::text_at(one, "/name") == name) return kube::text_at(one, "/value");
        }
    }
    return "";
}

std::vector<std::string> parts_of(const std::string& text, const std::string& separators) {
    std::vector<std::string> parts;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find_first_of(separators, at), text.size());
        if (end > at) parts.push_back(text.substr(at, end - at));
        at = end + 1;
    }
    return parts;
}

std::vector<std::string> hosts_in(const std::string& text) {
    std::vector<std::string> hosts;
    for (std::string part : parts_of(text, ", ;\t\n")) {
        if (const std::size_t at = part.find("://"); at != std::string::npos) part.erase(0, at + 3);
        if (const std::size_t at = part.find('@'); at != std::string::npos) part.erase(0, at + 1);
        part.erase(std::min(part.find('/'), part.size()));
        if (starts_with(part, "[")) {
            part = part.substr(1, std::min(part.find(']'), part.size()) - 1);
        } else if (std::count(part.begin(), part.end(), ':') == 1) {
            part.erase(part.find(':'));
        }
        hosts.push_back(to_lower(part));
    }
    return hosts;
}

bool is_loopback(const std::string& host) { return host == "localhost" || host == "::1" || starts_with(host, "127."); }

std::string kept_variable(const Json& source, const Json& made, const std::vector<std::string>& names) {
    const auto before = variables(source, names), after = variables(made, names);
    for (const auto& [name, value] : after) {
        const auto was = before.find(name);
        if (was != before.end() && was->second == value) return name.substr(name.find('/') + 1);
    }
    return "";
}

std::string kept_word(const Json& source, const Json& made, std::initializer_list<const char*> parts) {
    std::vector<std::string> before;
    for (const Placed& one : all_containers(source)) {
        for (std::string& word : words_of(*one.container)) before.push_back(std::move(word));
    }
    for (const Placed& one : all_containers(made)) {
        const std::vector<std::string> words = words_of(*one.container);
        for (std::size_t i = 0; i < words.size(); ++i) {
            if (!has_any(words[i], parts) || std::find(before.begin(), before.end(), words[i]) == before.end())
                continue;
            // "--seeds" "kafka-0:33145": what it is set to is the next one.
            const bool apart = words[i].find('=') == std::string::npos && i + 1 < words.size();
            if (!apart || std::find(before.begin(), before.end(), words[i + 1]) != before.end()) return words[i];
        }
    }
    return "";
}

Error would_join(const CloneOptions& options, const Joining& joining, const std::string& how, const std::string& hint) {
    return refused(options.source.text() + " is " + software_name(joining.recognised.software) + " (" +
                       joining.recognised.by + " of container " + joining.recognised.container + "): " + how,
                   hint);
}

// It has an identity of its own, and is still told where the source is.
Status check_led_back(const CloneOptions& options, const Joining& joining, const Json& source, const Json& made,
                      const std::vector<std::string>& names, std::initializer_list<const char*> parts) {
    const std::string variable = kept_variable(source, made, names);
    if (!variable.empty())
        return would_join(options, joining, "variable " + variable + " leads it to the source's servers",
                          "give it another value: --env " + variable + "=...");
    const std::string word = kept_word(source, made, parts);
    if (word.empty()) return {};
    return would_join(options, joining, "its arguments lead it to the source's servers: " + escape_line(word),
                      "change them in the clone with --set");
}

}  // namespace holdfast::clone
