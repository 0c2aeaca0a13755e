// The allocator as a kernel uses it. Backend, lock and misuse handler are declared only, so that the linker is asked
// for them by name: ci/freestanding looks at what else it is asked for. With CACHE defined, as CacheOf<Large, Checked>,
// that cache alone with all of its members, so that its code can be measured; without, one with each row, kind and
// policy.
#include <slab/locked.hpp>
#include <slab/operator_new.hpp>
#include <slab/size_classes.hpp>
#include <slab/slab.hpp>

namespace kernel {

struct Backend {
  void* alloc_slab(std::size_t slab_size, std::size_t page_size) noexcept;
  void free_slab(void* slab, std::size_t slab_size, std::size_t page_size) noexcept;
  bool save_slab_info(std::uintptr_t page_addr, slab::SlabInfo* info) noexcept;
  slab::SlabInfo* get_slab_info(std::uintptr_t page_addr) noexcept;
  void delete_slab_info(std::uintptr_t page_addr) noexcept;
  void* alloc_slab_info(std::size_t size) noexcept;
  void free_slab_info(void* info, std::size_t size) noexcept;
};
struct Lock {
  void lock() noexcept;
  void unlock() noexcept;
};
template <class Base>
struct Policy : Base {
  static void on_misuse(const slab::MisuseReport& report) noexcept;
};

using Unchecked = Policy<slab::Unchecked>;
using Checked = Policy<slab::Checked>;
using Debug = Policy<slab::Debug>;
// Debug's members one by one.
struct RedZone : Checked {
  static constexpr std::size_t red_zone_bytes = 16;
};
struct Pattern : Checked {
  static constexpr bool verify_pattern = true;
};
struct Quarantine : Checked {
  static constexpr std::size_t quarantine_objects = 64;
};
struct ZeroOnFree : Checked {
  static constexpr slab::Zero zero = slab::Zero::OnFree;
};
struct Callers : Checked {
  static constexpr bool track_callers = true;
};
struct KeepsNoSlab : Checked {
  static constexpr std::size_t empty_slabs_kept = 0;
};
struct ZeroingDebug : Debug {
  static constexpr slab::Zero zero = slab::Zero::OnAlloc;
};

struct Object {
  std::uint64_t words[8];
};
using enum slab::Row;
template <slab::Row R>
constexpr slab::Config config{R == SmallSinglePage ? 4096 : 8192, 4096,
                              R == Large ? slab::ObjectSizeType::Large : slab::ObjectSizeType::Small};
template <slab::Row R, class P>
constexpr slab::Geometry geometry = slab::Geometry::make<P>(config<R>.slab_size, config<R>.page_size,
                                                            config<R>.object_size_type, sizeof(Object), alignof(Object))
                                        .value();
struct OnePageSizes : slab::QuarterSteps<8, 1024> {
  static constexpr std::size_t page_size = 8192;
  static constexpr std::size_t slab_size_for(std::size_t) noexcept { return page_size; }
};

template <slab::Row R, class P>
using CacheOf = slab::Cache<Object, config<R>, Backend, P>;
template <slab::Row R, class P>
using DynamicCacheOf = slab::DynamicCache<R, Backend, P>;
template <slab::Row R, class P>
using LockedOf = slab::Locked<CacheOf<R, P>, Lock>;
template <slab::Row R, class P>
using LockedDynamicOf = slab::Locked<DynamicCacheOf<R, P>, Lock>;
template <class P>
using SizeClassesOf = slab::SizeClasses<Backend, slab::KernelSizes, P>;
template <class P>
using OnePageSizesOf = slab::SizeClasses<Backend, OnePageSizes, P>;

constinit Backend backend;
// Of external linkage, so that a compiler takes no member for a constant.
// NOLINTBEGIN(misc-use-internal-linkage)
template <class C>
constinit slab::Immortal<C> global{backend};
template <slab::Row R, class P>
constinit slab::Immortal<DynamicCacheOf<R, P>> global<DynamicCacheOf<R, P>>{geometry<R, P>, backend};
template <slab::Row R, class P>
constinit slab::Immortal<LockedDynamicOf<R, P>> global<LockedDynamicOf<R, P>>{geometry<R, P>, backend};
// NOLINTEND(misc-use-internal-linkage)

template <class C>
concept Sized = requires(C& heap, void* object, std::size_t size) { heap.free(object, size); };

namespace {

/// All members of a cache.
template <class C>
std::size_t use() {
  auto& cache = global<C>;
  std::size_t sum = cache->reserve(3);
  auto* const object = cache->alloc_no_grow();
  cache->free(cache->alloc());
  if constexpr (requires { cache->free_deferred(object); })
    cache->free_deferred(object);
  else
    cache->free(object);
  if constexpr (requires { cache->for_each_live([](void*) {}); }) cache->for_each_live([&](void*) { ++sum; });
  if constexpr (std::is_constructible_v<C, Backend&>) {
    C short_lived{backend};
    short_lived.free(short_lived.alloc());
  }
  return sum + cache->statistics().free_objects + cache->shrink() + cache->audit();
}

template <Sized C>
std::size_t use() {
  auto& heap = global<C>;
  void* object = heap->alloc(100, 64);
  heap->free(heap->alloc_zeroed(10, 100), 1000);
  object = heap->resize(object, 100, 200, 64);
  if constexpr (C::has_map) {
    object = heap->realloc(object, 1000);
    if (heap->usable_size(object) > 1000) heap->free(object);
  }
  heap->free(object, 1000, 64);
  std::size_t bytes = 0;
  heap->for_each_statistics([&](const slab::SizeClassStatistics& one) { bytes += one.bytes + (one.name != nullptr); });
  C short_lived{backend};
  short_lived.free(short_lived.alloc(100), 100);
  return bytes + heap->shrink() + heap->audit();
}

}  // namespace

}  // namespace kernel

