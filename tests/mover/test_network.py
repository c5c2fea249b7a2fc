"""send and receive: the same copy over a connection, which may break anywhere and may have a stranger at its end."""
import contextlib
import os
import random
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time

import dataset
import oracle
import pytest
import shuffler
from conftest import MOVER, SOAK, durable_epoch, stopped, traced, until
from wire import Proxy, Receiver, make_key

SEED = int(os.environ.get("HOLDFAST_KILL_SEED", "11"))
KILLS = 200 if SOAK else 20
MIB = 1 << 20


@pytest.fixture
def key(tmp_path):
    return make_key(tmp_path / "key")


@pytest.fixture
def receiver(key):
    started = []

    def start(target, *words, key=key, **more):
        started.append(Receiver(target, key, *words, **more))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.kill()


def test_everything_comes_over_the_wire(disk, mover, same, key, receiver):
    source, target = disk("source", 96), disk("target", 96)
    dataset.make("odd", source.path)
    there = receiver(target.path)
    result = mover("send", source.path, "--to", there.address, "--key-file", key, "-o", "json").result
    assert result["verified"] and result["final"]
    there.end()
    target.again()
    same(source.path, target.path)
    assert oracle.allocated(target.path) <= oracle.allocated(source.path)
    assert not os.path.exists(target.path / ".holdfast-mover")


def test_a_second_pass_sends_what_changed(disk, mover, same, key, receiver, tmp_path):
    source, target, state = disk("source", 64), disk("target", 64), tmp_path / "state"
    state.mkdir()
    (source.path / "table").write_bytes(os.urandom(20_000_000))
    there = receiver(target.path, "--stay")
    words = ["send", source.path, "--to", there.address, "--key-file", key, "--state", state, "-o", "json"]
    assert mover(*words, "--live").result["wire_bytes"] > 20_000_000
    with open(source.path / "table", "r+b") as file:
        file.seek(7_000_000)
        file.write(b"changed")
    (source.path / "new").write_text("new")
    assert mover(*words).result["wire_bytes"] < 100_000
    there.end()
    same(source.path, target.path)


def test_a_pass_over_what_has_hardly_changed_sends_hardly_anything(disk, mover, same, key, receiver, tmp_path):
    source, target, state = disk("source", 64), disk("target", 64), tmp_path / "state"
    state.mkdir()
    for number in range(3000):
        (source.path / f"file-{number:04}").write_bytes(number.to_bytes(8, "little"))
    subprocess.run(["sync", "-f", source.path], check=True)
    time.sleep(3.1)  # what was written less than two seconds before a pass, in whole seconds, is looked at again anyway
    there = receiver(target.path, "--stay")
    words = ["send", source.path, "--to", there.address, "--key-file", key, "--state", state, "-o", "json"]
    mover(*words, "--live")
    (source.path / "file-0007").write_text("changed")
    last = mover(*words).result
    assert last["verified"] and last["wire_bytes"] < 10_000 < os.path.getsize(state / "index")
    there.end()
    same(source.path, target.path)


def test_small_files_that_grow_before_they_are_read_do_not_grow_what_is_sent_together_beyond_its_bound(disk, mover, same, key, receiver, slow, tmp_path):
    source, target, state = disk("source", 96), disk("target", 96), tmp_path / "state"
    state.mkdir()
    (source.path / "a-large").write_bytes(os.urandom(24_000_000))
    (source.path / "z").mkdir()
    for number in range(60):
        (source.path / f"z/{number}").write_bytes(b"x")
    there = receiver(target.path, "--stay")
    first = slow("send", source.path, "--to", there.address, "--key-file", key, "--live", "--threads", "1", "--state", state)
    until(lambda: (target.path / "a-large").exists())
    with stopped(first):
        for number in range(60):
            (source.path / f"z/{number}").write_bytes(os.urandom(40_000))
    _, said = first.communicate(timeout=120)
    assert first.returncode == 0, said
    assert (target.path / "z/0").stat().st_size == 40_000  # else this shows nothing
    mover("send", source.path, "--to", there.address, "--key-file", key, "--state", state)
    there.end()
    same(source.path, target.path)


def test_what_somebody_did_to_a_far_target_is_found(disk, mover, key, receiver, tmp_path):
    source, target, state = disk("source", 16), disk("target", 16), tmp_path / "state"
    state.mkdir()
    for number in range(40):
        (source.path / f"file-{number}").write_bytes(b"x" * number)
    there = receiver(target.path, "--stay")
    words = ["send", source.path, "--to", there.address, "--key-file", key, "--state", state]
    time.sleep(3.1)
    mover(*words, "--live")
    (target.path / "file-7").chmod(0o711)
    assert "target:file-7: mode is 0711, not 0644" in mover(*words, expect=6).err


