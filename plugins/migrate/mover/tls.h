// A TLS 1.3 connection between two sides that have the same key, made for one operation: mutual, with forward secrecy,
// without certificates. tls.cpp is the only file of the mover that includes OpenSSL's ssl.h.
#pragma once

#include "common/core/result.h"
#include "common/os/signals.h"
#include "plugins/migrate/mover/tree.h"
#include "plugins/migrate/mover/wire.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace holdfast::mover {

// 32 bytes, from a file with 64 hexadecimal digits that only its owner may read (kUsage else).
Result<std::string> read_key(const std::string& path);

class Tls : public Wire {
  public:
    // No more than this goes under one key of a direction (RFC 8446, 5.5: 24 million records, in which 360 GiB fit).
    static constexpr std::uint64_t kBytesOfKey = std::uint64_t{64} << 30;
    // kConnect: nobody answers; kUnauthorized: the other side has not the key.
    static Result<std::unique_ptr<Tls>> connect(const std::string& address, const std::string& key,
                                                const Signals& signals, std::uint64_t bytes_of_key = kBytesOfKey);
    // The server's side of a connection that was accepted; gives up after some seconds. Errors likewise.
    static Result<std::unique_ptr<Tls>> accept(Descriptor socket, const std::string& key, const Signals& signals,
                                               std::uint64_t bytes_of_key = kBytesOfKey);
    ~Tls() override;
    Tls(const Tls&) = delete;
    Tls& operator=(const Tls&) = delete;

    Status read(char* into, std::size_t length) override;
    Status write(std::string_view bytes) override;
    Status flush() override;
    void shut() override;
    bool ended() const override;
    std::uint64_t keys() const;  // how many this side has written under

  private:
    struct State;
    Tls(std::unique_ptr<State> state, const Signals& signals);
    static Result<std::unique_ptr<Tls>> start(Descriptor socket, const std::string& key, bool server,
                                              const Signals& signals, std::uint64_t bytes_of_key);
    Status gather_writes();
    Status next_key();
    Status handshake(bool server);
    Status wait(short what) const;
    std::unique_ptr<State> state_;
    const Signals& signals_;
};

// A socket that listens; port 0: any free one.
class Listener {
  public:
    static Result<Listener> open(const std::string& address);
    Result<Descriptor> accept(const Signals& signals) const;
    const std::string& address() const { return address_; }  // with the port that was chosen

  private:
    Listener(Descriptor socket, std::string address) : socket_(std::move(socket)), address_(std::move(address)) {}
    Descriptor socket_;
    std::string address_;
};

}  // namespace holdfast::mover
