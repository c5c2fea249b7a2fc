// A peer that has the key and sends any frames in any order to a target on a filesystem of its own. The input is a row
// of frames: kind (1 byte), length (2, little-endian), payload; heads and checksums are made here, since mover_frames
// has them already and no fuzzer would guess them.
#include "plugins/migrate/mover/digest.h"
#include "plugins/migrate/mover/scratch.h"
#include "plugins/migrate/mover/serve.h"
#include "plugins/migrate/mover/target.h"
#include "tests/fuzz/target.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace holdfast::fuzz {
namespace {

using namespace holdfast::mover;
namespace files = std::filesystem;

constexpr rlim_t kMostFile = 16 << 20;  // a file of any size can be asked for

class NeverSignalled : public Signals {
  public:
    int count() const override { return 0; }
    int last() const override { return 0; }
};

// Gives what it was made with and then is gone; what is written goes nowhere.
class Said : public Wire {
  public:
    explicit Said(std::string bytes) : bytes_(std::move(bytes)) {}
    Status read(char* into, std::size_t length) override {
        if (bytes_.size() - at_ < length) return Error{ErrorKind::kUnavailable, "the connection is gone", "", 0, ""};
        std::memcpy(into, bytes_.data() + at_, length);
        at_ += length;
        return {};
    }
    Status write(std::string_view) override { return {}; }
    Status flush() override { return {}; }
    void shut() override {}

  private:
    std::string bytes_;
    std::size_t at_ = 0;
};

std::string frames_of(std::string_view input) {
    std::string wire;
    while (input.size() >= 3) {
        const auto kind = static_cast<FrameKind>(input[0]);
        const std::size_t length = static_cast<unsigned char>(input[1]) | static_cast<unsigned char>(input[2]) << 8;
        const std::string_view payload = input.substr(3, length);
        wire += encode_frame_head(kind, {payload, {}}, std::nullopt);
        wire += payload;
        input.remove_prefix(3 + payload.size());
    }
    return wire;
}

// In memory where there is such a filesystem: groups are synced.
struct Playground {
    std::string root;
    Playground() {
        root = (files::exists("/dev/shm") ? "/dev/shm" : files::temp_directory_path().string()) + "/holdfast-XXXXXX";
        check(mkdtemp(root.data()) != nullptr, "a folder can be made");
        for (const char* name : {"/target", "/scratch"}) files::create_directory(root + name);
        std::ofstream(root + "/canary") << "untouched";
    }
    ~Playground() {
        const Descriptor folder(open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        for (const char* name : {"target", "scratch", "canary"}) (void)remove_all(folder.get(), name, name);
        rmdir(root.c_str());
    }
    void check_untouched() const {
        std::string content;
        std::getline(std::ifstream(root + "/canary"), content);
        struct stat canary {};
        check(stat((root + "/canary").c_str(), &canary) == 0 && S_ISREG(canary.st_mode) && canary.st_nlink == 1 &&
                  content == "untouched",
              "no frame leads out of the target");
        const auto beside = std::distance(files::directory_iterator(root), files::directory_iterator());
        check(beside == 3, "nothing is made beside the target");
    }
};

}  // namespace

void mover_serve(std::string_view input) {
    const rlimit limit{kMostFile, kMostFile};
    setrlimit(RLIMIT_FSIZE, &limit);
    std::signal(SIGXFSZ, SIG_IGN);
    const Playground ground;
    {
        const auto tree = Tree::open(ground.root + "/target", "target");
        check(tree.ok(), "the target can be opened");
        const NeverSignalled signals;
        Counters counters;
        LocalTarget target(*tree, {ground.root + "/scratch", 2}, counters, signals);
        (void)serve(std::make_unique<Said>(frames_of(input)), target, {ground.root + "/scratch", 2});
    }
    ground.check_untouched();
}

}  // namespace holdfast::fuzz
