#include "common/kubeconfig/yaml.h"
#include "common/kubeconfig/kuberc.h"
#include "tests/fuzz/target.h"

namespace holdfast::fuzz {

void yaml(std::string_view input) {
    const auto documents = kubeconfig::parse_yaml_documents(input);
    (void)kubeconfig::parse_kuberc(input);
    if (!documents.ok()) return;
    for (const Json& document : *documents) {
        const auto again = kubeconfig::parse_yaml(kubeconfig::write_yaml(document));
        check(again.ok(), "what we write as YAML can be read");
        check(again->dump() == document.dump(), "what we write as YAML is read back the same");
    }
}

}  // namespace holdfast::fuzz
