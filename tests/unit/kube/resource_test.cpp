#include "common/kube/resource.h"

#include <doctest/doctest.h>

using namespace holdfast::kube;

TEST_CASE("every word that kubectl knows for a resource finds it") {
    for (const char* word :
         {"pvc", "persistentvolumeclaim", "persistentvolumeclaims", "PersistentVolumeClaim", "PVC"}) {
        CAPTURE(word);
        CHECK(find_resource(word) == &kClaims);
    }
    for (const char* word : {"sts", "statefulset", "statefulsets", "statefulset.apps", "statefulsets.v1.apps"}) {
        CAPTURE(word);
        CHECK(find_resource(word) == &kStatefulSets);
    }
    CHECK(find_resource("vs") == &kSnapshots);
    CHECK(find_resource("volumesnapshots.snapshot.storage.k8s.io") == &kSnapshots);
    CHECK(find_resource("po") == &kPods);
    CHECK(find_resource("ns") == &kNamespaces);
    CHECK(find_resource("cm") == &kConfigMaps);
}

TEST_CASE("words that mean nothing, or another group, find nothing") {
    for (const char* word : {"", ".", "pods.", "pods.apps", "statefulset.extensions", "sts.", "snap"}) {
        CAPTURE(word);
        CHECK(find_resource(word) == nullptr);
    }
}

TEST_CASE("kinds and plurals are found by group") {
    CHECK(find_kind("", "Pod") == &kPods);
    CHECK(find_kind("apps", "Pod") == nullptr);
    CHECK(find_kind("snapshot.storage.k8s.io", "VolumeSnapshot") == &kSnapshots);
    CHECK(find_plural("storage.k8s.io", "storageclasses") == &kStorageClasses);
    CHECK(find_plural("", "storageclasses") == nullptr);
}

TEST_CASE("paths are those of the API server, and no name can leave its place in them") {
    CHECK(object_path({kPods, "db", "p-0"}, "exec") == "/api/v1/namespaces/db/pods/p-0/exec");
    CHECK(object_path({kVolumes, "", "pv-1"}) == "/api/v1/persistentvolumes/pv-1");
    CHECK(object_path({kSnapshots, "db", "a.b"}) ==
          "/apis/snapshot.storage.k8s.io/v1/namespaces/db/volumesnapshots/a.b");
    CHECK(collection_path(kPods, "") == "/api/v1/pods");
    CHECK(collection_path(kAccessReviews, "") == "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews");
    CHECK(collection_path(kStorageClasses, "db") == "/apis/storage.k8s.io/v1/storageclasses");
    CHECK(object_path({kPods, "db", ".."}) == "/api/v1/namespaces/db/pods/%2E%2E");
    CHECK(object_path({kPods, "db", "a/b?c#d"}) == "/api/v1/namespaces/db/pods/a%2Fb%3Fc%23d");
}

TEST_CASE("messages name an object by its short word, namespace and name") {
    CHECK(ObjectRef{kClaims, "bookstore", "data-postgres-0"}.text() == "pvc/bookstore/data-postgres-0");
    CHECK(ObjectRef{kVolumes, "", "pvc-1234"}.text() == "pv/pvc-1234");
    CHECK(kSnapshots.qualified() == "volumesnapshots.snapshot.storage.k8s.io");
    CHECK(kPods.qualified() == "pods");
}
