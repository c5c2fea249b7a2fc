// Letters for names that nobody else may have. A test that must repeat itself links a random.cpp of its own.
#pragma once

#include <string>

namespace holdfast {

// `count` letters of Kubernetes' alphabet for generated names (util/rand): no vowels, no 0 1 3, so that ids can be read
// aloud and typed.
std::string random_letters(int count);

}  // namespace holdfast
