#include "common/diagnose/finding.h"

#include "common/core/text.h"

#include <algorithm>

namespace holdfast::diagnose {
namespace {

Finding made(Severity severity, Said said) {
    return {severity,
            std::move(said.code),
            escape_line(said.object),
            std::move(said.layer),
            escape_line(said.message),
            escape_line(said.remedy)};
}

}  // namespace

Finding error(Said said) { return made(Severity::kError, std::move(said)); }
Finding warning(Said said) { return made(Severity::kWarning, std::move(said)); }
Finding info(Said said) { return made(Severity::kInfo, std::move(said)); }

void append(Findings& all, Findings more) {
    for (Finding& one : more) all.push_back(std::move(one));
}

void settle(Findings& findings) {
    Findings kept;
    for (Finding& one : findings) {
        const bool twice = std::any_of(kept.begin(), kept.end(), [&](const Finding& other) {
            return other.code == one.code && other.object == one.object && other.message == one.message;
        });
        if (!twice) kept.push_back(std::move(one));
    }
    std::stable_sort(kept.begin(), kept.end(),
                     [](const Finding& a, const Finding& b) { return a.severity > b.severity; });
    findings = std::move(kept);
}

Findings blind_spots(const std::vector<Gap>& gaps) {
    if (gaps.empty()) return {};
    std::vector<std::string> whats;
    for (const Gap& gap : gaps) whats.push_back(gap.what);
    return {info({"not-visible", "cluster", "policy",
                  "not everything could be read, so a cause may be hidden; it could not " + join(whats, ", nor ") +
                      " (" + gaps.front().why + ")",
                  "`kubectl snap rbac doctor` prints the role that it needs"})};
}

std::string driver_words(const std::string& message) {
    static constexpr std::string_view kCode = "rpc error: code = ", kText = " desc = ";
    const std::size_t code = message.rfind(kCode);
    const std::size_t text = code == std::string::npos ? code : message.find(kText, code);
    if (text == std::string::npos) return message;
    std::string words = message.substr(text + kText.size());
    const bool quoted = code > 0 && message[code - 1] == '"';
    if (quoted && !words.empty() && words.back() == '"') words.pop_back();
    const std::string name = message.substr(code + kCode.size(), text - code - kCode.size());
    return words.empty() ? message : words + " (" + name + ")";
}

std::string counted(std::size_t count, const std::string& noun) {
    return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

std::string named(const std::vector<std::string>& names, std::size_t limit) {
    if (names.empty()) return "none";
    std::string text;
    const std::size_t shown = std::min(names.size(), limit);
    for (std::size_t i = 0; i < shown; ++i) text += (i == 0 ? "" : ", ") + names[i];
    if (names.size() > shown) text += " and " + std::to_string(names.size() - shown) + " more";
    return text;
}

std::string headline(const Findings& findings) {
    const Finding* worst = nullptr;
    for (const Finding& one : findings) {
        if (one.code == "not-visible") continue;  // says why we do not know, which is no cause
        if (worst == nullptr || one.severity > worst->severity) worst = &one;
    }
    if (worst == nullptr) return "";
    return worst->object + ": " + worst->message;
}

}  // namespace holdfast::diagnose
