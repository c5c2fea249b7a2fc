// What the API server would refuse half-way it refuses here, before any change: each step by itself, with dryRun=All.
#include "common/core/doubt.h"
#include "common/plan/drive_parts.h"
#include "common/plan/perform.h"

#include <algorithm>

namespace holdfast::plan {
namespace {

// Whoever has to stop among a thousand trials sends no more than these.
constexpr std::size_t kTriedAtOnce = 64;

// A rehearsal is not shown step by step.
struct SilentWitness : Witness {
    void step_started(const Step&) override {}
    void step_waits(const Step&, const std::string&) override {}
    void step_done(const Step&, double) override {}
    void step_failed(const Step&, const Error&) override {}
    void message(const std::string&) override {}
};

// It is not the server's word on a write, but what we make of a trial: that nothing was changed is ours to say.
Error would_refuse(const Step& step, const Error& error) {
    std::string words = error.message;
    const std::size_t end = words.find(": ");
    const bool named = end != std::string::npos && step.title.find(words.substr(0, end)) != std::string::npos;
    if (named) words = words.substr(end + 2);
    return {
        ErrorKind::kRefused, "the API server would refuse to " + step.title + ": " + words + "; nothing was changed",
        "tried with dryRun=All; what refuses it is named above (a quota, a policy, a webhook): once that allows it, "
        "run the same command again",
        0, ""};
}

bool goes_together(const Step& step) {
    return step.site == kube::Site::kHere &&
           (std::holds_alternative<Patch>(step.action) || std::holds_alternative<Create>(step.action));
}

template <typename Kind>
std::vector<std::size_t> steps_of(const Plan& plan) {
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < plan.rehearsal.size(); ++i) {
        const Step& step = plan.rehearsal[i];
        if (goes_together(step) && std::holds_alternative<Kind>(step.action)) found.push_back(i);
    }
    return found;
}

// Eight in flight, since none hangs on another.
template <typename Kind, typename Send>
void try_together(const Plan& plan, const Signals& signals, std::vector<Status>& answers, const Send& send) {
    const std::vector<std::size_t> places = steps_of<Kind>(plan);
    for (std::size_t done = 0; done < places.size(); done += kTriedAtOnce) {
        const std::size_t end = std::min(places.size(), done + kTriedAtOnce);
        std::vector<const Kind*> some;
        for (std::size_t n = done; n < end; ++n) some.push_back(&std::get<Kind>(plan.rehearsal[places[n]].action));
        const bool interrupted = signals.count() > 0;
        std::vector<Status> sent;
        if (!interrupted) sent = send(some);
        for (std::size_t n = done; n < end; ++n)
            answers[places[n]] =
                interrupted ? Status(Error{ErrorKind::kInterrupted, "interrupted", "", 0, ""}) : sent[n - done];
    }
}

std::vector<Status> try_all(const Plan& plan, World& world, const Limits& limits) {
    std::vector<Status> answers(plan.rehearsal.size());
    try_together<Patch>(plan, world.signals, answers,
                        [&](const std::vector<const Patch*>& some) { return perform_patches(some, world, limits); });
    try_together<Create>(plan, world.signals, answers, [&](const std::vector<const Create*>& some) {
        return perform_creates(some, plan.operation, world, limits);
    });
    for (std::size_t i = 0; i < plan.rehearsal.size(); ++i) {
        if (goes_together(plan.rehearsal[i])) continue;
        Plan one;
        one.operation = plan.operation;
        one.steps = {plan.rehearsal[i]};
        answers[i] = execute(one, world, limits).status;
    }
    return answers;
}

}  // namespace

Status rehearse(const Plan& plan, World& of, const Limits& usual) {
    Limits limits = usual;
    limits.dry_run = kube::DryRun::kServer;
    SilentWitness silent;
    World world{of.cluster,   of.clock,   of.signals,   silent,        of.pods, of.sql,
                of.attendant, of.explain, of.may_write, of.make_heart, of.self, of.other};
    const std::vector<Status> answers = try_all(plan, world, limits);
    for (std::size_t i = 0; i < answers.size(); ++i) {
        if (answers[i].ok()) continue;
        const Step& step = plan.rehearsal[i];
        const Error& error = answers[i].error();
        if (error.message.find("does not support dry run") != std::string::npos) {
            of.witness.message("not verified: " + step.title + ": " + error.message);
            continue;
        }
        if (in_doubt(error) || error.kind == ErrorKind::kInterrupted || error.kind == ErrorKind::kConflict)
            return error;
        if (waits_for_its_place(step, error)) {
            of.witness.message("not verified: " + step.title + ": " + error.message +
                               "; the one that it replaces is deleted before, which makes room. Should " +
                               "somebody else take that, it is asked for again until there is room");
            continue;
        }
        return would_refuse(step, error);
    }
    return {};
}

}  // namespace holdfast::plan
