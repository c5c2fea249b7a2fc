// Tables as kubectl prints them: NAME first, AGE last, columns three spaces apart, no colour in cells, <none> for
// empty.
#pragma once

#include <string>
#include <vector>

namespace holdfast::view {

class Table {
  public:
    explicit Table(std::vector<std::string> header) : header_(std::move(header)) {}
    void row(std::vector<std::string> cells);  // escaped here; an empty or missing cell is shown as <none>
    bool empty() const { return rows_.empty(); }
    std::string text() const;  // widths count code points, not bytes

  private:
    std::vector<std::string> header_;
    std::vector<std::vector<std::string>> rows_;
};

}  // namespace holdfast::view
