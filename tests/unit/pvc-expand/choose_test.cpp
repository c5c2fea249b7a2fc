#include "common/kube/objects/stateful_swap.h"
#include "plugins/pvc-expand/guards.h"
#include "plugins/pvc-expand/rounds.h"
#include "tests/unit/pvc-expand/scene.h"

#include <doctest/doctest.h>

using namespace holdfast;                    // NOLINT: a test of one header
using namespace holdfast::expand;            // NOLINT
using namespace holdfast::testing::growing;  // NOLINT

namespace {

std::string notes_of(const Choice& choice) {
    std::string all;
    for (const std::string& note : choice.notes) all += note + "\n";
    return all;
}

}  // namespace

TEST_CASE("every claim of a StatefulSet grows, the highest ordinal first, and its template") {
    ExpandFacts made;
    facts(made, 3);
    const auto choice = choose(options(), made);
    REQUIRE(choice.ok());
    REQUIRE(choice->record.claims.size() == 3);
    CHECK(choice->record.claims[0].claim == "data-db-2");
    CHECK(choice->record.claims[2].to == "20Gi");
    REQUIRE(choice->record.sets.size() == 1);
    CHECK(choice->record.sets[0].sizes.at("data") == "20Gi");
}

TEST_CASE("mixed sizes: what is larger stays, what is as large is left out, the rest grows") {
    ExpandFacts made;
    facts(made, 3);
    made.claims["data-db-0"] = claim(0, "30Gi");
    made.claims["data-db-1"] = claim(1, "20Gi");
    const auto choice = choose(options(), made);
    REQUIRE(choice.ok());
    REQUIRE(choice->record.claims.size() == 1);
    CHECK(choice->record.claims[0].claim == "data-db-2");
    CHECK(notes_of(*choice).find("data-db-0 (30Gi)") != std::string::npos);
}

TEST_CASE("everything large enough already is nothing to do") {
    ExpandFacts made;
    facts(made);
    const auto choice = choose(options("10Gi"), made);
    REQUIRE(choice.ok());
    CHECK(choice->record.claims.empty());
    CHECK(choice->record.sets.empty());
}

TEST_CASE("bad input 64: shrinking is refused with the size that is there and the line that does it") {
    ExpandFacts made;
    facts(made);
    refuses(options("5Gi"), made, "--size 5Gi is less than template data of sts/shop/db has: 10Gi",
            "kubectl migrate sts/db --size 5Gi");
}

TEST_CASE("of templates of several sizes the one that can grow is named where another one is larger already") {
    ExpandFacts made;
    facts(made);
    Json wal = made.sets[0]["spec"]["volumeClaimTemplates"][0];
    wal["metadata"]["name"] = "wal";
    wal["spec"]["resources"]["requests"]["storage"] = "50Gi";
    made.sets[0]["spec"]["volumeClaimTemplates"].push_back(wal);
    refuses(options(), made, "--size 20Gi is less than template wal of sts/shop/db has: 50Gi",
            "kubectl migrate sts/db --size 20Gi; to let only another one grow: --template data");
    ExpandOptions one = options();
    one.claim_template = "data";
    CHECK(choose(one, made).ok());
}

TEST_CASE("bad input 65: a class that does not expand is named") {
    ExpandFacts made;
    facts(made);
    made.classes["fast"] = storage_class(false);
    refuses(options(), made, "has the storage class fast, which does not allow volume expansion",
            "allowVolumeExpansion");
}

TEST_CASE("bad input 66: a quota says what is needed and what is free") {
    ExpandFacts made;
    facts(made);
    made.quotas.push_back(
        {{"metadata", {{"name", "storage"}}},
         {"status", {{"hard", {{"requests.storage", "30Gi"}}}, {"used", {{"requests.storage", "20Gi"}}}}}});
    refuses(options(), made,
            "resourcequota/shop/storage (requests.storage) has room for 10Gi more, and 20Gi are needed");
    // One that counts some claims only, by their VolumeAttributesClass, which these have not.
    made.quotas[0]["spec"]["scopeSelector"]["matchExpressions"] =
        Json::array({{{"scopeName", "VolumeAttributesClass"}, {"operator", "In"}, {"values", Json::array({"gold"})}}});
    CHECK(choose(options(), made).ok());
}

