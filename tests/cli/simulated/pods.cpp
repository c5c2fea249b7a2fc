#include "tests/cli/simulated/pods.h"

#include "tests/sim/actors.h"

#include <map>

namespace holdfast::simulated {

namespace {

using double_::Call;
using double_::Reply;
using std::chrono::milliseconds;

struct OpenGate : sim::Gate {
    std::optional<Error> before(const sim::Call&) override { return std::nullopt; }
    std::optional<Error> after(const sim::Call&) override { return std::nullopt; }
};

class Pods : public double_::Engine {
  public:
    explicit Pods(Live& live) : live_(live) {}

    std::optional<Reply> answer(const Call& call) override {
        if (call.method != "POST" || (call.path != "/simulated/exec" && call.path != "/simulated/release"))
            return std::nullopt;
        const Json body = Json::parse(call.body, nullptr, false);
        if (body.is_discarded()) return double_::status_reply(400, "BadRequest", "the body is not JSON");
        return live_.with([&](sim::Sim& sim) {
            return double_::json_reply(200, call.path == "/simulated/exec" ? run(sim, body) : release(body));
        });
    }

  private:
    static Json failed(const Error& error) {
        const bool command = error.kind == ErrorKind::kFailed;
        return {{"exit", 1},
                {"out", ""},
                {"err", command ? "command terminated with exit code 1" : "error: " + error.message},
                {"held", 0}};
    }

    Json run(sim::Sim& sim, const Json& body) {
        plan::Exec exec;
        exec.space = body.value("space", "");
        exec.pod = body.value("pod", "");
        exec.argv = body.value("argv", std::vector<std::string>());
        sim::SimPods pods(sim, gate_);
        if (body.value("hold", false)) {
            auto held = pods.hold(exec);
            if (!held.ok()) return failed(held.error());
            held_[++last_] = std::move(*held);
            return {{"exit", 0}, {"out", ""}, {"err", ""}, {"held", last_}};
        }
        const auto out = pods.run(exec, milliseconds(60000));
        if (!out.ok()) return failed(out.error());
        return {{"exit", 0}, {"out", *out}, {"err", ""}, {"held", 0}};
    }

    Json release(const Json& body) {
        held_.erase(body.value("held", 0));
        return {{"exit", 0}};
    }

    Live& live_;
    OpenGate gate_;
    std::map<int, std::unique_ptr<plan::HeldExec>> held_;
    int last_ = 0;
};

}  // namespace

std::unique_ptr<double_::Engine> make_pods(Live& live) { return std::make_unique<Pods>(live); }

}  // namespace holdfast::simulated