def untouched(target):
    return sorted(os.listdir(target)) == ["lost+found"]


def test_a_sender_with_another_key_is_turned_away_and_the_right_one_is_not(disk, mover, key, receiver, tmp_path):
    source, target = disk("source", 16), disk("target", 16)
    (source.path / "file").write_text("secret")
    there = receiver(target.path)
    ran = mover("send", source.path, "--to", there.address, "--key-file", make_key(tmp_path / "other"), expect=7)
    assert "key" in ran.err and untouched(target.path)
    mover("send", source.path, "--to", there.address, "--key-file", key)
    assert "warning: " in there.end()


def test_strangers_are_turned_away_before_a_frame_is_read(disk, mover, key, receiver):
    source, target = disk("source", 16), disk("target", 16)
    (source.path / "file").write_text("x")
    there = receiver(target.path)
    host, port = there.address.split(":")
    for words in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01" + os.urandom(300), os.urandom(5000), b"\x01\0\0\0\x04\0\0\0\x04\0\0\0" + bytes(12)):
        with socket.create_connection((host, int(port))) as one:
            one.sendall(words)
            one.settimeout(120)
            try:
                assert len(one.recv(1000)) < 100  # an alert at most
            except ConnectionResetError:
                pass
    anyone = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anyone.check_hostname, anyone.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection((host, int(port))) as one, pytest.raises(ssl.SSLError):
        anyone.wrap_socket(one)
    assert untouched(target.path)
    mover("send", source.path, "--to", there.address, "--key-file", key)
    there.end()


def test_a_stranger_that_drips_does_not_keep_the_right_one_out(disk, mover, same, key, receiver):
    source, target = disk("source", 16), disk("target", 16)
    (source.path / "file").write_text("x")
    there = receiver(target.path)
    host, port = there.address.split(":")
    gone = threading.Event()

    def drip(one):
        try:
            one.sendall(b"\x16\x03\x01\x3f\xff\x01\x00\x3f\xfb\x03\x03")  # the beginning of a hello of 16 KiB
            while not gone.wait(0.05):
                one.sendall(b"\0")
        except OSError:
            pass

    with socket.create_connection((host, int(port))) as one:
        stranger = threading.Thread(target=drip, args=(one,))
        stranger.start()
        try:
            mover("send", source.path, "--to", there.address, "--key-file", key)
        finally:
            gone.set()
            stranger.join()
    assert "warning: the other side does not answer in TLS; nothing of it was read" in there.end()
    same(source.path, target.path)


def test_a_receiver_that_is_killed_leaves_nothing_that_it_was_told(disk, mover, key, receiver, tmp_path):
    source, target, state, temporary = disk("source", 16), disk("target", 16), tmp_path / "state", tmp_path / "temporary"
    state.mkdir()
    temporary.mkdir()
    (source.path / "file").write_text("x")
    os.setxattr(source.path / "file", "user.password", b"correct horse")
    there = receiver(target.path, "--stay", env={**os.environ, "TMPDIR": str(temporary)})
    assert mover("send", source.path, "--to", there.address, "--key-file", key, "--state", state, "--live", "-o", "json").result["verified"]
    there.kill()
    assert [path for path in temporary.rglob("*") if not path.is_dir()] == []


def test_a_receiver_that_has_only_a_certificate_gets_nothing(disk, mover, key, tmp_path):
    source = disk("source", 16)
    (source.path / "file").write_text("secret")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x", "-keyout", tmp_path / "k", "-out",
                    tmp_path / "c"], check=True, stderr=subprocess.DEVNULL)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "c", tmp_path / "k")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sender = subprocess.Popen([MOVER, "send", source.path, "--to", "127.0.0.1:%d" % listener.getsockname()[1], "--key-file", key],
                                  stderr=subprocess.PIPE, text=True)
        got = b""
        try:
            with context.wrap_socket(listener.accept()[0], server_side=True) as peer:
                got = peer.recv(1000)
        except (ssl.SSLError, ConnectionError):
            pass
        _, said = sender.communicate(timeout=120)
    assert sender.returncode == 7 and got == b"", said