TEST_CASE("bad input 68: a template that there is not lists those that there are") {
    ExpandFacts made;
    facts(made);
    ExpandOptions wanted = options();
    wanted.claim_template = "dat";
    refuses(wanted, made, "sts/shop/db has no volumeClaimTemplate dat", "it has data");
}

TEST_CASE("an operator's StatefulSet is refused, with the operator's own field") {
    struct Case {
        const char *version, *kind, *field;
    };
    const Case cases[] = {
        {"postgresql.cnpg.io/v1", "Cluster", "set spec.storage.size of the Cluster that"},
        {"acid.zalan.do/v1", "postgresql", "spec.volume.size"},
        {"postgres-operator.crunchydata.com/v1beta1", "PostgresCluster", "spec.instances[].dataVolumeClaimSpec"},
        {"kafka.strimzi.io/v1beta2", "Kafka", "spec.kafka.storage.size"},
        {"kafka.strimzi.io/v1beta2", "KafkaNodePool", "set spec.storage.size of the KafkaNodePool that"},
        {"elasticsearch.k8s.elastic.co/v1", "Elasticsearch", "spec.nodeSets[].volumeClaimTemplates[]"},
        {"rabbitmq.com/v1beta1", "RabbitmqCluster", "spec.persistence.storage"},
        {"psmdb.percona.com/v1", "PerconaServerMongoDB", "spec.replsets[].volumeSpec"},
        {"pxc.percona.com/v1", "PerconaXtraDBCluster", "spec.pxc.volumeSpec"},
        {"pgv2.percona.com/v2", "PerconaPGCluster", "spec.instances[].dataVolumeClaimSpec"},
        {"core.strimzi.io/v1beta2", "StrimziPodSet",
         "spec.kafka.storage.size (of a KafkaNodePool: spec.storage.size) of the Kafka that"},
        {"monitoring.coreos.com/v1", "Prometheus", "spec.storage.volumeClaimTemplate"},
        {"monitoring.coreos.com/v1", "Prometheus", "with spec.paused: true"},
        {"monitoring.coreos.com/v1", "Alertmanager", "change the size where Alertmanager/x takes it from"},
        {"k8s.mariadb.com/v1alpha1", "MariaDB", "spec.storage.size of the MariaDB"},
        {"k8s.mariadb.com/v1alpha1", "MaxScale", "change the size where MaxScale/x takes it from"},
        {"opentelemetry.io/v1beta1", "OpenTelemetryCollector", "spec.volumeClaimTemplates[]"},
        {"broker.amq.io/v1beta1", "ActiveMQArtemis", "spec.deploymentPlan.storage.size"},
        {"example.com/v1", "X", "change the size where X/x takes it from"},
    };
    for (const auto& [version, kind, field] : cases) {
        CAPTURE(version);
        CAPTURE(std::string(kind));
        ExpandFacts made;
        facts(made);
        made.sets[0]["metadata"]["ownerReferences"] =
            Json::array({{{"apiVersion", version}, {"kind", kind}, {"name", "x"}, {"uid", "u"}, {"controller", true}}});
        refuses(options(), made, "sts/shop/db is owned by " + std::string(kind) + "/x", field);
    }
}

TEST_CASE("a set of the Zalando operator is known by its labels") {
    ExpandFacts made;
    facts(made);
    made.sets[0]["metadata"]["labels"] = {{"app", "db"}, {"application", "spilo"}, {"cluster-name", "books"}};
    refuses(options(), made, "postgresql/books (the Zalando Postgres operator)", "spec.volume.size");
}

TEST_CASE("a set that could not be made anew as it is, is refused") {
    ExpandFacts made;
    facts(made);
    made.sets[0]["metadata"]["finalizers"] = Json::array({"example.com/hold"});
    refuses(options(), made, "has the finalizer example.com/hold");
    made.sets[0]["metadata"].erase("finalizers");
    made.sets[0]["metadata"]["deletionTimestamp"] = "2026-11-21T05:00:00Z";
    refuses(options(), made, "is being deleted");
    made.sets[0]["metadata"].erase("deletionTimestamp");
    made.sets[0]["status"]["observedGeneration"] = 2;
    refuses(options(), made, "its controller has not seen it yet");
    made.sets[0]["status"]["observedGeneration"] = 3;
    made.sets[0]["status"]["currentRevision"] = "db-0";
    refuses(options(), made, "is in the middle of a rollout", "kubectl rollout status sts/db");
    made.sets[0]["status"]["currentRevision"] = "db-1";
    made.pods[1]["metadata"]["labels"]["controller-revision-hash"] = "db-0";
    refuses(options(), made, "pod/db-1 of sts/shop/db is not of its last revision");
}

