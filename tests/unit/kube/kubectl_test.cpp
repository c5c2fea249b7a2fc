#include "common/kube/kubectl.h"
#include "common/kube/pod_exec.h"
#include "common/kube/port_forward.h"

#include <doctest/doctest.h>

using namespace holdfast;

TEST_CASE("a port-forward's first line names the local port") {
    CHECK(kube::forwarded_port("Forwarding from 127.0.0.1:41763 -> 5432") == 41763);
    CHECK_FALSE(kube::forwarded_port("Forwarding from [::1]:41763 -> 5432").has_value());
    CHECK_FALSE(kube::forwarded_port("Handling connection for 41763").has_value());
    CHECK_FALSE(kube::forwarded_port("Forwarding from 127.0.0.1:70000 -> 5432").has_value());
    CHECK_FALSE(kube::forwarded_port("Forwarding from 127.0.0.1:41763").has_value());
}

TEST_CASE("exec passes the command's words as they are and never asks for a terminal") {
    plan::Exec exec;
    exec.space = "db";
    exec.pod = "postgres-0";
    exec.container = "postgres";
    exec.argv = {"sh", "-c", "echo \"$HOME\""};
    CHECK(kube::exec_words(exec, false) == std::vector<std::string>{"exec", "--namespace=db", "--container=postgres",
                                                                    "pod/postgres-0", "--", "sh", "-c",
                                                                    "echo \"$HOME\""});
    CHECK(kube::exec_words(exec, true)[2] == "--stdin");
}

TEST_CASE("a remote exit code is told from a failure of kubectl") {
    CHECK(kube::remote_exit_code("psql: error: no\ncommand terminated with exit code 2\n") == 2);
    CHECK_FALSE(kube::remote_exit_code("error: unable to upgrade connection: container not found (\"x\")").has_value());
    CHECK_FALSE(kube::remote_exit_code("command terminated with exit code x").has_value());
}

TEST_CASE("kubectl's sentences become kinds") {
    CHECK(kube::kubectl_error("x", "Error from server (NotFound): pods \"a\" not found").kind == ErrorKind::kNotFound);
    CHECK(kube::kubectl_error("x", "Error from server (Forbidden): pods \"a\" is forbidden: cannot create pods/exec")
              .kind == ErrorKind::kForbidden);
    CHECK(kube::kubectl_error("x", "Unable to connect to the server: EOF").kind == ErrorKind::kConnect);
    CHECK(kube::kubectl_error("x", "error: lost connection to pod").kind == ErrorKind::kUnavailable);
    CHECK(kube::kubectl_error("exec", "").message == "exec: kubectl ended without a message");
}

TEST_CASE("what a remote command printed cannot drive the terminal") {
    CHECK(kube::last_lines("one\n\x1b[31mtwo\x1b[0m\n").find('\x1b') == std::string::npos);
}

TEST_CASE("secrets that came by flag are in a file and not in argv") {
    Environment environment;
    environment.variables["KUBECTL_PATH"] = "/opt/kubectl";
    kubeconfig::ClientConfig config;
    config.kubectl_arguments = {"--context=prod"};
    {
        const auto plain = kube::Kubectl::create(config, environment);
        REQUIRE(plain.ok());
        CHECK(plain->command({"get", "pods"}).argv ==
              std::vector<std::string>{"/opt/kubectl", "--context=prod", "get", "pods"});
    }
    config.kubectl_kubeconfig = "token: canary-token\n";
    std::string path;
    {
        const auto secret = kube::Kubectl::create(config, environment);
        REQUIRE(secret.ok());
        const auto argv = secret->command({"get"}).argv;
        REQUIRE(argv.size() == 3);
        CHECK(argv[1].rfind("--kubeconfig=", 0) == 0);
        path = argv[1].substr(13);
        CHECK(path.rfind("/proc/", 0) == 0);  // in memory: kill -9 leaves nothing on a disk
        CHECK(read_file(path, 1000).value() == "token: canary-token\n");
    }
    CHECK_FALSE(file_exists(path));
}

TEST_CASE("without kubectl the message says what to install") {
    const auto none = kube::Kubectl::create({}, Environment{});
    REQUIRE_FALSE(none.ok());
    CHECK(none.error().kind == ErrorKind::kNotFound);
    CHECK(none.error().hint.find("KUBECTL_PATH") != std::string::npos);
}
