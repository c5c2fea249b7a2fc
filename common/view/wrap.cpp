#include "common/view/wrap.h"

namespace holdfast::view {

namespace {

std::size_t width_of(std::string_view text) {
    std::size_t width = 0;
    for (char c : text) width += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    return width;
}

void add_line(std::string& out, std::string_view line, std::size_t indent, std::size_t columns) {
    std::size_t used = 0;
    while (!line.empty()) {
        const auto space = line.find(' ');
        const std::string_view word = line.substr(0, space);
        line.remove_prefix(space == std::string_view::npos ? line.size() : space + 1);
        if (word.empty()) continue;
        if (used > 0 && used + 1 + width_of(word) > columns) {
            out += '\n';
            used = 0;
        }
        if (used == 0) {
            out.append(indent, ' ');
            used = indent;
        } else {
            out += ' ';
            used++;
        }
        out += word;
        used += width_of(word);
    }
}

}  // namespace

std::string indent_wrapped(std::string_view text, std::size_t indent, std::size_t columns) {
    std::string out;
    for (bool first = true; !text.empty(); first = false) {
        if (!first) out += '\n';
        const auto end = text.find('\n');
        add_line(out, text.substr(0, end), indent, columns);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return out;
}

std::string indent_prose(std::string_view text, std::size_t indent, std::size_t columns) {
    std::string joined;
    for (std::size_t i = 0; i < text.size(); i++) {
        const char next = i + 1 < text.size() ? text[i + 1] : '\n';
        const bool within =
            text[i] == '\n' && i > 0 && text[i - 1] != '\n' && next != '\n' && next != ' ' && next != '-';
        joined += within ? ' ' : text[i];
    }
    return indent_wrapped(joined, indent, columns);
}

}  // namespace holdfast::view
