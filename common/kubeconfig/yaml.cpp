#include "common/kubeconfig/yaml.h"

#include "common/core/text.h"
#include "common/kubeconfig/yaml_bytes.h"
#include "common/kubeconfig/yaml_scalar.h"

#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <istream>
#include <iterator>
#include <map>
#include <optional>
#include <streambuf>
#include <unordered_map>
#include <utility>

namespace holdfast::kubeconfig {
namespace {

constexpr std::size_t kDepthMax = 100;
constexpr std::size_t kValuesMax = 1'000'000;
constexpr std::size_t kAliasValuesMax = 100'000;
constexpr std::size_t kAliasBytesMax = std::size_t{8} << 20;
constexpr std::size_t kDocumentsMax = 1'000;

// Reads from memory that somebody else owns: istringstream would copy it.
class ViewBuffer : public std::streambuf {
  public:
    explicit ViewBuffer(std::string_view text) {
        char* begin = const_cast<char*>(text.data());  // a get area is never written to
        setg(begin, begin, begin + text.size());
    }
};

std::string where(const YAML::Mark& mark) {
    return "line " + std::to_string(mark.line + 1) + ", column " + std::to_string(mark.column + 1);
}

// Builds the JSON value of one document out of the parser's events. The first error stays; later events are ignored,
// since only an exception could stop the parser, and what is left of the input is bounded.
class Builder : public YAML::EventHandler {
  public:
    Result<Json> take() {
        if (error_) return *error_;
        return std::move(root_);
    }
    bool started() const { return started_; }

