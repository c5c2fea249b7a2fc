// The console as the API client sees it: what it says there are the server's warnings ("Warning: text", each once).
#pragma once

#include "common/core/text.h"
#include "common/os/console.h"

#include <string>

namespace holdfast::app {

class WarningConsole : public Console {
  public:
    WarningConsole(Console& console, bool color) : console_(console), color_(color) {}

    int count() const { return count_; }

    void err(std::string_view text) override {
        constexpr std::string_view kLabel = "Warning:";
        if (!starts_with(text, kLabel)) return console_.err(text);
        count_++;
        if (!color_) return console_.err(text);
        console_.err("\x1b[33;1m" + std::string(kLabel) + "\x1b[0m" + std::string(text.substr(kLabel.size())));
    }
    void out(std::string_view text) override { console_.out(text); }
    bool flush() override { return console_.flush(); }
    bool out_broken() const override { return console_.out_broken(); }
    bool out_closed() const override { return console_.out_closed(); }
    bool in_is_terminal() const override { return console_.in_is_terminal(); }
    bool out_is_terminal() const override { return console_.out_is_terminal(); }
    bool err_is_terminal() const override { return console_.err_is_terminal(); }
    int err_columns() const override { return console_.err_columns(); }
    std::optional<std::string> read_line() override { return console_.read_line(); }

  private:
    Console& console_;
    bool color_;
    int count_ = 0;
};

}  // namespace holdfast::app
