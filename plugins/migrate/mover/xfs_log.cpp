// Whether an xfs log is clean: that the last thing in it is the record that unmounting writes.
#include "plugins/migrate/mover/big_endian.h"
#include "plugins/migrate/mover/scratch.h"
#include "plugins/migrate/mover/used_blocks.h"

#include <algorithm>

namespace holdfast::mover {
namespace {

constexpr std::uint64_t kLogBlock = 512;
constexpr std::uint64_t kRecordMagic = 0xFEEDBABE;
constexpr std::uint64_t kHeaderCovers = 32 << 10;  // bytes of a record; larger ones have further header blocks
constexpr std::uint64_t kLongestRecord = 512 << 10;
constexpr std::uint64_t kUnmountFlag = 0x20;

class XfsLog {
  public:
    XfsLog(const Tree& image, Extent log) : image_(image), log_(log), blocks_(log.length / kLogBlock) {}

    Result<bool> clean() {
        TRY_ASSIGN(const std::uint64_t head, find_head());
        // Backwards from the head to the header of the last record.
        const std::uint64_t furthest = std::min(blocks_, kLongestRecord / kLogBlock + 1);
        for (std::uint64_t back = 1; back <= furthest; ++back) {
            const std::uint64_t at = (head + blocks_ - back) % blocks_;
            TRY_ASSIGN(const std::string header, read(at));
            if (big_endian(header, 0, 4) == kRecordMagic) return is_unmount(at, header, head);
        }
        return false;
    }

  private:
    Result<std::string> read(std::uint64_t block) {
        TRY_ASSIGN(std::string bytes,
                   read_at(image_.root(), log_.offset + block * kLogBlock, kLogBlock, image_.shown("")));
        if (bytes.size() != kLogBlock) return Error{ErrorKind::kInvalid, "its log is cut", "", 0, ""};
        return bytes;
    }

    // Each round through the log has a number, which stands at the beginning of each of its blocks.
    Result<std::uint64_t> cycle(std::uint64_t block) {
        TRY_ASSIGN(const std::string bytes, read(block));
        const std::uint64_t first = big_endian(bytes, 0, 4);
        return first == kRecordMagic ? big_endian(bytes, 4, 4) : first;
    }

    // The first block that still has the number of the round before: there the next record would go.
    Result<std::uint64_t> find_head() {
        TRY_ASSIGN(const std::uint64_t now, cycle(0));
        TRY_ASSIGN(const std::uint64_t last, cycle(blocks_ - 1));
        if (now == last) return std::uint64_t{0};
        std::uint64_t low = 0, high = blocks_ - 1;  // low has the number of now, high has not
        while (high - low > 1) {
            const std::uint64_t middle = low + (high - low) / 2;
            TRY_ASSIGN(const std::uint64_t there, cycle(middle));
            (there == now ? low : high) = middle;
        }
        return high;
    }

    Result<bool> is_unmount(std::uint64_t at, const std::string& header, std::uint64_t head) {
        const std::uint64_t version = big_endian(header, 8, 4), length = big_endian(header, 12, 4);
        const std::uint64_t operations = big_endian(header, 40, 4), size = big_endian(header, 320, 4);
        const std::uint64_t headers =
            (version & 2) != 0 && size > kHeaderCovers ? (size + kHeaderCovers - 1) / kHeaderCovers : 1;
        const std::uint64_t content = (length + kLogBlock - 1) / kLogBlock;
        if (operations != 1 || (at + headers + content) % blocks_ != head) return false;
        TRY_ASSIGN(const std::string first, read((at + headers) % blocks_));
        return (big_endian(first, 9, 1) & kUnmountFlag) != 0;
    }

    const Tree& image_;
    const Extent log_;
    const std::uint64_t blocks_;
};

}  // namespace

Status check_xfs_log(const Tree& image, Extent log) {
    if (log.length < 4 * kLogBlock) return Error{ErrorKind::kInvalid, "its log is too short", "", 0, ""};
    TRY_ASSIGN(const bool clean, XfsLog(image, log).clean());
    if (clean) return {};
    return refuse_filesystem(image, "the xfs filesystem was not unmounted: its log has changes to replay");
}

}  // namespace holdfast::mover
