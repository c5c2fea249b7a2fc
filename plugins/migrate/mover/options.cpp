#include "plugins/migrate/mover/options.h"

#include "common/core/text.h"

#include <getopt.h>
#include <algorithm>
#include <charconv>

namespace holdfast::mover {
namespace {

constexpr const char* kHelp = R"(holdfast-mover copies a volume so that nothing is lost, and proves the copy.

Usage:
  holdfast-mover copy SOURCE TARGET [flags]
  holdfast-mover receive TARGET --listen ADDRESS:PORT --key-file FILE [flags]
  holdfast-mover send SOURCE --to ADDRESS:PORT --key-file FILE [flags]
  holdfast-mover verify TARGET --manifest FILE [flags]

copy makes TARGET's contents SOURCE's: names of any bytes, owners, modes, times, extended attributes, ACLs, hard links,
symlinks, fifos, sockets, devices, holes, flags and project ids. What TARGET has and SOURCE has not is removed. A scan before it
refuses what TARGET cannot hold (exit 3, nothing changed). At the end all is read back from TARGET's disk.
SOURCE and TARGET can also be block devices, or images of them in files: what differs is written, block by block; nobody
else may use them (exit 3), but for SOURCE with --live.
A link that is given as SOURCE or TARGET stands for what it leads to, with or without a slash after it, as rsync's SOURCE/
does; links inside are copied as links, and never followed. What the kernel makes up (/proc, /sys) is refused (exit 3).
send and receive are the two halves of copy, on two machines, over TLS 1.3 with a key that both have. SOURCE is only read. With --state an interrupted copy goes on where it was, and a second one sends only what changed.

Flags:
      --live                SOURCE may be written to: passes until what changes stops shrinking. Without it the copy fails
                            (exit 6) if SOURCE changes meanwhile
      --paranoid            read all of SOURCE, also what its times say has not changed; at the end, all of TARGET
      --no-verify           do not read back
      --used-blocks         SOURCE is an unmounted ext4 or xfs: copy only the blocks that it has allocated
      --state DIR           keep the index here
      --manifest FILE       copy: write the index of the result here, all of it or nothing; verify: compare with it
      --operation NAME      another NAME does not go on with what this one left (default "copy")
      --bandwidth BYTES     content a second at most: 50000000, 50M, 50Mi
      --group-bytes BYTES   what becomes durable together (default 128Mi): so much is sent again after a break
      --threads N           default: by the cgroup's limits, at most 4
      --progress MODE       auto, bar, json, none; on stderr (default auto: a bar on a terminal)
      --key-file FILE       the key: 64 hexadecimal digits
      --listen ADDRESS:PORT receive: numeric; port 0 is any free one, and is printed
      --to ADDRESS:PORT     send: numeric
      --stay                receive: go on after a pass that was not the last
  -o, --output json         the result as one JSON object
  -h, --help
      --version

Examples:
  # Copy a volume and prove it
  holdfast-mover copy /source /target

  # While the database runs, and once more when it has been stopped
  holdfast-mover copy /source /target --live --state /state
  holdfast-mover copy /source /target --state /state

  # The blocks of an unmounted filesystem, without what is free
  holdfast-mover copy /dev/vdb /dev/vdc --used-blocks

  # Between two machines
  openssl rand -hex 32 > key; chmod 0600 key
  holdfast-mover receive /target --listen 0.0.0.0:7000 --key-file key
  holdfast-mover send /source --to 10.0.0.7:7000 --key-file key

