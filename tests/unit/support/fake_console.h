// A console whose streams are strings and whose answers are given.
#pragma once

#include "common/os/clock.h"
#include "common/os/console.h"

#include <deque>
#include <string>

namespace holdfast {

struct FakeConsole : Console {
    std::string out_text, err_text;
    std::deque<std::string> answers;
    bool terminal = false;
    bool broken = false;
    int columns = 80;

    void out(std::string_view text) override { out_text += text; }
    void err(std::string_view text) override { err_text += text; }
    bool flush() override { return !broken; }
    bool out_broken() const override { return broken; }
    bool in_is_terminal() const override { return terminal; }
    bool out_is_terminal() const override { return terminal; }
    bool err_is_terminal() const override { return terminal; }
    int err_columns() const override { return columns; }
    std::optional<std::string> read_line() override {
        if (answers.empty()) return std::nullopt;
        std::string answer = answers.front();
        answers.pop_front();
        return answer;
    }
};

}  // namespace holdfast
