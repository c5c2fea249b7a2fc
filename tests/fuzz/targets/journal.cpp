#include "common/plan/journal.h"

#include "common/kube/reply.h"
#include "tests/fuzz/target.h"

#include <nlohmann/json.hpp>

#include <string>

namespace holdfast::fuzz {

void journal(std::string_view input) {
    // As a ConfigMap that anyone may have edited, and as the text inside one.
    const auto value = kube::parse_json(input, "input");
    if (value.ok()) (void)plan::journal_from_config_map(*value);
    Json map = {{"apiVersion", "v1"},
                {"kind", "ConfigMap"},
                {"metadata", {{"name", "holdfast-op-x"}, {"namespace", "n"}, {"uid", "u"}, {"resourceVersion", "1"}}}};
    map["data"]["journal.json"] = std::string(input);
    const auto journal = plan::journal_from_config_map(map);
    if (!journal.ok()) return;
    (void)plan::created_objects(*journal);
    const auto again = plan::journal_from_config_map(plan::journal_to_config_map(*journal));
    check(again.ok(), "a journal that was read can be written and read again");
    check(again->operation == journal->operation && again->rounds == journal->rounds, "and is the same");
}

}  // namespace holdfast::fuzz
