#include "common/app/complete.h"

#include "tests/unit/app/sample_plugin.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace holdfast;
using namespace holdfast::app;

namespace {

Wanted want(const std::vector<std::string>& words) {
    static const Plugin plugin = sample::plugin();
    return wanted(plugin, words);
}

bool offers(const Wanted& wanted, const std::string& word) {
    return std::any_of(wanted.words.begin(), wanted.words.end(), [&](const Candidate& c) { return c.word == word; });
}

}  // namespace

TEST_CASE("the first word is a command, with its summary, or a target once it has a slash") {
    const Wanted all = want({""});
    CHECK(offers(all, "create"));
    CHECK(offers(all, "list"));
    CHECK(all.words.front().description == "snapshot the claims of a workload as one set");
    CHECK(want({"cr"}).words.size() == 1);
    CHECK(want({"sts/"}).names == Completes::kWorkload);
    CHECK(want({"-n", "prod", "cr"}).words.size() == 1);
}

TEST_CASE("positionals are completed by the command's table") {
    CHECK(want({"create", ""}).names == Completes::kWorkload);
    CHECK(want({"create", "sts/a", ""}).names == Completes::kWorkload);
    CHECK(want({"describe", "x"}).names == Completes::kSetOrSnapshot);
    CHECK_FALSE(want({"describe", "x", ""}).names.has_value());
    CHECK(want({"sts/a", "sts/"}).names == Completes::kWorkload);
}

TEST_CASE("flags are offered, the connection flags too, and only those of the command") {
    CHECK(offers(want({"create", "--"}), "--snapshot-class"));
    CHECK(offers(want({"create", "--"}), "--kubeconfig"));
    CHECK_FALSE(offers(want({"list", "--"}), "--snapshot-class"));
    CHECK(offers(want({"--"}), "--context"));
    CHECK(want({"create", "--snap"}).words.size() == 1);
    CHECK_FALSE(offers(want({"create", "--", "--"}), "--name"));
}

TEST_CASE("the value of a flag is completed in both its forms") {
    CHECK(want({"create", "--wait", ""}).choices == std::vector<std::string>{"cut", "ready"});
    const Wanted joined = want({"create", "--wait=re"});
    CHECK(joined.choices == std::vector<std::string>{"cut", "ready"});
    CHECK(joined.prefix == "--wait=");
    CHECK(joined.partial == "re");
    CHECK(want({"create", "-n", "b"}).names == Completes::kNamespace);
    CHECK(want({"list", "-An", "b"}).names == Completes::kNamespace);
    CHECK(want({"list", "--context", ""}).names == Completes::kContext);
    CHECK(want({"list", "-o", ""}).choices.size() == 5);
    CHECK(want({"list", "--kubeconfig", ""}).directive == kDefault);
    // --dry-run takes no separate word.
    CHECK(want({"create", "--dry-run", ""}).names == Completes::kWorkload);
}

TEST_CASE("scripts name the plugin and its program") {
    const std::string bash = completion_script("pvc-expand", "bash");
    CHECK(bash.find("kubectl-pvc_expand __complete") != std::string::npos);
    CHECK(bash.find("== \"pvc-expand\"") != std::string::npos);
    for (const char* shell : {"bash", "zsh", "fish", "kubectl"}) {
        CHECK(completion_script("pvc-expand", shell).find("@NAME@") == std::string::npos);
        CHECK(completion_script("pvc-expand", shell).find("@WORD@") == std::string::npos);
    }
    CHECK(completion_script("snap", "tcsh").empty());
    CHECK(completion_script("snap", "kubectl").find("exec kubectl-snap __complete \"$@\"") != std::string::npos);
}
