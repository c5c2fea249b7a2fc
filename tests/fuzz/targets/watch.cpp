#include "common/kube/watch.h"

#include "common/kube/objects/workload.h"
#include "tests/fuzz/target.h"

#include <string>

namespace holdfast::fuzz {
namespace {

// Gives the input in pieces whose sizes come from the input itself.
class Pieces : public http::Stream {
  public:
    explicit Pieces(std::string_view input) : rest_(input) {
        head_.status = 200;
        head_.headers = {{"content-type", "application/json"}};
    }
    const http::Response& head() const override { return head_; }
    Result<std::optional<std::string>> read(std::chrono::milliseconds) override {
        if (rest_.empty()) return std::optional<std::string>();
        const std::size_t size = std::min<std::size_t>(rest_.size(), static_cast<unsigned char>(rest_[0]) % 64 + 1);
        std::string piece(rest_.substr(0, size));
        rest_.remove_prefix(size);
        return std::optional<std::string>(std::move(piece));
    }

  private:
    std::string_view rest_;
    http::Response head_;
};

}  // namespace

void watch(std::string_view input) {
    const auto watch = kube::make_watch(std::make_unique<Pieces>(input), kube::kPods);
    for (std::size_t events = 0; events <= input.size() + 2; ++events) {
        if (!watch->next(std::chrono::milliseconds(0)).ok()) return;
    }
    check(false, "a watch ends with its stream");
}

}  // namespace holdfast::fuzz
