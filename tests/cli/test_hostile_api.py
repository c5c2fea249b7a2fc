"""Bad inputs 27 and 29 to 46 of the project's list of 82, by their numbers: an API server that is wrong, hostile or not one at all.
Each with the exact exit code and message, and nothing written."""
import gzip
import json
import re
import time

import pytest

LIST = r"^/apis/snapshot\.storage\.k8s\.io/v1/namespaces/shop/volumesnapshots(\?|$)"
RSS_LIMIT_KIB = 64 * 1024


def snapshot(name, **status):
    return {"apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshot",
            "metadata": {"name": name, "namespace": "shop", "resourceVersion": "5", "uid": f"uid-{name}", "creationTimestamp": "2026-11-21T04:30:00Z"},
            "spec": {"source": {"persistentVolumeClaimName": "data"}}, "status": {"readyToUse": True, **status}}


def page(items, token=None):
    return {"kind": "VolumeSnapshotList", "apiVersion": "snapshot.storage.k8s.io/v1",
            "metadata": {"resourceVersion": "7", **({"continue": token} if token else {})}, "items": items}


@pytest.fixture
def listing(start_double, make_kubeconfig, run):
    """listing(reply) runs `snap list` against a server that answers the list of snapshots with it."""

    def go(reply, *args, **more):
        double = start_double([{"method": "GET", "path": LIST, "reply": reply}], **more)
        began = time.monotonic()
        done = run("snap", "list", *args, kubeconfig=make_kubeconfig(double), measure=True)
        done.double, done.seconds = double, time.monotonic() - began
        assert double.writes() == []
        return done

    return go


def check(done, code, message):
    assert done.code == code, done
    assert re.search(message, done.err), done


def check_memory(done):
    assert 0 < done.peak_kib <= RSS_LIMIT_KIB, done


@pytest.mark.parametrize("certificate, ca, message", [
    ("expired", "ca", r"^Unable to connect to the server: tls: failed to verify certificate: x509: certificate has expired$"),
    ("not_yet", "ca", r"^Unable to connect to the server: tls: failed to verify certificate: x509: certificate is not yet valid$"),
    ("wrong_host", "ca", r"^Unable to connect to the server: tls: failed to verify certificate: x509: certificate is not valid for 127\.0\.0\.1$"),
    ("good", "other_ca", r"^Unable to connect to the server: tls: failed to verify certificate: x509: certificate signed by unknown authority$"),
])
def test_27_a_certificate_that_fails_a_check_says_which(start_double, make_kubeconfig, run, certificate, ca, message):
    double = start_double(certificate=certificate)
    done = run("snap", "list", kubeconfig=make_kubeconfig(double, ca=ca))
    assert done.code == 7, done
    assert re.search(message, done.err, re.M), done
    assert double.requests() == []


def test_27_tls_server_name_is_what_the_certificate_must_be_valid_for(start_double, make_kubeconfig, run):
    double = start_double(certificate="wrong_host")
    done = run("snap", "list", kubeconfig=make_kubeconfig(double, cluster={"tls-server-name": "elsewhere.example"}))
    assert done.code == 0, done
    assert {r["headers"]["host"] for r in double.requests()} == {double.address}


def test_29_an_object_of_100_mb_is_not_read_to_its_end(listing):
    done = listing({"generate": {"prefix": json.dumps(page([]))[:-2] + '{"metadata":{"name":"', "repeat": "x" * 1000, "count": 100000, "suffix": '"}}]}'}})
    check(done, 1, r"^error: .*the server's reply to GET /apis/snapshot\.storage\.k8s\.io/v1/namespaces/shop/volumesnapshots is larger than 16(\.0)?Mi; it was not read to its end")
    check_memory(done)


def test_30_a_depth_of_100000_is_refused(listing):
    done = listing({"body": '{"kind":"VolumeSnapshotList","apiVersion":"snapshot.storage.k8s.io/v1","metadata":{"resourceVersion":"1"},"items":[' +
                            '{"a":' * 100000 + "1" + "}" * 100000 + "]}"})
    check(done, 1, r"is nested deeper than 500 levels")
    check_memory(done)


@pytest.mark.parametrize("wire", [{"chunked": True}, {}, {"until_close": True}], ids=["chunks", "length", "until-close"])
def test_31_a_reply_that_is_cut_off_is_never_an_empty_list(listing, wire):
    done = listing({"json": page([snapshot("one"), snapshot("two")]), "cut_after": 40, **wire}, "--request-timeout", "3s")
    check(done, 5, r"^error: .*(broke during GET|was cut off before its end)")
    assert done.out == "" and "No snapshot" not in done.err, done


