// Lets the executor's witness draw the progress of view.
#pragma once

#include "common/plan/executor.h"
#include "common/view/progress.h"

#include <memory>
#include <utility>

namespace holdfast::app {

class ShownProgress : public plan::Witness {
  public:
    explicit ShownProgress(std::unique_ptr<view::Progress> progress) : progress_(std::move(progress)) {}
    void step_started(const plan::Step& step) override { progress_->step_started(step.id, step.title); }
    void step_waits(const plan::Step& step, const std::string& detail) override {
        progress_->step_waits(step.id, detail);
    }
    void step_done(const plan::Step& step, double seconds) override {
        progress_->step_done(step.id, step.title, seconds);
    }
    void step_failed(const plan::Step& step, const Error& error) override {
        progress_->step_failed(step.id, step.title, error.message);
    }
    void message(const std::string& text) override { progress_->message(text); }
    void close() { progress_->close(); }

  private:
    std::unique_ptr<view::Progress> progress_;
};

}  // namespace holdfast::app
