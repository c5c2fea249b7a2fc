// While one of these lives, the simulator is at work and not the process under test: its memory does not run out.
#pragma once

namespace holdfast::sim {

class Outside {
  public:
    Outside() { ++depth; }
    ~Outside() { --depth; }
    Outside(const Outside&) = delete;
    Outside& operator=(const Outside&) = delete;
    inline static int depth = 0;
};

}  // namespace holdfast::sim
