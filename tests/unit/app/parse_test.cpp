#include "common/app/parse.h"

#include "common/app/flags.h"
#include "common/app/words.h"
#include "tests/unit/app/sample_plugin.h"

#include <doctest/doctest.h>

#include <set>

using namespace holdfast;
using namespace holdfast::app;

namespace {

const Plugin& plugin() {
    static const Plugin made = sample::plugin();
    return made;
}

Invocation parsed(const std::vector<std::string>& words) {
    auto result = parse(plugin(), words);
    REQUIRE_MESSAGE(result.ok(), result.error().message);
    return *std::move(result);
}

Error refused(const std::vector<std::string>& words) {
    const auto result = parse(plugin(), words);
    REQUIRE_FALSE(result.ok());
    return result.error();
}

std::string text(const std::vector<std::string>& words, const std::string& option) {
    return parsed(words).arguments.text(option, "(not given)");
}

}  // namespace

TEST_CASE("short flags take their value in every form that kubectl takes") {
    for (const auto& words : std::vector<std::vector<std::string>>{{"create", "sts/x", "-n", "prod"},
                                                                   {"create", "sts/x", "-n=prod"},
                                                                   {"create", "sts/x", "-nprod"},
                                                                   {"create", "sts/x", "--namespace", "prod"},
                                                                   {"create", "sts/x", "--namespace=prod"},
                                                                   {"-n", "prod", "create", "sts/x"},
                                                                   {"-n=prod", "create", "sts/x"}}) {
        const auto invocation = parsed(words);
        CHECK(invocation.connection.space == "prod");
        CHECK(invocation.arguments.positionals == std::vector<std::string>{"sts/x"});
    }
    CHECK(parsed({"create", "sts/x", "-v=6"}).common.verbosity == 6);
    CHECK(parsed({"create", "sts/x", "-v6"}).common.verbosity == 6);
}

TEST_CASE("a flag is false when it says so") {
    CHECK(parsed({"list", "-A"}).arguments.flag("all-namespaces"));
    CHECK_FALSE(parsed({"list", "-A=false"}).arguments.flag("all-namespaces"));
    CHECK_FALSE(parsed({"list", "--all-namespaces=false"}).arguments.flag("all-namespaces"));
    CHECK_FALSE(parsed({"list"}).arguments.flag("all-namespaces"));
    CHECK(refused({"list", "-A=maybe"}).message.find("invalid argument \"maybe\"") == 0);
}

TEST_CASE("an empty value after the equals sign is empty and swallows nothing") {
    const auto invocation = parsed({"create", "--namespace=", "sts/x"});
    CHECK(invocation.connection.space == "");
    CHECK(invocation.arguments.positionals == std::vector<std::string>{"sts/x"});
}

TEST_CASE("underscores in flag names are dashes, words after -- are no flags, brackets are not split") {
    CHECK(text({"create", "sts/x", "--snapshot_class=fast"}, "snapshot-class") == "fast");
    CHECK(parsed({"describe", "--", "vs/x"}).arguments.positionals == std::vector<std::string>{"vs/x"});
    CHECK(text({"create", "sts/x", "--pre", "[a,b]"}, "pre") == "[a,b]");
    CHECK(text({"create", "sts/x", "--pre", "--force"}, "pre") == "--force");
    CHECK(parsed({"create", "sts/x", "--label", "[a,b]", "--label=c=d"}).arguments.list("label") ==
          std::vector<std::string>{"[a,b]", "c=d"});
}

TEST_CASE("of a repeated flag the last one counts") {
    CHECK(text({"create", "sts/x", "--pre", "a", "--pre", "b"}, "pre") == "b");
}

TEST_CASE("a bare --dry-run means client and does not take the next word") {
    const auto invocation = parsed({"create", "--dry-run", "sts/x"});
    CHECK(invocation.common.dry_run == CommonFlags::DryRun::kClient);
    CHECK(invocation.arguments.positionals == std::vector<std::string>{"sts/x"});
    CHECK(parsed({"create", "sts/x", "--dry-run=server"}).common.dry_run == CommonFlags::DryRun::kServer);
    CHECK(parsed({"create", "sts/x", "--dry-run=none"}).common.dry_run == CommonFlags::DryRun::kNone);
    CHECK(refused({"create", "sts/x", "--dry-run=all"}).message.find("none, client, server") != std::string::npos);
}

