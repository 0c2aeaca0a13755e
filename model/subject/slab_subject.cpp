#include "model/subject/slab_subject.hpp"

#include <cstdio>
#include <cstdlib>

#include "model/program/static_caches.hpp"
#include "model/subject/report_log.hpp"
#include "model/subject/slab_guarded.hpp"
#include "model/subject/slab_subject_of.hpp"
#include "model/subject/tested_subject.hpp"

namespace slabproof {
namespace {

template <bool Checks, std::size_t Kept>
struct HarnessPolicy : slab::Checked {
  static constexpr bool checks = Checks;
  static constexpr std::size_t empty_slabs_kept = Kept;
  static void on_misuse(const slab::MisuseReport& report) noexcept { note_report(report); }
};

template <StaticGeometry G>
struct alignas(G.object_align) Blob {
  std::byte bytes[G.object_size];
};

template <slab::Row R, class Policy, std::size_t Index>
AnySubject* make_static(void* storage, RecordingBackend& backend) {
  constexpr StaticGeometry geometry = static_geometry(R, Index);
  constexpr slab::Config config{geometry.slab_size, geometry.page_size,
                                R == slab::Row::Large ? slab::ObjectSizeType::Large : slab::ObjectSizeType::Small};
  using T = Blob<geometry>;
  static_assert(sizeof(T) == geometry.object_size && alignof(T) == geometry.object_align);
  using C = slab::Cache<T, config, RecordingBackend, Policy>;
  return make_subject_in<SlabSubject<C, Policy>>(storage, backend);
}

template <slab::Row R, class Policy>
AnySubject* make_static(void* storage, const CacheSpec& spec, RecordingBackend& backend) {
  [[maybe_unused]] const auto is = [&](std::size_t index) {
    const StaticGeometry& geometry = static_geometry(R, index);
    return geometry.slab_size == spec.slab_size && geometry.object_size == spec.object_size;
  };
  static_assert(static_geometries_per_row == 3);
#ifdef SLABPROOF_ONE_CACHE  // fuzz/CMakeLists.txt
  if constexpr (R == slab::Row::SmallSinglePage && Policy::empty_slabs_kept == 1)
    if (is(2)) return make_static<R, Policy, 2>(storage, backend);
  return make_dynamic<R, Policy>(storage, spec, backend);
#else
  if (is(0)) return make_static<R, Policy, 0>(storage, backend);
  if (is(1)) return make_static<R, Policy, 1>(storage, backend);
  return make_static<R, Policy, 2>(storage, backend);
#endif
}

template <slab::Row R, bool Checks>
AnySubject* make(void* storage, const CacheSpec& spec, RecordingBackend& backend) {
  if (spec.is_static)
    return spec.empty_slabs_kept == 0 ? make_static<R, HarnessPolicy<Checks, 0>>(storage, spec, backend)
                                      : make_static<R, HarnessPolicy<Checks, 1>>(storage, spec, backend);
  switch (spec.empty_slabs_kept) {
    case 0: return make_dynamic<R, HarnessPolicy<Checks, 0>>(storage, spec, backend);
    case 1: return make_dynamic<R, HarnessPolicy<Checks, 1>>(storage, spec, backend);
    default: return make_dynamic<R, HarnessPolicy<Checks, 2>>(storage, spec, backend);
  }
}

template <slab::Row R>
AnySubject* make(void* storage, const CacheSpec& spec, RecordingBackend& backend) {
  if (spec.guards != Guards::None) return make_guarded<R>(storage, spec, backend);
  return spec.checks ? make<R, true>(storage, spec, backend) : make<R, false>(storage, spec, backend);
}

}  // namespace

AnySubject* make_slab_subject(void* storage, const CacheSpec& spec, RecordingBackend& backend) {
#ifdef SLABPROOF_ONE_ROW  // a Row, for worlds of which each cache is so: ci/mutation/bugs.py
  constexpr slab::Row row = slab::Row::SLABPROOF_ONE_ROW;
  if (spec.row() != row || spec.is_static || spec.guards != Guards::None || spec.empty_slabs_kept != 1)
    std::fputs("this program has one row and no guards\n", stderr), std::_Exit(2);
  return spec.checks ? make_dynamic<row, HarnessPolicy<true, 1>>(storage, spec, backend)
                     : make_dynamic<row, HarnessPolicy<false, 1>>(storage, spec, backend);
#else
  switch (spec.row()) {
    case slab::Row::SmallSinglePage: return make<slab::Row::SmallSinglePage>(storage, spec, backend);
    case slab::Row::SmallMultiPage: return make<slab::Row::SmallMultiPage>(storage, spec, backend);
    case slab::Row::Large: break;
  }
  return make<slab::Row::Large>(storage, spec, backend);
#endif
}

const char* unseen_libraries() { return ""; }

const TestedSubject& tested_subject() {
  static constexpr TestedSubject subject{"slab::DynamicCache", make_slab_subject, slab_language};
  return subject;
}

}  // namespace slabproof
