#include "common/kube/watch.h"

#include "common/core/text.h"
#include "common/kube/objects/workload.h"
#include "common/kube/reply.h"
#include "common/kube/request.h"

namespace holdfast::kube {

namespace {

class StreamWatch : public Watch {
  public:
    StreamWatch(std::unique_ptr<http::Stream> stream, const Resource& resource)
        : stream_(std::move(stream)), what_("the watch on " + resource.qualified()) {}

    Result<std::optional<WatchEvent>> next(std::chrono::milliseconds timeout) override {
        const auto deadline = std::chrono::steady_clock::now() + timeout;
        while (true) {
            while (auto line = take_line()) {
                if (!trim(*line).empty()) return decode(*line);
            }
            if (buffer_.size() > kObjectLimit) {
                return Error{ErrorKind::kProtocol,
                             what_ + " sent a line of over " + human_bytes(kObjectLimit) + " without an end", "", 0,
                             ""};
            }
            const auto left =
                std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
            auto part = stream_->read(std::max(left, std::chrono::milliseconds{0}));
            if (!part.ok() && part.error().kind == ErrorKind::kTimeout) return std::optional<WatchEvent>();
            if (!part.ok()) return part.error();
            if (!*part) return Error{ErrorKind::kUnavailable, what_ + " was ended by the server", "", 0, ""};
            buffer_.erase(0, begin_);
            searched_ -= std::min(searched_, begin_);
            begin_ = 0;
            buffer_ += **part;
        }
    }

  private:
    // The line is valid until the next read.
    std::optional<std::string_view> take_line() {
        const auto end = buffer_.find('\n', std::max(begin_, searched_));
        if (end == std::string::npos) {
            searched_ = buffer_.size();
            return std::nullopt;
        }
        const std::string_view line = std::string_view(buffer_).substr(begin_, end - begin_);
        begin_ = end + 1;
        return line;
    }

    Result<std::optional<WatchEvent>> decode(std::string_view line) const {
        TRY_ASSIGN(Json event, parse_json(line, "an event of " + what_));
        const std::string type = text_at(event, "/type");
        const Json* object = find_at(event, "/object");
        if (object == nullptr || !object->is_object())
            return Error{ErrorKind::kProtocol, what_ + " sent an event without an object", "", 0, ""};
        if (type == "ERROR") return error_of_status_object(*object, 0);
        WatchEvent out;
        if (type == "ADDED")
            out.type = WatchEvent::Type::kAdded;
        else if (type == "MODIFIED")
            out.type = WatchEvent::Type::kModified;
        else if (type == "DELETED")
            out.type = WatchEvent::Type::kDeleted;
        else if (type == "BOOKMARK")
            out.type = WatchEvent::Type::kBookmark;
        else
            return Error{ErrorKind::kProtocol, what_ + " sent an event of the unknown type " + escape_line(type), "", 0,
                         ""};
        out.object = std::move(event["object"]);
        return std::optional<WatchEvent>(std::move(out));
    }

    std::unique_ptr<http::Stream> stream_;
    std::string what_;
    std::string buffer_;
    std::size_t begin_ = 0;     // first byte that was not given yet
    std::size_t searched_ = 0;  // no line ends before here
};

}  // namespace

std::unique_ptr<Watch> make_watch(std::unique_ptr<http::Stream> stream, const Resource& resource) {
    return std::make_unique<StreamWatch>(std::move(stream), resource);
}

}  // namespace holdfast::kube
