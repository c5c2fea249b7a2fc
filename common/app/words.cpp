#include "common/app/words.h"

#include "common/core/text.h"
#include "common/core/usage_error.h"

#include <algorithm>
#include <optional>

namespace holdfast::app {

namespace {

using Kind = Option::Kind;

// strconv.ParseBool, as pflag uses it.
std::optional<bool> parse_bool(std::string_view word) {
    static constexpr std::string_view kTrue[] = {"1", "t", "T", "TRUE", "true", "True"};
    static constexpr std::string_view kFalse[] = {"0", "f", "F", "FALSE", "false", "False"};
    if (std::find(std::begin(kTrue), std::end(kTrue), word) != std::end(kTrue)) return true;
    if (std::find(std::begin(kFalse), std::end(kFalse), word) != std::end(kFalse)) return false;
    return std::nullopt;
}

class Splitter {
  public:
    Splitter(const std::vector<std::string>& argv, const std::vector<Option>& table, Strictness strictness)
        : argv_(argv), table_(table), strict_(strictness == Strictness::kStrict) {}

    Result<Words> run() {
        for (; next_ < argv_.size(); next_++) {
            const std::string& word = argv_[next_];
            if (word == "--") {
                words_.positionals.insert(words_.positionals.end(), argv_.begin() + static_cast<long>(next_) + 1,
                                          argv_.end());
                break;
            }
            if (word.size() > 2 && starts_with(word, "--")) {
                TRY(long_flag(word));
            } else if (word.size() > 1 && word[0] == '-') {
                TRY(short_flags(word));
            } else {
                words_.positionals.push_back(word);
            }
        }
        return std::move(words_);
    }

  private:
    Status long_flag(const std::string& word) {
        const auto equals = word.find('=');
        const std::string typed = word.substr(2, equals == std::string::npos ? equals : equals - 2);
        std::string name = typed;
        std::replace(name.begin(), name.end(), '_', '-');
        const auto option = std::find_if(table_.begin(), table_.end(), [&](const Option& o) { return o.name == name; });
        if (option == table_.end()) return strict_ ? Status(unknown_flag(typed)) : Status();
        if (equals != std::string::npos) return value(*option, word.substr(equals + 1), "--" + name);
        return bare(*option, "--" + name);
    }

    // "-yA", "-n=x", "-nx", "-n x".
    Status short_flags(const std::string& word) {
        for (std::size_t i = 1; i < word.size(); i++) {
            const auto option = std::find_if(table_.begin(), table_.end(), [&](const Option& o) {
                return o.short_name != 0 && o.short_name == word[i];
            });
            if (option == table_.end()) return strict_ ? Status(unknown_short(word, word[i])) : Status();
            const std::string shown = std::string("-") + word[i] + ", --" + option->name;
            const bool last = i + 1 == word.size();
            if (!last && word[i + 1] == '=') return value(*option, word.substr(i + 2), shown);
            if (option->kind == Kind::kFlag || option->kind == Kind::kOptionalText) {
                TRY(bare(*option, shown));
                continue;
            }
            return last ? bare(*option, shown) : value(*option, word.substr(i + 1), shown);
        }
        return {};
    }

    Status bare(const Option& option, const std::string& shown) {
        switch (option.kind) {
            case Kind::kFlag:
                return value(option, "true", shown);
            case Kind::kOptionalText:
                return value(option, option.bare_value, shown);
            case Kind::kText:
            case Kind::kList:
            case Kind::kNumber:
                break;
        }
        if (next_ + 1 >= argv_.size()) {
            return strict_ ? Status(usage_error("flag needs an argument: " + shown.substr(0, shown.find(','))))
                           : Status();
        }
        return value(option, argv_[++next_], shown);
    }

    Status value(const Option& option, std::string text, const std::string& shown) {
        if (option.kind == Kind::kFlag) {
            const auto parsed = parse_bool(text);
            if (!parsed && strict_) {
                return usage_error("invalid argument \"" + escape_line(text) + "\" for \"" + shown +
                                   "\" flag: must be true or false");
            }
            text = parsed.value_or(false) ? "true" : "false";
            if (option.name == "help") words_.wants_help = text == "true";
            if (option.name == "version") words_.wants_version = text == "true";
        }
        words_.options.push_back("--" + option.name);
        words_.options.push_back(std::move(text));
        return {};
    }

    Error unknown_flag(const std::string& typed) const {
        std::vector<std::string> names;
        for (const auto& option : table_) names.push_back(option.name);
        std::vector<std::string> near;
        for (const auto& name : nearest(typed, names)) near.push_back("--" + name);
        return usage_error("unknown flag: --" + escape_line(typed),
                           near.empty() ? "" : "did you mean " + join(near, " or ") + "?");
    }

    static Error unknown_short(const std::string& word, char letter) {
        return usage_error("unknown shorthand flag: '" + escape_line(std::string(1, letter)) + "' in " +
                           escape_line(word));
    }

    const std::vector<std::string>& argv_;
    const std::vector<Option>& table_;
    bool strict_;
    std::size_t next_ = 0;
    Words words_;
};

}  // namespace

Result<Words> split_words(const std::vector<std::string>& argv, const std::vector<Option>& table,
                          Strictness strictness) {
    return Splitter(argv, table, strictness).run();
}

}  // namespace holdfast::app