def test_nobody_there_ends_with_7(disk, mover, key):
    source = disk("source", 16)
    assert "Connection refused" in mover("send", source.path, "--to", "127.0.0.1:1", "--key-file", key, expect=7).err


def unanswered(port):
    """How many wait for an answer of this port."""
    with open("/proc/net/tcp", encoding="ascii") as table:
        return sum(line.split()[2].endswith(f":{port:04X}") and line.split()[3] == "02" for line in table)


def test_a_sender_that_is_asked_to_end_does_so_also_while_nobody_answers(disk, key):
    source = disk("source", 16)
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        others = [socket.socket() for _ in range(3)]  # who comes now is not answered any more
        for other in others:
            other.setblocking(False)
            other.connect_ex(full.getsockname())
        waiting = unanswered(full.getsockname()[1])
        sender = subprocess.Popen([MOVER, "send", source.path, "--to", "127.0.0.1:%d" % full.getsockname()[1], "--key-file", key], stderr=subprocess.PIPE, text=True)
        try:
            until(lambda: unanswered(full.getsockname()[1]) > waiting)
            sender.send_signal(signal.SIGTERM)
            said = sender.communicate(timeout=20)[1]
        finally:
            sender.kill()
            sender.wait()
            for other in others:
                other.close()
    assert sender.returncode == 128 + signal.SIGTERM and said.startswith("error: interrupted\n")


def test_a_key_that_everybody_may_read_is_not_used(disk, mover, key):
    source = disk("source", 16)
    key.chmod(0o644)
    assert "everybody may read this key" in mover("send", source.path, "--to", "127.0.0.1:1", "--key-file", key, expect=2).err


def test_the_key_is_in_nothing_that_is_said_or_written(disk, mover, key, receiver, tmp_path):
    source, target, state = disk("source", 16), disk("target", 16), tmp_path / "state"
    (source.path / "file").write_bytes(os.urandom(100_000))
    state.mkdir()
    digits = key.read_text()
    other, half = make_key(tmp_path / "other"), tmp_path / "half"
    half.write_text(digits[:63])
    half.chmod(0o600)
    there = receiver(target.path, "--stay", "-o", "json", "--progress", "json")
    ends = [mover("send", source.path, "--to", there.address, "--key-file", one, "--state", state, "-o", "json", "--progress", "json", *words, expect=code)
            for one, words, code in ((other, [], 7), (half, [], 2), (digits, [], 2), (key, ["--live"], 0))]
    assert "takes the name of a file that has the key, not the key" in ends[2].err
    told = [there.process.stdout, there.process.stderr]
    of_receiver = open(f"/proc/{there.process.pid}/cmdline", "rb").read() + open(f"/proc/{there.process.pid}/environ", "rb").read()
    written = b"".join(path.read_bytes() for folder in (state, target.path) for path in folder.rglob("*") if path.is_file())
    assert len(written) > 100_000
    ends.append(mover("send", source.path, "--to", there.address, "--key-file", key, "--state", state))
    there.process.wait(120)
    everything = "".join(ran.out + ran.err for ran in ends).encode() + "".join(one.read() for one in told).encode() + of_receiver + written
    for secret in (digits, digits.upper(), other.read_text(), digits[:63]):
        assert secret.encode() not in everything
    assert bytes.fromhex(digits) not in everything


def test_what_the_far_target_cannot_hold_is_refused(disk, mover, key, receiver):
    source, target = disk("source", 16), disk("target", 16, options=["-I", "128"])
    (source.path / "late").write_text("after 2038")
    os.utime(source.path / "late", ns=(0, (2**32 + 5) * 10**9 + 1))
    there = receiver(target.path)
    assert "modification times" in mover("send", source.path, "--to", there.address, "--key-file", key, expect=3).err
    assert untouched(target.path)


def test_a_full_disk_at_the_far_side_is_said_at_both(disk, mover, key, receiver):
    source, target = disk("source", 64), disk("target", 64)
    for number in range(10):
        (source.path / f"file{number}").write_bytes(os.urandom(4_000_000))
    shutil.rmtree(source.path / "lost+found")  # directories are made before files are written
    (target.path / "others").write_bytes(os.urandom(30_000_000))
    (target.path / "here").mkdir()
    there = receiver(target.path / "here")
    ran = mover("send", source.path, "--to", there.address, "--key-file", key, expect=5)
    assert "target:file" in ran.err and "No space left on device" in ran.err
    assert "No space left on device" in there.end(expect=5)


