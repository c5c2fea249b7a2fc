#include "common/db/pq_sql.h"

#include "common/core/text.h"

#include <libpq-fe.h>

#include <poll.h>
#include <unistd.h>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <vector>

namespace holdfast::db {
namespace {

using std::chrono::milliseconds;
using Instant = std::chrono::steady_clock::time_point;

constexpr milliseconds kLook{200};  // how soon a signal or the limit is seen
constexpr milliseconds kBetweenTries{200};
constexpr std::size_t kOutputLimit = std::size_t{16} << 20;

struct CloseConnection {
    void operator()(PGconn* connection) const { PQfinish(connection); }
};
struct ClearResult {
    void operator()(PGresult* result) const { PQclear(result); }
};
using Connection = std::unique_ptr<PGconn, CloseConnection>;
using Answer = std::unique_ptr<PGresult, ClearResult>;

std::string place(const plan::Sql& sql) {
    return "database " + escape_line(sql.database) + " in pod/" + sql.space + "/" + sql.pod;
}

std::string said(const char* text) {
    const std::string_view whole = trim(text == nullptr ? "" : text);
    return escape_line(whole.substr(0, 2000));
}

// A server that answers "no such database" or "no such role" will say so for ever; one that starts up will not.
bool is_final(const std::string& message) {
    for (const char* part : {"does not exist", "no pg_hba.conf entry", "authentication failed",
                             "not permitted to log in", "is not accepting", "permission denied"}) {
        if (message.find(part) != std::string::npos) return true;
    }
    return false;
}

// "ERROR: relation "x" does not exist (detail)": the statement itself is the user's and is not repeated. The detail may
// hold a row's values.
std::string server_error(const PGresult* result, bool with_detail) {
    const auto field = [&](int code) { return said(PQresultErrorField(result, code)); };
    const std::string primary = field(PG_DIAG_MESSAGE_PRIMARY);
    const std::string detail = with_detail ? field(PG_DIAG_MESSAGE_DETAIL) : "";
    if (primary.empty()) return said(PQresultErrorMessage(result));
    return field(PG_DIAG_SEVERITY) + ": " + primary + (detail.empty() ? "" : " (" + detail + ")");
}

// Shut down from outside, or out of memory, disk or slots: says nothing of the data (PostgreSQL's errcodes.txt).
bool is_told_to_stop(const PGresult* result) {
    const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const std::string_view code = state == nullptr ? "" : state;
    return code.starts_with("57P") || code.starts_with("53");
}

// PGSERVICE, PGSSLMODE, PGREQUIREAUTH and their like are the user's, for the user's own databases: an empty parameter
// does not keep libpq from reading them. Nothing that we start needs one.
void forget_environment() {
    std::vector<std::string> names;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string_view variable = *entry;
        if (variable.starts_with("PG")) names.emplace_back(variable.substr(0, variable.find('=')));
    }
    for (const std::string& name : names) ::unsetenv(name.c_str());
}

// Stronger than what is set for the role or the database.
constexpr char kReading[] = "-c default_transaction_read_only=on";
// What a failing statement says of rows must not get into the server's log, which is collected and kept.
constexpr char kWriting[] =
    "-c default_transaction_read_only=off -c statement_timeout=0 -c lock_timeout=0 -c log_min_messages=fatal "
    "-c log_min_error_statement=panic -c log_error_verbosity=terse";

// A password that nobody asks for keeps libpq from looking into the user's passfile.
Connection open_connection(const plan::Sql& sql, int port, milliseconds left) {
    const std::string port_text = std::to_string(port);
    const std::string seconds = std::to_string(std::max<long long>(2, std::min<long long>(10, left.count() / 1000)));
    const char* names[] = {"hostaddr",        "host",       "port",    "dbname",  "user",
                           "connect_timeout", "gssencmode", "sslmode", "options", "application_name",
                           "client_encoding", "password",   nullptr};
    const char* values[] = {"127.0.0.1",
                            "127.0.0.1",
                            port_text.c_str(),
                            sql.database.c_str(),
                            sql.user.c_str(),
                            seconds.c_str(),
                            "disable",
                            "disable",
                            sql.writes ? kWriting : kReading,
                            "holdfast",
                            "UTF8",
                            "none",
                            nullptr};
    return Connection(PQconnectdbParams(names, values, 0));
}

// As psql -qtAX prints a result: columns by '|', a row a line, null as nothing.
void print_rows(const PGresult* result, std::string& text) {
    for (int row = 0; row < PQntuples(result) && text.size() <= kOutputLimit; ++row) {
        for (int column = 0; column < PQnfields(result); ++column) {
            if (column > 0) text += '|';
            text.append(PQgetvalue(result, row, column), static_cast<std::size_t>(PQgetlength(result, row, column)));
        }
        text += '\n';
    }
}

class Statement {
  public:
    Statement(PGconn* connection, const plan::Sql& sql, Clock& clock, const Signals& signals, Instant end)
        : connection_(connection), sql_(sql), clock_(clock), signals_(signals), end_(end) {}

