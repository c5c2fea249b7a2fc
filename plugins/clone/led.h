// What leads a clone's pods to its source: variables and arguments that are as in the source (safety R26). Pure.
#pragma once

#include "plugins/clone/software.h"

#include <initializer_list>
#include <map>
#include <string>
#include <vector>

namespace holdfast::clone {

bool has_any(const std::string& word, std::initializer_list<const char*> parts);

// Variables that one of these prefixes names, of all containers: "db/MYSQL_HOST" and what it is set to, as JSON.
std::map<std::string, std::string> variables(const Json& pod_spec, const std::vector<std::string>& prefixes);
// The same of this container alone.
std::map<std::string, std::string> variables_in(const Json& pod_spec, const std::string& container,
                                                const std::vector<std::string>& prefixes);
// One of these is set in this container of the source, and is set to something else there.
bool sets_anew(const Json& source, const Json& made, const std::string& container,
               const std::vector<std::string>& prefixes);
// The literal value of a variable of this container, "" : none.
std::string value_in(const Json& pod_spec, const std::string& container, const std::string& name);

// "a, b;c" by any of these characters, without empty ones.
std::vector<std::string> parts_of(const std::string& text, const std::string& separators);
// The hosts of "1@kafka-0:9093,2@..." and "SSL://db-0.db:9092": without numbers, schemes and ports.
std::vector<std::string> hosts_in(const std::string& text);
bool is_loopback(const std::string& host);

// The first variable of these that has the value that it has in the source, else "".
std::string kept_variable(const Json& source, const Json& made, const std::vector<std::string>& names);
// The same of words of the commands that hold one of these.
std::string kept_word(const Json& source, const Json& made, std::initializer_list<const char*> parts);

// kRefused where a variable of these names, or a word with one of these parts, is as in the source.
Status check_led_back(const CloneOptions& options, const Joining& joining, const Json& source, const Json& made,
                      const std::vector<std::string>& names, std::initializer_list<const char*> parts);
// What is to be done where nothing in a clone of the whole workload cuts the tie.
extern const char* const kByHand;
// kRefused: "sts/x is MySQL (image mysql:8 of container db): ..."
Error would_join(const CloneOptions& options, const Joining& joining, const std::string& how, const std::string& hint);

// Of these kinds of software by themselves; the others are looked at in check_joining.
Status check_mysql(const CloneOptions& options, const Joining& joining, const Json& source, const Json& made);
Status check_kafka(const CloneOptions& options, const Joining& joining, const Json& source, const Json& made);
Status check_redis(const CloneOptions& options, const Joining& joining, const Json& source, const Json& made);
// Those whose nodes form a cluster that stands in their data: etcd, Cassandra, ZooKeeper, Elasticsearch,
// RabbitMQ, CockroachDB, Consul. One that is by itself may be cloned.
Status check_member(const CloneOptions& options, const Joining& joining, const Json& source, const Json& made);

}  // namespace holdfast::clone
