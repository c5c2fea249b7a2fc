// Text on its way to a terminal or out of an argument: pure, allocation-bounded by its input.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast {

// Remote text made safe for a terminal: control characters (ESC, CR, BEL, NUL, C1), bidirectional overrides and invalid
// UTF-8 become visible escapes such as ^[ or \u202e. Newline and tab stay. Call it once, where remote text enters.
std::string escape_terminal(std::string_view text);
// The same for a table cell or a one-line message: newline and tab are escaped too.
std::string escape_line(std::string_view text);

std::vector<std::string> split(std::string_view text, char separator);  // "a,,b" gives three parts; "" gives none
std::string join(const std::vector<std::string>& parts, std::string_view separator);
std::string_view trim(std::string_view text);
bool starts_with(std::string_view text, std::string_view prefix);
bool ends_with(std::string_view text, std::string_view suffix);
std::string to_lower(std::string_view text);

// The candidates nearest to a mistyped word (edit distance at most 2, or a shared prefix of 3), best first, at most
// three.
std::vector<std::string> nearest(std::string_view word, const std::vector<std::string>& candidates);

// One word for a POSIX shell, quoted only where it must be: printed resume lines can be pasted.
std::string shell_quote(std::string_view word);

// 1234567 bytes -> "1.2Mi"; for people, never for the API.
std::string human_bytes(long long bytes);
// kubectl's age, k8s.io/apimachinery/pkg/util/duration.HumanDuration: 125 s -> "2m5s", 3 days 2 hours -> "3d2h".
std::string human_age(long long seconds);
// 63.2 s -> "1m3s", 4.21 s -> "4.2s", 0.135 s -> "135ms": a measured phase.
std::string human_elapsed(double seconds);

}  // namespace holdfast
