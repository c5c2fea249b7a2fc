#include "plugins/migrate/mover/fingerprint.h"

#include "plugins/migrate/mover/bytes.h"
#include "plugins/migrate/mover/digest.h"

namespace holdfast::mover {
namespace {

Fingerprint of_bytes(std::string_view bytes) {
    const Digest digest = digest_of(bytes);
    Decoder in({reinterpret_cast<const char*>(digest.data()), digest.size()});
    Fingerprint one;
    one.entries = 1;
    one.high = in.u64();
    one.low = in.u64();
    return one;
}

}  // namespace

// Added as one number of 128 bits: unlike an exclusive or, it counts what comes twice.
Fingerprint operator+(const Fingerprint& a, const Fingerprint& b) {
    Fingerprint sum{a.entries + b.entries, a.high + b.high, a.low + b.low};
    if (sum.low < a.low) ++sum.high;
    return sum;
}

Fingerprint source_fingerprint(std::string_view path, const Meta& meta, const Facts& facts) {
    std::string bytes;
    bytes.reserve(path.size() + 80);
    Encoder out(bytes);
    out.text(path);
    out.u64(facts.inode);
    out.i64(facts.ctime.seconds);
    out.u32(facts.ctime.nanoseconds);
    out.u32(facts.links);
    out.i64(meta.mtime.seconds);
    out.u32(meta.mtime.nanoseconds);
    out.u64(meta.size);
    return of_bytes(bytes);
}

Fingerprint glance_fingerprint(std::string_view path, const Meta& meta) {
    std::string bytes;
    bytes.reserve(path.size() + 64);
    Encoder out(bytes);
    out.text(path);
    out.u8(static_cast<std::uint8_t>(meta.kind));
    out.u32(meta.mode);
    out.u32(meta.uid);
    out.u32(meta.gid);
    out.i64(meta.mtime.seconds);
    out.u32(meta.mtime.nanoseconds);
    out.u64(meta.size);
    out.u64(meta.device);
    return of_bytes(bytes);
}

}  // namespace holdfast::mover
