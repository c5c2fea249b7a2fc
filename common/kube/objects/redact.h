// Secrets in manifests that are kept (safety R6): literal values that look like secrets become short hashes before a
// manifest, or a part of one, is written to a set. Pure.
//
// The rule: a value is hashed if its name says so (PASSWORD, PASSWD, PASSPHRASE, SECRET, TOKEN, CREDENTIAL,
// AUTHORIZATION, a word KEY, PWD as a last word), or if it reads like one itself (a URL with a password, `password=`, a
// JWT, a private key). It reaches env, arguments and commands, probe headers and annotations. A name that ends in _FILE
// keeps a path.
#pragma once

#include "common/core/json.h"

#include <string>
#include <string_view>

namespace holdfast::kube {

bool looks_like_secret_name(std::string_view name);
bool looks_like_secret_value(std::string_view value);
bool is_secret(std::string_view name, std::string_view value);

// "hashed:1a2b3c": enough to see that a value changed, too short to find the value by (16 million values share each).
std::string hashed_value(std::string_view value);

// Hashes in place whatever `object` holds at any depth; arrays such as an env or args list are taken too.
void hash_secrets(Json& object);

// What a set keeps of a live object: without status, managedFields and kubectl's last-applied copy (which repeats every
// literal), secrets hashed.
Json manifest_to_keep(const Json& live);

}  // namespace holdfast::kube
