// A reader that looks once and believes it for ever: what an operation is without its fresh reads.
#pragma once

#include "common/kube/reader.h"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace holdfast::crash {

// What it remembers outlives the readers that it stands before, one for each look. `resource`: by its plural name;
// what is of another kind is read freshly.
class Remembering : public kube::ClusterReader {
  public:
    explicit Remembering(std::string resource) : resource_(std::move(resource)) {}
    void stand_before(kube::ClusterReader& reader) { reader_ = &reader, ++look_; }
    // Kinds of objects of which a later look has asked what an earlier one had asked already.
    const std::set<std::string>& asked_again() const { return again_; }

    Result<Json> get(const kube::ObjectRef& ref) override;
    std::vector<Result<Json>> get_all(const std::vector<kube::ObjectRef>& refs) override;
    Result<std::string> for_each(const kube::Resource& resource, const std::string& space,
                                 const kube::ListOptions& options, const std::function<bool(Json&&)>& each,
                                 const std::function<void()>& restart) override;
    Result<std::unique_ptr<kube::Watch>> watch(const kube::Resource& resource, const std::string& space,
                                               const kube::ListOptions& options,
                                               const std::string& resource_version) override {
        return reader_->watch(resource, space, options, resource_version);
    }
    Result<kube::Discovery> discover() override { return reader_->discover(); }
    Result<std::string> server_version() override { return reader_->server_version(); }
    Result<std::vector<bool>> allowed(const std::vector<kube::AccessCheck>& checks) override {
        return reader_->allowed(checks);
    }

  private:
    bool remembers(const kube::Resource& resource, const std::string& key);

    const std::string resource_;
    kube::ClusterReader* reader_ = nullptr;
    int look_ = 0;
    std::map<std::string, int> asked_;  // the look that asked it first
    std::set<std::string> again_;
    std::map<std::string, Result<Json>> objects_;
    std::map<std::string, std::vector<Json>> lists_;
};

}  // namespace holdfast::crash
