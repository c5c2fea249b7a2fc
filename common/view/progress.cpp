#include "common/view/progress.h"

#include "common/core/duration.h"
#include "common/core/json.h"
#include "common/core/text.h"
#include "common/os/clock.h"
#include "common/os/console.h"

#include <nlohmann/json.hpp>

#include <chrono>
#include <map>

namespace holdfast::view {

namespace {

using Instant = std::chrono::steady_clock::time_point;
using std::chrono::milliseconds;

class Silent : public Progress {
  public:
    void step_started(const std::string&, const std::string&) override {}
    void step_waits(const std::string&, const std::string&) override {}
    void step_done(const std::string&, const std::string&, double) override {}
    void step_failed(const std::string&, const std::string&, const std::string&) override {}
    void step_left(const std::string&, const std::string&, const std::string&) override {}
    void message(const std::string&) override {}
    void close() override {}
};

// One object a line, for programs: every call is passed on, so that a reader can count steps.
class JsonLines : public Progress {
  public:
    JsonLines(Console& console, Clock& clock) : console_(console), clock_(clock) {}
    void step_started(const std::string& id, const std::string& title) override {
        write({{"type", "step_started"}, {"step", id}, {"title", title}});
    }
    void step_waits(const std::string& id, const std::string& detail) override {
        auto& last = waits_[id];
        if (last == detail) return;
        last = detail;
        write({{"type", "step_waits"}, {"step", id}, {"detail", detail}});
    }
    void step_done(const std::string& id, const std::string& title, double seconds) override {
        waits_.erase(id);
        write({{"type", "step_done"}, {"step", id}, {"title", title}, {"seconds", seconds}});
    }
    void step_failed(const std::string& id, const std::string& title, const std::string& message) override {
        waits_.erase(id);
        write({{"type", "step_failed"}, {"step", id}, {"title", title}, {"message", message}});
    }
    void step_left(const std::string& id, const std::string& title, const std::string& message) override {
        waits_.erase(id);
        write({{"type", "step_left"}, {"step", id}, {"title", title}, {"message", message}});
    }
    void message(const std::string& text) override { write({{"type", "message"}, {"text", text}}); }
    void close() override {}

  private:
    void write(Json object) {
        object["time"] = format_time_micro(clock_.now());
        console_.err(object.dump(-1, ' ', true, Json::error_handler_t::replace) + "\n");
    }
    Console& console_;
    Clock& clock_;
    std::map<std::string, std::string> waits_;
};

// Lines for people. A thousand quick steps must not be a thousand lines: of those that end within one window only the
// first few are named, the rest counted.
class Lines : public Progress {
  public:
    Lines(Console& console, Clock& clock) : console_(console), clock_(clock) {}

    void step_started(const std::string&, const std::string&) override {}

    void step_waits(const std::string& id, const std::string& detail) override {
        auto& wait = waits_[id];
        const Instant now = clock_.steady_now();
        if (wait.text == detail || (!wait.text.empty() && now - wait.shown < kEvery)) return;
        wait = {detail, now};
        line("  waiting: " + detail);
    }

    void step_done(const std::string& id, const std::string& title, double seconds) override {
        waits_.erase(id);
        const Instant now = clock_.steady_now();
        if (now - window_ >= kEvery) {
            count_unnamed();
            window_ = now;
            named_ = 0;
        }
        if (named_ >= kNamedInWindow && seconds < 1) {
            unnamed_++;
            return;
        }
        named_++;
        line("  done: " + title + " (" + human_elapsed(seconds) + ")");
    }

    void step_failed(const std::string& id, const std::string& title, const std::string& message) override {
        waits_.erase(id);
        count_unnamed();
        line("  failed: " + title + ": " + message);
    }

    void step_left(const std::string& id, const std::string& title, const std::string& message) override {
        waits_.erase(id);
        count_unnamed();
        line("  not done: " + title + ": " + message);
    }

    void message(const std::string& text) override {
        count_unnamed();
        line(text);
    }

    void close() override { count_unnamed(); }

