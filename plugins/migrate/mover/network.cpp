#include "common/core/text.h"
#include "plugins/migrate/mover/drive.h"
#include "plugins/migrate/mover/limits.h"
#include "plugins/migrate/mover/local_target.h"
#include "plugins/migrate/mover/remote_target.h"
#include "plugins/migrate/mover/serve.h"
#include "plugins/migrate/mover/tls.h"

namespace holdfast::mover {

Result<Outcome> run_send(const Options& options, World world) {
    TRY_ASSIGN(const Tree source, open_source(options));
    TRY_ASSIGN(const std::string key, read_key(options.key_file));
    TRY_ASSIGN(Workplace workplace, Workplace::open(options));
    TRY(workplace.take({&source}, options));
    TRY_ASSIGN(std::unique_ptr<Tls> tls, Tls::connect(options.to, key, world.signals));
    RemoteTarget target(std::move(tls), world.clock, read_limits().queued);
    TRY(target.hello(options.verify));
    TRY_ASSIGN(Outcome outcome, drive_copy(source, target, workplace, options, world));
    TRY(target.bye());
    outcome.wire_bytes = target.wire_bytes();
    return outcome;
}

Result<Outcome> run_receive(const Options& options, World world) {
    TRY_ASSIGN(const Tree tree, open_target(options.words[0]));
    TRY_ASSIGN(const LocksAround around, tree.lock());
    TRY_ASSIGN(const std::string key, read_key(options.key_file));
    TRY_ASSIGN(Workplace workplace, Workplace::open(options));
    TRY(workplace.take({&tree}, options, StateUser::kReceiver));
    TRY_ASSIGN(const Listener listener, Listener::open(options.listen));
    const Limits limits = read_limits();
    const int threads = options.threads != 0 ? options.threads : limits.threads;
    LocalTarget target(tree, {workplace.folder(), threads}, world.counters, world.signals);
    // Whoever started us waits for this line.
    world.console.out("listening on " + listener.address() + "\n");
    world.console.flush();
    Outcome outcome;
    outcome.command = options.command;
    while (true) {
        TRY_ASSIGN(Descriptor came, listener.accept(world.signals));
        Result<std::unique_ptr<Tls>> tls = Tls::accept(std::move(came), key, world.signals);
        if (!tls.ok() && tls.error().kind == ErrorKind::kInterrupted) return tls.error();
        if (!tls.ok()) {
            world.console.err("warning: " + tls.error().message + "; nothing of it was read\n");
            continue;
        }
        world.started = true;
        TRY_ASSIGN(const Served served, serve(std::move(*tls), target, {workplace.folder(), threads, limits.queued}));
        if (served == Served::kSealed || (served == Served::kDone && !options.stay)) return outcome;
        if (served == Served::kLost) world.console.err("warning: the connection was lost; waiting for the next one\n");
    }
}

}  // namespace holdfast::mover
