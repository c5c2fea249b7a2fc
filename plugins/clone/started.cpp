#include "plugins/clone/started.h"

#include "common/core/text.h"
#include "common/kube/objects/workload.h"
#include "plugins/clone/containers.h"

#include <algorithm>
#include <cctype>
#include <optional>

namespace holdfast::clone {
namespace {

constexpr int kShells = 8;            // shells in shells
constexpr char kRest[] = "\x01rest";  // "$@" of a script, which no word of a manifest can be

bool one_of(const std::string& text, std::initializer_list<const char*> all) {
    return std::find(all.begin(), all.end(), text) != all.end();
}

struct Command {
    std::string joined_by;  // what stands before it: "", ";", "&&", "||", "|", "&"
    Words words;
};

// A shell's script as simple commands. What is substituted stays in its word as it is written.
class Script {
  public:
    explicit Script(const std::string& text) : text_(text) {}

    std::vector<Command> run() {
        while (at_ < text_.size()) take();
        end_command("");
        return std::move(commands_);
    }

  private:
    char now() const { return text_[at_]; }
    bool next_is(char c) const { return at_ + 1 < text_.size() && text_[at_ + 1] == c; }

    void take() {
        const char c = now();
        if (c == '#' && !in_word_) {
            at_ = std::min(text_.find('\n', at_), text_.size());
        } else if (c == '\\') {
            if (!next_is('\n')) take_char(at_ + 1 < text_.size() ? text_[at_ + 1] : c);
            at_ += 2;
        } else if (c == '\'' || c == '"') {
            take_quoted(c);
        } else if (c == '$' && (next_is('(') || next_is('{'))) {
            take_substitution();
        } else if (c == '`') {
            take_quoted(c);
            word_ += '$';  // whatever that prints
        } else if ((c == '>' || c == '<') || (c == '&' && next_is('>'))) {
            take_redirection();
        } else if (c == ' ' || c == '\t' || c == '\r') {
            end_word();
            ++at_;
        } else if (c == ';' || c == '\n' || c == '(' || c == ')') {
            end_command(";");
            if (c == '(' || c == ')') commands_.push_back({";", {std::string(1, c)}});
            ++at_;
        } else if (c == '&' || c == '|') {
            const bool twice = next_is(c);
            end_command(twice ? std::string(2, c) : std::string(1, c));
            at_ += twice ? 2 : 1;
        } else {
            take_char(c);
            ++at_;
        }
    }
    void take_char(char c) {
        in_word_ = true;
        word_ += c;
    }
    void take_quoted(char quote) {
        in_word_ = true;
        for (++at_; at_ < text_.size() && now() != quote; ++at_) {
            if (now() == '\\' && quote == '"' && at_ + 1 < text_.size()) ++at_;
            word_ += now();
        }
        ++at_;
    }
    void take_substitution() {
        const char open = text_[at_ + 1], close = open == '(' ? ')' : '}';
        in_word_ = true;
        int depth = 0;
        for (; at_ < text_.size(); ++at_) {
            word_ += now();
            if (now() == open) ++depth;
            if (now() == close && --depth == 0) break;
        }
        ++at_;
    }
    // "2>&1", ">> file": neither the descriptor nor the file is a word of the command.
    void take_redirection() {
        const bool digits = !word_.empty() && std::all_of(word_.begin(), word_.end(), [](char c) {
            return std::isdigit(static_cast<unsigned char>(c)) != 0;
        });
        if (digits) word_.clear(), in_word_ = false;
        end_word();
        while (at_ < text_.size() && (now() == '>' || now() == '<' || now() == '&')) ++at_;
        while (at_ < text_.size() && (now() == ' ' || now() == '\t')) ++at_;
        while (at_ < text_.size() && std::string(" \t\n;&|()").find(now()) == std::string::npos) ++at_;
    }
    void end_word() {
        if (in_word_) command_.words.push_back(word_ == "$@" || word_ == "${@}" ? kRest : word_);
        word_.clear();
        in_word_ = false;
    }
    void end_command(const std::string& then) {
        end_word();
        if (!command_.words.empty())
            commands_.push_back(std::move(command_));
        else if (then == ";" && !command_.joined_by.empty())
            return;  // "&&" at the end of a line
        command_ = {then, {}};
    }

    const std::string& text_;
    std::size_t at_ = 0;
    bool in_word_ = false;
    std::string word_;
    Command command_;
    std::vector<Command> commands_;
};

bool is_assignment(const std::string& word) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos || equals == 0) return false;
    return std::all_of(word.begin(), word.begin() + static_cast<std::ptrdiff_t>(equals),
                       [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; });
}

class Following {
  public:
    explicit Following(std::initializer_list<const char*> servers) : servers_(servers.begin(), servers.end()) {}

    Started run(const Json& container) {
        const Words words = words_of(container);
        if (!list_of_container(container, "command").empty())
            follow(words, false, kShells);
        else if (words.empty())
            start({}, true, is_bitnami(container));
        else
            entrypoint(words, is_bitnami(container), false, kShells);
        return std::move(started_);
    }

  private:
    bool is_server(const std::string& program) const {
        return std::find(servers_.begin(), servers_.end(), base_name(program)) != servers_.end();
    }
    void start(Words words, bool own, bool scripted) {
        started_.runs.push_back(std::move(words));
        started_.own = started_.own || own;
        started_.scripted = started_.scripted || scripted;
    }