  protected:
    static constexpr milliseconds kEvery{2000};
    static constexpr int kNamedInWindow = 10;

    virtual void line(const std::string& text) { console_.err(escape_terminal(text) + "\n"); }

    void count_unnamed() {
        if (unnamed_ == 0) return;
        const int count = unnamed_;
        unnamed_ = 0;
        line("  done: " + std::to_string(count) + (count == 1 ? " more step" : " more steps"));
    }

    Console& console_;
    Clock& clock_;

  private:
    struct Wait {
        std::string text;
        Instant shown;
    };
    std::map<std::string, Wait> waits_;
    Instant window_{};
    int named_ = 0;
    int unnamed_ = 0;
};

// A live line below the lines of finished steps.
class Live : public Lines {
  public:
    Live(Console& console, Clock& clock) : Lines(console, clock) {}
    ~Live() override { clear(); }
    Live(const Live&) = delete;
    Live& operator=(const Live&) = delete;

    void step_started(const std::string& id, const std::string& title) override {
        running_[id] = {title, "", clock_.steady_now()};
        draw();
    }
    void step_waits(const std::string& id, const std::string& detail) override {
        auto found = running_.find(id);
        if (found == running_.end()) found = running_.emplace(id, Running{id, "", clock_.steady_now()}).first;
        found->second.detail = detail;
        draw();
    }
    void step_done(const std::string& id, const std::string& title, double seconds) override {
        running_.erase(id);
        Lines::step_done(id, title, seconds);
        draw();
    }
    void step_failed(const std::string& id, const std::string& title, const std::string& message) override {
        running_.erase(id);
        Lines::step_failed(id, title, message);
    }
    void step_left(const std::string& id, const std::string& title, const std::string& message) override {
        running_.erase(id);
        Lines::step_left(id, title, message);
    }
    void close() override {
        clear();
        running_.clear();
        Lines::close();
    }

  protected:
    void line(const std::string& text) override {
        clear();
        Lines::line(text);
    }

  private:
    struct Running {
        std::string title, detail;
        Instant since;
    };

    void clear() {
        if (drawn_) console_.err("\r\x1b[K");
        drawn_ = false;
    }

    void draw() {
        const Instant now = clock_.steady_now();
        if (running_.empty() || (drawn_ && now - last_draw_ < milliseconds(100))) return;
        last_draw_ = now;
        drawn_ = true;
        console_.err("\r" + cut(escape_line(live_text(now))) + "\x1b[K");
    }

    // The step that has run for longest: it is the one that people wonder about.
    std::string live_text(Instant now) const {
        const Running* oldest = &running_.begin()->second;
        for (const auto& [id, step] : running_) {
            if (step.since < oldest->since) oldest = &step;
        }
        const double seconds = std::chrono::duration<double>(now - oldest->since).count();
        std::string text = "  " + human_elapsed(seconds) + "  " + oldest->title;
        if (!oldest->detail.empty()) text += ": " + oldest->detail;
        if (running_.size() > 1) text += " (and " + std::to_string(running_.size() - 1) + " more)";
        return text;
    }

    // A line that wraps could not be cleared.
    std::string cut(const std::string& text) const {
        const int columns = console_.err_columns();
        std::string out;
        int used = 0;
        for (char c : text) {
            const bool begins = (static_cast<unsigned char>(c) & 0xC0) != 0x80;
            if (begins && ++used >= columns) break;
            out += c;
        }
        return out;
    }

    std::map<std::string, Running> running_;
    bool drawn_ = false;
    Instant last_draw_{};
};

}  // namespace

std::unique_ptr<Progress> make_progress(const std::string& mode, Console& console, Clock& clock) {
    if (mode == "none") return std::make_unique<Silent>();
    if (mode == "json") return std::make_unique<JsonLines>(console, clock);
    if (mode == "bar" || (mode == "auto" && console.err_is_terminal())) return std::make_unique<Live>(console, clock);
    return std::make_unique<Lines>(console, clock);
}

}  // namespace holdfast::view