TEST_CASE("under OnDelete pods of an older revision are as they should be") {
    ExpandFacts made;
    facts(made);
    made.sets[0]["spec"]["updateStrategy"]["type"] = "OnDelete";
    made.sets[0]["status"]["currentRevision"] = "db-0";
    made.pods[1]["metadata"]["labels"]["controller-revision-hash"] = "db-0";
    CHECK(choose(options(), made).ok());
}

TEST_CASE("a claim that cannot grow is refused, each with its reason") {
    ExpandFacts made;
    facts(made);
    made.claims["data-db-1"]["status"]["phase"] = "Pending";
    refuses(options(), made, "pvc/shop/data-db-1 is not Bound, its phase is Pending");
    made.claims["data-db-1"] = claim(1);
    made.claims["data-db-1"]["metadata"]["deletionTimestamp"] = "2026-11-21T05:00:00Z";
    refuses(options(), made, "pvc/shop/data-db-1 is being deleted");
    made.claims["data-db-1"] = claim(1);
    made.claims["data-db-1"]["status"]["allocatedResources"] = {{"storage", "10Gi"}};
    made.claims["data-db-1"]["status"]["allocatedResourceStatuses"] = {{"storage", "NodeResizePending"}};
    refuses(options(), made, "was never closed (NodeResizePending", "kubectl pvc-expand recover pvc/data-db-1");
    made.claims["data-db-1"] = claim(1);
    made.pods.push_back(pod(7, "uid-other"));
    made.pods.back()["spec"]["volumes"][0]["persistentVolumeClaim"]["claimName"] = "data-db-1";
    refuses(options(), made, "is mounted by pod/shop/db-7, which is not one of sts/db's");
}

TEST_CASE("the beta annotation is the class of a claim that has it") {
    ExpandFacts made;
    facts(made);
    made.claims["data-db-0"]["metadata"]["annotations"] = {{"volume.beta.kubernetes.io/storage-class", "old"}};
    refuses(options(), made, "has the class old, which is gone");
}

TEST_CASE("ordinals that have no pod any more are named, and grow only if asked") {
    ExpandFacts made;
    facts(made);
    made.claims["data-db-5"] = claim(5);
    const auto without = choose(options(), made);
    REQUIRE(without.ok());
    CHECK(without->record.claims.size() == 2);
    CHECK(notes_of(*without).find("data-db-5 (--include-unused") != std::string::npos);
    ExpandOptions wanted = options();
    wanted.include_unused = true;
    const auto with = choose(wanted, made);
    REQUIRE(with.ok());
    REQUIRE(with->record.claims.size() == 3);
    CHECK(with->record.claims[0].claim == "data-db-5");
    CHECK_FALSE(with->record.claims[0].mounted);
}

TEST_CASE("ordinals may begin above 0") {
    ExpandFacts made;
    facts(made, 1);
    made.sets[0]["spec"]["ordinals"] = {{"start", 4}};
    made.sets[0]["spec"]["replicas"] = 1;
    made.claims = {{"data-db-0", claim(0)}, {"data-db-4", claim(4)}};  // the first is left over from before
    const auto choice = choose(options(), made);
    REQUIRE(choice.ok());
    REQUIRE(choice->record.claims.size() == 1);
    CHECK(choice->record.claims[0].ordinal == 4);
}

TEST_CASE("of two sets whose claims have the same names the labels tell which is whose") {
    ExpandFacts made;
    facts(made);
    made.claims["data-db-1"]["metadata"]["labels"] = {{"app", "other"}};
    made.pods[1] = pod(1, "uid-other");
    const auto choice = choose(options(), made);
    REQUIRE(choice.ok());
    CHECK(choice->record.claims.size() == 1);
    CHECK(choice->record.sets.empty());
    CHECK(notes_of(*choice).find("template data of sts/db stays at 10Gi: pvc/data-db-1 has the name of one of its "
                                 "claims and not their labels") != std::string::npos);
    made.claims["data-db-7"] = made.claims["data-db-1"];  // of no ordinal that there is: nobody takes it for the set's
    made.claims.erase("data-db-1");
    CHECK(choose(options(), made)->record.sets.size() == 1);
}

