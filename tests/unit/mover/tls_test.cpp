#include "plugins/migrate/mover/tls.h"

#include <doctest/doctest.h>
#include <csignal>
#include <future>

namespace holdfast::mover {
namespace {

class TlsUndisturbed : public Signals {
  public:
    int count() const override { return 0; }
    int last() const override { return 0; }
};

const TlsUndisturbed kTlsUndisturbed;
const std::string kTlsKey(32, 'k');

// Whether all of `bytes` comes that the other side sends meanwhile, in pieces of no size in particular.
Status tls_gives(Tls& from, std::string_view bytes) {
    for (std::size_t at = 0, piece = 1; at < bytes.size(); at += piece, piece = piece * 7 % 70001 + 1)
        TRY(from.write(bytes.substr(at, piece)));
    return from.flush();
}

std::string tls_content(std::size_t size, char seed) {
    std::string bytes(size, seed);
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(bytes[i] + i * 31 + i / 997);
    return bytes;
}

std::future<std::string> tls_taken(Tls& from, std::size_t size) {
    return std::async(std::launch::async, [&from, size] {
        std::string bytes(size, '\0');
        const Status done = from.read(bytes.data(), size);
        return done.ok() ? bytes : done.error().message;
    });
}

// How many keys each side wrote under, while both sent to each other.
std::pair<std::uint64_t, std::uint64_t> tls_keys_of(std::uint64_t bytes_of_key) {
    std::signal(SIGPIPE, SIG_IGN);
    const auto listener = Listener::open("127.0.0.1:0");
    REQUIRE(listener.ok());
    auto answering = std::async(std::launch::async, [&]() -> Result<std::unique_ptr<Tls>> {
        TRY_ASSIGN(Descriptor came, listener->accept(kTlsUndisturbed));
        return Tls::accept(std::move(came), kTlsKey, kTlsUndisturbed, bytes_of_key);
    });
    const auto here = Tls::connect(listener->address(), kTlsKey, kTlsUndisturbed, bytes_of_key),
               there = answering.get();
    REQUIRE((here.ok() && there.ok()));
    const std::string one = tls_content(6'000'000, 'a'), other = tls_content(5'000'000, 'b');
    auto got_one = tls_taken(**there, one.size()), got_other = tls_taken(**here, other.size());
    auto given = std::async(std::launch::async, [&] { return tls_gives(**there, other); });
    CHECK(tls_gives(**here, one).ok());
    CHECK(given.get().ok());
    CHECK((got_one.get() == one));
    CHECK((got_other.get() == other));
    return {(*here)->keys(), (*there)->keys()};
}

}  // namespace

TEST_CASE("no more goes under one key of a connection than it is for, in both directions at once") {
    CHECK(tls_keys_of(Tls::kBytesOfKey) == std::pair<std::uint64_t, std::uint64_t>(1, 1));
    const auto many = tls_keys_of(100'000);
    CHECK(many.first >= 60);
    CHECK(many.second >= 50);
    // More often than records are sent.
    CHECK(tls_keys_of(1).first > 100);
}

}  // namespace holdfast::mover
