// What the executor needs besides the API server: commands in pods, SQL. Implemented by kube/pod_exec and db/pq_sql.
#pragma once

#include "common/core/result.h"
#include "common/plan/step.h"

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace holdfast::plan {

// A command that is held open in a container. Destructor: closes stdin, waits 2 s, then stops it.
class HeldExec {
  public:
    virtual ~HeldExec() = default;
    virtual bool running() = 0;
    virtual std::string error_output() = 0;
    virtual Status release() = 0;  // closes stdin and waits at most 10 s for its end
};

class PodRunner {
  public:
    virtual ~PodRunner() = default;
    // stdout. kFailed: exit code not 0 (message has the code and the last lines of stderr); kUnavailable: kubectl could
    // not reach the container; kNotFound: no kubectl in PATH.
    virtual Result<std::string> run(const Exec& exec, std::chrono::milliseconds timeout) = 0;
    virtual Result<std::unique_ptr<HeldExec>> hold(const Exec& exec) = 0;
};

// How a pod's port is reached from here: what a SqlRunner is made with.
struct LocalPorts {
    // A port on 127.0.0.1 that leads to the statement's pod and port; waits at most `timeout`.
    std::function<Result<int>(const Sql&, std::chrono::milliseconds timeout)> get;
    // The port led nowhere: the next get makes another.
    std::function<void(const Sql&)> drop;
};

class SqlRunner {
  public:
    virtual ~SqlRunner() = default;
    // What `psql -qtAX -c` would print, without the last newline. kMismatch: the server answered with an error (the
    // data or the statement is not as expected; the server's message is in it); kUnavailable: no connection.
    virtual Result<std::string> query(const Sql& sql, std::chrono::milliseconds timeout) = 0;
};

}  // namespace holdfast::plan