@pytest.mark.parametrize("claimed", [50, 0])
def test_32_a_content_length_that_is_too_short_is_a_protocol_error(listing, claimed):
    done = listing({"json": page([snapshot("one")]), "content_length": claimed})
    check(done, 1, r"^error: .*the server's reply to GET .* (ends in the middle of its JSON|is not valid JSON)")
    assert done.out == "", done


def test_32_a_content_length_that_is_too_long_is_a_broken_connection(listing):
    done = listing({"json": page([snapshot("one")]), "content_length": 100000}, "--request-timeout", "3s")
    check(done, 5, r"^error: .*the connection to the server 127\.0\.0\.1:\d+ broke during GET")


def test_33_a_redirect_is_not_followed_and_the_token_stays_here(start_double, make_kubeconfig, run):
    other = start_double()
    double = start_double([{"method": "GET", "path": LIST, "reply": {"status": 302, "headers": {"Location": f"{other.url}/steal"}, "body": ""}}])
    done = run("snap", "list", kubeconfig=make_kubeconfig(double))
    check(done, 1, r"^error: .*is a redirect \(HTTP 302\) to https://127\.0\.0\.1:\d+/steal; it was not followed")
    assert other.requests() == []


def test_34_a_gzip_bomb_ends_at_the_limit_of_what_it_inflates_to(listing, tmp_path):
    bomb = tmp_path / "bomb.gz"
    with gzip.open(bomb, "wb") as out:
        out.write(b'{"kind":"')
        for _ in range(200):
            out.write(b"A" * 1_000_000)
    done = listing({"headers": {"Content-Type": "application/json", "Content-Encoding": "gzip"}, "body_file": str(bomb)})
    check(done, 1, r"is larger than 16(\.0)?Mi; it was not read to its end")
    check_memory(done)


@pytest.mark.parametrize("items, message", [
    ([], r"sends empty pages without an end; refusing to go on"),
    ([snapshot("again")], r"does not end after \d+ pages; refusing to go on"),
], ids=["empty", "full"])
def test_35_pages_without_an_end_are_not_followed_for_ever(listing, items, message):
    done = listing({"json": page(items, token="next-${n}")})
    check(done, 1, r"^error: .*the list of volumesnapshots\.snapshot\.storage\.k8s\.io " + message)
    check_memory(done)


def test_36_a_continue_token_that_comes_back_is_a_loop(listing):
    done = listing({"json": page([snapshot("one")], token="again")})
    check(done, 1, r"the list of volumesnapshots\.snapshot\.storage\.k8s\.io sends the same continue token again; refusing to go on")
    check_memory(done)
    assert len([r for r in done.double.requests() if re.search(LIST, r["target"])]) <= 3


