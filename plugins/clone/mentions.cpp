#include "plugins/clone/mentions.h"

#include "common/kube/objects/workload.h"

#include <algorithm>
#include <cctype>

namespace holdfast::clone {
namespace {

bool is_word_part(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_'; }

// As a whole word: "postgres" stands in "postgres-0.postgres.shop.svc", and not in "postgresql".
bool holds_word(const std::string& text, const std::string& word) {
    for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
        const bool begins = at == 0 || !is_word_part(text[at - 1]);
        const std::size_t end = at + word.size();
        if (begins && (end == text.size() || !is_word_part(text[end]))) return true;
    }
    return false;
}

}  // namespace

std::vector<std::string> places_that_name(const Json& pod_spec, const std::vector<std::string>& words) {
    std::vector<std::string> places;
    const auto look = [&](const Json& value, const std::string& place) {
        if (!value.is_string()) return;
        const std::string text = value.get<std::string>();
        const auto found =
            std::find_if(words.begin(), words.end(), [&](const std::string& word) { return holds_word(text, word); });
        if (found != words.end()) places.push_back(place + " names svc " + *found);
    };
    for (const char* kind : {"initContainers", "containers"}) {
        if (!pod_spec.is_object() || !pod_spec.contains(kind)) continue;
        for (const Json& container : pod_spec[kind]) {
            const std::string name = " of container " + kube::text_at(container, "/name");
            if (container.contains("env")) {
                for (const Json& one : container["env"])
                    look(one.value("value", Json()), "env " + kube::text_at(one, "/name") + name);
            }
            for (const char* words_of : {"args", "command"}) {
                if (!container.contains(words_of)) continue;
                for (const Json& one : container[words_of]) look(one, std::string(words_of) + name);
            }
        }
    }
    std::sort(places.begin(), places.end());
    places.erase(std::unique(places.begin(), places.end()), places.end());
    return places;
}

}  // namespace holdfast::clone
