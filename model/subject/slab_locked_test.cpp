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

template <bool Checks>
struct Policy : slab::Checked {
  static constexpr bool checks = Checks;
  static void on_misuse(const slab::MisuseReport& report) noexcept { note_report(report); }
};

template <class C, bool Checks>
class LockedSubject {
 public:
  static constexpr Abilities abilities = abilities_of_slab_cache(Checks);
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

template <slab::Row R, bool Checks>
AnySubject* make(void* storage, const CacheSpec& spec, RecordingBackend& backend) {
  using C = slab::Locked<slab::DynamicCache<R, RecordingBackend, Policy<Checks>>, OneCpu>;
  return make_subject_in<LockedSubject<C, Checks>>(storage, geometry_of(spec).value(), backend);
}
template <slab::Row R>
AnySubject* make(void* storage, const CacheSpec& spec, RecordingBackend& backend) {
  return spec.checks ? make<R, true>(storage, spec, backend) : make<R, false>(storage, spec, backend);
}
AnySubject* make_locked(void* storage, const CacheSpec& spec, RecordingBackend& backend) {
  if (spec.guards != Guards::None) return make_slab_subject(storage, spec, backend);
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

class LockedCache : public testing::Test {
 protected:
  void compare(const std::vector<std::uint8_t>& bytes, const std::string& name) {
    Program program = decode(bytes, language());
    std::erase_if(program.operations, [](const Operation& o) { return o.kind == OperationKind::Reenter; });
    for (CacheSpec& cache : program.setup.caches) {
      cache.is_static = false;
      if (cache.guards == Guards::None) cache.empty_slabs_kept = 1;
    }
    const Verdict as_plain = plain_.run(program), as_locked = locked_.run(program);
    ASSERT_EQ(as_plain.sentence(), as_locked.sentence()) << name << "\n" << to_text(program);
    ASSERT_EQ(plain_.log().count(), locked_.log().count()) << name << "\n" << to_text(program);
    ASSERT_EQ(plain_.log().digest(), locked_.log().digest()) << name << "\n" << to_text(program);
  }
  Runner plain_{make_slab_subject}, locked_{make_locked, Arena::default_base + (std::uintptr_t{1} << 40)};
};

TEST_F(LockedCache, OfOneCpuIsTheCacheCallByCall) {
  for (std::uint64_t seed = 0; seed < 400 && !HasFatalFailure(); ++seed)
    compare(random_bytes(seed, 400), std::to_string(seed));
}

}  // namespace
}  // namespace slabproof