    Result<std::string> run() {
        if (PQsendQuery(connection_, sql_.statement.c_str()) == 0) return broken();
        std::string text;
        bool any = false;
        while (true) {
            TRY(wait());
            const Answer answer(PQgetResult(connection_));
            if (!answer) break;
            TRY(take(answer.get(), text));
            any = any || PQresultStatus(answer.get()) != PGRES_EMPTY_QUERY;
            if (sql_.writes) TRY(check_kept(PQcmdStatus(answer.get())));
        }
        if (sql_.writes && !any) return undone("there is no statement in it");
        if (sql_.writes && PQtransactionStatus(connection_) != PQTRANS_IDLE)
            return undone("a transaction is left open, and what it did is undone when the connection ends");
        if (!text.empty() && text.back() == '\n') text.pop_back();
        return text;
    }

  private:
    Error broken() const {
        return Error{ErrorKind::kUnavailable,
                     place(sql_) + ": the connection broke: " + said(PQerrorMessage(connection_)), "", 0, ""};
    }

    // Until the next result can be read without blocking.
    Status wait() {
        while (PQisBusy(connection_) != 0) {
            if (signals_.count() >= 2) return stop(ErrorKind::kInterrupted, "interrupted");
            if (clock_.steady_now() >= end_) return stop(ErrorKind::kTimeout, "the statement did not end in time");
            pollfd one{PQsocket(connection_), POLLIN, 0};
            if (::poll(&one, 1, static_cast<int>(kLook.count())) > 0 && PQconsumeInput(connection_) == 0)
                return broken();
        }
        return {};
    }

    Error stop(ErrorKind kind, const std::string& why) {
        char reason[256];
        if (PGcancel* cancel = PQgetCancel(connection_)) {
            PQcancel(cancel, reason, sizeof reason);  // best effort: the connection is closed right after
            PQfreeCancel(cancel);
        }
        return Error{kind, place(sql_) + ": " + why, "", 0, ""};
    }

    Error undone(const std::string& why) const {
        return {ErrorKind::kMismatch, place(sql_) + ": " + why,
                "the statements run as one transaction of their own: leave BEGIN, COMMIT and ROLLBACK out", 0, ""};
    }

    // The command's tag. What is rolled back, to a savepoint too, or left to be finished later was not done.
    Status check_kept(std::string_view tag) const {
        if (tag == "ROLLBACK") return undone("what the statements did was rolled back");
        if (tag == "PREPARE TRANSACTION") return undone("what the statements did was left in a prepared transaction");
        return {};
    }

    Status take(const PGresult* result, std::string& text) {
        switch (PQresultStatus(result)) {
            case PGRES_TUPLES_OK:
            case PGRES_SINGLE_TUPLE:
                print_rows(result, text);
                break;
            case PGRES_COMMAND_OK:
            case PGRES_EMPTY_QUERY:
                break;
            case PGRES_COPY_IN:
            case PGRES_COPY_OUT:
            case PGRES_COPY_BOTH:
                return Error{ErrorKind::kInvalid, place(sql_) + ": COPY from or to the client cannot be used here",
                             "use a SELECT", 0, ""};
            default: {
                if (PQstatus(connection_) == CONNECTION_BAD) return broken();
                const ErrorKind kind = is_told_to_stop(result) ? ErrorKind::kUnavailable : ErrorKind::kMismatch;
                return Error{kind, place(sql_) + ": the server answered: " + server_error(result, !sql_.writes), "", 0,
                             ""};
            }
        }
        if (text.size() > kOutputLimit)
            return Error{ErrorKind::kProtocol, place(sql_) + ": the answer is over 16 MiB", "select less", 0, ""};
        return {};
    }

    PGconn* connection_;
    const plan::Sql& sql_;
    Clock& clock_;
    const Signals& signals_;
    Instant end_;
};

}  // namespace

PqSqlRunner::PqSqlRunner(plan::LocalPorts ports, Clock& clock, const Signals& signals)
    : ports_(std::move(ports)), clock_(clock), signals_(signals) {
    forget_environment();
}

Result<std::string> PqSqlRunner::query(const plan::Sql& sql, milliseconds timeout) {
    const Instant end = clock_.steady_now() + timeout;
    const auto left = [&] { return std::chrono::duration_cast<milliseconds>(end - clock_.steady_now()); };
    std::string refused;  // what the server last said: tells more than a port-forward that ran out of time
    while (true) {        // bounded by `end`
        auto port = ports_.get(sql, left());
        Error error;
        if (port.ok()) {
            const Connection connection = open_connection(sql, *port, left());
            if (PQstatus(connection.get()) == CONNECTION_OK) {
                return Statement(connection.get(), sql, clock_, signals_, end).run();
            }
            const std::string message = said(PQerrorMessage(connection.get()));
            if (is_final(message)) return Error{ErrorKind::kMismatch, place(sql) + ": " + message, "", 0, ""};
            refused = place(sql) + ": no connection: " + message;
            error = Error{ErrorKind::kUnavailable, refused, "", 0, ""};
            ports_.drop(sql);
        } else {
            error = port.error();
            if (error.kind != ErrorKind::kUnavailable && error.kind != ErrorKind::kTimeout) return error;
        }
        if (signals_.pending()) return Error{ErrorKind::kInterrupted, error.message, "", 0, ""};
        if (left() <= kBetweenTries)
            return Error{ErrorKind::kUnavailable, refused.empty() ? error.message : refused, error.hint, 0, ""};
        clock_.sleep_for(kBetweenTries);
    }
}

}  // namespace holdfast::db
