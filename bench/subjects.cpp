// slab's caches on the hosted backend, of one policy. Compiled for each policy, and once more for an older tree, where
// -Dslab=slab_older makes its namespace another one: old and new are then measured in one process.
#include <cstddef>
#include <string>

#include <slab/hosted/backend.hpp>
#if __has_include(<slab/locked.hpp>)  // not in every older tree
#include <slab/locked.hpp>
#define BENCH_HAS_LOCKED
#endif
#include <slab/slab.hpp>

#include "bench/subject.hpp"

namespace bench {
namespace {

using Policy = slab::BENCH_POLICY;
using slab::ObjectSizeType, slab::Row;

constexpr std::size_t address_space = std::size_t{1} << 32, page_size = 4096, kib = 1024;

template <std::size_t Size>
struct Object {
  alignas(8) std::byte bytes[Size];
};

/// A cache and a backend of its own.
template <class Cache>
class CachePool {
 public:
  template <class... Arguments>
  explicit CachePool(const Arguments&... arguments) : backend_{address_space}, cache_{arguments..., backend_} {}
  void* alloc() { return cache_.alloc(); }
  void free(void* object) {
    if constexpr (requires { cache_.free(object); })
      cache_.free(object);
    else
      cache_.free(static_cast<decltype(cache_.alloc())>(object));
  }
  void give_back() {
    cache_.shrink();
    backend_.trim();
  }
  [[nodiscard]] auto statistics() const { return cache_.statistics(); }

 private:
  slab::hosted::Backend backend_;
  Cache cache_;
};

/// The geometry of caches of this policy; in trees where every policy has the same one, that one.
template <class Geometry, class... Sizes>
constexpr Geometry geometry_of(Sizes... sizes) {
  if constexpr (requires { Geometry::template make<Policy>(sizes...); })
    return Geometry::template make<Policy>(sizes...).value();
  else
    return Geometry::make(sizes...).value();
}

template <std::size_t Size, std::size_t SlabSize, std::size_t PageSize, ObjectSizeType Type>
void add_both(const std::string& shape) {
  constexpr slab::Config config{SlabSize, PageSize, Type};
  constexpr auto geometry = geometry_of<slab::Geometry>(SlabSize, PageSize, Type, Size, std::size_t{8});
  using Fixed = slab::Cache<Object<Size>, config, slab::hosted::Backend, Policy>;
  using Dynamic = slab::DynamicCache<geometry.row(), slab::hosted::Backend, Policy>;
  add_subject<CachePool<Fixed>>(BENCH_TREE "Cache/" + shape, Size);
  add_subject<CachePool<Dynamic>>(BENCH_TREE "DynamicCache/" + shape, Size, geometry);
}

/// What Locked itself costs, behind a lock that does nothing.
struct NoLock {
  void lock() noexcept {}
  void unlock() noexcept {}
};
template <std::size_t Size, std::size_t SlabSize, ObjectSizeType Type>
void add_locked([[maybe_unused]] const std::string& shape) {
#ifdef BENCH_HAS_LOCKED
  using Cache = slab::Cache<Object<Size>, slab::Config{SlabSize, page_size, Type}, slab::hosted::Backend, Policy>;
  add_subject<CachePool<slab::Locked<Cache, NoLock>>>(BENCH_TREE "LockedCache/" + shape, Size);
#endif
}

template <std::size_t Size>
void add_size() {
  const std::string policy = Policy::checks ? "/Checked" : "/Unchecked";
  using enum ObjectSizeType;
  add_both<Size, 4 * kib, 4 * kib, Small>("SmallSinglePage/4K" + policy);
  add_both<Size, 32 * kib, 32 * kib, Small>("SmallSinglePage/32K" + policy);
  add_both<Size, 32 * kib, page_size, Small>("SmallMultiPage/32K" + policy);
  add_both<Size, 4 * kib, page_size, Large>("Large/4K" + policy);
  add_both<Size, 32 * kib, page_size, Large>("Large/32K" + policy);
  if constexpr (Size == 64) {
    add_locked<Size, 4 * kib, Small>("SmallSinglePage/4K" + policy);
    add_locked<Size, 32 * kib, Small>("SmallMultiPage/32K" + policy);
    add_locked<Size, 32 * kib, Large>("Large/32K" + policy);
  }
}

[[maybe_unused]] const bool added = (add_size<32>(), add_size<64>(), add_size<256>(), add_size<2048>(), true);

}  // namespace
}  // namespace bench