  # Is it still the same?
  holdfast-mover verify /target --manifest /state/index

Exit codes:
  0  done, and read back (unless --no-verify)
  1  failed, nothing was changed (for example: no such directory)
  2  wrong usage
  3  refused before any change: TARGET cannot hold something of SOURCE
  4  another mover works with this TARGET or --state: nothing was changed
  5  stopped part-way (disk full, a read error, a lost connection): SOURCE is untouched, run the same command again
  6  the data is not as expected: a wrong byte on TARGET, or SOURCE changed meanwhile
  7  the other side could not be reached or has another key
  130, 143  interrupted: run the same command again
)";

enum Long {
    kLive = 1000,
    kParanoid,
    kNoVerify,
    kState,
    kManifest,
    kOperation,
    kBandwidth,
    kThreads,
    kProgress,
    kVersion,
    kKeyFile,
    kListen,
    kTo,
    kStay,
    kGroupBytes,
    kUsedBlocks
};

const option kLongOptions[] = {{"live", no_argument, nullptr, kLive},
                               {"paranoid", no_argument, nullptr, kParanoid},
                               {"no-verify", no_argument, nullptr, kNoVerify},
                               {"state", required_argument, nullptr, kState},
                               {"manifest", required_argument, nullptr, kManifest},
                               {"operation", required_argument, nullptr, kOperation},
                               {"bandwidth", required_argument, nullptr, kBandwidth},
                               {"threads", required_argument, nullptr, kThreads},
                               {"progress", required_argument, nullptr, kProgress},
                               {"key-file", required_argument, nullptr, kKeyFile},
                               {"listen", required_argument, nullptr, kListen},
                               {"to", required_argument, nullptr, kTo},
                               {"group-bytes", required_argument, nullptr, kGroupBytes},
                               {"used-blocks", no_argument, nullptr, kUsedBlocks},
                               {"stay", no_argument, nullptr, kStay},
                               {"output", required_argument, nullptr, 'o'},
                               {"help", no_argument, nullptr, 'h'},
                               {"version", no_argument, nullptr, kVersion},
                               {nullptr, 0, nullptr, 0}};

Error usage(const std::string& message) { return {ErrorKind::kUsage, message, "holdfast-mover --help", 0, ""}; }

Result<std::uint64_t> parse_bytes(const std::string& text, const char* flag) {
    std::uint64_t number = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
    const std::string unit(end, text.data() + text.size());
    constexpr std::pair<const char*, std::uint64_t> kUnits[] = {
        {"", 1}, {"k", 1000}, {"M", 1000000}, {"G", 1000000000}, {"Ki", 1 << 10}, {"Mi", 1 << 20}, {"Gi", 1 << 30}};
    for (const auto& [name, factor] : kUnits)
        if (failed == std::errc() && unit == name && number > 0 && number < UINT64_MAX / factor / 8)
            return number * factor;
    return usage(std::string(flag) + " " + escape_line(text) + ": not a number of bytes such as 50M or 50Mi");
}

Result<int> parse_threads(const std::string& text) {
    int number = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failed == std::errc() && end == text.data() + text.size() && number >= 1 && number <= 64) return number;
    return usage("--threads " + escape_line(text) + ": not a number from 1 to 64");
}

Status take_progress(Options& options, const std::string& mode) {
    options.progress_given = mode != "auto";
    if (mode == "bar") options.progress = ProgressMode::kBar;
    if (mode == "json") options.progress = ProgressMode::kJson;
    if (mode == "bar" || mode == "json" || mode == "none" || mode == "auto") return {};
    return usage("--progress " + escape_line(mode) + ": auto, bar, json or none");
}

Status take(Options& options, int flag, const std::string& value) {
    switch (flag) {
        case kLive:
            options.live = true;
            return {};
        case kParanoid:
            options.paranoid = true;
            return {};
        case kNoVerify:
            options.verify = false;
            return {};
        case kState:
            options.state = value;
            return {};
        case kManifest:
            options.manifest = value;
            return {};
        case kOperation:
            options.operation = value;
            return value.size() > 200 ? Status(usage("--operation: 1 to 200 bytes")) : Status();
        case kKeyFile:
            options.key_file = value;
            return {};
        case kListen:
            options.listen = value;
            return {};
        case kTo:
            options.to = value;
            return {};
        case kUsedBlocks:
            options.used_blocks = true;
            return {};
        case kStay:
            options.stay = true;
            return {};
        case kGroupBytes: {
            TRY_ASSIGN(options.group_bytes, parse_bytes(value, "--group-bytes"));
            return {};
        }
        case kBandwidth: {
            TRY_ASSIGN(options.bandwidth, parse_bytes(value, "--bandwidth"));
            return {};
        }
        case kThreads: {
            TRY_ASSIGN(options.threads, parse_threads(value));
            return {};
        }
        case kProgress:
            return take_progress(options, value);
        case 'o':
            options.json = value == "json";
            return options.json ? Status() : Status(usage("--output " + escape_line(value) + ": only json"));
        case 'h':
            options.help = true;
            return {};
        case kVersion:
            options.version = true;
            return {};
        default:
            return usage("internal: a flag without meaning");
    }
}