def test_37_control_characters_from_the_server_are_shown_and_not_obeyed(listing):
    evil = "\x1b]52;c;ZXZpbA==\x07\x1b[2J\r\u202eevil"
    done = listing({"status": 403, "json": {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Forbidden", "code": 403, "message": evil}})
    assert done.code == 7, done
    for raw in ("\x1b", "\x07", "\r", "\u202e"):
        assert raw not in done.err + done.out, done
    assert "evil" in done.err


def test_38_a_failure_with_http_status_200_is_a_failure(listing):
    done = listing({"status": 200, "json": {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "InternalError", "code": 500, "message": "etcd is on fire"}})
    check(done, 5, r"^Error from server \(InternalError\): etcd is on fire$")
    assert done.out == "", done


def test_40_an_object_without_a_resource_version_is_not_worked_with(listing):
    item = snapshot("one")
    del item["metadata"]["resourceVersion"]
    done = listing({"json": page([item])})
    check(done, 3, r"^error: .*vs/one: the server's reply has no metadata\.resourceVersion; refusing to work with an object that cannot be changed safely; nothing was changed")


def test_43_a_retry_after_of_years_is_not_waited_for(listing):
    done = listing({"status": 429, "headers": {"Retry-After": "1000000000", "Content-Type": "text/plain"}, "body": "slow down"}, "--request-timeout", "5s")
    check(done, 5, r"^Error from server \(TooManyRequests\): the server has received too many requests and has asked us to try again later")
    assert done.seconds < 5, done.seconds


def test_43_a_short_retry_after_is_obeyed(start_double, make_kubeconfig, run):
    double = start_double([{"method": "GET", "path": LIST, "times": 2, "reply": {"status": 429, "headers": {"Retry-After": "1"}, "body": ""}}])
    done = run("snap", "list", kubeconfig=make_kubeconfig(double))
    assert done.code == 0, done
    assert len([r for r in double.requests() if re.search(LIST, r["target"])]) == 3


def test_43_a_server_error_without_retry_after_is_not_tried_again(listing):
    done = listing({"status": 503, "headers": {}, "body": ""})
    check(done, 5, r"^Error from server \(ServiceUnavailable\): the server is currently unable to handle the request$")
    assert len([r for r in done.double.requests() if re.search(LIST, r["target"])]) == 1


def test_44_a_login_page_is_not_a_kubernetes_api(listing):
    done = listing({"status": 200, "headers": {"Content-Type": "text/html"}, "body": "<html><form>Sign in</form></html>"})
    check(done, 1, r"^error: .*not a Kubernetes API: the server's reply to GET .* is an HTML page \(HTTP 200\)")


def test_401_is_said_as_kubectl_says_it(listing):
    done = listing({"status": 401, "json": {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Unauthorized", "code": 401, "message": "Unauthorized"}})
    check(done, 7, r"^error: You must be logged in to the server \(.*Unauthorized\)$")


def test_nobody_listening_is_said_as_kubectl_says_it(start_double, make_kubeconfig, run):
    double = start_double()
    config = make_kubeconfig(double)
    double.process.terminate()
    double.process.wait()
    done = run("snap", "list", kubeconfig=config)
    check(done, 7, rf"^The connection to the server {double.address} was refused - did you specify the right host or port\?$")


def test_a_token_never_goes_over_plain_http(start_double, make_kubeconfig, run):
    double = start_double(certificate=None)
    run("snap", "list", kubeconfig=make_kubeconfig(double, ca=None))
    assert all("authorization" not in r["headers"] for r in double.requests())


def test_no_secret_shows_at_the_highest_verbosity(start_double, make_kubeconfig, run):
    canary = "canary-5f1d"
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "shop"}, "data": {"p": canary}, "stringData": {"q": canary}}
    item = snapshot("one", error={"message": f"cannot reach postgres://app:{canary}@db/shop?sslpassword={canary}"})
    double = start_double([{"method": "GET", "path": LIST, "reply": {"json": page([item, secret | {"metadata": secret["metadata"] | {"resourceVersion": "1"}}]),
                                                                     "headers": {"Content-Type": "application/json", "Set-Cookie": f"s={canary}"}}}])
    done = run("snap", "list", "-v=10", kubeconfig=make_kubeconfig(double, user={"token": canary}))
    assert "GET https://" in done.err and "Bearer <masked>" in done.err and "Response Body" in done.err, done
    assert double.requests()[0]["headers"]["authorization"] == f"Bearer {canary}"
    assert canary not in done.err + done.out, done


# A claim that can be snapshotted, with everything that `snap create` reads of it.
def shop():
    meta = {"namespace": "shop"}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}, "status": {"phase": "Active"}},
        {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {**meta, "name": "data", "uid": "uid-data"},
         "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, "storageClassName": "fast",
                  "volumeMode": "Filesystem", "volumeName": "pv-1"},
         "status": {"phase": "Bound", "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"]}},
        {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "pv-1"},
         "spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "csi": {"driver": "csi.example", "volumeHandle": "h"},
                  "claimRef": {"namespace": "shop", "name": "data", "uid": "uid-data"}, "persistentVolumeReclaimPolicy": "Delete",
                  "storageClassName": "fast", "volumeMode": "Filesystem"},
         "status": {"phase": "Bound"}},
        {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "fast"}, "provisioner": "csi.example"},
        {"apiVersion": "storage.k8s.io/v1", "kind": "CSIDriver", "metadata": {"name": "csi.example"}, "spec": {}},
        {"apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshotClass", "metadata": {"name": "snaps"},
         "driver": "csi.example", "deletionPolicy": "Delete"},
    ]


@pytest.fixture
def creating(start_double, make_kubeconfig, run):
    """creating(change, rules) runs `snap create` of a claim that `change` has spoiled, against the store with these rules before it."""

    def go(change=lambda claim: None, rules=()):
        objects = shop()
        change(objects[1])
        double = start_double(rules, objects)
        done = run("snap", "create", "pvc/data", "--name", "one", "--wait", "cut", "--timeout", "3s", kubeconfig=make_kubeconfig(double),
                   measure=True)
        done.double = double
        return done

    return go


def posts(double, plural):
    return [r for r in double.writes() if r["method"] == "POST" and f"/{plural}?" in r["target"]]


def deleting(start_double, make_kubeconfig, run, spoil, rules=()):
    """`snap delete` of a snapshot that the server gives as `spoil` has made it; the store behind has it as it is."""
    seen = snapshot("one", boundVolumeSnapshotContentName="c", creationTime="2026-11-21T04:30:00Z")
    kept = json.loads(json.dumps(seen))
    spoil(seen)
    double = start_double([*rules, {"method": "GET", "path": "/volumesnapshots/one$", "reply": {"json": seen}},
                           {"method": "GET", "path": LIST, "reply": {"json": page([seen])}}], [*shop(), kept])
    return double, run("snap", "delete", "vs/one", "--yes", "--force", "--timeout", "5s", kubeconfig=make_kubeconfig(double))


