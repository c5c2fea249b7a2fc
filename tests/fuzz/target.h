// One function per kind of input that strangers give us. Each takes any bytes, must return, and aborts where a promise
// is broken (what was written is not read back the same). libFuzzer drives one of them; replay.cpp drives all with the
// corpus.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace holdfast::fuzz {

void yaml(std::string_view input);
void kubeconfig(std::string_view input);
void json(std::string_view input);
void watch(std::string_view input);
void journal(std::string_view input);
void mover_frames(std::string_view input);
void mover_index(std::string_view input);
void mover_journal(std::string_view input);
void mover_serve(std::string_view input);

inline void check(bool holds, const char* promise) {
    if (holds) return;
    std::fprintf(stderr, "broken promise: %s\n", promise);
    std::abort();
}

}  // namespace holdfast::fuzz
