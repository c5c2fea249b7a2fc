#include "tests/cli/double/script.h"

#include <fstream>
#include <mutex>
#include <regex>
#include <sstream>
#include <thread>

namespace holdfast::double_ {

namespace {

struct Rule {
    std::string method;
    std::regex path;
    long long skip = 0, times = -1;
    Json reply;
    long long seen = 0;
};

std::string file_content(const std::string& path) {
    std::ifstream in;
    in.exceptions(std::ios::failbit);
    in.open(path, std::ios::binary);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
}

std::string numbered(std::string text, long long n) {
    for (auto at = text.find("${n}"); at != std::string::npos; at = text.find("${n}", at))
        text.replace(at, 4, std::to_string(n));
    return text;
}

// 64 KiB or more at a time, so that a hundred megabytes cost nothing here.
Source generator(const Json& plan) {
    const std::string unit = plan.value("repeat", "");
    const std::string suffix = plan.value("suffix", "");
    const auto pause = std::chrono::milliseconds(plan.value("pause_ms", 0));
    auto left = std::make_shared<long long>(plan.value("count", 0LL));
    auto head = std::make_shared<std::optional<std::string>>(plan.value("prefix", ""));
    auto tail = std::make_shared<bool>(true);
    return [=]() -> std::optional<std::string> {
        if (*head) {
            std::string first = std::move(**head);
            head->reset();
            if (!first.empty()) return first;
        }
        std::this_thread::sleep_for(pause);
        std::string block;
        while (*left > 0 && block.size() < 65536) {
            block += unit;
            --*left;
            if (pause.count() > 0) break;
        }
        if (!block.empty()) return block;
        if (!std::exchange(*tail, false) || suffix.empty()) return std::nullopt;
        return suffix;
    };
}

void set_wire(const Json& plan, Reply& reply) {
    reply.delay = std::chrono::milliseconds(plan.value("delay_ms", 0));
    if (plan.contains("content_length")) reply.content_length = plan["content_length"].get<long long>();
    if (plan.contains("cut_after")) reply.cut_after = plan["cut_after"].get<std::size_t>();
    reply.chunked = plan.value("chunked", false);
    reply.until_close = plan.value("until_close", false);
    reply.drop = plan.value("drop", false);
}

class Rules : public Script {
  public:
    explicit Rules(Engine& below) : below_(below) {}

    void set_rules(const Json& rules) override {
        std::vector<Rule> made;
        for (const Json& rule : rules) {
            made.push_back({rule.value("method", ""), std::regex(rule.value("path", ".*")), rule.value("skip", 0LL),
                            rule.value("times", -1LL), rule.value("reply", Json::object())});
        }
        const std::lock_guard lock(mutex_);
        rules_ = std::move(made);
    }

    std::optional<Reply> answer(const Call& call) override {
        std::optional<std::pair<Json, long long>> found;
        {
            const std::lock_guard lock(mutex_);
            found = find(call);
        }
        if (!found) return std::nullopt;
        const auto& [plan, n] = *found;
        Reply reply = plan.value("through", false) ? through(plan, call) : build(plan, n);
        set_wire(plan, reply);
        if (plan.value("announce", false)) say("arrived " + call.method + " " + call.target);
        return reply;
    }

  private:
    std::optional<std::pair<Json, long long>> find(const Call& call) {
        for (Rule& rule : rules_) {
            if (!rule.method.empty() && rule.method != call.method) continue;
            if (!std::regex_search(call.target, rule.path)) continue;
            if (rule.skip > 0) {
                --rule.skip;
                continue;
            }
            if (rule.times == 0) continue;
            if (rule.times > 0) --rule.times;
            return std::pair{rule.reply, ++rule.seen};
        }
        return std::nullopt;
    }

    Reply through(const Json& plan, const Call& call) {
        Reply reply = below_.answer(call).value_or(status_reply(501, "NotImplemented", "through nothing"));
        const Json more = plan.value("headers", Json::object());
        for (const auto& header : more.items())
            reply.headers.emplace_back(header.key(), header.value().get<std::string>());
        return reply;
    }

    static Reply build(const Json& plan, long long n) {
        Reply reply;
        reply.status = plan.value("status", 200);
        if (plan.contains("headers")) {
            reply.headers.clear();
            for (const auto& header : plan["headers"].items())
                reply.headers.emplace_back(header.key(), header.value().get<std::string>());
        }
        if (plan.contains("json"))
            reply.body = numbered(plan["json"].dump(), n);
        else if (plan.contains("body"))
            reply.body = numbered(plan["body"].get<std::string>(), n);
        else if (plan.contains("body_file"))
            reply.body = file_content(plan["body_file"].get<std::string>());
        else if (plan.contains("generate"))
            reply.source = generator(plan["generate"]);
        return reply;
    }

    Engine& below_;
    std::mutex mutex_;
    std::vector<Rule> rules_;
};

}  // namespace

std::unique_ptr<Script> make_script(const Json& rules, Engine& below) {
    auto script = std::make_unique<Rules>(below);
    script->set_rules(rules);
    return script;
}

}  // namespace holdfast::double_
