// Redis and Valkey: one follows another, or is a node of a cluster, by what its arguments, its configuration file and
// its data say. A file that is not seen from here may say either.
#include "common/core/text.h"
#include "common/kube/objects/workload.h"
#include "plugins/clone/containers.h"
#include "plugins/clone/led.h"
#include "plugins/clone/started.h"

#include <algorithm>
#include <cctype>

namespace holdfast::clone {
namespace {

constexpr std::initializer_list<const char*> kRedisServers = {"redis-server", "valkey-server"};
constexpr int kIncludes = 8;  // files that include files

// What it is told, the last word of which is the strongest.
struct Said {
    std::string follows;    // whom, by a file; "" : nobody
    bool by_words = false;  // its arguments say that themselves, and are compared with the source's
    bool clustered = false, sentinel = false;
    bool settled = false, settled_cluster = false;  // its arguments settle that, whatever files say
    std::string unknown;                            // what may say more and is not seen; "" : nothing
    std::string nodes_file;                         // cluster-config-file
};

std::string unquoted(const std::string& word) {
    const bool quoted = word.size() > 1 && (word.front() == '"' || word.front() == '\'') && word.back() == word.front();
    return quoted ? word.substr(1, word.size() - 2) : word;
}

Words words_in_line(std::string line) {
    std::replace_if(
        line.begin(), line.end(), [](char c) { return c == '\t' || c == '\r'; }, ' ');
    Words words = split(line, ' ');
    std::erase(words, "");
    for (std::string& word : words) word = unquoted(word);
    return words;
}

class Reading {
  public:
    explicit Reading(const MountedFiles& mounted) : mounted_(mounted) {}

    // before: what is set already when it is given these words.
    Said run_with(const Words& run, Said before) {
        said_ = std::move(before);
        std::size_t at = 0;
        if (!run.empty() && !starts_with(run.front(), "--")) file(run[at++], kIncludes);
        while (at < run.size()) {
            std::string name = run[at++];
            Words values;
            const std::size_t equals = name.find('=');
            if (equals != std::string::npos) values.push_back(name.substr(equals + 1)), name.erase(equals);
            while (at < run.size() && !starts_with(run[at], "--")) {
                // Variables may be more than one word, and then they are more than this one's value.
                if (!values.empty() && is_variable(run[at])) unseen("what " + escape_line(run[at]) + " means");
                for (std::string& one : words_in_line(run[at])) values.push_back(std::move(one));
                ++at;
            }
            if (is_variable(name)) unseen("what " + escape_line(name) + " means");
            if (starts_with(name, "--")) directive(to_lower(name.substr(2)), values, true, kIncludes);
        }
        return said_;
    }

    // What a script says is not followed: whatever it names counts.
    Said script(const std::string& text) {
        said_ = {};
        scan(text, kIncludes);
        if (!starts_) unseen("what its command starts");
        return said_;
    }

    // What is mounted where Bitnami's entrypoint takes it in; another image has nothing there.
    Said bitnami() {
        said_ = {};
        for (const char* folder : {"/opt/bitnami/redis", "/opt/bitnami/valkey"}) {
            for (const char* part : {"/mounted-etc", "/etc"}) {
                const std::string place = std::string(folder) + part;
                if (mounted_.unread_in(place)) unseen("its configuration in " + place);
                for (const MountedFile& one : mounted_.files) {
                    if (starts_with(one.path, place + "/") && ends_with(one.path, ".conf")) take(one.text, kIncludes);
                }
            }
        }
        return said_;
    }

  private:
    // It may change what was settled before it.
    void unseen(const std::string& what) {
        if (said_.unknown.empty()) said_.unknown = what;
        said_.settled = said_.settled_cluster = false;
    }
    static bool is_variable(const std::string& word) { return word.find_first_of("$`") != std::string::npos; }

    void directive(const std::string& name, const Words& values, bool by_words, int deep) {
        if (name == "replicaof" || name == "slaveof") {
            const bool nobody = values.size() == 2 && to_lower(values[0]) == "no" && to_lower(values[1]) == "one";
            said_.follows = nobody || by_words ? "" : join(values, " ");
            said_.by_words = by_words && !nobody;
            said_.settled = by_words;
        } else if (name == "cluster-enabled" && !values.empty()) {
            said_.clustered = to_lower(values.front()) != "no";
            said_.settled_cluster = by_words;
        } else if (name == "cluster-config-file" && !values.empty()) {
            said_.nodes_file = values.front();
        } else if (name == "include" && !values.empty()) {
            file(values.front(), deep - 1);
        } else if (name == "sentinel") {
            said_.sentinel = true;
        }
    }

