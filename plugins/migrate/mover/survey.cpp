#include "plugins/migrate/mover/survey.h"

#include "plugins/migrate/mover/listing.h"
#include "plugins/migrate/mover/near_directories.h"
#include "plugins/migrate/mover/walk.h"

#include <condition_variable>
#include <mutex>

namespace holdfast::mover {
namespace {

constexpr std::size_t kMostPending = 3 << 20;  // bytes of directories that were found and not yet looked into

std::size_t size_of(const std::string& path) { return path.size() + sizeof(std::string) + 16; }

class Surveyor {
  public:
    Surveyor(const Tree& tree, const EntryPrint& print, const std::atomic<bool>& stop)
        : tree_(tree), near_(tree), print_(print), stop_(stop) {}

    std::optional<Survey> run(int threads) {
        const Result<Looked> root = look_at(tree_.root(), "", "");
        if (!root.ok()) return std::nullopt;
        survey_.all = print_("", *root);
        pending_.emplace_back();
        pending_bytes_ = size_of("");
        std::vector<std::thread> others;
        for (int i = 1; i < threads; ++i) others.emplace_back([this] { work(); });
        work();
        for (std::thread& other : others) other.join();
        return given_up_ ? std::nullopt : std::optional<Survey>(survey_);
    }

  private:
    // The last one found first: what is pending then grows with the width of the tree's levels, not with its size.
    void work() {
        std::unique_lock lock(mutex_);
        while (true) {
            changed_.wait(lock, [&] { return !pending_.empty() || busy_ == 0 || given_up_; });
            if (pending_.empty() || given_up_) return;
            const std::string path = std::move(pending_.back());
            pending_.pop_back();
            pending_bytes_ -= size_of(path);
            ++busy_;
            lock.unlock();
            std::vector<std::string> inside;
            const std::optional<Survey> found = directory(path, inside);
            lock.lock();
            --busy_;
            take(found, inside);
            changed_.notify_all();
        }
    }

    void take(const std::optional<Survey>& found, std::vector<std::string>& inside) {
        given_up_ = given_up_ || !found || stop_;
        if (!found) return;
        survey_.all = survey_.all + found->all;
        survey_.lost = survey_.lost + found->lost;
        for (std::string& path : inside) {
            pending_bytes_ += size_of(path);
            pending_.push_back(std::move(path));
        }
        given_up_ = given_up_ || pending_bytes_ > kMostPending;
    }

    std::optional<Survey> directory(const std::string& path, std::vector<std::string>& inside) {
        const Result<Descriptor> opened = near_.open(path);
        if (!opened.ok()) return std::nullopt;
        Survey found;
        std::size_t bytes = 0;
        const Status listed = each_name(opened->get(), "", [&](std::string_view name, std::uint64_t) -> Status {
            if (path.empty() && name == kJournalName) return {};
            if (stop_) return Error{ErrorKind::kInterrupted, "", "", 0, ""};
            std::string entry = join_path(path, name);
            TRY_ASSIGN(const Looked looked, look_at(opened->get(), std::string(name), ""));
            const bool lost = entry == kLostAndFound || is_beneath(entry, kLostAndFound);
            Fingerprint& sum = lost ? found.lost : found.all;
            sum = sum + print_(entry, looked);
            if (looked.meta.kind != Kind::kDirectory) return {};
            bytes += size_of(entry);
            if (bytes > kMostPending) return Error{ErrorKind::kUnavailable, "", "", 0, ""};
            inside.push_back(std::move(entry));
            return {};
        });
        return listed.ok() ? std::optional<Survey>(found) : std::nullopt;
    }

    const Tree& tree_;
    NearDirectories near_;
    const EntryPrint& print_;
    const std::atomic<bool>& stop_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::string> pending_;
    std::size_t pending_bytes_ = 0;
    int busy_ = 0;
    bool given_up_ = false;
    Survey survey_;
};

}  // namespace

std::optional<Survey> survey(const Tree& tree, int threads, const EntryPrint& print, const std::atomic<bool>& stop) {
    return Surveyor(tree, print, stop).run(threads);
}

void Forerunner::stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
}

void Forerunner::start(const Tree& tree, int threads) {
    if (running_) return;
    if (thread_.joinable()) thread_.join();
    running_ = true;
    stop_ = false;
    thread_ = std::thread([this, &tree, threads] {
        (void)survey(
            tree, threads, [](const std::string&, const Looked&) { return Fingerprint(); }, stop_);
        running_ = false;
    });
}

}  // namespace holdfast::mover
