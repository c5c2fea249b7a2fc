// The visitor that has a case for each alternative: a missing one does not compile.
#pragma once

namespace holdfast {

template <typename... Cases>
struct Overloaded : Cases... {
    using Cases::operator()...;
};
template <typename... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

}  // namespace holdfast
