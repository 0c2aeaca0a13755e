#include "model/subject/slab_subject.hpp"

#include <array>
#include <utility>

#include <slab/slab.hpp>

#include "model/program/static_caches.hpp"
#include "model/subject/inspector.hpp"
#include "model/subject/report_log.hpp"
#include "model/subject/slab_audit.hpp"

namespace slabproof {
namespace {

template <bool Checks, std::size_t Kept>
struct HarnessPolicy : slab::Checked {
  static constexpr bool checks = Checks;
  static constexpr std::size_t empty_slabs_kept = Kept;
  static void on_misuse(const slab::MisuseReport& report) noexcept { note_report(report); }
};

template <class C, class Policy>
class SlabSubject {
 public:
  static constexpr Abilities abilities{.no_grow = true,
                                       .reserve = true,
                                       .shrink = true,
                                       .statistics = true,
                                       .audit = true,
                                       .layout = true,
                                       .follows_policy = true,
                                       .detects_misuse = Policy::checks,
                                       .poisons = true,
                                       .owns_live_slabs = true,
                                       .inspectable = true};
  template <class... Args>
  explicit SlabSubject(Args&&... args) : cache_(static_cast<Args&&>(args)...) {}

  void* alloc() { return cache_.alloc(); }
  void* alloc_no_grow() { return cache_.alloc_no_grow(); }
  bool reserve(std::size_t n) { return cache_.reserve(n); }
  void free(void* object) { cache_.free(static_cast<decltype(cache_.alloc())>(object)); }
  std::size_t shrink() { return cache_.shrink(); }
  [[nodiscard]] slab::CacheStatistics statistics() const { return cache_.statistics(); }
  [[nodiscard]] Invariant audit() const { return invariant_of(cache_.find_audit_failure()); }
  [[nodiscard]] Layout layout() const { return layout_in(cache_.geometry()); }
  [[nodiscard]] CacheMembers members() const { return slab::Inspector::members_of(cache_); }
  void set_members(const CacheMembers& members) { slab::Inspector::set_members_of(cache_, members); }

 private:
  C cache_;
};

template <slab::Row R, class Policy>
AnySubject* make_dynamic(void* storage, const CacheSpec& spec, RecordingBackend& backend) {
  using C = slab::DynamicCache<R, RecordingBackend, Policy>;
  return make_subject_in<SlabSubject<C, Policy>>(storage, geometry_of(spec).value(), backend);
}

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
  const auto is = [&](std::size_t index) {
    const StaticGeometry& geometry = static_geometry(R, index);
    return geometry.slab_size == spec.slab_size && geometry.object_size == spec.object_size;
  };
  static_assert(static_geometries_per_row == 3);
  if (is(0)) return make_static<R, Policy, 0>(storage, backend);
  if (is(1)) return make_static<R, Policy, 1>(storage, backend);
  return make_static<R, Policy, 2>(storage, backend);
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
  return spec.checks ? make<R, true>(storage, spec, backend) : make<R, false>(storage, spec, backend);
}

}  // namespace

AnySubject* make_slab_subject(void* storage, const CacheSpec& spec, RecordingBackend& backend) {
  switch (spec.row()) {
    case slab::Row::SmallSinglePage: return make<slab::Row::SmallSinglePage>(storage, spec, backend);
    case slab::Row::SmallMultiPage: return make<slab::Row::SmallMultiPage>(storage, spec, backend);
    case slab::Row::Large: break;
  }
  return make<slab::Row::Large>(storage, spec, backend);
}

}  // namespace slabproof
