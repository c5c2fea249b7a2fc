// Where the external provisioner puts the volume of a claim whose class binds at once. Pure.
#pragma once

#include <cstdint>
#include <string>

namespace holdfast::kube {

// Its zone is the one with this number, counted round, of those that the class allows (external-provisioner v6.3.0,
// pkg/controller/topology.go, getPVCNameHashAndIndexOffset: the hash and the index together). It is made of the claim's
// name, so that all CLAIM-STATEFULSET-ORDINAL of one ordinal come into one zone.
std::uint32_t provisioning_place(const std::string& claim);

// name, with a number at its end if it takes one to be placed where `other` is. At most 11 bytes longer.
std::string placed_like(const std::string& other, const std::string& name);

}  // namespace holdfast::kube
