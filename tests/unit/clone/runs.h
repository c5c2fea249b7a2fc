// Workloads of one container, by image, variables and arguments, and what a clone of one is told.
#pragma once

#include "plugins/clone/software.h"
#include "tests/unit/clone/scene.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace holdfast::clone::testing {

using Words = std::vector<std::string>;

// Variables "NAME=VALUE" and arguments of the only container.
struct Runs {
    std::string image;
    Words env, args;
};

inline Json pod(const Runs& runs) {
    Json container = {{"name", "node"}, {"image", runs.image}, {"args", runs.args}, {"env", Json::array()}};
    for (const std::string& one : runs.env) {
        const std::size_t at = one.find('=');
        container["env"].push_back({{"name", one.substr(0, at)}, {"value", one.substr(at + 1)}});
    }
    return {{"containers", Json::array({container})}};
}

struct Case {
    Runs source, made;
    int replicas = 1;
    Words files = {};
};

inline Status joins(const Case& one) {
    Joining joining{recognise(pod(one.source)), {}};
    joining.replicas = one.replicas;
    joining.files = one.files;
    return check_joining(whole(), joining, pod(one.source), pod(one.made));
}

// As it is in the source.
inline Case same(const Runs& source, int replicas = 1, const Words& files = {}) {
    return {source, source, replicas, files};
}

inline void refused(const Case& one, const std::string& message, const std::string& hint) {
    CAPTURE(one.source.image);
    const Status joined = joins(one);
    REQUIRE_FALSE(joined.ok());
    CHECK(joined.error().kind == ErrorKind::kRefused);
    CHECK_MESSAGE(says(joined.error().message, message), joined.error().message);
    CHECK_MESSAGE(says(joined.error().hint, hint), joined.error().hint);
}

inline constexpr char kByHand[] = "kubectl clone pvc/NAME COPY for each";

}  // namespace holdfast::clone::testing
