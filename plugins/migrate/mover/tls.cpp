#include "plugins/migrate/mover/tls.h"

#include "common/core/text.h"
#include "common/os/clock.h"
#include "common/os/files.h"
#include "plugins/migrate/mover/socket_address.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <optional>

namespace holdfast::mover {
namespace {

constexpr char kIdentity[] = "holdfast-mover";
constexpr int kSocketBuffer = 256 << 10;
constexpr int kPollMs = 200;  // how soon a signal is seen
// How long the other side may take to show that it has the key. A receiver turns to one after the other, so a sender
// waits for longer than a stranger before it may take.
constexpr std::chrono::seconds kServerLimit{5}, kClientLimit{30};
// A machine that is there answers what is sent to it at once, also for a process that takes nothing.
constexpr std::uint32_t kSilentMs = 60000;
constexpr std::uint8_t kUnanswered = 3;  // tries in a row

// The connection's key as what TLS calls a session: it stands for whom both sides are.
SSL_SESSION* session_of(const std::string& key) {
    static const unsigned char kAes128GcmSha256[] = {0x13, 0x01};
    SSL_SESSION* session = SSL_SESSION_new();
    SSL* any = nullptr;
    SSL_CTX* context = SSL_CTX_new(TLS_method());
    if (context != nullptr) any = SSL_new(context);
    const SSL_CIPHER* cipher = any == nullptr ? nullptr : SSL_CIPHER_find(any, kAes128GcmSha256);
    const bool good =
        session != nullptr && cipher != nullptr &&
        SSL_SESSION_set1_master_key(session, reinterpret_cast<const unsigned char*>(key.data()), key.size()) == 1 &&
        SSL_SESSION_set_cipher(session, cipher) == 1 && SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION) == 1;
    SSL_free(any);
    SSL_CTX_free(context);
    if (good) return session;
    SSL_SESSION_free(session);
    return nullptr;
}

const std::string& key_of(SSL* connection) {
    return *static_cast<const std::string*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(connection)));
}

int give_key(SSL* connection, const EVP_MD*, const unsigned char** identity, std::size_t* length,
             SSL_SESSION** session) {
    *session = session_of(key_of(connection));
    *identity = reinterpret_cast<const unsigned char*>(kIdentity);
    *length = sizeof kIdentity - 1;
    return *session == nullptr ? 0 : 1;
}

int find_key(SSL* connection, const unsigned char* identity, std::size_t length, SSL_SESSION** session) {
    *session = nullptr;
    if (std::string_view(reinterpret_cast<const char*>(identity), length) == kIdentity)
        *session = session_of(key_of(connection));
    return 1;
}

Error lost(const std::string& why) {
    return {ErrorKind::kUnavailable, "the connection to the other side was lost: " + why, "", 0, ""};
}

Error tls_error() {
    char text[256] = "closed";
    const unsigned long code = ERR_get_error();
    if (code != 0) ERR_error_string_n(code, text, sizeof text);
    ERR_clear_error();
    return lost(text);
}