TEST_CASE("a claim that a pod of the set mounts is the set's, whatever labels it has") {
    ExpandFacts made;
    facts(made);
    made.claims["data-db-1"]["metadata"].erase("labels");
    const auto choice = choose(options(), made);
    REQUIRE(choice.ok());
    CHECK(choice->record.claims.size() == 2);
    CHECK(choice->record.sets.size() == 1);
}

TEST_CASE(
    "a selector of expressions alone gives claims no labels: their names tell, and pods are matched by all of it") {
    ExpandFacts made;
    facts(made);
    const Json only_web = Json::array({{{"key", "app"}, {"operator", "In"}, {"values", Json::array({"db"})}}});
    made.sets[0]["spec"]["selector"] = {{"matchExpressions", only_web}};
    made.pods.clear();
    for (auto& [name, one] : made.claims) one["metadata"].erase("labels");
    CHECK(choose(options(), made)->record.claims.size() == 2);
    CHECK(kube::selected_by(made.sets[0], pod(0)));
    Json other = pod(0);
    other["metadata"]["labels"]["app"] = "web";
    CHECK_FALSE(kube::selected_by(made.sets[0], other));
}

TEST_CASE("where only the template is to grow one claim carries what is told of the set, and nothing is asked of it") {
    ExpandFacts made;
    facts(made);
    for (int i = 0; i < 2; ++i) made.claims["data-db-" + std::to_string(i)] = claim(i, "20Gi");
    made.classes.clear();  // nothing grows: no class is asked
    ExpandOptions wanted = options();
    wanted.restart = Restart::kOffline;
    wanted.canary = 1;
    const auto choice = choose(wanted, made);
    REQUIRE(choice.ok());
    const ExpandRecord& record = choice->record;
    REQUIRE(record.claims.size() == 1);
    CHECK(record.claims[0].bears_only);
    CHECK(record.stopped.empty());
    CHECK(record_of(record_json(record), "shop")->claims[0].bears_only);
    ExpandState at = state(2, "20Gi");
    CHECK(stage_of(record, at, kId) == Stage::kSecure);
    const auto marks = plan_round(Stage::kSecure, record, at, kId, now());
    REQUIRE(marks->steps.size() == 1);
    const auto& patch = std::get<plan::Patch>(marks->steps[0].action);
    CHECK_FALSE(patch.body.contains("spec"));
    at.claims[record.claims[0].claim]["metadata"]["labels"][labels::kExpanding] = kId;
    at.claims[record.claims[0].claim]["metadata"]["annotations"][labels::kExpand] =
        patch.body["metadata"]["annotations"][labels::kExpand];
    CHECK(stage_of(record, at, kId) == Stage::kSwap);
    CHECK_FALSE(begun(record, at));
    for (const plan::Step& step : rehearsal_of(record, at, kId)) CHECK(step.id.rfind("try-data", 0) != 0);
}

TEST_CASE("pods that are not ready are told and no reason to refuse: a full disk is why people come") {
    ExpandFacts made;
    facts(made);
    made.pods[0]["status"]["conditions"] = Json::array({{{"type", "Ready"}, {"status", "True"}}});
    const auto choice = choose(options(), made);
    REQUIRE(choice.ok());
    CHECK(notes_of(*choice).find("not ready, and no reason not to grow: pod/db-1\n") != std::string::npos);
}

TEST_CASE("a volume that is larger already than what is asked for only has its claim ask for it") {
    ExpandFacts made;
    facts(made, 1);
    made.claims["data-db-0"] = claim(0, "10Gi", "24Gi");
    const auto choice = choose(options(), made);
    REQUIRE(choice.ok());
    REQUIRE(choice->record.claims.size() == 1);
    CHECK(choice->record.claims[0].to == "20Gi");
    ExpandState at = state(1);
    at.claims["data-db-0"] = claim(0, "20Gi", "24Gi");
    CHECK(large_enough(choice->record.claims[0], at));
}

TEST_CASE("a size with a fraction of a byte is told") {
    ExpandFacts made;
    facts(made, 1);
    ExpandOptions wanted = options();
    for (const char* size : {"10844792422400m", "20Gi", "20480M"}) {
        wanted.size = Quantity::parse(size).value();
        const bool told = notes_of(*choose(wanted, made)).find("not a whole number of bytes") != std::string::npos;
        CHECK(told == (size[0] == '1'));
    }
}

