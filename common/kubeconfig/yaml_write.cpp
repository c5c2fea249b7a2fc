// JSON -> YAML by hand: yaml-cpp's emitter leaves "yes", "123" and "0x1F" unquoted and so turns strings into other
// values.
#include "common/core/text.h"
#include "common/kubeconfig/yaml.h"
#include "common/kubeconfig/yaml_bytes.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <string>

namespace holdfast::kubeconfig {
namespace {

bool is_latin(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// A plain word is safe if no YAML version gives it another meaning.
bool is_plain(std::string_view text) {
    if (text.empty() || text.size() > 200 || !is_latin(text[0])) return false;
    for (const char c : text) {
        if (!is_latin(c) && !(c >= '0' && c <= '9') && c != '_' && c != '.' && c != '/' && c != '-') return false;
    }
    const std::string folded = to_lower(text);
    for (const std::string_view word : {"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"}) {
        if (folded == word) return false;
    }
    return true;
}

void append_escape(std::string& out, std::uint32_t c) {
    std::array<char, 16> buffer{};
    std::snprintf(buffer.data(), buffer.size(), c > 0xffff ? "\\U%08X" : c > 0xff ? "\\u%04X" : "\\x%02X", c);
    out += buffer.data();
}

std::string double_quoted(std::string_view text) {
    std::string out = "\"";
    for (std::size_t at = 0; at < text.size();) {
        const CodePoint point = code_point_at(text, at);
        if (point.length == 0) {
            out += "\xef\xbf\xbd";
            ++at;
            continue;
        }
        if (point.value == '"' || point.value == '\\') {
            out += '\\';
            out += static_cast<char>(point.value);
        } else if (point.value == '\n') {
            out += "\\n";
        } else if (point.value == '\t') {
            out += "\\t";
        } else if (point.value == '\r') {
            out += "\\r";
        } else if (!is_yaml_printable(point.value) || point.value == 0x85 || point.value == 0x2028 ||
                   point.value == 0x2029) {
            append_escape(out, point.value);
        } else {
            out += text.substr(at, point.length);
        }
        at += point.length;
    }
    return out + "\"";
}

// Can a reader get exactly this text out of a literal block: lines of printable ASCII, the first one neither empty nor
// indented, and exactly one line feed at the end?
bool fits_literal(std::string_view text) {
    if (text.size() < 3 || text[0] == ' ' || text[0] == '\n' || text.back() != '\n' || text[text.size() - 2] == '\n')
        return false;
    if (text.find('\n') == text.size() - 1) return false;
    for (const char c : text) {
        if (c != '\n' && (c < 0x20 || c > 0x7e)) return false;
    }
    return true;
}

std::string scalar(const Json& value) {
    if (value.is_string()) {
        const auto& text = value.get_ref<const std::string&>();
        return is_plain(text) ? text : double_quoted(text);
    }
    if (value.is_number_float()) {
        const std::string text = value.dump();
        return text == "null" ? "null" : text;  // not finite: JSON has no such number
    }
    if (value.is_binary() || value.is_discarded()) return "null";
    return value.dump();
}

bool is_block(const Json& value) { return (value.is_object() || value.is_array()) && !value.empty(); }

void append_literal(std::string& out, std::string_view text, std::size_t indent) {
    out += "|\n";
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = text.find('\n', at);
        if (end > at) out.append(indent, ' ');
        out += text.substr(at, end - at + 1);
        at = end + 1;
    }
}

// A value that begins on the line that `out` ends with; ends with a line feed.
void append_inline(std::string& out, const Json& value, std::size_t indent) {
    if (value.is_string() && fits_literal(value.get_ref<const std::string&>())) {
        append_literal(out, value.get_ref<const std::string&>(), indent + 2);
    } else if (value.is_object() && value.empty()) {
        out += "{}\n";
    } else if (value.is_array() && value.empty()) {
        out += "[]\n";
    } else {
        out += scalar(value) + "\n";
    }
}

// The lines of a non-empty object or array. `first_is_placed`: its first line continues "- ".
void append_lines(std::string& out, const Json& value, std::size_t indent, bool first_is_placed) {
    const auto begin_line = [&] {
        if (!first_is_placed) out.append(indent, ' ');
        first_is_placed = false;
    };
    if (value.is_array()) {
        for (const Json& item : value) {
            begin_line();
            out += "- ";
            if (is_block(item))
                append_lines(out, item, indent + 2, true);
            else
                append_inline(out, item, indent);
        }
        return;
    }
    for (const auto& [name, item] : value.items()) {
        begin_line();
        const std::string key = is_plain(name) ? name : double_quoted(name);
        // Longer ones need the explicit form: simple keys end at 1,024 characters.
        out += key.size() > 1000 ? "? " + key + "\n" + std::string(indent, ' ') + ":" : key + ":";
        if (is_block(item)) {
            out += "\n";
            append_lines(out, item, item.is_array() ? indent : indent + 2, false);
        } else {
            out += " ";
            append_inline(out, item, indent);
        }
    }
}

}  // namespace

std::string write_yaml(const Json& value) {
    std::string out;
    if (is_block(value))
        append_lines(out, value, 0, false);
    else
        append_inline(out, value, 0);
    return out;
}

}  // namespace holdfast::kubeconfig