TEST_CASE("TYPE/NAME without a command means the default command, a bare word means nothing") {
    CHECK(parsed({"sts/postgres"}).command->name == "create");
    CHECK(parsed({"-n", "x", "sts/postgres", "--wait=ready"}).arguments.text("wait") == "ready");
    const Error error = refused({"postgres"});
    CHECK(error.kind == ErrorKind::kUsage);
    CHECK(error.message == "unknown command \"postgres\" for \"kubectl sample\"");
    CHECK(error.hint.find("sts/postgres") != std::string::npos);
    CHECK(refused({"creat"}).hint == "did you mean create?");
}

TEST_CASE("unknown flags name the nearest, also before a command") {
    const Error error = refused({"create", "sts/x", "--snapshot-clas=x"});
    CHECK(error.message == "unknown flag: --snapshot-clas");
    CHECK(error.hint == "did you mean --snapshot-class?");
    CHECK(refused({"create", "sts/x", "-f", "x"}).message == "unknown shorthand flag: 'f' in -f");
    CHECK(refused({"--nonsense"}).message == "unknown flag: --nonsense");
    CHECK(refused({"create", "sts/x", "--name"}).message == "flag needs an argument: --name");
    CHECK(refused({"create", "sts/x", "-n"}).message == "flag needs an argument: -n");
}

TEST_CASE("a flag of another command is unknown to this one") {
    CHECK(refused({"list", "--wait=cut"}).message == "unknown flag: --wait");
    CHECK(refused({"list", "--yes"}).message == "unknown flag: --yes");
}

TEST_CASE("choices and numbers are checked before anything runs") {
    CHECK(refused({"create", "sts/x", "--wait=later"}).message ==
          "invalid value \"later\" for --wait: must be one of cut, ready");
    CHECK(refused({"create", "sts/x", "--count=3x"}).message.find("must be a whole number") != std::string::npos);
    CHECK(refused({"list", "-o", "xml"}).message ==
          "unable to match a printer suitable for the output format \"xml\", allowed formats are: "
          "json,name,table,wide,yaml");
    CHECK(refused({"list", "-v=loud"}).kind == ErrorKind::kUsage);
}

TEST_CASE("contradicting flags are both named") {
    const Error error = refused({"create", "sts/x", "--pre=a", "--hold=b"});
    CHECK(error.kind == ErrorKind::kUsage);
    CHECK(error.message == "--pre and --hold cannot be used together");
}

TEST_CASE("--timeout has a range") {
    for (const char* wrong : {"0", "0s", "-5s", "999ms", "169h", "99999999999999999999", "soon", ""}) {
        const Error error = refused({"create", "sts/x", std::string("--timeout=") + wrong});
        CHECK(error.kind == ErrorKind::kUsage);
        CHECK(error.message.find("--timeout must be from 1s to 168h") == 0);
    }
    CHECK(parsed({"create", "sts/x", "--timeout=90"}).common.timeout == std::chrono::seconds(90));
    CHECK(parsed({"create", "sts/x", "--timeout=1m30s"}).common.timeout == std::chrono::seconds(90));
    CHECK(parsed({"create", "sts/x"}).common.timeout == std::chrono::minutes(10));
}

TEST_CASE("words that cannot be names are refused where names stand") {
    for (const std::string& wrong :
         std::vector<std::string>{"../x", "sts/../x", "sts/UPPER", "sts/" + std::string(254, 'a'), "sts/"}) {
        CHECK(refused({"create", wrong}).kind == ErrorKind::kUsage);
    }
    CHECK(refused({"describe", "../x"}).kind == ErrorKind::kUsage);
    CHECK(refused({"describe", std::string(254, 'a')}).message.find("at most 253 characters") != std::string::npos);
    CHECK(refused({"create", "sts/x", "--name", "a b"}).message.find("invalid --name \"a b\"") == 0);
    CHECK(refused({"list", "-n", "UP"}).message.find("invalid --namespace") == 0);
    CHECK(parsed({"list", "-n", "ns/prod"}).connection.space == "ns/prod");
}