TEST_CASE("a quota counts what an expansion has allocated, where that is more than the request") {
    ExpandFacts made;
    facts(made, 1);
    made.claims["data-db-0"]["status"]["allocatedResources"] = {{"storage", "18Gi"}};
    made.quotas.push_back(
        {{"metadata", {{"name", "storage"}}},
         {"status", {{"hard", {{"requests.storage", "20Gi"}}}, {"used", {{"requests.storage", "18Gi"}}}}}});
    CHECK(choose(options(), made).ok());
    made.claims["data-db-0"]["status"].erase("allocatedResources");
    refuses(options(), made, "has room for 2Gi more, and 10Gi are needed");
}

TEST_CASE("a relative size becomes an absolute one, which is printed") {
    ExpandFacts made;
    facts(made);
    made.claims["data-db-1"] = claim(1, "12Gi");
    ExpandOptions wanted = options("");
    wanted.add = Quantity::parse("5Gi").value();
    const auto added = choose(wanted, made);
    REQUIRE(added.ok());
    CHECK(added->record.claims[0].to == "17Gi");
    CHECK(added->record.claims[1].to == "15Gi");
    CHECK(added->record.sets[0].sizes.at("data") == "15Gi");
    CHECK(notes_of(*added).find("pvc/data-db-1: 12Gi becomes 17Gi") != std::string::npos);
    wanted.add.reset();
    wanted.percent = 20;
    CHECK(choose(wanted, made)->record.claims[1].to == "12Gi");
}

TEST_CASE("--until-usage makes what is used now that part of every claim of the template") {
    ExpandFacts made;
    facts(made);
    made.used = {{"data-db-0", 7LL << 30}, {"data-db-1", 14LL << 30}};
    ExpandOptions wanted = options("");
    wanted.until_usage = 70;
    const auto choice = choose(wanted, made);
    REQUIRE(choice.ok());
    CHECK(choice->record.claims[0].to == "20Gi");
    CHECK(choice->record.claims[1].to == "20Gi");
    CHECK(choice->record.sets[0].sizes.at("data") == "20Gi");
}

TEST_CASE("a selector that does not choose every claim of a template leaves the template") {
    ExpandFacts made;
    facts(made);
    ExpandOptions wanted = options();
    wanted.target.reset();
    wanted.selector = "tier=hot";
    made.chosen = {"data-db-0"};
    const auto part = choose(wanted, made);
    REQUIRE(part.ok());
    CHECK(part->record.claims.size() == 1);
    CHECK(part->record.sets.empty());
    CHECK(notes_of(*part).find("template data of sts/db stays at 10Gi") != std::string::npos);
    made.chosen = {"data-db-0", "data-db-1"};
    CHECK(choose(wanted, made)->record.sets.size() == 1);
}

TEST_CASE("a claim of a StatefulSet that grows by itself leaves the template, which is said") {
    ExpandFacts made;
    facts(made);
    made.sets.clear();
    made.chosen = {"data-db-0"};
    ExpandOptions wanted = options();
    wanted.target = kube::ObjectRef{kube::kDeployments, "shop", "backup"};
    CHECK(
        notes_of(*choose(wanted, made))
            .find("pvc/data-db-0 is of sts/db, whose template stays as it is: kubectl pvc-expand sts/db grows both") !=
        std::string::npos);
    made.pods[0]["metadata"]["name"] = "backup-0";
    CHECK(notes_of(*choose(wanted, made)).find("template") == std::string::npos);
}

TEST_CASE("GitOps is told which value to change where") {
    ExpandFacts made;
    facts(made);
    made.sets[0]["metadata"]["annotations"]["argocd.argoproj.io/tracking-id"] = "books:apps/StatefulSet:shop/db";
    const auto choice = choose(options(), made);
    REQUIRE(choice.ok());
    CHECK(notes_of(*choice).find("Argo CD application books: put the new size into Git") != std::string::npos);
    CHECK(notes_of(*choice).find("volumeClaimTemplates[data].spec.resources.requests.storage: 20Gi") !=
          std::string::npos);
}

