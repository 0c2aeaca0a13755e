#pragma once

#include <cstddef>

#include "model/subject/report_log.hpp"
#include "model/subject/slab_subject_of.hpp"

namespace slabproof {

/// The DynamicCache of a row with the policy with guards that `spec` asks for. Defined in a file for each row: each is
/// many classes to compile.
template <slab::Row R>
AnySubject* make_guarded(void* storage, const CacheSpec& spec, RecordingBackend& backend);
template <>
AnySubject* make_guarded<slab::Row::SmallSinglePage>(void* storage, const CacheSpec& spec, RecordingBackend& backend);
template <>
AnySubject* make_guarded<slab::Row::SmallMultiPage>(void* storage, const CacheSpec& spec, RecordingBackend& backend);
template <>
AnySubject* make_guarded<slab::Row::Large>(void* storage, const CacheSpec& spec, RecordingBackend& backend);

template <Guards G, std::size_t Kept>
struct GuardedPolicy : Guarded<G> {
  static constexpr std::size_t empty_slabs_kept = Kept;
  static void on_misuse(const slab::MisuseReport& report) noexcept { note_report(report); }
};

template <slab::Row R>
AnySubject* make_guarded_in(void* storage, const CacheSpec& spec, RecordingBackend& backend) {
  return with_guarded(spec.guards, [&]<Guards G>(Guarded<G>) -> AnySubject* {
    if constexpr (is_possible(G, 0) && G != Guards::None)
      if (spec.empty_slabs_kept == 0) return make_dynamic<R, GuardedPolicy<G, 0>>(storage, spec, backend);
    if constexpr (G != Guards::None) return make_dynamic<R, GuardedPolicy<G, 1>>(storage, spec, backend);
    return nullptr;
  });
}

}  // namespace slabproof
