#include "common/kubeconfig/credentials.h"

#include "common/kubeconfig/exec_protocol.h"
#include "common/os/files.h"
#include "common/os/quiet_console.h"

#include <doctest/doctest.h>

#include <sys/stat.h>

#include <fstream>

namespace holdfast::kubeconfig {
namespace {

class Time : public Clock {
  public:
    std::chrono::system_clock::time_point now() override { return std::chrono::system_clock::time_point(passed); }
    std::chrono::steady_clock::time_point steady_now() override {
        return std::chrono::steady_clock::time_point(passed);
    }
    void sleep_for(std::chrono::milliseconds duration) override { passed += duration; }
    std::chrono::nanoseconds passed{std::chrono::hours(24 * 365 * 50)};
};

// A folder with one script in it, whose answer is the file "reply" beside it; it counts its runs in "runs".
struct Plugin {
    Plugin() : folder(std::move(*TemporaryDirectory::create())) {
        script("echo x >> \"$0.runs\"\nprintf '%s' \"$KUBERNETES_EXEC_INFO\" > \"$0.info\"\ncat \"$0.reply\"\n");
        config.server = "https://h";
        config.ca_pem = "ca";
        config.exec = ExecPlugin{};
        config.exec->api_version = "client.authentication.k8s.io/v1";
        config.exec->command = config.exec->command_as_written = path();
        config.exec->interactive = ExecPlugin::Interactive::kNever;
        config.exec->provide_cluster_info = true;
        config.exec->cluster_extension = Json{{"audience", "x"}};
    }
    std::string path() const { return folder.path() + "/plugin"; }
    void script(const std::string& body) {
        std::ofstream(path()) << "#!/bin/sh\n" << body;
        chmod(path().c_str(), 0700);
    }
    void reply(const std::string& status) {
        std::ofstream(path() + ".reply")
            << R"({"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":)" << status << "}";
    }
    std::size_t runs() const { return read_file(path() + ".runs", 1000).value_or("").size() / 2; }
    std::unique_ptr<Credentials> credentials() {
        return make_credentials(config, Environment::of_process(), time, console, nullptr);
    }

