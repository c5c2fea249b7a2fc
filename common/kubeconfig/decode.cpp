// JSON -> RawConfig, as strict about types as kubectl: a number where a string belongs is an error, unknown fields are
// not.
#include "common/core/text.h"
#include "common/kubeconfig/base64.h"
#include "common/kubeconfig/raw_config.h"

namespace holdfast::kubeconfig {
namespace {

// Reads fields of one object. The first error stays and is asked for once at the end, so that reading stays a list of
// fields.
class Reader {
  public:
    Reader(const Json& object, std::string path, std::optional<Error>& error)
        : object_(object), path_(std::move(path)), error_(error) {
        if (!object.is_object() && !object.is_null()) fail("", "a mapping");
    }

    // nullptr: absent or null, which Go leaves at its zero value.
    const Json* find(const char* name) const {
        if (!object_.is_object()) return nullptr;
        const auto found = object_.find(name);
        return found == object_.end() || found->is_null() ? nullptr : &*found;
    }

    void text(const char* name, std::string& out) {
        const Json* value = find(name);
        if (value == nullptr) return;
        if (!value->is_string()) return fail(name, "a string");
        out = value->get<std::string>();
    }

    void flag(const char* name, bool& out) {
        const Json* value = find(name);
        if (value == nullptr) return;
        if (!value->is_boolean()) return fail(name, "true or false");
        out = value->get<bool>();
    }

    void bytes(const char* name, std::string& out) {
        std::string encoded;
        text(name, encoded);
        auto decoded = decode_base64(encoded);
        if (!decoded) return fail(name, "base64");
        out = std::move(*decoded);
    }

    // Calls each(item, path) for the items of a list.
    template <typename Each>
    bool list(const char* name, Each each) {
        const Json* value = find(name);
        if (value == nullptr) return false;
        if (!value->is_array()) {
            fail(name, "a list");
            return false;
        }
        for (std::size_t i = 0; i < value->size(); ++i) each((*value)[i], at(name) + "[" + std::to_string(i) + "]");
        return true;
    }

    template <typename Each>
    void map(const char* name, Each each) {
        const Json* value = find(name);
        if (value == nullptr) return;
        if (!value->is_object()) return fail(name, "a mapping");
        for (const auto& [key, item] : value->items()) each(key, item, at(name) + "." + escape_line(key));
    }

    bool texts(const char* name, std::vector<std::string>& out) {
        return list(name, [&](const Json& item, const std::string& path) {
            if (!item.is_string() && !item.is_null()) return fail_at(path, "a string");
            out.push_back(item.is_null() ? "" : item.get<std::string>());
        });
    }

    void extensions(const char* name, Extensions& out) {
        list(name, [&](const Json& item, const std::string& path) {
            Reader reader(item, path, error_);
            std::string key;
            reader.text("name", key);
            const Json* value = reader.find("extension");
            const auto [at, fresh] = out.try_emplace(key);
            if (!fresh && !at->second.is_null()) reader.duplicate(key);
            at->second = value == nullptr ? Json(nullptr) : *value;
        });
    }

    void duplicate(const std::string& name) {
        if (!error_) error_ = invalid(path_ + ": the name \"" + escape_line(name) + "\" stands twice in the list");
    }
    void fail(const char* name, const char* expected) { fail_at(at(name), expected); }
    void fail_at(const std::string& path, const char* expected) {
        if (!error_) error_ = invalid((path.empty() ? "" : path + ": ") + std::string(expected) + " is expected");
    }
    static Error invalid(std::string message) { return Error{ErrorKind::kInvalid, std::move(message), "", 0, ""}; }

    std::string at(const char* name) const {
        if (*name == '\0') return path_;
        return path_.empty() ? name : path_ + "." + name;
    }
    Reader child(const char* name) const {
        static const Json kNothing;
        const Json* value = find(name);
        return {value == nullptr ? kNothing : *value, at(name), error_};
    }

