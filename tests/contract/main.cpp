// What Holdfast relies on of Kubernetes, held against the simulator and against a real cluster; see docs/contract.md.
//
//   contract_tests --against simulator|cluster   every case
//   contract_tests ... --only WORDS              those whose name has the words in it
//   contract_tests --list                        their names
#include "tests/contract/run.h"

int main(int argc, char** argv) {
    return holdfast::contract::run_contract(std::vector<std::string>(argv + 1, argv + argc));
}
