// Standard streams as a dependency. out: results. err: errors, warnings, progress, questions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace holdfast {

class Console {
  public:
    virtual ~Console() = default;
    virtual void out(std::string_view text) = 0;  // buffered; written whole
    virtual void err(std::string_view text) = 0;  // at once
    virtual bool flush() = 0;                     // false once stdout is closed (EPIPE) or full
    virtual bool out_broken() const = 0;          // a write to stdout has failed before
    // The failure was a reader that went away (EPIPE) or a descriptor that was never open, not a full disk.
    virtual bool out_closed() const { return out_broken(); }
    virtual bool in_is_terminal() const = 0;
    virtual bool out_is_terminal() const = 0;
    virtual bool err_is_terminal() const = 0;
    virtual int err_columns() const = 0;                 // 80 if unknown
    virtual std::optional<std::string> read_line() = 0;  // nullopt at end of input or on a signal
};

// A closed descriptor 0, 1 or 2 would be taken by the next socket, and our words written into it: each is filled with
// one that reads nothing and refuses writes. Called first in main().
void protect_standard_streams();

class ProcessConsole : public Console {
  public:
    ~ProcessConsole() override;
    void out(std::string_view text) override;
    void err(std::string_view text) override;
    bool flush() override;
    bool out_broken() const override { return broken_; }
    bool out_closed() const override { return closed_; }
    bool in_is_terminal() const override;
    bool out_is_terminal() const override;
    bool err_is_terminal() const override;
    int err_columns() const override;
    std::optional<std::string> read_line() override;

  private:
    std::string buffer_;
    bool broken_ = false;
    bool closed_ = false;
};

}  // namespace holdfast
