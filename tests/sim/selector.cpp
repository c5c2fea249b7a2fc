// Label and field selectors as apimachinery's pkg/labels and pkg/fields read them.
#include "common/core/text.h"
#include "common/kube/objects/workload.h"
#include "tests/sim/api.h"
#include "tests/sim/store.h"

#include <algorithm>

namespace holdfast::sim {
namespace {

std::vector<std::string> terms_of(const std::string& selector) {
    std::vector<std::string> terms;
    int depth = 0;
    std::string term;
    for (const char c : selector) {
        depth += c == '(' ? 1 : c == ')' ? -1 : 0;
        if (c == ',' && depth == 0)
            terms.push_back(std::exchange(term, ""));
        else
            term += c;
    }
    if (!term.empty()) terms.push_back(term);
    return terms;
}

const Json* label(const Json& object, const std::string& key) {
    const Json* labels = kube::find_at(object, "/metadata/labels");
    if (labels == nullptr || !labels->is_object()) return nullptr;
    const auto found = labels->find(key);
    return found == labels->end() ? nullptr : &*found;
}

bool in_list(const Json* value, const std::string& list) {
    if (value == nullptr) return false;
    const auto choices = split(list, ',');
    return std::any_of(choices.begin(), choices.end(),
                       [&](const std::string& choice) { return trim(choice) == value->get<std::string>(); });
}

bool label_term(const Json& object, const std::string& term) {
    for (const char* word : {" notin (", " in ("}) {
        const std::size_t at = term.find(word);
        if (at == std::string::npos) continue;
        const std::size_t begin = at + std::string_view(word).size();
        const bool in = in_list(label(object, term.substr(0, at)), term.substr(begin, term.size() - begin - 1));
        return in == (std::string_view(word) == " in (");
    }
    const std::size_t unequal = term.find("!=");
    if (unequal != std::string::npos) return !in_list(label(object, term.substr(0, unequal)), term.substr(unequal + 2));
    const std::size_t equal = term.find('=');
    if (equal != std::string::npos) {
        const std::size_t value = term.find_first_not_of('=', equal);
        return in_list(label(object, term.substr(0, equal)), value == std::string::npos ? "" : term.substr(value));
    }
    if (term.starts_with("!")) return label(object, term.substr(1)) == nullptr;
    return label(object, term) != nullptr;
}

bool field_term(const Json& object, const std::string& term) {
    const std::size_t equal = term.find('=');
    if (equal == std::string::npos) return false;
    const bool negated = equal > 0 && term[equal - 1] == '!';
    std::string pointer = "/" + term.substr(0, negated ? equal - 1 : equal);
    std::replace(pointer.begin(), pointer.end(), '.', '/');
    return (kube::text_at(object, pointer) == term.substr(equal + 1)) != negated;
}

// The fields of each kind (pkg/apis/core/v1/conversion.go); custom resources have name and namespace alone.
bool is_field(const kube::Resource& resource, const std::string& field) {
    if (field == "metadata.name" || field == "metadata.namespace") return true;
    if (resource == kube::kPods)
        return field == "status.phase" || field == "spec.nodeName" || field == "spec.restartPolicy" ||
               field == "spec.schedulerName" || field == "spec.serviceAccountName" || field == "status.podIP";
    if (resource == kube::kEvents)
        return field.starts_with("involvedObject.") || field == "reason" || field == "type" || field == "source" ||
               field == "reportingComponent";
    if (resource == kube::kNamespaces) return field == "status.phase";
    if (resource == kube::kNodes) return field == "spec.unschedulable";
    return resource == kube::kSecrets && field == "type";
}

}  // namespace

Status check_selectors(const kube::Resource& resource, const kube::ListOptions& options) {
    for (const std::string& term : terms_of(options.label_selector)) {
        for (const char* word : {" notin ", " in "}) {
            const std::size_t at = term.find(word);
            if (at != std::string::npos && (term.back() != ')' || term[at + std::string_view(word).size()] != '('))
                return api_error(ErrorKind::kInvalid, 400, "BadRequest",
                                 "unable to parse requirement: found '" + term + "'");
        }
    }
    for (const std::string& term : terms_of(options.field_selector)) {
        const std::string field = term.substr(0, term.find_first_of("!="));
        if (!is_field(resource, field))
            return api_error(ErrorKind::kInvalid, 400, "BadRequest", "field label not supported: " + field);
    }
    return {};
}

bool chosen(const Json& object, const kube::ListOptions& options) {
    const auto labels = terms_of(options.label_selector);
    const auto fields = terms_of(options.field_selector);
    return std::all_of(labels.begin(), labels.end(), [&](const std::string& t) { return label_term(object, t); }) &&
           std::all_of(fields.begin(), fields.end(), [&](const std::string& t) { return field_term(object, t); });
}

}  // namespace holdfast::sim
