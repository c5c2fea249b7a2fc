// Result<T>: a value or an Error. Our code does not throw; a library that throws is caught at its one boundary file.
#pragma once

#include "common/core/error.h"

#include <cassert>
#include <utility>
#include <variant>

namespace holdfast {

template <typename T>
class [[nodiscard]] Result {
  public:
    Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: return value; is how it is used
    Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: return Error{...}; likewise

    bool ok() const { return state_.index() == 0; }
    explicit operator bool() const { return ok(); }

    // REQUIRES: ok()
    T& value() & {
        assert(ok());
        return *std::get_if<0>(&state_);
    }
    const T& value() const& {
        assert(ok());
        return *std::get_if<0>(&state_);
    }
    T&& value() && {
        assert(ok());
        return std::move(*std::get_if<0>(&state_));
    }
    T& operator*() & { return value(); }
    const T& operator*() const& { return value(); }
    T&& operator*() && { return std::move(*this).value(); }
    T* operator->() { return &value(); }
    const T* operator->() const { return &value(); }
    T value_or(T fallback) const& { return ok() ? value() : std::move(fallback); }

    // REQUIRES: !ok()
    const Error& error() const {
        assert(!ok());
        return *std::get_if<1>(&state_);
    }

    // The same result, an error with "what: " before it.
    Result context(std::string_view what) && { return ok() ? std::move(*this) : Result(error().with_context(what)); }

  private:
    std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
  public:
    Result() = default;
    Result(Error error) : error_(std::move(error)), ok_(false) {}  // NOLINT: return Error{...}; is how it is used

    bool ok() const { return ok_; }
    explicit operator bool() const { return ok_; }
    const Error& error() const {
        assert(!ok_);
        return error_;
    }
    Result context(std::string_view what) && { return ok_ ? std::move(*this) : Result(error_.with_context(what)); }

  private:
    Error error_;
    bool ok_ = true;
};

using Status = Result<void>;

}  // namespace holdfast

// TRY(expression): returns its error from the calling function. TRY_ASSIGN(declaration, expression): the value
// otherwise.
#define HOLDFAST_CONCAT_(a, b) a##b
#define HOLDFAST_CONCAT(a, b) HOLDFAST_CONCAT_(a, b)
#define TRY(expression)                                  \
    do {                                                 \
        auto try_result = (expression);                  \
        if (!try_result.ok()) return try_result.error(); \
    } while (false)
#define TRY_ASSIGN(declaration, expression) TRY_ASSIGN_(HOLDFAST_CONCAT(try_result_, __LINE__), declaration, expression)
#define TRY_ASSIGN_(name, declaration, expression) \
    auto name = (expression);                      \
    if (!name.ok()) return name.error();           \
    declaration = std::move(name).value()
