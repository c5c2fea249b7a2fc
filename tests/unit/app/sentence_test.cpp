#include "common/app/sentence.h"

#include "common/app/exit_code.h"

#include <doctest/doctest.h>

using namespace holdfast;
using namespace holdfast::app;

TEST_CASE("errors of the API server are worded as kubectl words them") {
    CHECK(error_text({ErrorKind::kNotFound, "statefulsets.apps \"x\" not found", "", 404, "NotFound"}) ==
          "Error from server (NotFound): statefulsets.apps \"x\" not found\n");
    CHECK(error_text({ErrorKind::kUnavailable, "etcd leader changed", "", 500, ""}) ==
          "Error from server: etcd leader changed\n");
    CHECK(error_text({ErrorKind::kInvalid, "PersistentVolumeClaim \"x\" is invalid: spec: Forbidden", "", 422,
                      "Invalid"}) == "The PersistentVolumeClaim \"x\" is invalid: spec: Forbidden\n");
    CHECK(error_text({ErrorKind::kInvalid, "pvc/n/x: PersistentVolumeClaim \"x\" is invalid: spec: Forbidden", "", 422,
                      "Invalid"}) ==
          "Error from server (Invalid): pvc/n/x: PersistentVolumeClaim \"x\" is invalid: spec: Forbidden\n");
    CHECK(error_text({ErrorKind::kUnauthorized, "Unauthorized", "", 401, "Unauthorized"}) ==
          "error: You must be logged in to the server (Unauthorized)\n");
}

TEST_CASE("a connection that cannot be made is told in kubectl's two sentences") {
    const std::string refused =
        "The connection to the server h:1 was refused - did you specify the right host or port?";
    CHECK(error_text({ErrorKind::kConnect, refused}) == refused + "\n");
    CHECK(error_text({ErrorKind::kConnect, "get pvc/a/b: " + refused}) == refused + "\n");
    CHECK(error_text({ErrorKind::kUnauthorized, "Unable to connect to the server: tls: x"}) ==
          "Unable to connect to the server: tls: x\n");
    CHECK(error_text({ErrorKind::kConnect, "no route"}) == "Unable to connect to the server: no route\n");
}

TEST_CASE("the hint stands on a line of its own and nothing in an error reaches the terminal as a control sequence") {
    CHECK(error_text({ErrorKind::kRefused, "refusing x", "use --force"}) == "error: refusing x\nuse --force\n");
    CHECK(error_text({ErrorKind::kFailed, "a\x1b[2Jb", "c\rd"}).find('\x1b') == std::string::npos);
    CHECK(error_text({ErrorKind::kFailed, "a", "c\rd"}).find('\r') == std::string::npos);
}

TEST_CASE("exit codes follow what the user does next") {
    CHECK(exit_code({ErrorKind::kNotFound, ""}, false) == 1);
    CHECK(exit_code({ErrorKind::kUsage, ""}, false) == 2);
    CHECK(exit_code({ErrorKind::kRefused, ""}, false) == 3);
    CHECK(exit_code({ErrorKind::kLocked, ""}, false) == 4);
    CHECK(exit_code({ErrorKind::kConflict, ""}, true) == 4);
    CHECK(exit_code({ErrorKind::kTimeout, ""}, true) == 5);
    CHECK(exit_code({ErrorKind::kUnavailable, ""}, false) == 5);
    CHECK(exit_code({ErrorKind::kMismatch, ""}, true) == 6);
    CHECK(exit_code({ErrorKind::kForbidden, ""}, false) == 7);
    CHECK(exit_code({ErrorKind::kConnect, ""}, false) == 7);
    CHECK(exit_code({ErrorKind::kUnauthorized, ""}, false) == 7);
    CHECK(exit_code({ErrorKind::kFailed, ""}, true) == 1);
    CHECK(exit_code({ErrorKind::kForbidden, ""}, true) == 5);
    CHECK(exit_code({ErrorKind::kInternal, ""}, true) == 5);
}
