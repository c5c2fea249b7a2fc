// A console on which nothing is seen and nobody answers: for what works beside the command.
#pragma once

#include "common/os/console.h"

namespace holdfast {

class QuietConsole : public Console {
  public:
    void out(std::string_view) override {}
    void err(std::string_view) override {}
    bool flush() override { return true; }
    bool out_broken() const override { return false; }
    bool in_is_terminal() const override { return false; }
    bool out_is_terminal() const override { return false; }
    bool err_is_terminal() const override { return false; }
    int err_columns() const override { return 80; }
    std::optional<std::string> read_line() override { return std::nullopt; }
};

}  // namespace holdfast
