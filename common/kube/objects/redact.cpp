#include "common/kube/objects/redact.h"

#include "common/core/hash.h"
#include "common/core/text.h"

#include <nlohmann/json.hpp>

#include <array>
#include <cctype>
#include <vector>

namespace holdfast::kube {
namespace {

// The name in lower case, its words parted by one '_': "dbPassword" -> "db_password", "X-Api-Key" -> "x_api_key".
std::string words_of(std::string_view name) {
    std::string words;
    bool previous_lower = false;
    for (char c : name) {
        const auto byte = static_cast<unsigned char>(c);
        if (std::isalnum(byte) == 0) {
            if (!words.empty() && words.back() != '_') words += '_';
            previous_lower = false;
            continue;
        }
        if (std::isupper(byte) != 0 && previous_lower) words += '_';
        previous_lower = std::islower(byte) != 0 || std::isdigit(byte) != 0;
        words += static_cast<char>(std::tolower(byte));
    }
    while (!words.empty() && words.back() == '_') words.pop_back();
    return words;
}

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

// scheme://user:password@host
bool has_url_password(std::string_view value) {
    std::size_t at = 0;
    while ((at = value.find("://", at)) != std::string_view::npos) {
        at += 3;
        const std::string_view authority = value.substr(at, value.find_first_of("/?# \t\n\"'", at) - at);
        const std::size_t end = authority.rfind('@');
        const std::size_t colon = authority.find(':');
        if (end != std::string_view::npos && colon < end) return true;
    }
    return false;
}

bool is_token(std::string_view value) {
    if (contains(value, "-----BEGIN") && contains(value, "PRIVATE KEY")) return true;
    const std::size_t dot = value.find('.');
    return starts_with(value, "eyJ") && value.size() > 40 && dot != std::string_view::npos &&
           value.find('.', dot + 1) != std::string_view::npos;
}

// "--requirepass=x" or "PGPASSWORD=x": the part before '=' is a name only if it is one word.
bool is_assignment(std::string_view word, std::size_t& equals) {
    equals = word.find('=');
    return equals != std::string_view::npos && equals > 0 && word.find_first_of(" \t\n") > equals;
}

// One of our own hashes, exactly: a secret that merely begins like one is hashed all the same.
bool is_hash(std::string_view value) {
    return value.size() == 13 && starts_with(value, "hashed:") &&
           value.find_first_not_of("0123456789abcdef", 7) == std::string_view::npos;
}

void hash_words(Json& words) {
    bool next_is_secret = false;
    for (Json& word : words) {
        if (!word.is_string()) continue;
        const std::string text = word.get<std::string>();
        std::size_t equals = 0;
        if (next_is_secret && !starts_with(text, "-")) {
            word = hashed_value(text);
            next_is_secret = false;
            continue;
        }
        next_is_secret = starts_with(text, "-") && !contains(text, "=") && looks_like_secret_name(text);
        if (is_assignment(text, equals) && is_secret(text.substr(0, equals), text.substr(equals + 1))) {
            word = text.substr(0, equals + 1) + hashed_value(text.substr(equals + 1));
        } else if (looks_like_secret_value(text)) {
            word = hashed_value(text);
        }
    }
}

void hash_text(Json& value, std::string_view name) {
    if (!value.is_string()) return;
    const std::string text = value.get<std::string>();
    if (is_secret(name, text)) value = hashed_value(text);
}

}  // namespace

bool looks_like_secret_name(std::string_view name) {
    static constexpr std::array kParts{"password", "passwd",     "passphrase",    "secret",
                                       "token",    "credential", "authorization", "requirepass",
                                       "apikey",   "privatekey", "accesskey"};
    const std::string words = words_of(name);
    for (const char* part : kParts) {
        if (contains(words, part)) return true;
    }
    const std::string bounded = "_" + words + "_";
    if (contains(bounded, "_key_") || contains(bounded, "_keys_") || ends_with(words, "_key") ||
        contains(bounded, "_pass_")) {
        return true;
    }
    // PWD and OLDPWD are directories; DB_PWD is not.
    return ends_with(words, "_pwd");
}

bool looks_like_secret_value(std::string_view value) {
    if (has_url_password(value) || is_token(value)) return true;
    static constexpr std::array kAssignments{
        "password=", "passwd=", "passphrase=", "secret=", "token=", "pwd=", "password:", "_key=", "apikey="};
    const std::string lower = to_lower(value);
    for (const char* part : kAssignments) {
        if (contains(lower, part)) return true;
    }
    return false;
}

bool is_secret(std::string_view name, std::string_view value) {
    if (value.empty() || is_hash(value)) return false;
    const std::string words = words_of(name);
    const bool path = starts_with(value, "/") && value.find_first_of(" \t\n") == std::string_view::npos;
    if (path && (ends_with(words, "_file") || ends_with(words, "_path") || ends_with(words, "_dir"))) return false;
    return looks_like_secret_name(name) || looks_like_secret_value(value);
}

std::string hashed_value(std::string_view value) {
    return is_hash(value) ? std::string(value) : "hashed:" + short_hash(value).substr(0, 6);
}

void hash_secrets(Json& object) {
    if (object.is_array()) {
        for (Json& item : object) hash_secrets(item);
        return;
    }
    if (!object.is_object()) return;
    if (object.contains("name") && object["name"].is_string() && object.contains("value")) {
        hash_text(object["value"], object["name"].get<std::string>());
    }
    for (auto& [key, value] : object.items()) {
        if ((key == "args" || key == "command") && value.is_array()) {
            hash_words(value);
        } else if (key == "annotations" && value.is_object()) {
            for (auto& [name, text] : value.items()) hash_text(text, name);
        } else {
            hash_secrets(value);
        }
    }
}

Json manifest_to_keep(const Json& live) {
    Json kept = live;
    if (!kept.is_object()) return kept;
    kept.erase("status");
    if (kept.contains("metadata") && kept["metadata"].is_object()) {
        Json& metadata = kept["metadata"];
        metadata.erase("managedFields");
        if (metadata.contains("annotations") && metadata["annotations"].is_object()) {
            metadata["annotations"].erase("kubectl.kubernetes.io/last-applied-configuration");
        }
    }
    hash_secrets(kept);
    return kept;
}

}  // namespace holdfast::kube