    void OnDocumentStart(const YAML::Mark&) override { started_ = true; }
    void OnDocumentEnd() override {}

    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { scalar(mark, anchor, "?", ""); }
    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& value) override {
        scalar(mark, anchor, tag, value);
    }
    void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        open(mark, anchor, false);
    }
    void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        open(mark, anchor, true);
    }
    void OnSequenceEnd() override { close(); }
    void OnMapEnd() override { close(); }

    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        if (error_) return;
        const auto found = anchors_.find(anchor);
        if (found == anchors_.end() || !found->second) {
            return fail(mark, "an anchor's value contains itself");
        }
        const Anchored& target = *found->second;
        alias_values_ += target.values;
        alias_bytes_ += target.bytes;
        if (alias_values_ > kAliasValuesMax || alias_bytes_ > kAliasBytesMax) {
            return fail(mark, "aliases expand to more than " + std::to_string(kAliasValuesMax) + " values or " +
                                  human_bytes(static_cast<long long>(kAliasBytesMax)) + " of text");
        }
        if (waits_for_key()) {
            if (!target.value.is_string()) return fail(mark, "a key must be a string, a number or a boolean");
            return begin_entry(mark, target.value.get<std::string>());
        }
        if (!count(mark, target.values, target.bytes)) return;
        place(mark, Json(target.value));
    }

  private:
    struct Anchored {
        Json value;
        std::size_t values = 1;
        std::size_t bytes = 0;
    };
    struct Entry {
        std::size_t index = 0;
        int line = -1;  // -1: came by a merge
    };
    struct Frame {
        Json value;
        YAML::Mark mark;
        YAML::anchor_t anchor = YAML::NullAnchor;
        std::size_t values_before = 0, bytes_before = 0;
        std::unordered_map<std::string, Entry> entries;
        std::optional<std::string> key;
        bool merging = false;
    };

    void fail(const YAML::Mark& mark, const std::string& cause) {
        if (!error_) error_ = Error{ErrorKind::kInvalid, where(mark) + ": " + cause, "", 0, ""};
        stack_.clear();
    }

    bool waits_for_key() const {
        return !stack_.empty() && stack_.back().value.is_object() && !stack_.back().key && !stack_.back().merging;
    }

    bool count(const YAML::Mark& mark, std::size_t values, std::size_t bytes) {
        values_ += values;
        bytes_ += bytes;
        if (values_ <= kValuesMax) return true;
        fail(mark, "more than " + std::to_string(kValuesMax) + " values");
        return false;
    }

    void scalar(const YAML::Mark& mark, YAML::anchor_t anchor, const std::string& tag, const std::string& text) {
        if (error_) return;
        if (waits_for_key()) return key(mark, anchor, tag, text);
        auto value = resolve_scalar(tag, text);
        if (!value.ok()) return fail(mark, value.error().message);
        if (value->is_string() && !is_utf8(value->get_ref<const std::string&>())) {
            return fail(mark, "the value of !!binary is not UTF-8 text");
        }
        if (!count(mark, 1, text.size())) return;
        if (anchor != YAML::NullAnchor) anchors_[anchor] = Anchored{*value, 1, text.size()};
        place(mark, std::move(*value));
    }

    void key(const YAML::Mark& mark, YAML::anchor_t anchor, const std::string& tag, const std::string& text) {
        if (text == "<<" && (tag == "?" || tag == "tag:yaml.org,2002:merge")) {
            stack_.back().merging = true;
            return;
        }
        auto name = resolve_key(tag, text);
        if (!name.ok()) return fail(mark, name.error().message);
        if (anchor != YAML::NullAnchor) anchors_[anchor] = Anchored{Json(*name), 1, text.size()};
        if (count(mark, 0, text.size())) begin_entry(mark, std::move(*name));
    }

    void begin_entry(const YAML::Mark& mark, std::string name) {
        Frame& frame = stack_.back();
        const auto known = frame.entries.find(name);
        if (known != frame.entries.end() && known->second.line >= 0) {
            return fail(mark, "key \"" + escape_line(name.substr(0, 100)) +
                                  "\" stands twice in one mapping; first in line " +
                                  std::to_string(known->second.line + 1));
        }
        frame.key = std::move(name);
        set(frame, *frame.key, Json(nullptr), mark.line);
    }

    static Json& item(Frame& frame, std::size_t index) {
        return std::next(frame.value.get_ref<Json::object_t&>().begin(), static_cast<std::ptrdiff_t>(index))->second;
    }

    // Assigns, at the place where the key stands already if it does.
    static void set(Frame& frame, const std::string& name, Json value, int line) {
        auto& items = frame.value.get_ref<Json::object_t&>();
        const auto [at, fresh] = frame.entries.try_emplace(name, Entry{items.size(), line});
        if (fresh) {
            // Not operator[], which compares with every key there is.
            items.emplace_back(name, std::move(value));
            return;
        }
        if (line >= 0) at->second.line = line;
        item(frame, at->second.index) = std::move(value);
    }

    void open(const YAML::Mark& mark, YAML::anchor_t anchor, bool map) {
        if (error_) return;
        if (waits_for_key()) return fail(mark, "a key must be a string, a number or a boolean");
        if (stack_.size() >= kDepthMax) {
            return fail(mark, "nested deeper than " + std::to_string(kDepthMax) + " levels");
        }
        Frame frame;
        frame.value = map ? Json::object() : Json::array();
        frame.mark = mark;
        frame.anchor = anchor;
        frame.values_before = values_;
        frame.bytes_before = bytes_;
        if (anchor != YAML::NullAnchor) anchors_[anchor] = std::nullopt;  // open: an alias to it would be a cycle
        if (!count(mark, 1, 0)) return;
        stack_.push_back(std::move(frame));
    }

    void close() {
        if (error_ || stack_.empty()) return;
        Frame frame = std::move(stack_.back());
        stack_.pop_back();
        if (frame.anchor != YAML::NullAnchor) {
            anchors_[frame.anchor] = Anchored{frame.value, values_ - frame.values_before, bytes_ - frame.bytes_before};
        }
        place(frame.mark, std::move(frame.value));
    }

    void place(const YAML::Mark& mark, Json value) {
        if (stack_.empty()) {
            root_ = std::move(value);
            return;
        }
        Frame& frame = stack_.back();
        if (frame.value.is_array()) {
            frame.value.push_back(std::move(value));
        } else if (frame.merging) {
            merge(mark, frame, value);
        } else {
            item(frame, frame.entries.at(*frame.key).index) = std::move(value);
            frame.key.reset();
        }
    }

    // yaml.v2 assigns the merged keys where "<<" stands: they win over keys before it, and lose to keys after it. Of a
    // list the first mapping wins.
    void merge(const YAML::Mark& mark, Frame& frame, const Json& source) {
        frame.merging = false;
        const bool list = source.is_array();
        for (std::size_t i = list ? source.size() : 1; i-- > 0;) {
            const Json& map = list ? source[i] : source;
            if (!map.is_object()) return fail(mark, "\"<<\" takes a mapping or a list of mappings");
            for (const auto& [name, value] : map.items()) set(frame, name, value, -1);
        }
    }

    Json root_;
    bool started_ = false;
    std::optional<Error> error_;
    std::vector<Frame> stack_;
    std::map<YAML::anchor_t, std::optional<Anchored>> anchors_;
    std::size_t values_ = 0, bytes_ = 0;
    std::size_t alias_values_ = 0, alias_bytes_ = 0;
};

Error invalid(std::string message) { return Error{ErrorKind::kInvalid, std::move(message), "", 0, ""}; }

Result<std::vector<Json>> parse(std::string_view text, std::size_t limit) {
    TRY(check_yaml_bytes(text));
    std::vector<Json> documents;
    try {
        ViewBuffer buffer(text);
        std::istream stream(&buffer);
        YAML::Parser parser(stream);
        while (documents.size() < limit) {
            Builder builder;
            if (!parser.HandleNextDocument(builder) || !builder.started()) return documents;
            TRY_ASSIGN(Json document, builder.take());
            documents.push_back(std::move(document));
        }
        if (limit == kDocumentsMax) return invalid("more than " + std::to_string(kDocumentsMax) + " documents");
    } catch (const YAML::DeepRecursion&) {
        return invalid("nested deeper than " + std::to_string(kDepthMax) + " levels");
    } catch (const YAML::Exception& exception) {
        return invalid(where(exception.mark) + ": " + escape_line(exception.msg));
    } catch (const std::exception& exception) {
        return invalid(std::string("the YAML parser failed: ") + exception.what());
    }
    return documents;
}

}  // namespace

Result<Json> parse_yaml(std::string_view text) {
    TRY_ASSIGN(auto documents, parse(text, 1));
    if (documents.empty()) return Json(nullptr);
    return std::move(documents.front());
}

Result<std::vector<Json>> parse_yaml_documents(std::string_view text) { return parse(text, kDocumentsMax); }

}  // namespace holdfast::kubeconfig
