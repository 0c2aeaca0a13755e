#pragma once

#include "model/program/guards.hpp"
#include "model/program/named.hpp"

namespace slabproof {

/// A policy, but for the empty slabs that it keeps.
struct PolicyKind {
  bool checks = true;
  Guards guards = Guards::None;
  friend bool operator==(const PolicyKind&, const PolicyKind&) = default;
};

constexpr Named<PolicyKind> policy_kinds[] = {{{true}, "Checked"},
                                              {{false}, "Unchecked"},
                                              {{true, Guards::RedZone}, "RedZone"},
                                              {{true, Guards::Pattern}, "Pattern"},
                                              {{true, Guards::Quarantine}, "Quarantine"},
                                              {{true, Guards::ZeroOnAlloc}, "ZeroOnAlloc"},
                                              {{true, Guards::ZeroOnFree}, "ZeroOnFree"},
                                              {{true, Guards::Debug}, "Debug"}};

}  // namespace slabproof