Status check_command(const Options& options) {
    struct Known {
        const char* name;
        std::size_t words;
        const char* wanted;
    };
    constexpr Known kKnown[] = {
        {"copy", 2, "SOURCE and TARGET"}, {"verify", 1, "TARGET"}, {"send", 1, "SOURCE"}, {"receive", 1, "TARGET"}};
    for (const Known& known : kKnown) {
        if (options.command != known.name) continue;
        if (options.words.size() != known.words) return usage(options.command + " takes " + known.wanted);
        if (options.command == "verify" && options.manifest.empty() && options.state.empty())
            return usage("verify needs --manifest or --state");
        if (options.command == "send" && (options.to.empty() || options.key_file.empty()))
            return usage("send needs --to and --key-file");
        if (options.command == "receive" && (options.listen.empty() || options.key_file.empty()))
            return usage("receive needs --listen and --key-file");
        if (options.live && options.used_blocks)
            return usage("--live and --used-blocks: only an unmounted filesystem's map says what is used");
        if (options.live && options.paranoid)
            return usage("--live and --paranoid: the final pass alone can be paranoid");
        return {};
    }
    if (options.command.empty()) return usage("no command given");
    return usage(escape_line(options.command) + ": no such command; copy, send, receive or verify");
}

// What would be passed over in silence is said: who gives it expects something of it.
Status check_flags(const Options& options, const std::vector<int>& given) {
    struct Flag {
        int flag;
        std::string_view commands;
    };
    constexpr Flag kFlags[] = {{kLive, "copy and send"},
                               {kParanoid, "copy and send"},
                               {kNoVerify, "copy and send"},
                               {kUsedBlocks, "copy and send"},
                               {kManifest, "copy, send and verify"},
                               {kOperation, "copy and send"},
                               {kBandwidth, "copy and send"},
                               {kGroupBytes, "copy and send"},
                               {kKeyFile, "send and receive"},
                               {kListen, "receive"},
                               {kTo, "send"},
                               {kStay, "receive"}};
    for (const Flag& one : kFlags) {
        if (std::find(given.begin(), given.end(), one.flag) == given.end()) continue;
        if (one.commands.find(options.command) != std::string_view::npos) continue;
        const auto* name = std::find_if(std::begin(kLongOptions), std::end(kLongOptions),
                                        [&](const option& known) { return known.val == one.flag; });
        return usage("--" + std::string(name->name) + " is for " + std::string(one.commands));
    }
    return {};
}

}  // namespace

Result<Options> parse_options(int argc, char** argv) {
    Options options;
    std::vector<int> given;
    optind = 1;
    opterr = 0;
    while (true) {
        const int at = optind;
        const int flag = getopt_long(argc, argv, ":ho:", kLongOptions, nullptr);
        if (flag == -1) break;
        if (flag == '?') return usage(escape_line(argv[at]) + ": no such flag");
        if (flag == ':') return usage(escape_line(argv[at]) + ": needs a value");
        if (optarg != nullptr && *optarg == '\0') return usage(escape_line(argv[optind - 1]) + ": an empty value");
        TRY(take(options, flag, optarg == nullptr ? "" : optarg));
        given.push_back(flag);
    }
    for (int i = optind; i < argc; ++i) options.words.emplace_back(argv[i]);
    if (!options.words.empty()) {
        options.command = options.words.front();
        options.words.erase(options.words.begin());
    }
    if (options.help || options.version) return options;
    TRY(check_command(options));
    TRY(check_flags(options, given));
    return options;
}

std::string help_text(const std::string&) { return kHelp; }

}  // namespace holdfast::mover
