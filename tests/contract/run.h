// Runs the cases of the contract in one of the worlds, and tells.
#pragma once

#include <string>
#include <vector>

namespace holdfast::contract {

// The words of main(). 0: every case that was chosen passed.
int run_contract(const std::vector<std::string>& words);

}  // namespace holdfast::contract