def test_39_an_object_that_was_replaced_since_it_was_read_is_not_deleted(start_double, make_kubeconfig, run):
    double, done = deleting(start_double, make_kubeconfig, run, lambda seen: seen["metadata"].update(uid="uid-of-before"))
    check(done, 4, r"Error from server \(Conflict\): .*vs/shop/one")
    deletes = [r for r in double.writes() if r["method"] == "DELETE" and "volumesnapshots/one" in r["target"]]
    assert [json.loads(r["body"])["preconditions"]["uid"] for r in deletes] == ["uid-of-before"]
    assert [r["status"] for r in deletes] == [409]


def test_40_nothing_is_deleted_that_has_no_resource_version(start_double, make_kubeconfig, run):
    double, done = deleting(start_double, make_kubeconfig, run, lambda seen: seen["metadata"].pop("resourceVersion"))
    check(done, 3, r"^error: vs/one: the server's reply has no metadata\.resourceVersion; refusing to work with .*; nothing was changed")
    assert double.writes() == []


@pytest.mark.parametrize("field, change", [
    ("spec.resources.requests.storage", lambda claim, bad: claim["spec"]["resources"]["requests"].update(storage=bad)),
    ("status.capacity.storage", lambda claim, bad: claim["status"]["capacity"].update(storage=bad)),
])
@pytest.mark.parametrize("bad", ["1e999", "-5Gi", "many"])
def test_41_a_quantity_that_is_none_is_named_by_its_field(creating, field, change, bad):
    done = creating(lambda claim: change(claim, bad))
    check(done, 3, rf"^error: .*pvc/shop/data: {re.escape(field)}: .*{re.escape(bad)}.*nothing was changed")
    assert done.double.writes() == []


@pytest.mark.parametrize("change, message", [
    (lambda claim: claim["status"].update(phase="Dreaming"), r"pvc/shop/data is not bound but Dreaming.*nothing was changed"),
    (lambda claim: claim["spec"].update(volumeMode="Tape"), r"pvc/shop/data: spec\.volumeMode Tape is unsupported.*nothing was changed"),
], ids=["phase", "volumeMode"])
def test_42_a_word_that_we_do_not_know_is_no_default(creating, change, message):
    done = creating(change)
    check(done, 3, "^error: " + message)
    assert done.double.writes() == []


def test_45_without_a_snapshot_api_the_message_says_what_to_install(creating):
    done = creating(rules=[{"method": "GET", "path": "^/apis$", "reply": {"json": {"kind": "APIGroupDiscoveryList", "items": []}}}])
    check(done, 3, r"^error: the cluster has no snapshot API \(snapshot\.storage\.k8s\.io/v1 volumesnapshots\); nothing was changed\n"
                   r"install the CRDs and the snapshot-controller of kubernetes-csi/external-snapshotter")
    assert done.double.writes() == []


def test_46_a_watch_line_without_an_end_stops_at_its_cap(creating):
    done = creating(rules=[{"method": "GET", "path": "watch=true", "reply": {"generate": {"repeat": "x" * 1000, "count": 100000}}}])
    check(done, 5, r"error: the watch on volumesnapshots\.snapshot\.storage\.k8s\.io sent a line of over 8(\.0)?Mi without an end\n.* is unfinished")
    check_memory(done)


def test_46_a_flood_of_bookmarks_is_no_progress(creating):
    bookmark = '{"type":"BOOKMARK","object":{"kind":"VolumeSnapshot","metadata":{"resourceVersion":"2000"}}}\n'
    done = creating(rules=[{"method": "GET", "path": "watch=true", "reply": {"generate": {"repeat": bookmark, "count": 10**9}}}])
    check(done, 5, r"error: vs/shop/one-data: no progress in 3\.0s")
    check_memory(done)


def test_a_write_whose_answer_was_lost_is_sent_once_and_observed(creating):
    done = creating(rules=[{"method": "POST", "path": "/volumesnapshots\\?", "reply": {"through": True, "drop": True}}])
    check(done, 5, r"done: create vs/shop/one-data")  # there it was; that no controller cuts it is another matter
    assert len(posts(done.double, "volumesnapshots")) == 1


def test_a_silent_server_is_waited_for_as_long_as_timeout_says(start_double, make_kubeconfig, run):
    double = start_double([{"method": "GET", "path": LIST, "reply": {"json": page([]), "delay_ms": 100000}}], objects=[snapshot("one")])
    began = time.monotonic()
    done = run("snap", "delete", "vs/one", "--yes", "--timeout", "5s", kubeconfig=make_kubeconfig(double))
    check(done, 5, r"^error: .*gave no answer to GET .* in time")
    assert time.monotonic() - began < 30 and double.writes() == [], done
