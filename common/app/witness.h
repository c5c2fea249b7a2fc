// Lets the executor's witness draw the progress of view. In a server dry run only writes are told, and as what they
// are.
#pragma once

#include "common/plan/executor.h"
#include "common/view/progress.h"

#include <memory>
#include <utility>

namespace holdfast::app {

class ShownProgress : public plan::Witness {
  public:
    ShownProgress(std::unique_ptr<view::Progress> progress, bool dry) : progress_(std::move(progress)), dry_(dry) {}
    void step_started(const plan::Step& step) override { progress_->step_started(step.id, step.title); }
    void step_waits(const plan::Step& step, const std::string& detail) override {
        progress_->step_waits(step.id, detail);
    }
    void step_done(const plan::Step& step, double seconds) override {
        if (!dry_) return progress_->step_done(step.id, step.title, seconds);
        if (is_write(step.action)) progress_->step_done(step.id, step.title + " (server dry run)", seconds);
    }
    void step_failed(const plan::Step& step, const Error& error) override {
        // As the executor takes it: what is no failure does not read like one.
        if (step.replan && error.kind == ErrorKind::kConflict)
            return progress_->step_left(step.id, step.title, error.message + "; it is read again");
        if (step.optional && error.kind != ErrorKind::kInterrupted)
            return progress_->step_left(step.id, step.title, error.message + "; going on without it");
        progress_->step_failed(step.id, step.title, error.message);
    }
    void message(const std::string& text) override { progress_->message(text); }
    void close() { progress_->close(); }

  private:
    static bool is_write(const plan::Action& action) {
        return !std::holds_alternative<plan::WaitFor>(action) && !std::holds_alternative<plan::Exec>(action) &&
               !std::holds_alternative<plan::Sql>(action) && !std::holds_alternative<plan::Copy>(action);
    }
    std::unique_ptr<view::Progress> progress_;
    bool dry_;
};

}  // namespace holdfast::app
