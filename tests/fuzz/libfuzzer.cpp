// Built once per target with -DTARGET=name.
#include "tests/fuzz/target.h"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    holdfast::fuzz::TARGET(std::string_view(reinterpret_cast<const char*>(data), size));
    return 0;
}
