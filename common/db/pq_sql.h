// SQL by libpq through a port-forward. pq_sql.cpp is the only file that knows libpq.
#pragma once

#include "common/os/clock.h"
#include "common/os/signals.h"
#include "common/plan/actors.h"

#include <chrono>
#include <string>

namespace holdfast::db {

// One connection a statement, no password, never TLS (loopback and a tunnel), read-only transactions unless it writes.
// A connection that cannot be made is tried again within the time limit: the database may still be recovering.
// Statements go out once.
class PqSqlRunner : public plan::SqlRunner {
  public:
    // Clock and signals must outlive the runner. The second signal cancels a statement that runs (kInterrupted).
    // Removes libpq's variables (PG…) from the process's environment: they are meant for the user's own databases.
    PqSqlRunner(plan::LocalPorts ports, Clock& clock, const Signals& signals);

    Result<std::string> query(const plan::Sql& sql, std::chrono::milliseconds timeout) override;

  private:
    plan::LocalPorts ports_;
    Clock& clock_;
    const Signals& signals_;
};

}  // namespace holdfast::db