#if defined(CACHE)

namespace kernel {
template <class C>
[[gnu::always_inline]] inline void* alloc(C& cache, std::size_t) {
  return cache.alloc();
}
template <class C>
[[gnu::always_inline]] inline void free(C& cache, void* object, std::size_t) {
  cache.free(static_cast<decltype(cache.alloc())>(object));
}
template <Sized C>
[[gnu::always_inline]] inline void* alloc(C& heap, std::size_t size) {
  return heap.alloc(size);
}
template <Sized C>
[[gnu::always_inline]] inline void free(C& heap, void* object, std::size_t size) {
  heap.free(object, size);
}

// Each does nothing but the call.
extern "C" void* measured_alloc(std::size_t size) { return alloc(*global<CACHE>, size); }
extern "C" void measured_free(void* object, std::size_t size) { free(*global<CACHE>, object, size); }
extern "C" std::size_t use_all() { return use<CACHE>(); }
}  // namespace kernel

#else

SLAB_OPERATOR_NEW(*kernel::global<kernel::SizeClassesOf<kernel::Checked>>);

namespace kernel {
extern "C" std::size_t use_all() {
  delete new Object{};
  return use<CacheOf<SmallSinglePage, KeepsNoSlab>>() + use<CacheOf<SmallMultiPage, Unchecked>>() +
         use<CacheOf<Large, Pattern>>() + use<CacheOf<SmallSinglePage, RedZone>>() +
         use<CacheOf<SmallSinglePage, ZeroOnFree>>() + use<CacheOf<SmallSinglePage, Callers>>() +
         use<DynamicCacheOf<SmallSinglePage, Quarantine>>() + use<DynamicCacheOf<SmallMultiPage, ZeroingDebug>>() +
         use<DynamicCacheOf<Large, Checked>>() + use<LockedDynamicOf<Large, Checked>>() +
         use<SizeClassesOf<Checked>>() + use<OnePageSizesOf<Unchecked>>();
}
}  // namespace kernel

#endif
