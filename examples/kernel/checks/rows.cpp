// The three rows over page frames.
#include "examples/kernel/caches/backends.hpp"
#include "examples/kernel/checks/checks.hpp"
#include "examples/kernel/checks/stamp.hpp"

namespace kernel {
namespace {

constexpr std::size_t most_objects = 500;

template <class Object, slab::Config Slabs, class Backend>
using LockedCache = slab::Locked<slab::Cache<Object, Slabs, Backend, Panic>, SpinLock>;

constexpr slab::Config multi_page{.slab_size = 32768};
constexpr slab::Config large{.slab_size = 16384, .object_size_type = slab::ObjectSizeType::Large};

constinit slab::Immortal<LockedCache<Stamped<64>, slab::Config{}, FrameBackend>> single_page_cache{frame_backend};
constinit slab::Immortal<LockedCache<Stamped<400>, multi_page, MappedBackend>> multi_page_cache{mapped_backend};
constinit slab::Immortal<LockedCache<Stamped<2048>, large, LargeBackend>> large_cache{large_backend};

/// Allocates, frees every other object, allocates again, and gives everything back.
template <class Object, class Cache>
void use(const char* row, Cache& cache) noexcept {
  static constinit Object* objects[most_objects] = {};
  const std::size_t frames_before = page_frames.free_count();
  for (std::size_t round = 0; round < 2; ++round) {
    for (std::size_t i = 0; i < most_objects; ++i) {
      if (objects[i]) continue;
      objects[i] = cache.alloc();
      require(objects[i] != nullptr, "no memory left");
      objects[i]->stamp(1000 * i);
    }
    for (std::size_t i = 0; i < most_objects; ++i) objects[i]->require_mark(1000 * i);
    for (std::size_t i = round; round == 0 && i < most_objects; i += 2) {
      cache.free(objects[i]);
      objects[i] = nullptr;
    }
  }
  const slab::CacheStatistics full = cache.statistics();
  require(full.allocated_objects == most_objects && cache.audit(), row, ": the cache has lost count");
  for (Object*& object : objects) {
    cache.free(object);
    object = nullptr;
  }
  (void)cache.shrink();
  require(cache.statistics() == slab::CacheStatistics{}, row, ": something is left");
  print("row ", row, ": ", most_objects, " objects of ", sizeof(Object), " bytes in ",
        full.full_slabs + full.partial_slabs, " slabs of ", cache.geometry().slab_size(), "\n");
  (void)slab_info_rooms->shrink();  // which only Large has used
  require(page_frames.free_count() == frames_before, row, ": page frames are lost");
}

}  // namespace

void use_rows() noexcept {
  use<Stamped<64>>("SmallSinglePage", *single_page_cache);
  use<Stamped<400>>("SmallMultiPage", *multi_page_cache);
  use<Stamped<2048>>("Large", *large_cache);
}

}  // namespace kernel