void set_socket_options(int socket) {
    const int on = 1, idle = 10, interval = 5, count = 6;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(socket, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
    setsockopt(socket, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
    setsockopt(socket, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
    // No TCP_USER_TIMEOUT: it would also end a connection whose other side takes nothing for a while because its disk
    // stands still. See Tls::wait().
    fcntl(socket, F_SETFL, fcntl(socket, F_GETFL) | O_NONBLOCK);
}

// Waits for the socket; 0 at a time-out, for the caller to look at signals and limits.
int wait_for(int socket, short what) {
    pollfd one{socket, what, 0};
    return poll(&one, 1, kPollMs);
}

std::optional<std::string> bytes_of_key(std::string_view digits) {
    if (digits.size() != 64) return std::nullopt;
    std::string key;
    for (std::size_t i = 0; i < digits.size(); i += 2) {
        constexpr std::string_view kHex = "0123456789abcdef";
        const std::size_t high = kHex.find(digits[i]), low = kHex.find(digits[i + 1]);
        if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
        key.push_back(static_cast<char>(high << 4 | low));
    }
    return key;
}

}  // namespace

struct Tls::State {
    Descriptor socket;
    std::string key;
    SSL_CTX* context = nullptr;
    SSL* connection = nullptr;
    std::uint64_t bytes_of_key = kBytesOfKey;
    std::uint64_t under_key = 0;  // bytes written
    std::uint64_t keys = 1;
    std::mutex mutex;  // OpenSSL's object may be used by one thread at a time; waiting is done without it
    ~State() {
        SSL_free(connection);
        SSL_CTX_free(context);
    }
};

Result<std::string> read_key(const std::string& path) {
    const auto text = read_file(path, 4096);
    // Whoever gives the key in place of its file must not find it in a log, too.
    if (!text.ok() && bytes_of_key(path))
        return Error{ErrorKind::kUsage, "--key-file takes the name of a file that has the key, not the key",
                     "this key was to be seen in the list of processes: make another one: openssl rand -hex 32 > FILE",
                     0, ""};
    if (!text.ok()) return text.error();
    struct stat info {};
    if (stat(path.c_str(), &info) == 0 && (info.st_mode & 0007) != 0)
        return Error{ErrorKind::kUsage, escape_line(path) + ": everybody may read this key", "chmod 0600 FILE", 0, ""};
    if (auto key = bytes_of_key(trim(*text))) return std::move(*key);
    return Error{ErrorKind::kUsage, escape_line(path) + ": not a key of 64 hexadecimal digits",
                 "openssl rand -hex 32 > FILE", 0, ""};
}

Tls::Tls(std::unique_ptr<State> state, const Signals& signals) : state_(std::move(state)), signals_(signals) {}
Tls::~Tls() = default;

Result<std::unique_ptr<Tls>> Tls::start(Descriptor socket, const std::string& key, bool server, const Signals& signals,
                                        std::uint64_t bytes_of_key) {
    auto state = std::make_unique<State>();
    state->bytes_of_key = bytes_of_key;
    set_socket_options(socket.get());
    state->socket = std::move(socket);
    state->key = key;
    state->context = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
    if (state->context == nullptr) return tls_error();
    SSL_CTX_set_app_data(state->context, &state->key);
    SSL_CTX_set_min_proto_version(state->context, TLS1_3_VERSION);
    SSL_CTX_set_ciphersuites(state->context, "TLS_AES_128_GCM_SHA256");
    SSL_CTX_set_num_tickets(state->context, 0);
    // Many records a call of the kernel, both ways.
    SSL_CTX_set_read_ahead(state->context, 1);
    SSL_CTX_set_default_read_buffer_len(state->context, kSocketBuffer);
    SSL_CTX_set_mode(state->context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_psk_use_session_callback(state->context, give_key);
    SSL_CTX_set_psk_find_session_callback(state->context, find_key);
    state->connection = SSL_new(state->context);
    if (state->connection == nullptr || SSL_set_fd(state->connection, state->socket.get()) != 1) return tls_error();
    std::unique_ptr<Tls> tls(new Tls(std::move(state), signals));
    TRY(tls->handshake(server));
    TRY(tls->gather_writes());
    return tls;
}

Status Tls::handshake(bool server) {
    SSL* connection = state_->connection;
    // By the clock: a peer that sends a byte now and then does not make it longer.
    RealClock clock;
    const auto until = clock.steady_now() + (server ? kServerLimit : kClientLimit);
    while (clock.steady_now() < until) {
        const int done = server ? SSL_accept(connection) : SSL_connect(connection);
        if (done == 1) {
            // Whoever came without the key, with a certificate say, is not the other side.
            if (SSL_session_reused(connection) == 1) return {};
            return Error{ErrorKind::kUnauthorized, "the other side has not shown that it has the key", "", 0, ""};
        }
        const int why = SSL_get_error(connection, done);
        if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) {
            const bool ended =
                why == SSL_ERROR_SYSCALL || ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
            ERR_clear_error();
            return Error{ErrorKind::kUnauthorized,
                         ended
                             ? "the connection ended before the other side had shown that it has the key: it is gone, "
                               "or is no holdfast-mover"
                             : "the other side has another key, or is no holdfast-mover",
                         "", 0, ""};
        }
        wait_for(state_->socket.get(), why == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT);
        if (signals_.pending()) return Error{ErrorKind::kInterrupted, "interrupted", "", 0, ""};
    }
    return Error{ErrorKind::kUnauthorized,
                 std::string("the other side does not answer in TLS") +
                     (server ? "" : ": it still works with somebody else, or is no holdfast-mover"),
                 "", 0, ""};
}

Result<std::unique_ptr<Tls>> Tls::connect(const std::string& text, const std::string& key, const Signals& signals,
                                          std::uint64_t bytes_of_key) {
    TRY_ASSIGN(const SocketAddress address, parse_address(text));
    Descriptor made(socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const auto* const there = reinterpret_cast<const sockaddr*>(&address.storage);
    int code = made.open() && ::connect(made.get(), there, address.length) == 0 ? 0 : errno;
    RealClock clock;
    const auto until = clock.steady_now() + kClientLimit;
    // Looking at signals meanwhile: for an answer of nobody the kernel waits for minutes.
    while (code == EINPROGRESS) {
        if (signals.pending()) return Error{ErrorKind::kInterrupted, "interrupted", "", 0, ""};
        socklen_t length = sizeof code;
        if (wait_for(made.get(), POLLOUT) > 0)
            code = getsockopt(made.get(), SOL_SOCKET, SO_ERROR, &code, &length) == 0 ? code : errno;
        else if (clock.steady_now() >= until)
            code = ETIMEDOUT;
    }
    if (code != 0)
        return Error{ErrorKind::kConnect, "connect to " + escape_line(text) + ": " + std::strerror(code), "", 0, ""};
    return start(std::move(made), key, false, signals, bytes_of_key);
}

Result<std::unique_ptr<Tls>> Tls::accept(Descriptor socket, const std::string& key, const Signals& signals,
                                         std::uint64_t bytes_of_key) {
    return start(std::move(socket), key, true, signals, bytes_of_key);
}

// Waits for the socket. What was sent to a machine that is gone the kernel sends again for a quarter of an hour, and
// its keep-alives stand still as long.
Status Tls::wait(short what) const {
    if (wait_for(state_->socket.get(), what) > 0) return {};
    tcp_info info{};
    socklen_t length = sizeof info;
    if (getsockopt(state_->socket.get(), IPPROTO_TCP, TCP_INFO, &info, &length) != 0) return {};
    const bool unanswered = info.tcpi_retransmits >= kUnanswered || info.tcpi_probes >= kUnanswered;
    if (!unanswered || info.tcpi_last_ack_recv < kSilentMs) return {};
    return lost("its machine has answered nothing for a minute");
}

Status Tls::read(char* into, std::size_t length) {
    while (length > 0) {
        if (signals_.pending()) return Error{ErrorKind::kInterrupted, "interrupted", "", 0, ""};
        std::size_t got = 0;
        int why = SSL_ERROR_NONE;
        {
            const std::lock_guard lock(state_->mutex);
            // A record at a time, as long as there are any: giving the lock to nobody costs, too.
            while (length > 0 && why == SSL_ERROR_NONE) {
                if (SSL_read_ex(state_->connection, into, length, &got) != 1) {
                    why = SSL_get_error(state_->connection, 0);
                } else {
                    into += got;
                    length -= got;
                }
            }
            if (why != SSL_ERROR_NONE && why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) return tls_error();
        }
        if (why != SSL_ERROR_NONE) TRY(wait(why == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT));
    }
    return {};
}

Status Tls::write(std::string_view bytes) {
    if (state_->under_key + bytes.size() > state_->bytes_of_key) TRY(next_key());
    state_->under_key += bytes.size();
    while (!bytes.empty()) {
        if (signals_.count() > 1) return Error{ErrorKind::kInterrupted, "interrupted", "", 0, ""};
        std::size_t put = 0;
        int why = SSL_ERROR_NONE;
        {
            const std::lock_guard lock(state_->mutex);
            if (SSL_write_ex(state_->connection, bytes.data(), bytes.size(), &put) != 1)
                why = SSL_get_error(state_->connection, 0);
            if (why != SSL_ERROR_NONE && why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) return tls_error();
        }
        bytes.remove_prefix(put);
        if (why != SSL_ERROR_NONE) TRY(wait(why == SSL_ERROR_WANT_WRITE ? POLLOUT : POLLIN));
    }
    return {};
}

// While it changes its key OpenSSL has a gatherer of its own before ours, and does not hear from it that the socket is
// full: it takes that for the end of the connection. So ours is set aside meanwhile.
Status Tls::next_key() {
    TRY(flush());
    SSL* const connection = state_->connection;
    std::unique_ptr<BIO, void (*)(BIO*)> gathering(nullptr, BIO_free_all);
    {
        const std::lock_guard lock(state_->mutex);
        BIO* const plain = BIO_new_socket(state_->socket.get(), BIO_NOCLOSE);
        if (plain == nullptr || BIO_up_ref(SSL_get_wbio(connection)) != 1) {
            BIO_free(plain);
            return tls_error();
        }
        gathering.reset(SSL_get_wbio(connection));
        SSL_set0_wbio(connection, plain);
        if (SSL_key_update(connection, SSL_KEY_UPDATE_NOT_REQUESTED) != 1) return tls_error();
    }
    while (true) {
        if (signals_.count() > 1) return Error{ErrorKind::kInterrupted, "interrupted", "", 0, ""};
        int why = SSL_ERROR_NONE;
        {
            const std::lock_guard lock(state_->mutex);
            const int done = SSL_do_handshake(connection);
            if (done == 1) {
                SSL_set0_wbio(connection, gathering.release());
                state_->under_key = 0;
                ++state_->keys;
                return {};
            }
            why = SSL_get_error(connection, done);
            if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) return tls_error();
        }
        TRY(wait(why == SSL_ERROR_WANT_WRITE ? POLLOUT : POLLIN));
    }
}

// Records are 16 KiB at most: from now on as many as fit go to the kernel at once.
Status Tls::gather_writes() {
    BIO* const gathering = BIO_new(BIO_f_buffer());
    BIO* const plain = BIO_new_socket(state_->socket.get(), BIO_NOCLOSE);
    if (gathering == nullptr || plain == nullptr || BIO_set_write_buffer_size(gathering, kSocketBuffer) != 1) {
        BIO_free(gathering);
        BIO_free(plain);
        return tls_error();
    }
    SSL_set0_wbio(state_->connection, BIO_push(gathering, plain));
    return {};
}

Status Tls::flush() {
    while (true) {
        if (signals_.count() > 1) return Error{ErrorKind::kInterrupted, "interrupted", "", 0, ""};
        {
            const std::lock_guard lock(state_->mutex);
            BIO* const gathering = SSL_get_wbio(state_->connection);
            if (BIO_flush(gathering) == 1) return {};
            if (BIO_should_retry(gathering) == 0) return tls_error();
        }
        TRY(wait(POLLOUT));
    }
}

std::uint64_t Tls::keys() const { return state_->keys; }

void Tls::shut() { shutdown(state_->socket.get(), SHUT_RDWR); }

bool Tls::ended() const {
    pollfd one{state_->socket.get(), POLLRDHUP, 0};
    return poll(&one, 1, 0) > 0;
}

Result<Listener> Listener::open(const std::string& text) {
    TRY_ASSIGN(SocketAddress address, parse_address(text));
    Descriptor made(socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const int on = 1;
    if (made.open()) setsockopt(made.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (!made.open() || bind(made.get(), reinterpret_cast<const sockaddr*>(&address.storage), address.length) != 0 ||
        listen(made.get(), 8) != 0 ||
        getsockname(made.get(), reinterpret_cast<sockaddr*>(&address.storage), &address.length) != 0)
        return Error{ErrorKind::kFailed, "listen on " + escape_line(text) + ": " + std::strerror(errno), "", 0, ""};
    return Listener(std::move(made), address_text(address));
}

Result<Descriptor> Listener::accept(const Signals& signals) const {
    while (!signals.pending()) {
        Descriptor came(accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (came.open()) return came;
        if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
            return Error{ErrorKind::kFailed, std::string("accept: ") + std::strerror(errno), "", 0, ""};
        wait_for(socket_.get(), POLLIN);
    }
    return Error{ErrorKind::kInterrupted, "interrupted", "", 0, ""};
}

}  // namespace holdfast::mover
