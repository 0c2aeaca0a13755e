#pragma once

#include <cstddef>
#include <vector>

#include <slab/misuse.hpp>
#include <slab/policy.hpp>

namespace properties {

/// What caches with the policy Recording reported, in order. Each test that reads it clears it first.
inline std::vector<slab::MisuseReport> reports;

/// A Checked cache that notes each misuse and goes on.
struct Recording : slab::Checked {
  static void on_misuse(const slab::MisuseReport& report) noexcept { reports.push_back(report); }
};

/// The same with another number of empty slabs.
template <std::size_t EmptySlabsKept>
struct RecordingAndKeeping : Recording {
  static constexpr std::size_t empty_slabs_kept = EmptySlabsKept;
};

}  // namespace properties
