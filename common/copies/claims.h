// Which class, size and modes a restored claim gets, and its manifest. Pure.
#pragma once

#include "common/copies/source.h"
#include "common/core/quantity.h"

#include <optional>
#include <string>
#include <vector>

namespace holdfast::copies {

struct ClaimWishes {
    std::string storage_class;  // "" : by rule
    std::optional<Quantity> size;
    std::string access_mode;  // "" : as recorded
    std::string volume_mode;  // "" : as it was
};

// What a claim is going to ask for, every choice made.
struct ClaimSpec {
    std::string name, space;
    kube::StorageClass storage_class;
    Quantity size = Quantity::from_bytes(0);
    std::vector<std::string> access_modes;
    std::string volume_mode;
    std::string snapshot;   // VolumeSnapshot in `space` that it is filled from
    std::string why_class;  // "as recorded", "default class of fast.csi.example": for the plan
};

// kRefused, nothing changed: no class of the snapshot's driver, a class of another driver (both names), a size below
// the snapshot's (both sizes), a mode that the content does not allow.
Result<ClaimSpec> choose_claim(const Source& source, const Member& member, const ClaimWishes& wishes);

// A claim with a data source is bound to a free volume all the same, where one fits: the binder looks at class, size
// and modes before it asks for a new volume, and never at the data source (syncUnboundClaim in pv_controller.go).
// Somebody else's data would count as restored, and go with a throwaway claim. kRefused, nothing changed: names that
// volume.
Status check_rivals(const std::vector<kube::Volume>& free_volumes, const ClaimSpec& spec);

// What the annotation holdfast.dev/source says of a claim that was restored from this member.
std::string source_text(const Member& member);
inline constexpr char kSourceUid[] = " uid=";  // before the snapshot's uid, which ends it

// Labels and annotations are added to what every restored claim carries (managed-by, source).
Json claim_manifest(const ClaimSpec& spec, const Member& member, const Json& labels);

// What an import makes so that a snapshot can be restored in another namespace: a content of its own on the same
// handle, which never deletes it (policy Retain), and a snapshot that is bound to it.
struct Import {
    Json content, snapshot;
};
// kRefused if the source has no handle yet. `name` names both objects.
Result<Import> import_of(const Member& member, const std::string& space, const std::string& name);

}  // namespace holdfast::copies
