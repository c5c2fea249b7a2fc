#include "common/kube/list.h"

#include "common/core/text.h"
#include "common/kube/objects/workload.h"
#include "common/kube/reply.h"
#include "common/kube/request.h"

#include <future>
#include <set>

namespace holdfast::kube {

namespace {

constexpr int kPageSize = 500;
constexpr int kPagesMax = 2000;  // of 500: a million objects; more of smaller pages
constexpr int kEmptyPagesMax = 100;

// The server leaves apiVersion and kind out of the items of built-in lists.
Json with_kind(Json item, const Resource& resource) {
    if (item.contains("kind") && item.contains("apiVersion")) return item;
    Json out{{"apiVersion", resource.api_version()}, {"kind", resource.kind}};
    for (auto& entry : item.items()) {
        if (entry.key() != "kind" && entry.key() != "apiVersion") out[entry.key()] = std::move(entry.value());
    }
    return out;
}

class Pager {
  public:
    Pager(http::Transport& transport, Warnings& warnings, const Resource& resource, const std::string& space,
          const ListOptions& options)
        : transport_(transport), warnings_(warnings), resource_(resource), space_(space), options_(options) {}

    Result<std::string> run(const std::function<bool(Json&&)>& each, const std::function<void()>& restart) {
        int page_size = kPageSize;
        std::string token, version;
        std::future<Result<http::Response>> ahead;  // waits for its answer when it goes: nobody else may send meanwhile
        for (int pages = 0, empty = 0; pages < kPagesMax * (kPageSize / page_size); ++pages) {
            const http::Request request = list_request(resource_, space_, options_, page_size, token);
            auto response = ahead.valid() ? ahead.get() : transport_.send(request);
            if (!response.ok() && response.error().reason == "TooLarge" && page_size > 1) {
                page_size = std::max(1, page_size / 10);
                continue;
            }
            if (!response.ok()) return response.error();
            warnings_.look_at(*response);
            const auto page = page_of(*response, request);
            if (!page.ok() && page.error().kind == ErrorKind::kGone && !token.empty()) return read_whole(each, restart);
            if (!page.ok()) return named_if_type_is_missing(page.error(), resource_);
            if (version.empty()) version = page->resource_version;
            // Who wants more than one page wants all: the server makes the next one while this one is decoded.
            if (pages > 0 && !page->continue_token.empty()) {
                ahead = std::async(std::launch::async,
                                   [this, next = list_request(resource_, space_, options_, page_size,
                                                              page->continue_token)] { return transport_.send(next); });
            }
            TRY_ASSIGN(const bool go_on, give(*page, request, each));
            if (!go_on || page->continue_token.empty()) return version;
            empty = page->items.empty() ? empty + 1 : 0;
            if (empty > kEmptyPagesMax) return endless("sends empty pages without an end");
            if (!seen_.insert(page->continue_token).second) return endless("sends the same continue token again");
            token = page->continue_token;
        }
        return endless("does not end after " + std::to_string(kPagesMax * (kPageSize / page_size)) + " pages");
    }

  private:
    Error endless(const std::string& how) const {
        return Error{ErrorKind::kProtocol, "the list of " + resource_.qualified() + " " + how + "; refusing to go on",
                     "", 0, ""};
    }

    // False: `each` has enough.
    Result<bool> give(const Page& page, const http::Request& request, const std::function<bool(Json&&)>& each) const {
        for (const std::string_view text : page.items) {
            TRY_ASSIGN(Json item,
                       parse_json(text, "an item of the server's reply to GET " +
                                            escape_line(request.target.substr(0, request.target.find('?')))));
            TRY(check_object(item, resource_, ""));
            if (!each(with_kind(std::move(item), resource_))) return false;
        }
        return true;
    }

    // The continuation expired: what was given belongs to a state that is gone.
    Result<std::string> read_whole(const std::function<bool(Json&&)>& each, const std::function<void()>& restart) {
        if (restart) restart();
        const http::Request request = list_request(resource_, space_, options_, 0, "");
        TRY_ASSIGN(const http::Response response, transport_.send(request));
        TRY_ASSIGN(const Page page, page_of(response, request));
        TRY(give(page, request, each));
        return page.resource_version;
    }

    http::Transport& transport_;
    Warnings& warnings_;
    const Resource& resource_;
    const std::string& space_;
    const ListOptions& options_;
    std::set<std::string> seen_;
};

}  // namespace

Result<std::string> read_list(http::Transport& transport, Warnings& warnings, const Resource& resource,
                              const std::string& space, const ListOptions& options,
                              const std::function<bool(Json&&)>& each, const std::function<void()>& restart) {
    return Pager(transport, warnings, resource, space, options).run(each, restart);
}

}  // namespace holdfast::kube