def test_only_a_slow_connection_is_compressed(disk, mover, key, receiver):
    source, target = disk("source", 64), disk("target", 64)
    dataset.make("database", source.path, 0.01)
    there = receiver(target.path)
    proxy = Proxy(there.address, bytes_per_second=4_000_000)
    result = mover("send", source.path, "--to", proxy.address, "--key-file", key, "-o", "json").result
    assert result["wire_bytes"] < result["bytes_sent"] * 0.8
    there.end()
    # Slow as well, but by what was asked for: the connection itself holds nothing up.
    there = receiver(disk("another", 64).path)
    result = mover("send", source.path, "--to", there.address, "--key-file", key, "--bandwidth", "8Mi", "-o", "json").result
    assert result["wire_bytes"] > result["bytes_sent"]
    there.end()


@pytest.mark.skipif(not SOAK, reason="takes 70 s: what ended such connections was a limit of 60")
def test_a_receiver_that_stands_still_for_more_than_a_minute_is_waited_for(disk, mover, same, key, receiver):
    source, target = disk("source", 96), disk("target", 96)
    (source.path / "table").write_bytes(os.urandom(60_000_000))
    there = receiver(target.path)
    words = [MOVER, "send", source.path, "--to", there.address, "--key-file", key]
    sender = subprocess.Popen([*words, "--bandwidth", "20Mi"], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    while not (target.path / "table").exists():
        assert sender.poll() is None
        time.sleep(0.01)
    there.process.send_signal(signal.SIGSTOP)
    time.sleep(70)
    there.process.send_signal(signal.SIGCONT)
    _, said = sender.communicate(timeout=120)
    assert sender.returncode == 0, said
    there.end()
    same(source.path, target.path)


@contextlib.contextmanager
def another_machine():
    """(prefix of commands there, its address, what makes it silent): as when its power is cut, nothing says that it is gone."""
    name, near, far = (f"hfm{os.getpid() % 10000}{end}" for end in ("", "n", "f"))
    within = ["ip", "netns", "exec", name]
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        for words in (["ip", "link", "add", near, "type", "veth", "peer", "name", far, "netns", name], ["ip", "addr", "add", "10.213.8.1/30", "dev", near],
                      [*within, "ip", "addr", "add", "10.213.8.2/30", "dev", far], ["ip", "link", "set", near, "up"], [*within, "ip", "link", "set", far, "up"]):
            subprocess.run(words, check=True)
        yield within, "10.213.8.2", lambda: subprocess.run([*within, "ip", "addr", "del", "10.213.8.2/30", "dev", far], check=True)
    finally:
        subprocess.run(["ip", "netns", "del", name], check=True)


@pytest.mark.skipif(not SOAK, reason="takes 70 s: so long a machine that answers nothing is waited for")
def test_a_machine_that_is_gone_without_a_word_is_missed_by_both_sides_within_two_minutes(disk, mover, same, key, tmp_path):
    source, target, state = disk("source", 96), disk("target", 96), tmp_path / "state"
    state.mkdir()
    (source.path / "table").write_bytes(os.urandom(60_000_000))
    (source.path / "small").write_bytes(os.urandom(10_000))
    with another_machine() as (within, address, cut):
        there = subprocess.Popen([*within, MOVER, "receive", target.path, "--listen", f"{address}:0", "--key-file", key], stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True)
        to = there.stdout.readline().split()[-1]
        sender = subprocess.Popen([MOVER, "send", source.path, "--to", to, "--key-file", key, "--state", state, "--bandwidth", "4Mi", "--group-bytes", "1Mi"],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        until(lambda: durable_epoch(target.path) >= 2)
        cut()
        began = time.monotonic()
        said = sender.communicate(timeout=120)[1]
        assert sender.returncode == 5 and "the connection to the other side was lost: its machine has answered nothing for a minute" in said
        assert there.stderr.readline() == "warning: the connection was lost; waiting for the next one\n"
        assert time.monotonic() - began < 120
        there.kill()
        there.communicate()
    last = Receiver(target.path, key)
    mover("send", source.path, "--to", last.address, "--key-file", key, "--state", state)
    last.end()
    same(source.path, target.path)


@pytest.mark.skipif(not SOAK, reason="takes 30 s: so long a sender waits for its turn")
def test_a_sender_that_comes_while_another_one_is_served_is_told_that(disk, mover, same, key, receiver, slow):
    source, target = disk("source", 96), disk("target", 96)
    (source.path / "table").write_bytes(os.urandom(30_000_000))
    there = receiver(target.path)
    first = slow("send", source.path, "--to", there.address, "--key-file", key)
    until(lambda: (target.path / "table").exists())
    with stopped(first):
        said = mover("send", source.path, "--to", there.address, "--key-file", key, expect=7).err
    assert said == "error: the other side does not answer in TLS: it still works with somebody else, or is no holdfast-mover\n"
    assert first.wait(timeout=60) == 0
    there.end()
    same(source.path, target.path)


def test_a_receiver_that_reads_all_of_its_target_for_a_sender_that_is_gone_turns_to_the_next_one(disk, mover, same, key, receiver, tmp_path):
    source, target, state = disk("source", 96), disk("target", 96), tmp_path / "state"
    state.mkdir()
    for number in range(60):
        (target.path / f"file{number:02}").write_bytes(os.urandom(MIB))
        shutil.copy2(target.path / f"file{number:02}", source.path)
    slowly = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=pread64", "-e", "inject=pread64:delay_enter=1000000"]  # for a minute
    there = receiver(target.path, under=slowly)
    sender = subprocess.Popen([MOVER, "send", source.path, "--to", there.address, "--key-file", key, "--state", state], stderr=subprocess.DEVNULL)
    until(lambda: (state / "index").exists())
    sender.kill()
    sender.wait()
    began = time.monotonic()
    assert there.process.stderr.readline() == "warning: the connection was lost; waiting for the next one\n"
    assert time.monotonic() - began < 20
    os.kill(traced(there.process), signal.SIGKILL)
    there.process.wait(120)
    last = receiver(target.path)
    mover("send", source.path, "--to", last.address, "--key-file", key, "--state", state)
    last.end()
    same(source.path, target.path)


def breaker(rng, there, sender):
    """What breaks: the connection, the sender, or the receiver."""
    what = rng.choice(["connection", "sender", "receiver"])

    def cut(proxy):
        if what == "sender":
            sender[0].send_signal(signal.SIGKILL)
        elif what == "receiver":
            there[0].process.send_signal(signal.SIGKILL)
        proxy.close_connections()

    return what, cut


def test_a_side_that_goes_before_it_has_shown_the_key_is_not_said_to_have_another_one(disk, mover, key):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        closing = threading.Thread(target=lambda: listener.accept()[0].close())
        closing.start()
        done = mover("send", disk("source", 16).path, "--to", "127.0.0.1:%d" % listener.getsockname()[1], "--key-file", key, expect=7)
        closing.join()
    assert done.err == "error: the connection ended before the other side had shown that it has the key: it is gone, or is no holdfast-mover\n"


def test_a_connection_that_breaks_at_any_byte_is_taken_up_again(disk, mover, same, key, receiver, tmp_path):
    source, target, state = disk("source", 64), disk("target", 64), tmp_path / "state"
    state.mkdir()
    rng = random.Random(SEED)
    print(f"HOLDFAST_KILL_SEED={SEED}")
    dataset.make("odd", source.path)
    (source.path / "table").write_bytes(os.urandom(12_000_000))
    changes = shuffler.Shuffler(str(source.path / "sizes"), SEED)
    there, sender = [receiver(target.path, "--stay")], [None]
    for number in range(KILLS):
        if there[0].process.poll() is not None:
            there[0] = receiver(target.path, "--stay")
        what, cut = breaker(rng, there, sender)
        # Most of it is sent at first, little later on.
        proxy = Proxy(there[0].address, cut_at=rng.randrange(20_000_000 if number < KILLS // 2 else 600_000), cut=cut)
        words = [MOVER, "send", source.path, "--to", proxy.address, "--key-file", key, "--state", state]
        sender[0] = subprocess.Popen(words + (["--live"] if number % 2 else []), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        _, said = sender[0].communicate(timeout=120)
        print(number, what, proxy.passed, sender[0].returncode)
        assert sender[0].returncode in (0, 5, -9), said
        proxy.close()
        # After a final pass that nothing broke it ends, too.
        if what == "receiver" or (number % 2 == 0 and sender[0].returncode == 0):
            there[0].process.wait(120)
        if number % 4 == 3:
            changes.run(4)
    if there[0].process.poll() is not None:
        there[0] = receiver(target.path, "--stay")
    mover("send", source.path, "--to", there[0].address, "--key-file", key, "--state", state)
    there[0].end()
    target.again()
    same(source.path, target.path)


def test_a_connection_that_breaks_at_any_frame_is_taken_up_again_and_little_is_sent_twice(disk, mover, same, key, receiver, tmp_path):
    source, target = disk("source", 32), disk("target", 32)
    size, count = 300_000, 16
    for number in range(count):
        (source.path / f"file{number:02}").write_bytes(os.urandom(size))
    words = ["send", source.path, "--key-file", key, "-o", "json", "--group-bytes", "256Ki", "--threads", "1"]

    def clear():
        for path in target.path.iterdir():
            if path.name != "lost+found":
                path.unlink()
        shutil.rmtree(tmp_path / "state", ignore_errors=True)
        (tmp_path / "state").mkdir()

    clear()
    there = receiver(target.path)
    whole = Proxy(there.address)
    mover(*words, "--to", whole.address)
    there.end()
    boundaries = range(1, whole.frames.frames) if SOAK else sorted(random.Random(SEED).sample(range(1, whole.frames.frames), 12))
    assert whole.frames.frames > 3 * count
    for frame in boundaries:
        print("frame", frame, "of", whole.frames.frames)
        clear()
        there = receiver(target.path, "--stay")
        proxy = Proxy(there.address, cut_frame=frame)
        mover(*words, "--to", proxy.address, "--state", tmp_path / "state", expect=5)
        durable = durable_epoch(target.path)  # groups, of one file each, and the end
        result = mover(*words, "--to", there.address, "--state", tmp_path / "state").result
        assert result["verified"] and result["bytes_sent"] <= size * max(0, count - durable) + size * count / 100
        there.end()
        same(source.path, target.path)


def test_whichever_side_breaks_at_any_byte_little_is_sent_twice(disk, mover, same, key, receiver, tmp_path):
    """What the target's journal says is durable is not sent again, but for one part in a hundred; of the rest each file at most once."""
    source, target = disk("source", 32), disk("target", 32)
    size, count, rng = 300_000, 16, random.Random(SEED)
    print(f"HOLDFAST_KILL_SEED={SEED}")
    for number in range(count):
        (source.path / f"file{number:02}").write_bytes(os.urandom(size))
    words = [MOVER, "send", source.path, "--key-file", key, "--group-bytes", "256Ki", "--threads", "1"]
    durable_before = []
    for number in range(KILLS // 4 if not SOAK else KILLS):
        for path in target.path.iterdir():
            if path.name != "lost+found":
                path.unlink()
        state = tmp_path / f"state{number}"
        state.mkdir()
        there, sender = [receiver(target.path, "--stay")], [None]
        what, cut = breaker(rng, there, sender)
        proxy = Proxy(there[0].address, cut_at=rng.randrange(size, size * count), cut=cut)
        sender[0] = subprocess.Popen([*words, "--to", proxy.address, "--state", state], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        said = sender[0].communicate(timeout=120)[1]
        assert sender[0].returncode in (5, -9), said
        if what == "receiver":
            there[0].process.wait(120)
            there[0] = receiver(target.path, "--stay")
        # What had come before the break may still become durable until the receiver turns to the next sender, and was then not sent again either.
        durable = durable_epoch(target.path)
        result = mover(*words[1:], "--to", there[0].address, "--state", state, "-o", "json").result
        print(number, what, proxy.passed, durable, result["bytes_sent"])
        assert result["verified"] and result["bytes_sent"] <= size * max(0, count - durable) + size * count / 100
        durable_before.append(durable)
        there[0].end()
        proxy.close()
        same(source.path, target.path)
    assert max(durable_before) > 2  # else this shows nothing


def test_what_is_durable_is_not_sent_again(disk, mover, same, key, receiver, tmp_path):
    source, target, state = disk("source", 64), disk("target", 64), tmp_path / "state"
    state.mkdir()
    for number in range(10):
        (source.path / f"file{number}").write_bytes(os.urandom(4_000_000))
    there = receiver(target.path, "--stay")
    # Two threads have together at most three files begun and not ended, so of 30 MB at least three files lie before all these.
    words = ["send", source.path, "--key-file", key, "--state", state, "-o", "json", "--group-bytes", "1Mi", "--threads", "2"]
    proxy = Proxy(there.address, cut_at=30_000_000, evidence=lambda: durable_epoch(target.path) >= 3, cut=lambda p: p.close_connections())
    mover(*words, "--to", proxy.address, expect=5)
    durable = durable_epoch(target.path)  # each is one file
    result = mover(*words, "--to", there.address).result
    assert 0 < result["bytes_sent"] <= 40_000_000 - durable * 4_000_000
    there.end()
    same(source.path, target.path)
