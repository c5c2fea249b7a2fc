#include "plugins/migrate/mover/channel.h"
#include "plugins/migrate/mover/compressor.h"
#include "plugins/migrate/mover/frame.h"
#include "plugins/migrate/mover/needs.h"
#include "plugins/migrate/mover/remote_target.h"
#include "plugins/migrate/mover/run_check.h"
#include "plugins/migrate/mover/work.h"
#include "tests/fuzz/target.h"

#include <string>

namespace holdfast::fuzz {
namespace {

using namespace holdfast::mover;

// What was read and written again is read the same: nothing is half understood.
void contents(std::string_view payload) {
    if (const auto steps = decode_steps(payload)) {
        std::string again;
        Encoder out(again);
        encode(out, *steps);
        check(decode_steps(again).has_value(), "steps that were read can be written and read again");
        for (const Step& step : *steps) check(is_good_path(path_of(step)), "no step leads out of the tree");
    }
    if (const auto batch = decode_batch(payload)) {
        std::string again;
        Encoder out(again);
        encode(out, *batch);
        const auto twice = decode_batch(again);
        check(twice && twice->files.size() == batch->files.size(),
              "a batch that was read can be written and read again");
        for (const SmallFile& file : batch->files)
            check(is_good_path(file.name) && file.name.find('/') == std::string::npos,
                  "no file of a batch leads out of its directory");
    }
    if (const auto chunk = decode_chunk(payload)) {
        std::string again;
        Encoder out(again);
        encode(out, *chunk);
        const auto twice = decode_chunk(again);
        check(twice && twice->data == chunk->data && twice->length == chunk->length,
              "a chunk that was read can be written and read again");
        check(is_good_path(chunk->path), "no chunk leads out of the tree");
    }
    if (const auto runs = decode_run_checks(payload)) {
        std::string again;
        Encoder out(again);
        for (const RunCheck& run : *runs) {
            check(is_good_path(run.path), "nothing is read back outside the tree");
            encode(out, run);
        }
        const auto twice = decode_run_checks(again);
        check(twice && twice->size() == runs->size(), "runs that were read can be written and read again");
    }
    (void)decode_needs(payload);
    (void)decode_verdict(payload);
    (void)decode_error(payload);
}

}  // namespace

void mover_frames(std::string_view input) {
    contents(input);
    const auto head = decode_frame_head(input.substr(0, kFrameHead));
    if (!head || input.size() < kFrameHead) return;
    check(head->length <= kMostFrame && head->wire_length <= kMostFrame, "a frame is bounded by its head");
    const std::string_view wire = input.substr(kFrameHead);
    if (wire.size() != head->wire_length) return;
    std::string payload(wire);
    if (head->compressed) {
        payload.resize(head->length);
        if (!decompress(wire, payload.data(), payload.size())) return;
    }
    if (!is_payload(*head, payload)) return;
    contents(payload);
}

}  // namespace holdfast::fuzz