    TemporaryDirectory folder;
    ClientConfig config;
    Time time;
    QuietConsole console;
};

TEST_CASE("a plugin runs once, until its credential expires") {
    Plugin plugin;
    plugin.reply(R"({"token":"one","expirationTimestamp":")" +
                 format_time(plugin.time.now() + std::chrono::seconds(60)) + "\"}");
    const auto credentials = plugin.credentials();
    CHECK(credentials->current()->authorization == "Bearer one");
    CHECK(credentials->current()->authorization == "Bearer one");
    CHECK(plugin.runs() == 1);
    plugin.reply(R"({"token":"two"})");
    plugin.time.sleep_for(std::chrono::seconds(61));
    CHECK(credentials->current()->authorization == "Bearer two");
    plugin.time.sleep_for(std::chrono::hours(1000));
    CHECK(credentials->current()->authorization == "Bearer two");
    CHECK(plugin.runs() == 2);
}

TEST_CASE("after a 401 the plugin runs again, and the request is worth a second try only if something changed") {
    Plugin plugin;
    plugin.reply(R"({"token":"one"})");
    const auto credentials = plugin.credentials();
    const Credential first = *credentials->current();
    CHECK_FALSE(*credentials->refresh(first));
    plugin.reply(R"({"token":"two","clientCertificateData":"C","clientKeyData":"K"})");
    CHECK(*credentials->refresh(first));
    const Credential second = *credentials->current();
    CHECK(second.client_cert_pem == "C");
    CHECK(second.certificate_generation > first.certificate_generation);
    CHECK(*credentials->refresh(first));  // renewed meanwhile: no further run
    CHECK(plugin.runs() == 3);
}

TEST_CASE("the plugin is told about the cluster") {
    Plugin plugin;
    plugin.reply(R"({"token":"one"})");
    REQUIRE(plugin.credentials()->current().ok());
    CHECK(
        *read_file(plugin.path() + ".info", 10000) ==
        R"({"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","spec":{"cluster":{"server":"https://h","certificate-authority-data":"Y2E=","config":{"audience":"x"}},"interactive":false}})");
}

TEST_CASE("bad input 20: a plugin that hangs, floods or answers nothing is stopped and named, and its output is not") {
    Plugin plugin;
    const auto message = [&] {
        const auto credential = plugin.credentials()->current();
        REQUIRE_FALSE(credential.ok());
        CHECK(credential.error().kind == ErrorKind::kUnauthorized);
        CHECK(credential.error().message.find("hunter2") == std::string::npos);
        const std::string name = "credential plugin \"" + plugin.path() + "\"";
        CHECK(credential.error().message.find(name) == 0);
        return credential.error().message.substr(name.size());
    };
    plugin.config.request_timeout = std::chrono::milliseconds(300);
    plugin.script("exec sleep 100\n");
    CHECK(message() == " did not end in 300ms and was stopped");
    plugin.config.request_timeout = std::chrono::milliseconds(20000);
    plugin.script("exec yes hunter2\n");
    CHECK(message() == " printed more than 1Mi and was stopped");
    plugin.script("exit 3\n");
    CHECK(message() == " failed with exit code 3");
    plugin.script("echo hunter2\n");
    CHECK(message() == ": its output is not an ExecCredential");
    plugin.script("cat \"$0.reply\"\n");
    plugin.reply("{}");
    CHECK(message() == ": it returned neither a token nor a certificate with its key");
    plugin.reply(R"({"clientKeyData":"hunter2"})");
    CHECK(message() == ": it returned only one of certificate and key");
    plugin.reply("null");
    CHECK(message() == ": its output has no status");
    plugin.reply(R"({"token":"hunter2\n"})");
    CHECK(message() == ": its token has a line break or another control character");
    plugin.config.exec->api_version = "client.authentication.k8s.io/v1beta1";
    CHECK(message() ==
          ": kubeconfig asks for version client.authentication.k8s.io/v1beta1, and it answered in another");
    plugin.config.exec->interactive = ExecPlugin::Interactive::kAlways;
    CHECK(message() == " needs a terminal (interactiveMode: Always), and standard input is none");
}

TEST_CASE("YAML replies and both versions are taken") {
    const auto reply =
        parse_reply("apiVersion: client.authentication.k8s.io/v1beta1\nkind: ExecCredential\nstatus: {token: t}\n",
                    "client.authentication.k8s.io/v1beta1");
    REQUIRE(reply.ok());
    CHECK(reply->token == "t");
    CHECK_FALSE(reply->expires);
    CHECK_FALSE(parse_reply(std::string(100000, '['), "x").ok());
    CHECK_FALSE(parse_reply("{\"a\":" + std::string(100000, '['), "x").ok());
}

TEST_CASE("a token file is read again after a minute, and a vanished one leaves the last token") {
    auto folder = TemporaryDirectory::create();
    REQUIRE(folder.ok());
    ClientConfig config;
    config.token_file = folder->path() + "/token";
    Time time;
    QuietConsole console;
    const auto credentials = make_credentials(config, Environment{}, time, console, nullptr);
    CHECK(credentials->current().error().kind == ErrorKind::kUnauthorized);
    REQUIRE(write_file_atomic(config.token_file, "one\n").ok());
    const Credential first = *credentials->current();
    CHECK(first.authorization == "Bearer one");
    REQUIRE(write_file_atomic(config.token_file, "two\n").ok());
    CHECK(credentials->current()->authorization == "Bearer one");
    CHECK(*credentials->refresh(first));
    REQUIRE(write_file_atomic(config.token_file, "three\n").ok());
    time.sleep_for(std::chrono::seconds(60));
    CHECK(credentials->current()->authorization == "Bearer three");
    unlink(config.token_file.c_str());
    time.sleep_for(std::chrono::seconds(60));
    CHECK(credentials->current()->authorization == "Bearer three");
}

TEST_CASE("basic authentication and plain tokens") {
    ClientConfig config;
    config.username = "me";
    config.password = "p:w";
    Time time;
    QuietConsole console;
    CHECK(make_credentials(config, Environment{}, time, console, nullptr)->current()->authorization ==
          "Basic bWU6cDp3");
    config.token = "t";
    const auto credentials = make_credentials(config, Environment{}, time, console, nullptr);
    CHECK(credentials->current()->authorization == "Bearer t");
    CHECK_FALSE(*credentials->refresh(*credentials->current()));
}

}  // namespace
}  // namespace holdfast::kubeconfig