    // The entrypoints of the images gives flags to their server and runs what else there is; Bitnami's runs all of it.
    void entrypoint(const Words& words, bool bitnami, bool inside, int deep) {
        if (words.empty()) return;
        if (starts_with(words.front(), "-")) {
            if (!bitnami) start(words, true, false);
        } else if (ends_with(words.front(), ".conf") && !bitnami) {
            start(words, true, false);  // Redis and Valkey: its configuration file
        } else {
            follow(words, inside, deep);
        }
    }

    // inside: of a script, where what it is does not matter but for the server.
    void follow(Words words, bool inside, int deep) {
        if (deep == 0) return;
        while (!words.empty()) {
            const std::string program = words.front();
            const std::string name = base_name(program);
            const auto shift = [&] { words.erase(words.begin()); };
            if (is_server(program)) {
                shift();
                return start(std::move(words), false, false);
            }
            if (starts_with(program, "/opt/bitnami/scripts/") && name == "run.sh") {
                shift();
                return start(std::move(words), false, true);
            }
            if (name == "docker-entrypoint.sh" ||
                (starts_with(program, "/opt/bitnami/scripts/") && name == "entrypoint.sh")) {
                shift();
                return entrypoint(words, name == "entrypoint.sh", inside, deep - 1);
            }
            if (one_of(name, {"sh", "bash", "ash", "dash"})) return shell(std::move(words), deep);
            if (!passes_on(words)) break;
        }
        if (!inside && certain_ && !words.empty()) started_.before.push_back(std::move(words));
    }

    // These run what follows them and their own flags.
    static bool passes_on(Words& words) {
        const std::string name = base_name(words.front());
        const bool user = one_of(name, {"gosu", "su-exec"});
        if (!user && !one_of(name, {"tini", "dumb-init", "env", "exec", "nohup"})) return false;
        words.erase(words.begin());
        if (user && !words.empty()) words.erase(words.begin());
        while (!words.empty() && (starts_with(words.front(), "-") || (name == "env" && is_assignment(words.front()))))
            words.erase(words.begin());
        return true;
    }

    void shell(Words words, int deep) {
        std::size_t at = 1;
        bool inline_script = false;
        for (; at < words.size() && starts_with(words[at], "-"); ++at) {
            inline_script = inline_script || (words[at][1] != '-' && ends_with(words[at], "c"));
        }
        if (!inline_script || at >= words.size()) return;  // a file, of which nothing is seen
        const std::string script = words[at];
        Words rest(words.begin() + static_cast<std::ptrdiff_t>(std::min(at + 2, words.size())), words.end());
        run_script(script, rest, deep);
    }

    static Words spliced(const Words& words, const Words& rest) {
        Words all;
        for (const std::string& word : words) {
            if (word == kRest)
                all.insert(all.end(), rest.begin(), rest.end());
            else
                all.push_back(word);
        }
        return all;
    }

    void run_script(const std::string& script, const Words& rest, int deep) {
        const bool outer = certain_;
        bool sure = true, chain = true;
        std::vector<Command> commands = Script(script).run();
        for (std::size_t i = 0; i < commands.size(); ++i) {
            Words words = spliced(commands[i].words, rest);
            const std::string& by = commands[i].joined_by;
            // After && only what could not have failed lets the next one run.
            if (by == "||" || by == "|" || by == "&")
                chain = false;
            else if (by != "&&")
                chain = true;
            const bool detached = i + 1 < commands.size() && one_of(commands[i + 1].joined_by, {"|", "&"});
            while (!words.empty() && (is_keyword(words.front()) || is_assignment(words.front()))) {
                if (is_keyword(words.front())) sure = false;
                words.erase(words.begin());
            }
            if (words.empty()) continue;
            const std::string name = words.front();
            if (name == "exit") break;
            const std::size_t known = started_.runs.size();
            certain_ = outer && sure && chain && !detached;
            follow(words, true, deep - 1);
            if (certain_ && started_.runs.empty()) started_.before.push_back(words);
            chain = chain && one_of(base_name(name), {"rm", "unlink", "set", "true", ":", "mkdir"});
            // Nothing after it is run.
            if (name == "exec" && words.size() > 1 && sure) break;
            if (started_.runs.size() > known) sure = false;
        }
        certain_ = outer;
    }
    static bool is_keyword(const std::string& word) {
        return one_of(word, {"if", "then", "else", "elif", "fi", "for", "while", "until", "do", "done", "case", "esac",
                             "{", "}", "(", ")", "!", "function", "time"});
    }

    const Words servers_;
    bool certain_ = true;  // what is looked at surely runs
    Started started_;
};

}  // namespace

Started started_by(const Json& container, std::initializer_list<const char*> servers) {
    return Following(servers).run(container);
}

std::string base_name(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string::npos ? path : path.substr(slash + 1);
}

Located locate(const Json& container, const std::string& path) {
    std::size_t longest = 0;
    Located found;
    for (const Json& mount : list_of_container(container, "volumeMounts")) {
        std::string at = kube::text_at(mount, "/mountPath");
        while (at.size() > 1 && at.back() == '/') at.pop_back();
        const bool under = path == at || at == "/" || starts_with(path, at + "/");
        if (!under || at.size() < longest) continue;
        longest = at.size();
        const bool known = kube::text_at(mount, "/subPathExpr").empty() && !kube::bool_at(mount, "/readOnly", false);
        const std::string below = kube::text_at(mount, "/subPath");
        found = {};
        if (known)
            found = {kube::text_at(mount, "/name"),
                     (below.empty() ? "" : "/" + below) + path.substr(at == "/" ? 0 : at.size())};
    }
    return found;
}

}  // namespace holdfast::clone