TEST_CASE("Flux and Helm are told which value to change, each where it stands") {
    ExpandFacts made;
    facts(made);
    Json& metadata = made.sets[0]["metadata"];
    metadata["labels"]["kustomize.toolkit.fluxcd.io/name"] = "books";
    CHECK(notes_of(*choose(options(), made))
              .find("Flux kustomization books: put the new size into Git before the next "
                    "sync (volumeClaimTemplates[data]") != std::string::npos);
    metadata["labels"].erase("kustomize.toolkit.fluxcd.io/name");
    metadata["labels"]["helm.toolkit.fluxcd.io/name"] = "books";
    CHECK(notes_of(*choose(options(), made)).find("Flux Helm release books: put the new size into Git") !=
          std::string::npos);
    metadata["labels"].erase("helm.toolkit.fluxcd.io/name");
    metadata["annotations"]["meta.helm.sh/release-name"] = "books";
    CHECK(notes_of(*choose(options(), made))
              .find("Helm release books: put the new size into the chart's values before "
                    "the next upgrade") != std::string::npos);
}

TEST_CASE("an operator's claim is refused too, though no StatefulSet is meant") {
    ExpandFacts made;
    facts(made);
    made.sets.clear();
    made.chosen = {"data-db-0"};
    made.claims["data-db-0"]["metadata"]["ownerReferences"] = Json::array({{{"apiVersion", "postgresql.cnpg.io/v1"},
                                                                            {"kind", "Cluster"},
                                                                            {"name", "db"},
                                                                            {"uid", "u"},
                                                                            {"controller", true}}});
    ExpandOptions wanted = options();
    wanted.target = kube::ObjectRef{kube::kClaims, "shop", "data-db-0"};
    refuses(wanted, made, "pvc/shop/data-db-0 is owned by Cluster/db (CloudNativePG)", "set spec.storage.size");
}

TEST_CASE("what does not fit into an annotation is not begun; kubectl's copy of the manifest is left out of it first") {
    ExpandFacts made;
    facts(made);
    const std::string much(120 * 1024, 'x');
    made.sets[0]["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"] = much;
    made.sets[0]["spec"]["template"]["metadata"]["annotations"]["notes"] = much;
    const ExpandRecord fits = choose(options(), made)->record;
    CHECK(check_traces(made, fits, kId).ok());
    const std::string text = trace_text(fits, "db", kId);
    CHECK(text.size() < 200 * 1024);
    CHECK(Json::parse(text)["sets"][0]["manifest"]["spec"]["template"] == made.sets[0]["spec"]["template"]);
    made.sets[0]["spec"]["template"]["metadata"]["annotations"]["more"] = much;
    const Status refused = check_traces(made, choose(options(), made)->record, kId);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().kind == ErrorKind::kRefused);
    CHECK(refused.error().message.find("sts/shop/db is too large to be written beside its claims") == 0);
}

TEST_CASE(
    "claims of an operation that is not finished are not grown by another, though its journal and Lease are lost") {
    ExpandFacts made;
    facts(made);
    ExpandRecord first = choose(options(), made)->record;
    made.claims["data-db-1"]["metadata"]["labels"][labels::kExpanding] = kId;
    made.claims["data-db-1"]["metadata"]["annotations"][labels::kExpand] = trace_json(first, "db", kId).dump();
    made.sets.clear();  // in the gap: claims are all that is found
    made.chosen = {"data-db-0"};
    ExpandOptions wanted = options("30Gi");
    wanted.target = kube::ObjectRef{kube::kClaims, "shop", "data-db-0"};
    const auto choice = choose(wanted, made);
    REQUIRE(choice.ok());
    const Status refused = check_unfinished(made, choice->record, "expand-data-db-0-fghij");
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().kind == ErrorKind::kConflict);
    CHECK(refused.error().message ==
          "pvc/shop/data-db-1 tells of expand-db-abcde, which has begun to grow these claims and is not finished");
    CHECK(refused.error().hint == "go on with it: kubectl pvc-expand resume expand-db-abcde -n shop");
    CHECK(check_unfinished(made, choice->record, kId).ok());
    made.claims["files"] = claim(7);
    made.claims["files"]["metadata"]["name"] = "files";
    made.chosen = {"files"};
    wanted.target = kube::ObjectRef{kube::kClaims, "shop", "files"};
    CHECK(check_unfinished(made, choose(wanted, made)->record, "expand-files-fghij").ok());
}
