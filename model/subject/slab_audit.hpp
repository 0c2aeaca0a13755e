#pragma once

#include <slab/cache_core.hpp>

#include "model/judge/invariant.hpp"

namespace slabproof {

/// The invariant that does not hold when the cache's audit() fails so; None when it has not failed.
constexpr Invariant invariant_of(slab::AuditFailure failure) {
  switch (failure) {
    case slab::AuditFailure::None: return Invariant::None;
    case slab::AuditFailure::ListMembership: return Invariant::L1;
    case slab::AuditFailure::ListLinks: return Invariant::L2;
    case slab::AuditFailure::FreeList: return Invariant::L3;
    case slab::AuditFailure::KeptSlabs: return Invariant::L6;
    case slab::AuditFailure::Owner: return Invariant::L8;
    case slab::AuditFailure::DamagedSlabInfo: return Invariant::L9;
    case slab::AuditFailure::Overlap: return Invariant::L10;
    case slab::AuditFailure::WrittenRedZone: return Invariant::L11;
    case slab::AuditFailure::WrittenAfterFree: return Invariant::L12;
  }
  return Invariant::OfAudit;
}

}  // namespace slabproof
