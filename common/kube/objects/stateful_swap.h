// A StatefulSet that is deleted and made anew so that its immutable volumeClaimTemplates carry other sizes: what is
// kept, what is dropped, and what tells the two apart. Pure.
#pragma once

#include "common/core/json.h"

#include <nlohmann/json.hpp>

#include <map>
#include <string>
#include <vector>

namespace holdfast::kube {

using TemplateSizes = std::map<std::string, std::string>;  // template name -> storage request

// As written; a template without a request has "".
TemplateSizes template_sizes_of(const Json& set);
// The storage class that a template names, "" : the default one.
std::string template_class_of(const Json& set, const std::string& claim_template);

// What is posted in the place of `live`: its name, labels, annotations, owners and spec, with these sizes and nothing
// else changed. Not its uid, versions, times, managedFields, finalizers or status. mark: annotation
// holdfast.dev/remade, by which it is known until its managedFields are put back.
Json remade_set(const Json& live, const TemplateSizes& sizes, const std::string& mark);

// Where `other` differs from `set` in anything that its pods or claims are made of; "" : only sizes, replicas,
// retention and what does not reach a pod. Another serviceName or template would restart every pod.
std::string difference_but_size(const Json& set, const Json& other);

// Labels of the pods that it makes, and of its ControllerRevisions.
std::map<std::string, std::string> template_labels_of(const Json& workload);
Json pod_selector_of(const Json& workload);  // a LabelSelector; null: none
// What all annotations of an object but this one have for length, as the API server counts it (apimachinery
// pkg/api/validation/objectmeta.go ValidateAnnotationsSize): at most kAnnotationsSize.
inline constexpr std::size_t kAnnotationsSize = std::size_t{256} * 1024;
std::size_t annotations_size_of(const Json& object, const std::string& but);

// `before` with the field owners that it had without what we, as field manager `ours`, have written there: who writes a
// field takes it from those who had applied it. What we have put back since, the claim retention policy and replicas,
// is theirs again, as `first` tells, the set as it was at the start. What somebody has set after us is his.
Json without_our_fields(Json before, const Json& first, const std::string& ours);

// The JSON patch that gives `live` the field owners that `before` had, so that server-side apply goes on as it was, and
// takes away `annotations` of ours. What controllers have written through subresources since then stays theirs.
// Sent with uid and resourceVersion (client-go util/csaupgrade does it so).
Json owners_patch(const Json& before, const Json& live, const std::vector<std::string>& annotations);

// Of a StatefulSet, or what a ControllerRevision keeps of one, in a form in which the two can be compared: without what
// a revision has besides (kubernetes stateful_set_utils.go getPatch), and what servers write or leave out.
nlohmann::json pod_template_of(const Json& object);

std::string update_revision_of(const Json& set);   // status.updateRevision, "" : not known yet
std::string current_revision_of(const Json& set);  // status.currentRevision
bool rolls_by_itself(const Json& set);             // updateStrategy RollingUpdate
bool ordered_ready(const Json& set);  // podManagementPolicy: a pod is made only when every lower one is ready
bool rolling(const Json& set);   // that, and its status names two revisions: pods of both, or a partition between them
bool observed(const Json& set);  // its controller has seen the last change
// The latest time in its managedFields, which the API server writes there with each change; "" : none.
std::string last_written_of(const Json& object);
std::vector<std::string> finalizers_of(const Json& object);
std::string when_deleted_of(const Json& set);  // "Retain" if unset
std::string when_scaled_of(const Json& set);
// Label controller-revision-hash of a pod, ownerReferences' controller uid, restarts of all its containers.
std::string revision_of_pod(const Json& pod);
std::string controller_uid_of(const Json& object);
long long restarts_of(const Json& pod);
// "db-12" of set db: 12; -1: not a pod's name of it.
int ordinal_of_pod(const Json& set, const std::string& pod);
long long min_ready_seconds_of(const Json& workload);             // spec.minReadySeconds, 0 if unset
Json owners_without(const Json& object, const std::string& uid);  // ownerReferences but those to uid
Json reference_to(const Json& owner);                             // as a controller's own ownerReference
// Whether its selector matches the object's labels.
bool selected_by(const Json& set, const Json& object);
// Whether a claim has the labels that the set's own claims get: matchLabels of its selector alone (kubernetes
// pkg/controller/statefulset/stateful_set_utils.go, getPersistentVolumeClaims).
bool labelled_as_claim_of(const Json& set, const Json& claim);
// Its controller in ownerReferences is a StatefulSet of this one's name that is not this one: one that is gone.
std::string uid_of_earlier_owner(const Json& set, const Json& object);  // "" : there is none

}  // namespace holdfast::kube
