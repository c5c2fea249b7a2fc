// Text in lines of a bounded width. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace holdfast::view {

// Every line indented by `indent` spaces and broken at spaces so that it is at most `columns` wide where a word allows;
// line ends in the text stay. No newline at the end.
std::string indent_wrapped(std::string_view text, std::size_t indent, std::size_t columns);

// Prose: line ends within a paragraph are spaces, an empty line separates paragraphs, lines that begin with a space or
// "-" stay lines.
std::string indent_prose(std::string_view text, std::size_t indent, std::size_t columns);

}  // namespace holdfast::view