    void file(const std::string& path, int deep) {
        const MountedFile* found = mounted_.at(path);
        if (found == nullptr || deep <= 0) return unseen("its configuration file " + escape_line(path));
        take(found->text, deep);
    }

    void take(const std::string& text, int deep) {
        for (const std::string& line : split(text, '\n')) {
            Words words = words_in_line(line);
            if (words.empty() || starts_with(words.front(), "#")) continue;
            const std::string name = to_lower(words.front());
            words.erase(words.begin());
            directive(name, words, false, deep);
        }
    }

    static bool is_path_part(char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 || std::string("/._-+").find(c) != std::string::npos;
    }

    void scan(const std::string& text, int deep) {
        Words words;
        for (const std::string& line : split(text, '\n')) {
            if (starts_with(trim(line), "#")) continue;
            std::string word;
            for (const char c : line + " ") {
                if (is_path_part(c))
                    word += c;
                else if (!word.empty())
                    words.push_back(std::move(word)), word.clear();
            }
        }
        for (std::size_t i = 0; i < words.size(); ++i) {
            const auto next = [&](std::size_t ahead) { return i + ahead < words.size() ? words[i + ahead] : ""; };
            std::string name = to_lower(words[i]);
            while (starts_with(name, "-")) name.erase(0, 1);
            if (name == "replicaof" || name == "slaveof") {
                if (next(1) != "no" || next(2) != "one") said_.follows = next(1).empty() ? "another" : next(1);
            } else if (name == "cluster-enabled") {
                said_.clustered = said_.clustered || next(1) != "no";
            } else if (name.find("sentinel") != std::string::npos) {
                said_.sentinel = true;
            } else if (name.find(".conf") != std::string::npos) {
                const MountedFile* found = mounted_.called(words[i]);
                if (found == nullptr || deep <= 0)
                    unseen("its configuration file " + escape_line(words[i]));
                else
                    take(found->text, deep);
            } else if (ends_with(name, ".sh")) {
                called_script(words[i], deep);
            }
            const std::string program = base_name(words[i]);
            for (const char* server : kRedisServers) starts_ = starts_ || program == server;
        }
    }

    void called_script(const std::string& path, int deep) {
        const MountedFile* found = mounted_.at(path);
        const bool own = starts_with(path, "/opt/bitnami/scripts/") || base_name(path) == "docker-entrypoint.sh";
        if (found != nullptr && deep > 0)
            scan(found->text, deep - 1);
        else if (!own)
            unseen("its script " + escape_line(path));
        else if (base_name(path) == "run.sh")
            starts_ = true;
    }

    const MountedFiles& mounted_;
    Said said_;
    bool starts_ = false;
};

// Of all that may be, what is the worst.
void take_worse(Said& all, const Said& one) {
    if (all.follows.empty()) all.follows = one.follows;
    if (all.unknown.empty()) all.unknown = one.unknown;
    if (all.nodes_file.empty()) all.nodes_file = one.nodes_file;
    all.by_words = all.by_words || one.by_words;
    all.clustered = all.clustered || one.clustered;
    all.sentinel = all.sentinel || one.sentinel;
    all.settled = all.settled && one.settled;
    all.settled_cluster = all.settled_cluster && one.settled_cluster;
}

Said said_to(const Json& container, const MountedFiles& mounted) {
    const Started started = started_by(container, kRedisServers);
    Reading reading(mounted);
    if (started.runs.empty()) return reading.script(join(words_of(container), "\n"));
    const Said before = started.own || started.scripted ? reading.bitnami() : Said{};
    Said all;
    all.settled = all.settled_cluster = true;
    for (const Words& run : started.runs) take_worse(all, reading.run_with(run, before));
    return all;
}

class Redis {
  public:
    Redis(const CloneOptions& options, const Joining& joining, const Json& source, const Json& made)
        : options_(options), joining_(joining), source_(source), made_(made) {}

