#include "plugins/migrate/mover/needs.h"

namespace holdfast::mover {
namespace {

constexpr std::uint64_t kMostParts = 4096;  // of any list in a Needs that a peer sends
constexpr std::size_t kMostShown = 1000;    // bytes of the path of an example

void encode_example(Encoder& out, const Example& example) {
    out.text(example.path.substr(0, kMostShown));
    out.number(example.count);
}

Example decode_example(Decoder& in) {
    Example example;
    example.path = in.text(kLongestPath);
    example.count = in.number();
    return example;
}

void encode_xattr(Encoder& out, const Xattr& attribute) {
    out.text(attribute.name);
    out.text(attribute.value);
}

Xattr decode_xattr(Decoder& in) {
    Xattr attribute;
    attribute.name = in.text(255);
    attribute.value = in.text(64 << 10);
    if (attribute.name.empty() || attribute.name.find('\0') != std::string::npos) in.fail();
    return attribute;
}

void encode_time(Encoder& out, const Time& time) {
    out.i64(time.seconds);
    out.number(time.nanoseconds);
}

Time decode_time(Decoder& in) {
    Time time;
    time.seconds = in.i64();
    time.nanoseconds = static_cast<std::uint32_t>(in.number(999999999));
    return time;
}

Kind decode_kind(Decoder& in) { return static_cast<Kind>(in.number(static_cast<std::uint64_t>(Kind::kBlockDevice))); }

void decode_maps(Decoder& in, Needs& needs) {
    for (std::uint64_t i = in.number(kMostParts); i > 0 && in.ok(); --i) {
        const Kind kind = decode_kind(in);
        needs.kinds[kind] = decode_example(in);
    }
    for (std::uint64_t i = in.number(kMostParts); i > 0 && in.ok(); --i) {
        const auto uid = static_cast<std::uint32_t>(in.number(UINT32_MAX));
        const auto gid = static_cast<std::uint32_t>(in.number(UINT32_MAX));
        needs.owners[{uid, gid}] = decode_example(in);
    }
    for (auto* map : {&needs.flags, &needs.projects})
        for (std::uint64_t i = in.number(kMostParts); i > 0 && in.ok(); --i) {
            const auto key = static_cast<std::uint32_t>(in.number(UINT32_MAX));
            (*map)[key] = decode_example(in);
        }
    for (std::uint64_t i = in.number(kMostParts); i > 0 && in.ok(); --i) {
        Needs::Attribute attribute;
        attribute.largest = decode_xattr(in);
        attribute.kind = decode_kind(in);
        attribute.example = decode_example(in);
        needs.xattrs[{attribute.largest.name, attribute.kind == Kind::kDirectory}] = std::move(attribute);
    }
}

}  // namespace

void encode(Encoder& out, const Needs& needs) {
    out.u8(needs.image ? 1 : 0);
    for (const std::uint64_t number : {needs.entries, needs.bytes, needs.content, needs.largest, needs.longest_name,
                                       needs.longest_link, needs.largest_major, needs.largest_minor})
        out.number(number);
    out.text(needs.largest_path);
    out.text(needs.longest_link_path);
    encode_time(out, needs.earliest);
    encode_time(out, needs.latest);
    out.u8(needs.fractions ? 1 : 0);
    encode_example(out, needs.links);
    out.text(needs.largest_set_path);
    out.number(needs.largest_set.size());
    for (const Xattr& attribute : needs.largest_set) encode_xattr(out, attribute);
    out.number(needs.kinds.size());
    for (const auto& [kind, example] : needs.kinds) {
        out.number(static_cast<std::uint64_t>(kind));
        encode_example(out, example);
    }
    out.number(needs.owners.size());
    for (const auto& [owner, example] : needs.owners) {
        out.number(owner.first);
        out.number(owner.second);
        encode_example(out, example);
    }
    for (const auto* map : {&needs.flags, &needs.projects}) {
        out.number(map->size());
        for (const auto& [key, example] : *map) {
            out.number(key);
            encode_example(out, example);
        }
    }
    out.number(needs.xattrs.size());
    for (const auto& [key, attribute] : needs.xattrs) {
        encode_xattr(out, attribute.largest);
        out.number(static_cast<std::uint64_t>(attribute.kind));
        encode_example(out, attribute.example);
    }
}

std::optional<Needs> decode_needs(std::string_view input) {
    Decoder in(input);
    Needs needs;
    needs.image = in.u8() != 0;
    for (std::uint64_t* number : {&needs.entries, &needs.bytes, &needs.content, &needs.largest, &needs.longest_name,
                                  &needs.longest_link, &needs.largest_major, &needs.largest_minor})
        *number = in.number();
    if (needs.largest > INT64_MAX || needs.longest_link > kLongestLink) in.fail();
    needs.largest_path = in.text(kLongestPath);
    needs.longest_link_path = in.text(kLongestPath);
    needs.earliest = decode_time(in);
    needs.latest = decode_time(in);
    needs.fractions = in.u8() != 0;
    needs.links = decode_example(in);
    needs.largest_set_path = in.text(kLongestPath);
    for (std::uint64_t i = in.number(kMostParts); i > 0 && in.ok(); --i) needs.largest_set.push_back(decode_xattr(in));
    decode_maps(in, needs);
    if (!in.ok() || !in.at_end()) return std::nullopt;
    return needs;
}

}  // namespace holdfast::mover
