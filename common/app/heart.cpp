#include "common/app/heart.h"

#include "common/os/background.h"
#include "common/os/quiet_console.h"

namespace holdfast::app {

namespace {

// Shorter than the time between two beats would allow for two of them: a lost answer must not cost the lease.
constexpr std::chrono::milliseconds kLimit{3000};

class ThreadHeart : public plan::Heart {
  public:
    ThreadHeart(kube::Connector& connector, std::chrono::milliseconds every, std::function<void(kube::Cluster&)> beat)
        : connector_(connector),
          beat_(std::move(beat)),
          background_(every, [this](const Signals& stop) { run(stop); }) {}

  private:
    // Connected at the first beat: what is done before it never needs the second connection.
    void run(const Signals& stop) {
        if (!cluster_) {
            auto made = connector_.connect(stop, quiet_, kLimit);
            if (!made.ok()) return;  // whoever writes finds the lease not renewed, and says so
            cluster_ = std::move(*made);
        }
        beat_(*cluster_);
    }

    kube::Connector& connector_;
    const std::function<void(kube::Cluster&)> beat_;
    QuietConsole quiet_;
    std::unique_ptr<kube::Cluster> cluster_;
    Background background_;  // last: it ends before what it uses
};

}  // namespace

plan::MakeHeart heart_maker(kube::Connector& connector) {
    return [&connector](std::chrono::milliseconds every, std::function<void(kube::Cluster&)> beat) {
        return std::unique_ptr<plan::Heart>(std::make_unique<ThreadHeart>(connector, every, std::move(beat)));
    };
}

}  // namespace holdfast::app