    Status check() const {
        const std::vector<Placed> all = all_containers(made_);
        const Placed* placed = placed_of(all, joining_.recognised.container);
        if (placed == nullptr) return {};  // --set has taken it out
        const Said said = said_to(*placed->container, joining_.mounted);
        if (said.sentinel || names_sentinel())
            return joins(
                "Sentinel would take the clone's pods for replicas of the source's, and may make one of them the "
                "primary",
                std::string("take it out of the clone with --set, or ") + kByHand);
        TRY(check_cluster(said));
        TRY(check_led_back(options_, joining_, source_, made_,
                           {"REDIS_MASTER_HOST", "REDIS_NODES", "VALKEY_PRIMARY_HOST", "VALKEY_NODES"}, {}));
        if (said.by_words) TRY(check_led_back(options_, joining_, source_, made_, {}, {"replicaof", "slaveof"}));
        if (!said.follows.empty() && !said.settled)
            return joins("what sets it has it follow " + escape_line(said.follows) + ", as the source does",
                         remedy(*placed, false));
        if (said.unknown.empty() || (said.settled && said.settled_cluster)) return {};
        return joins(said.unknown +
                         " is not seen from here: by what stands there the clone may follow the source's pods, or be "
                         "a node of their cluster",
                     remedy(*placed, !said.settled_cluster && said.nodes_file.empty()));
    }

  private:
    Status joins(const std::string& how, const std::string& hint) const {
        return would_join(options_, joining_, how, hint);
    }

    // What its arguments say is stronger than any file. What does not hand them on has no use for them.
    std::string remedy(const Placed& placed, bool no_cluster) const {
        Json container = *placed.container;
        Json args = list_of_container(container, "args");
        if (args.empty() && list_of_container(container, "command").empty()) args.push_back("redis-server");
        for (const char* word : {"--replicaof", "no", "one"}) args.push_back(word);
        if (no_cluster) args.push_back("--cluster-enabled"), args.push_back("no");
        container["args"] = args;
        const Said then = said_to(container, joining_.mounted);
        if (then.settled && (then.settled_cluster || !no_cluster))
            return "let it follow nobody" + std::string(no_cluster ? ", and be in no cluster" : "") + ": --set " +
                   shell_quote("spec.template.spec." + placed.path + ".args=" + args.dump());
        return std::string(
                   "give the clone a command that starts redis-server itself, with --replicaof no one and "
                   "--cluster-enabled no, in .command and .args, with --set; or ") +
               kByHand;
    }

    static bool has_image(const Json& pod_spec, const std::string& part) {
        const std::vector<Placed> all = all_containers(pod_spec);
        return std::any_of(all.begin(), all.end(), [&](const Placed& one) {
            return kube::text_at(*one.container, "/image").find(part) != std::string::npos;
        });
    }
    bool names_sentinel() const {
        for (const Placed& one : all_containers(made_)) {
            for (const std::string& word : words_of(*one.container)) {
                if (has_any(word, {"sentinel"})) return true;
            }
        }
        return !variables(made_, {"REDIS_SENTINEL", "VALKEY_SENTINEL"}).empty() || has_image(made_, "sentinel");
    }

    // The other nodes, and its own id, stand in the file that cluster-config-file names (redis.conf).
    Status check_cluster(const Said& said) const {
        const std::vector<Placed> all = all_containers(source_);
        const Placed* own = placed_of(all, joining_.recognised.container);
        const Said was = own == nullptr ? Said{} : said_to(*own->container, joining_.mounted);
        const bool nodes = std::any_of(joining_.files.begin(), joining_.files.end(),
                                       [](const std::string& path) { return ends_with(path, "/nodes.conf"); });
        const bool clustered =
            was.clustered || said.clustered || nodes || has_image(source_, "-cluster") ||
            !variables(source_, {"REDIS_CLUSTER_", "REDIS_NODES", "VALKEY_CLUSTER_", "VALKEY_NODES"}).empty();
        if (!clustered || (said.settled_cluster && !said.clustered)) return {};
        if (!said.nodes_file.empty() && said.nodes_file != was.nodes_file && said.nodes_file != "nodes.conf") return {};
        return joins(
            "the other nodes of its cluster and its own id stand in its data (nodes.conf), and the clone would be "
            "taken for it",
            "give the clone another file for them: \"--cluster-config-file\",\"" + options_.name +
                ".conf\" among its args, with --set");
    }

    const CloneOptions& options_;
    const Joining& joining_;
    const Json& source_;
    const Json& made_;
};

}  // namespace

Status check_redis(const CloneOptions& options, const Joining& joining, const Json& source, const Json& made) {
    return Redis(options, joining, source, made).check();
}

}  // namespace holdfast::clone
