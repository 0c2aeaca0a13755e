#pragma once

#include <cstddef>
#include <utility>

#include <slab/slab.hpp>

#include "model/subject/inspector.hpp"
#include "model/subject/slab_audit.hpp"
#include "model/subject/subject.hpp"

namespace slabproof {

/// A Cache or DynamicCache as a subject.
template <class C, class Policy>
class SlabSubject {
 public:
  static constexpr Abilities abilities = [] {
    Abilities abilities = abilities_of_slab_cache(Policy::checks);
    abilities.inspectable = true;
    return abilities;
  }();
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
  [[nodiscard]] GuardMembers guard_members() const { return slab::Inspector::guards_of(cache_); }
  void set_guard_members(const GuardMembers& members) { slab::Inspector::set_guards_of(cache_, members); }

 private:
  C cache_;
};

template <slab::Row R, class Policy>
AnySubject* make_dynamic(void* storage, const CacheSpec& spec, RecordingBackend& backend) {
  using C = slab::DynamicCache<R, RecordingBackend, Policy>;
  return make_subject_in<SlabSubject<C, Policy>>(storage, geometry_of(spec).value(), backend);
}

}  // namespace slabproof
