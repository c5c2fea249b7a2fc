#include "common/app/session.h"

#include "common/app/exit_code.h"
#include "common/app/heart.h"
#include "common/app/sentence.h"
#include "common/app/tools.h"
#include "common/app/version.h"
#include "common/app/warnings.h"
#include "common/core/names.h"
#include "common/core/text.h"
#include "common/kubeconfig/yaml.h"

#include <nlohmann/json.hpp>

namespace holdfast::app {

namespace {

void drop_managed_fields(Json& value) {
    if (!value.is_object()) return;
    if (const auto metadata = value.find("metadata"); metadata != value.end() && metadata->is_object())
        metadata->erase("managedFields");
    const auto items = value.find("items");
    if (items == value.end() || !items->is_array()) return;
    for (auto& item : *items) drop_managed_fields(item);
}

}  // namespace

Session::Session(const Plugin& plugin, const Invocation& invocation, const Process& process)
    : plugin_(plugin),
      command_(invocation.command),
      flags_(invocation.common),
      connection_(invocation.connection),
      process_(process) {}

Session::~Session() = default;

Result<const kubeconfig::ClientConfig*> Session::config() {
    if (!config_ && process_.stand_ins != nullptr) {
        config_.emplace();
        config_->space = process_.stand_ins->space;
    }
    if (!config_) {
        TRY_ASSIGN(config_, kubeconfig::load_client_config(connection_, process_.environment));
        for (const auto& warning : config_->warnings) process_.console.err("warning: " + escape_line(warning) + "\n");
    }
    return &*config_;
}

Result<std::string> Session::space() {
    if (!space_ && process_.stand_ins != nullptr) space_ = process_.stand_ins->space;
    if (!space_) {
        TRY_ASSIGN(const auto* config, this->config());
        TRY(check_dns_label(config->space, "namespace"));
        space_ = config->space;
    }
    return *space_;
}

Result<kube::Cluster*> Session::cluster() {
    if (process_.stand_ins != nullptr) return &process_.stand_ins->cluster;
    if (!cluster_) {
        TRY_ASSIGN(const auto* config, this->config());
        TRY_ASSIGN(cluster_, connect(*config, connector_));
    }
    return cluster_.get();
}

Result<std::unique_ptr<kube::Cluster>> Session::connect(const kubeconfig::ClientConfig& config,
                                                        std::unique_ptr<kube::Connector>& connector) {
    const kube::ClientOptions options{"kubectl-" + plugin_.name, version_text(), flags_.warnings_as_errors,
                                      flags_.timeout};
    if (!warnings_) warnings_ = std::make_unique<WarningConsole>(process_.console, color_on_stderr());
    connector = kube::make_connector(config, options, process_.clock, process_.console, process_.signals);
    return connector->connect(process_.signals, *warnings_, std::chrono::milliseconds(0));
}

// Who the user is there, and how that server is reached, says its context alone: --server, --token, --as and their like
// are of the first one.
Result<kube::ClusterReader*> Session::connect_other(const std::string& kubeconfig, const std::string& context) {
    has_other_ = true;
    if (process_.stand_ins != nullptr) {
        if (process_.stand_ins->other != nullptr) return other();
        return Error{ErrorKind::kUsage, "context \"" + escape_line(context) + "\" does not exist"};
    }
    // Who takes an operation back plans it twice: the connection that the first plan's steps go through stays.
    if (other_) return other();
    kubeconfig::ConnectionFlags flags;
    flags.kubeconfig = kubeconfig.empty() ? connection_.kubeconfig : kubeconfig;
    if (!context.empty()) flags.context = context;
    if (!kubeconfig.empty()) flags.kubeconfig_flag = "--to-kubeconfig";
    flags.context_flag = "--to-context";
    flags.cache_dir = connection_.cache_dir;
    flags.kuberc = connection_.kuberc;
    flags.disable_compression = connection_.disable_compression;
    flags.request_timeout = connection_.request_timeout;
    TRY_ASSIGN(const auto* first, config());
    TRY_ASSIGN(const kubeconfig::ClientConfig config, kubeconfig::load_client_config(flags, process_.environment));
    if (config.server == first->server)
        return Error{ErrorKind::kUsage, "the other cluster is this one: both are at " + escape_line(config.server),
                     "--to-namespace is for another namespace of the same cluster"};
    other_ = std::make_unique<Other>();
    TRY_ASSIGN(other_->cluster, connect(config, other_->connector));
    if (auto tools = Tools::create(plugin_, config, process_); tools.ok()) other_->tools = std::move(*tools);
    return other();
}

std::optional<plan::OtherCluster> Session::other_of_world() const {
    if (!has_other_) return std::nullopt;
    if (process_.stand_ins != nullptr)
        return process_.stand_ins->other == nullptr ? std::optional<plan::OtherCluster>()
                                                    : std::optional(*process_.stand_ins->other);
    if (!other_) return std::nullopt;
    return plan::OtherCluster{*other_->cluster, other_->tools ? other_->tools->pods() : nullptr,
                              other_->tools ? other_->tools->sql() : nullptr, explain_by(*other_->cluster)};
}

kube::ClusterReader* Session::other() const {
    const auto other = other_of_world();
    return other ? &other->cluster : nullptr;
}

Result<kube::ClusterReader*> Session::reader() {
    TRY_ASSIGN(auto* cluster, this->cluster());
    return static_cast<kube::ClusterReader*>(cluster);
}

Result<plan::PodRunner*> Session::pod_runner() {
    if (process_.stand_ins != nullptr) return process_.stand_ins->pods;
    if (!tools_) {
        TRY_ASSIGN(const auto* config, this->config());
        TRY_ASSIGN(tools_, Tools::create(plugin_, *config, process_));
    }
    return tools_->pods();
}

plan::Self Session::self() const {
    return process_.stand_ins == nullptr ? plan::this_process() : process_.stand_ins->self;
}

Result<plan::World> Session::world(plan::Witness& witness) {
    TRY_ASSIGN(auto* cluster, this->cluster());
    plan::World world{*cluster, process_.clock, process_.signals, witness,
                      nullptr,  nullptr,        nullptr,          explain_by(*cluster)};
    if (const auto other = other_of_world(); other) world.other.emplace(*other);
    if (const StandIns* instead = process_.stand_ins; instead != nullptr) {
        world.pods = instead->pods;
        world.sql = instead->sql;
        world.attendant = instead->attendant;
        world.self = instead->self;
        return world;
    }
    world.make_heart = heart_maker(*connector_);
    // A plan without steps in pods must work where there is no kubectl; one with such steps says that pods are null.
    if (pod_runner().ok()) {
        world.pods = tools_->pods();
        world.sql = tools_->sql();
        world.attendant = tools_->attendant();
    }
    return world;
}

int Session::warnings() const { return warnings_ ? warnings_->count() : 0; }

int Session::fail(const Error& error) {
    process_.console.err(error_text(error));
    if (error.kind == ErrorKind::kInterrupted && process_.signals.last() > 0) return 128 + process_.signals.last();
    if (error.kind == ErrorKind::kUsage && command_ != nullptr) {
        process_.console.err("See 'kubectl " + plugin_.name + " " + command_->name + " -h' for help and examples\n");
    }
    return exit_code(error, false);
}

void Session::print_structured(const Json& value) {
    Json shown = value;
    drop_managed_fields(shown);
    const bool yaml = flags_.output == "yaml";
    process_.console.out(yaml ? kubeconfig::write_yaml(shown)
                              : shown.dump(4, ' ', false, Json::error_handler_t::replace) + "\n");
}

// https://no-color.org, and kubectl's rule: presence counts, whatever the value.
bool Session::color(bool terminal) const {
    if (flags_.color != "auto") return flags_.color == "always";
    return terminal && !process_.environment.get("NO_COLOR") && process_.environment.get_or("TERM", "dumb") != "dumb";
}

bool Session::color_on_stderr() const { return color(process_.console.err_is_terminal()); }
bool Session::color_on_stdout() const { return color(process_.console.out_is_terminal()); }

}  // namespace holdfast::app
