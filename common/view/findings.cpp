#include "common/view/findings.h"

#include "common/core/text.h"
#include "common/view/wrap.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace holdfast::view {

namespace {

const char* color_of(diagnose::Severity severity) {
    switch (severity) {
        case diagnose::Severity::kError:
            return "31";
        case diagnose::Severity::kWarning:
            return "33";
        case diagnose::Severity::kInfo:
            return "36";
    }
    return "0";
}

// A command in backquotes is to be pasted: it stays on one line however long it is.
std::string wrapped(std::string text) {
    constexpr char kSpace = '\x01';  // no control character is left in escaped text
    bool quoted = false;
    for (char& c : text) {
        if (c == '`') quoted = !quoted;
        if (c == ' ' && quoted) c = kSpace;
    }
    text = indent_wrapped(text, 8, 100);
    std::replace(text.begin(), text.end(), kSpace, ' ');
    return text;
}

std::string finding_text(const diagnose::Finding& finding, bool color) {
    std::string label = severity_name(finding.severity);
    const std::string padding(8 - std::min<std::size_t>(label.size(), 8), ' ');
    if (color) label = std::string("\x1b[") + color_of(finding.severity) + "m" + label + "\x1b[0m";
    std::string out = label + padding + escape_line(finding.object) + " (" + escape_line(finding.code) + ")\n";
    out += wrapped(escape_line(finding.message)) + "\n";
    if (!finding.remedy.empty()) out += wrapped("-> " + escape_line(finding.remedy)) + "\n";
    return out;
}

}  // namespace

std::string severity_name(diagnose::Severity severity) {
    switch (severity) {
        case diagnose::Severity::kError:
            return "error";
        case diagnose::Severity::kWarning:
            return "warning";
        case diagnose::Severity::kInfo:
            return "info";
    }
    return "";
}

std::string findings_text(const std::vector<diagnose::Finding>& findings, bool color) {
    std::vector<diagnose::Finding> sorted = findings;
    std::stable_sort(sorted.begin(), sorted.end(),
                     [](const auto& a, const auto& b) { return a.severity > b.severity; });
    std::string out;
    for (const auto& finding : sorted) out += finding_text(finding, color);
    return out;
}

Json findings_json(const std::vector<diagnose::Finding>& findings) {
    Json items = Json::array();
    for (const auto& finding : findings) {
        items.push_back(Json{{"severity", severity_name(finding.severity)},
                             {"code", finding.code},
                             {"object", finding.object},
                             {"layer", finding.layer},
                             {"message", finding.message},
                             {"remedy", finding.remedy}});
    }
    return Json{{"apiVersion", "holdfast.dev/v1"}, {"kind", "Findings"}, {"items", std::move(items)}};
}

}  // namespace holdfast::view
