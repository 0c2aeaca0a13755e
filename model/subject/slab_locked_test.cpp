// Locked: on one CPU it is the cache behind it, call by call.
#include <array>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include <gtest/gtest.h>

#include <slab/locked.hpp>

#include "model/judge/runner.hpp"
#include "model/program/codec.hpp"
#include "model/program/random_bytes.hpp"
#include "model/program/trace.hpp"
#include "model/subject/report_log.hpp"
#include "model/subject/slab_audit.hpp"
#include "model/subject/slab_subject.hpp"

namespace slabproof {
namespace {

/// A lock of one CPU, which is not taken twice, but by the judge's audit() inside a call of the map, nor released by
/// who does not hold it.
struct OneCpu {
  bool is_held = false, is_audited = false;
  void lock() noexcept {
    if (is_audited) return;
    if (is_held) std::abort();
    is_held = true;
  }
  void unlock() noexcept {
    if (is_audited) return;
    if (!is_held) std::abort();
    is_held = false;
  }
};

template <class Of>
struct Policy : Of {
  static void on_misuse(const slab::MisuseReport& report) noexcept { note_report(report); }
};

template <class C, class Policy>
class LockedSubject {
 public:
  static constexpr Abilities abilities = abilities_of_slab_cache(Policy::checks);
  template <class... Args>
  explicit LockedSubject(Args&&... args) : cache_(static_cast<Args&&>(args)...) {}

  void* alloc() { return cache_.alloc(); }
  void* alloc_no_grow() { return cache_.alloc_no_grow(); }
  bool reserve(std::size_t n) { return cache_.reserve(n); }
  void free(void* object) { cache_.free(object); }
  std::size_t shrink() { return cache_.shrink(); }
  [[nodiscard]] slab::CacheStatistics statistics() const { return cache_.statistics(); }
  [[nodiscard]] Invariant audit() const {
    cache_.lock().is_audited = cache_.lock().is_held;
    const Invariant failed = invariant_of(cache_.find_audit_failure());
    cache_.lock().is_audited = false;
    return failed;
  }
  [[nodiscard]] Layout layout() const { return layout_in(cache_.geometry()); }

 private:
  C cache_;
};

template <slab::Row R, class Of>
AnySubject* make(void* storage, const CacheSpec& spec, RecordingBackend& backend) {
  using C = slab::Locked<slab::DynamicCache<R, RecordingBackend, Policy<Of>>, OneCpu>;
  return make_subject_in<LockedSubject<C, Of>>(storage, geometry_of(spec).value(), backend);
}
template <slab::Row R>
AnySubject* make(void* storage, const CacheSpec& spec, RecordingBackend& backend) {
  if (spec.guards == Guards::Debug) return make<R, Guarded<Guards::Debug>>(storage, spec, backend);
  if (spec.guards == Guards::Quarantine) return make<R, Guarded<Guards::Quarantine>>(storage, spec, backend);
  if (spec.checks) return make<R, slab::Checked>(storage, spec, backend);
  return make<R, slab::Unchecked>(storage, spec, backend);
}
AnySubject* make_locked(void* storage, const CacheSpec& spec, RecordingBackend& backend) {
  switch (spec.row()) {
    case slab::Row::SmallSinglePage: return make<slab::Row::SmallSinglePage>(storage, spec, backend);
    case slab::Row::SmallMultiPage: return make<slab::Row::SmallMultiPage>(storage, spec, backend);
    case slab::Row::Large: break;
  }
  return make<slab::Row::Large>(storage, spec, backend);
}

/// Without what makes a backend call the cache: the lock is held then.
Language language() {
  Language language = slab_language;
  language.kinds &= ~(std::uint64_t{1} << static_cast<unsigned>(OperationKind::Reenter));
  return language;
}

/// Gives its empty slabs back before each allocation.
class ShrinkingSubject
    : public LockedSubject<
          slab::Locked<slab::DynamicCache<slab::Row::SmallSinglePage, RecordingBackend, Policy<slab::Checked>>, OneCpu>,
          slab::Checked> {
 public:
  using LockedSubject::LockedSubject;
  void* alloc() {
    shrink();
    return LockedSubject::alloc();
  }
};
AnySubject* make_shrinking(void* storage, const CacheSpec& spec, RecordingBackend& backend) {
  return make_subject_in<ShrinkingSubject>(storage, geometry_of(spec).value(), backend);
}

class LockedCache : public testing::Test {
 protected:
  /// The program that is run, its Checked caches with these guards.
  static Program program_of(const std::vector<std::uint8_t>& bytes, Guards guards) {
    Program program = decode(bytes, language());
    std::erase_if(program.operations, [](const Operation& o) { return o.kind == OperationKind::Reenter; });
    for (CacheSpec& cache : program.setup.caches) {
      cache.is_static = false;
      cache.guards = cache.checks ? guards : Guards::None;
      if (!geometry_of(cache).ok()) cache.guards = Guards::Quarantine;  // which adds nothing to a slot
      cache.empty_slabs_kept = 1;
    }
    return program;
  }
  /// Whether both do the same, call by call.
  static bool is_same(Runner& plain, Runner& locked, const Program& program) {
    return plain.run(program).sentence() == locked.run(program).sentence() &&
           plain.log().count() == locked.log().count() && plain.log().digest() == locked.log().digest();
  }
  Runner plain_{make_slab_subject}, locked_{make_locked, Arena::default_base + (std::uintptr_t{1} << 40)};
};

TEST_F(LockedCache, OfOneCpuIsTheCacheCallByCall) {
  constexpr Guards guards[] = {Guards::None, Guards::Debug, Guards::None, Guards::Quarantine};
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    const Program program = program_of(random_bytes(seed, 400), guards[seed % std::size(guards)]);
    ASSERT_TRUE(is_same(plain_, locked_, program))
        << to_string(Invariant::K10) << ", seed " << seed << ": " << plain_.verdict().sentence() << "\n"
        << locked_.verdict().sentence() << "\n"
        << to_text(program);
  }
}

TEST_F(LockedCache, OneThatMakesOtherCallsIsSeen) {
  Runner shrinking{make_shrinking, Arena::default_base + (std::uintptr_t{2} << 40)};
  const std::string text =
      "slabproof trace 1\nbackend b0 reuse=lifo placement=adjacent seed=0\ncache c0 on=b0 kind=DynamicCache "
      "policy=Checked empty_slabs_kept=1 type=Small slab_size=4096 page_size=4096 object_size=64 object_align=1\n"
      "#0 = alloc c0\nfree #0\n#1 = alloc c0\n";
  const Program program = parse(text).program.value();
  EXPECT_TRUE(is_same(plain_, locked_, program));
  EXPECT_FALSE(is_same(plain_, shrinking, program)) << to_string(Invariant::K10);
}

}  // namespace
}  // namespace slabproof
