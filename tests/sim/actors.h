// Commands in pods and SQL, as the simulated containers would answer. They pass the same gate as requests do.
#pragma once

#include "common/plan/actors.h"
#include "common/plan/operation.h"
#include "tests/sim/gate.h"
#include "tests/sim/sim.h"

#include <set>
#include <string>

namespace holdfast::sim {

// "freeze" holds the pod's writes back, "thaw" lets them go, "hold" holds them back while it is open, "fail" exits 1;
// the question for a database's facts is answered as PostgreSQL 15's pg_controldata would.
class SimPods : public plan::PodRunner {
  public:
    SimPods(Sim& sim, Gate& gate) : sim_(sim), gate_(gate) {}
    ~SimPods() override;  // the process ends: what it holds is let go, whether or not it still could
    SimPods(const SimPods&) = delete;
    SimPods& operator=(const SimPods&) = delete;
    Result<std::string> run(const plan::Exec& exec, milliseconds timeout) override;
    Result<std::unique_ptr<plan::HeldExec>> hold(const plan::Exec& exec) override;

  private:
    Result<std::string> carry_out(const plan::Exec& exec);

    Sim& sim_;
    Gate& gate_;
    std::set<std::string> holding_;  // "namespace/pod"
};

// Answers the identity question by the token on the pod's volume, anything else with "42".
// A statement that updates customers masks all that its pod mounts.
class SimSql : public plan::SqlRunner {
  public:
    SimSql(Sim& sim, Gate& gate) : sim_(sim), gate_(gate) {}
    Result<std::string> query(const plan::Sql& sql, milliseconds timeout) override;

  private:
    Sim& sim_;
    Gate& gate_;
};

// Serves for a while, until the user presses Ctrl-C.
class SimAttendant : public plan::Attendant {
  public:
    SimAttendant(Sim& sim, std::function<void()> interrupt) : sim_(sim), interrupt_(std::move(interrupt)) {}
    Status serve(const std::string& space, const std::string& pod, int port,
                 const std::function<void(int)>& announce) override;

  private:
    Sim& sim_;
    std::function<void()> interrupt_;
};

// What the kubelet of a node measures of its pods' volumes: as df says it in these.
Json summary_of(const Sim& sim, const std::string& node);

}  // namespace holdfast::sim