TEST_CASE("an empty selector is refused, since it would mean everything") {
    CHECK(refused({"create", "-l", ""}).kind == ErrorKind::kRefused);
    CHECK(refused({"create", "--selector= "}).kind == ErrorKind::kRefused);
    CHECK(text({"create", "-l", "app=x"}, "selector") == "app=x");
}

TEST_CASE("the number of arguments is checked") {
    CHECK(refused({"describe"}).message == "an argument is missing: kubectl sample describe NAME [flags]");
    CHECK(refused({"describe", "a", "b"}).message.find("too many arguments (2)") == 0);
}

TEST_CASE("help and version win over whatever else is on the line") {
    CHECK(parsed({"-h"}).kind == Invocation::Kind::kHelp);
    CHECK(parsed({}).kind == Invocation::Kind::kHelp);
    CHECK(parsed({"create", "--nonsense", "--help"}).kind == Invocation::Kind::kHelp);
    CHECK(parsed({"create", "-h"}).command->name == "create");
    CHECK(parsed({"--version"}).kind == Invocation::Kind::kVersion);
    CHECK(parsed({"list", "--version"}).kind == Invocation::Kind::kVersion);
    // The value of another flag is no help.
    CHECK(parsed({"create", "sts/x", "--pre", "-h"}).kind == Invocation::Kind::kRun);
}

TEST_CASE("every connection flag of kubectl reaches the connection") {
    const auto flags = parsed({"list",
                               "--kubeconfig=k",
                               "--context=c",
                               "--cluster=cl",
                               "--user=u",
                               "-s",
                               "https://h",
                               "--token=t",
                               "--username=un",
                               "--password=p",
                               "--as=a",
                               "--as-group=g1",
                               "--as-group=g2",
                               "--as-uid=i",
                               "--as-user-extra=k=v",
                               "--certificate-authority=ca",
                               "--client-certificate=cc",
                               "--client-key=ck",
                               "--tls-server-name=tn",
                               "--insecure-skip-tls-verify",
                               "--request-timeout=5",
                               "--disable-compression",
                               "--cache-dir=cd",
                               "--kuberc=off",
                               "--warnings-as-errors"})
                           .connection;
    CHECK(flags.kubeconfig == "k");
    CHECK(flags.context == "c");
    CHECK(flags.cluster == "cl");
    CHECK(flags.user == "u");
    CHECK(flags.server == "https://h");
    CHECK(flags.token == "t");
    CHECK(flags.username == "un");
    CHECK(flags.password == "p");
    CHECK(flags.as == "a");
    CHECK(flags.as_groups == std::vector<std::string>{"g1", "g2"});
    CHECK(flags.as_uid == "i");
    CHECK(flags.as_user_extra == std::vector<std::string>{"k=v"});
    CHECK(flags.certificate_authority == "ca");
    CHECK(flags.client_certificate == "cc");
    CHECK(flags.client_key == "ck");
    CHECK(flags.tls_server_name == "tn");
    CHECK(flags.insecure_skip_tls_verify);
    CHECK(flags.request_timeout == "5");
    CHECK(flags.disable_compression);
    CHECK(flags.cache_dir == "cd");
    CHECK(flags.kuberc == "off");
    CHECK_FALSE(parsed({"list"}).connection.token.has_value());
    CHECK_FALSE(parsed({"list"}).connection.insecure_skip_tls_verify);
}

TEST_CASE("defaults of the table are what absent flags give") {
    CHECK(text({"create", "sts/x"}, "wait") == "cut");
    CHECK(text({"create", "sts/x"}, "name") == "(not given)");
    CHECK_FALSE(parsed({"create", "sts/x"}).arguments.optional("wait").has_value());
}
