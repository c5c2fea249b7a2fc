#include "common/view/table.h"

#include "common/core/text.h"

#include <algorithm>

namespace holdfast::view {

namespace {

std::size_t width_of(const std::string& text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

}  // namespace

void Table::row(std::vector<std::string> cells) {
    cells.resize(header_.size());
    for (auto& cell : cells) cell = cell.empty() ? "<none>" : escape_line(cell);
    rows_.push_back(std::move(cells));
}

std::string Table::text() const {
    std::vector<std::size_t> widths;
    for (const auto& title : header_) widths.push_back(width_of(title));
    for (const auto& cells : rows_) {
        for (std::size_t i = 0; i < cells.size(); i++) widths[i] = std::max(widths[i], width_of(cells[i]));
    }
    std::string out;
    const auto add = [&](const std::vector<std::string>& cells) {
        for (std::size_t i = 0; i < cells.size(); i++) {
            out += cells[i];
            if (i + 1 < cells.size()) out.append(widths[i] - width_of(cells[i]) + 3, ' ');
        }
        out += '\n';
    };
    add(header_);
    for (const auto& cells : rows_) add(cells);
    return out;
}

}  // namespace holdfast::view
