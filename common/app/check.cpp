#include "common/app/check.h"

#include "common/app/flags.h"
#include "common/core/names.h"
#include "common/core/text.h"

namespace holdfast::app {

namespace {

// Whether the word is a name, may be TYPE/NAME, or is nothing that we judge.
enum class Shape { kAny, kName, kTyped, kMaybeTyped, kLabel };

Shape shape_of(Completes completes) {
    switch (completes) {
        case Completes::kNothing:
        case Completes::kChoices:
        case Completes::kFile:
        case Completes::kContext:
        case Completes::kCluster:
        case Completes::kUser:
        case Completes::kShell:
            return Shape::kAny;
        case Completes::kNamespace:
            return Shape::kLabel;
        case Completes::kWorkload:
        case Completes::kNewClaim:
            return Shape::kTyped;
        case Completes::kSet:
        case Completes::kSetOrSnapshot:
        case Completes::kClaim:
        case Completes::kSnapshot:
            return Shape::kMaybeTyped;
        case Completes::kStorageClass:
        case Completes::kSnapshotClass:
        case Completes::kOperation:
        case Completes::kClone:
            return Shape::kName;
    }
    return Shape::kAny;
}

// kubectl's flag helpers strip these before a namespace.
std::string without_namespace_prefix(const std::string& word) {
    for (const char* prefix : {"namespaces/", "namespace/", "ns/"}) {
        if (starts_with(word, prefix)) return word.substr(std::string_view(prefix).size());
    }
    return word;
}

// "statefulset.apps": whether it is a type that the command takes is the command's to say.
bool is_type_word(const std::string& type) {
    return type.find_first_not_of("abcdefghijklmnopqrstuvwxyz.") == std::string::npos && type.front() != '.';
}

Status check_word(Completes completes, const std::string& word, const std::string& what) {
    switch (shape_of(completes)) {
        case Shape::kAny:
            return {};
        case Shape::kLabel:
            return word.empty() ? Status() : check_dns_label(without_namespace_prefix(word), what);
        case Shape::kName:
            return check_dns_subdomain(word, what);
        case Shape::kMaybeTyped:
            if (word.find('/') == std::string::npos) return check_dns_subdomain(word, what);
            [[fallthrough]];
        case Shape::kTyped: {
            TRY_ASSIGN(const TypedName typed, parse_typed_name(word));
            if (!is_type_word(typed.type)) return check_dns_subdomain(word, what);  // "../x"
            return check_dns_subdomain(typed.name, what);
        }
    }
    return {};
}

}  // namespace

Status check_exclusive(const Command& command, const Arguments& arguments) {
    for (const auto& [a, b] : command.exclusive) {
        if (!arguments.given(a) || !arguments.given(b)) continue;
        return Error{ErrorKind::kUsage, "--" + a + " and --" + b + " cannot be used together", "give one of the two", 0,
                     ""};
    }
    return {};
}

Status check_names(const Command& command, const Arguments& arguments) {
    for (std::size_t i = 0; i < arguments.positionals.size() && !command.completes.empty(); i++) {
        const Completes completes = command.completes[std::min(i, command.completes.size() - 1)];
        TRY(check_word(completes, arguments.positionals[i], "argument " + std::to_string(i + 1)));
    }
    for (const auto& option : all_options(command)) {
        for (const auto& value : arguments.list(option.name)) {
            TRY(check_word(option.completes, value, "--" + option.name));
        }
        if (option.name == "selector" && arguments.given("selector") && trim(arguments.text("selector")).empty()) {
            return Error{ErrorKind::kRefused,
                         "refusing an empty --selector: it would mean every claim in the namespace",
                         "give a selector such as -l app=postgres, or name the targets; nothing was changed", 0, ""};
        }
    }
    return {};
}

}  // namespace holdfast::app