  private:
    const Json& object_;
    std::string path_;
    std::optional<Error>& error_;
};

RawCluster read_cluster(Reader reader) {
    RawCluster cluster;
    reader.text("server", cluster.server);
    reader.text("tls-server-name", cluster.tls_server_name);
    reader.flag("insecure-skip-tls-verify", cluster.insecure);
    reader.text("certificate-authority", cluster.certificate_authority);
    reader.bytes("certificate-authority-data", cluster.certificate_authority_data);
    reader.text("proxy-url", cluster.proxy_url);
    reader.flag("disable-compression", cluster.disable_compression);
    reader.extensions("extensions", cluster.extensions);
    return cluster;
}

RawExec read_exec(Reader reader, std::optional<Error>& error) {
    RawExec exec;
    reader.text("command", exec.command);
    exec.command_as_written = exec.command;
    exec.has_args = reader.texts("args", exec.args);
    exec.has_env = reader.list("env", [&](const Json& item, const std::string& path) {
        Reader variable(item, path, error);
        auto& [name, value] = exec.env.emplace_back();
        variable.text("name", name);
        variable.text("value", value);
    });
    reader.text("apiVersion", exec.api_version);
    reader.text("installHint", exec.install_hint);
    reader.flag("provideClusterInfo", exec.provide_cluster_info);
    reader.text("interactiveMode", exec.interactive_mode);
    // api/v1/defaults.go: old versions did not have the field.
    const bool old = exec.api_version == "client.authentication.k8s.io/v1beta1" ||
                     exec.api_version == "client.authentication.k8s.io/v1alpha1";
    if (exec.interactive_mode.empty() && old) exec.interactive_mode = "IfAvailable";
    return exec;
}

RawUser read_user(Reader reader, std::optional<Error>& error) {
    RawUser user;
    reader.text("client-certificate", user.client_certificate);
    reader.bytes("client-certificate-data", user.client_certificate_data);
    reader.text("client-key", user.client_key);
    reader.bytes("client-key-data", user.client_key_data);
    reader.text("token", user.token);
    reader.text("tokenFile", user.token_file);
    reader.text("as", user.as);
    reader.text("as-uid", user.as_uid);
    reader.texts("as-groups", user.as_groups);
    reader.map("as-user-extra", [&](const std::string& key, const Json& item, const std::string&) {
        Json wrapper = Json::object();
        wrapper["values"] = item;
        Reader values(wrapper, reader.at("as-user-extra") + "." + escape_line(key), error);
        values.texts("values", user.as_extra[key]);
    });
    reader.text("username", user.username);
    reader.text("password", user.password);
    if (reader.find("auth-provider") != nullptr) {
        Reader provider = reader.child("auth-provider");
        user.auth_provider.emplace();
        provider.text("name", user.auth_provider->name);
        provider.map("config", [&](const std::string& key, const Json& item, const std::string& path) {
            if (!item.is_string() && !item.is_null()) return provider.fail_at(path, "a string");
            user.auth_provider->config[key] = item.is_null() ? "" : item.get<std::string>();
        });
    }
    if (reader.find("exec") != nullptr) user.exec = read_exec(reader.child("exec"), error);
    reader.extensions("extensions", user.extensions);
    return user;
}

RawContext read_context(Reader reader) {
    RawContext context;
    reader.text("cluster", context.cluster);
    reader.text("user", context.user);
    reader.text("namespace", context.space);
    reader.extensions("extensions", context.extensions);
    return context;
}

// A list of {name: N, FIELD: {...}} as a map by name.
template <typename Value, typename Read>
void read_named(Reader& reader, const char* list, const char* field, const std::string& origin,
                std::map<std::string, Value>& out, std::optional<Error>& error, Read read) {
    reader.list(list, [&](const Json& item, const std::string& path) {
        Reader entry(item, path, error);
        std::string name;
        entry.text("name", name);
        Value value = read(entry.child(field));
        value.origin = origin;
        if (!out.emplace(name, std::move(value)).second) entry.duplicate(name);
    });
}

void check_type(Reader& reader, std::optional<Error>& error) {
    std::string version, kind;
    reader.text("apiVersion", version);
    reader.text("kind", kind);
    if (error) return;
    if (!version.empty() && version != "v1") {
        error = Reader::invalid("apiVersion \"" + escape_line(version) + "\" is not v1");
    } else if (!kind.empty() && kind != "Config") {
        error = Reader::invalid("kind \"" + escape_line(kind) + "\" is not Config");
    }
}

}  // namespace

Result<RawConfig> decode_config(const Json& document, const std::string& origin) {
    std::optional<Error> error;
    Reader reader(document, "", error);
    RawConfig config;
    check_type(reader, error);
    Reader preferences = reader.child("preferences");
    preferences.flag("colors", config.preferences_colors);
    preferences.extensions("extensions", config.preferences_extensions);
    read_named(reader, "clusters", "cluster", origin, config.clusters, error, read_cluster);
    read_named(reader, "users", "user", origin, config.users, error,
               [&](Reader child) { return read_user(std::move(child), error); });
    read_named(reader, "contexts", "context", origin, config.contexts, error, read_context);
    reader.text("current-context", config.current_context);
    reader.extensions("extensions", config.extensions);
    if (error) return *error;
    return config;
}

}  // namespace holdfast::kubeconfig
