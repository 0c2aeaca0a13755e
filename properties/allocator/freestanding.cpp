// All three rows, both caches and all policies as a kernel would use them. freestanding.cmake compiles this without a
// standard library and checks which symbols it asks for.
#include <slab/operator_new.hpp>
#include <slab/size_classes.hpp>
#include <slab/slab.hpp>

namespace {

/// Four slabs and their SlabInfos in static memory, and a map of one page per slab.
class StaticBackend {
 public:
  static constexpr std::size_t slab_size = 8192, page_size = 4096;

  void* alloc_slab(std::size_t, std::size_t) noexcept {
    for (Slab& slab : slabs_)
      if (!slab.used) return slab.used = true, slab.bytes;
    return nullptr;
  }
  void free_slab(void* bytes, std::size_t, std::size_t) noexcept {
    slab_of(reinterpret_cast<std::uintptr_t>(bytes)).used = false;
  }
  bool save_slab_info(std::uintptr_t page_addr, slab::SlabInfo* info) noexcept {
    return slab_of(page_addr).info = info, true;
  }
  slab::SlabInfo* get_slab_info(std::uintptr_t page_addr) noexcept { return slab_of(page_addr).info; }
  void delete_slab_info(std::uintptr_t page_addr) noexcept { slab_of(page_addr).info = nullptr; }
  void* alloc_slab_info(std::size_t size) noexcept {
    for (Slab& slab : slabs_)
      if (!slab.info_used && size <= sizeof slab.info_bytes) return slab.info_used = true, slab.info_bytes;
    return nullptr;
  }
  void free_slab_info(void* info, std::size_t) noexcept {
    for (Slab& slab : slabs_)
      if (info == slab.info_bytes) slab.info_used = false;
  }

 private:
  struct alignas(2 * slab_size) Slab {  // a power of two, so that slab_of() need not divide
    alignas(page_size) std::byte bytes[slab_size];
    alignas(8) std::byte info_bytes[256];
    slab::SlabInfo* info;
    bool used, info_used;
  };
  Slab& slab_of(std::uintptr_t page_addr) noexcept {
    return slabs_[(page_addr - reinterpret_cast<std::uintptr_t>(slabs_)) / sizeof(Slab)];
  }

  Slab slabs_[4] = {};
};

struct Process {
  std::uint64_t registers[20];
};

template <std::size_t SlabSize, slab::ObjectSizeType Type, class Policy>
using ProcessCache = slab::Cache<Process, slab::Config{SlabSize, 4096, Type}, StaticBackend, Policy>;
using enum slab::ObjectSizeType;

constinit StaticBackend backend;
constinit slab::Immortal<ProcessCache<4096, Small, slab::Checked>> single_page{backend};
constinit slab::Immortal<ProcessCache<8192, Small, slab::Unchecked>> multi_page{backend};
constinit slab::Immortal<ProcessCache<8192, Large, slab::Checked>> large{backend};
constinit slab::Immortal<slab::DynamicCache<slab::Row::Large, StaticBackend>> dynamic{
    slab::Geometry::make(8192, 4096, Large, 1000, 8).value(), backend};
struct Guarded : slab::Debug {
  static constexpr slab::Zero zero = slab::Zero::OnAlloc;
};
constinit slab::Immortal<ProcessCache<4096, Small, Guarded>> guarded{backend};
constinit slab::Immortal<slab::DynamicCache<slab::Row::Large, StaticBackend, slab::Debug>> guarded_dynamic{
    slab::Geometry::make<slab::Debug>(8192, 4096, Large, 1000, 8).value(), backend};

struct OnePageSizes : slab::QuarterSteps<8, 1024> {
  static constexpr std::size_t page_size = 8192;
  static constexpr std::size_t slab_size_for(std::size_t) noexcept { return page_size; }
};
constinit slab::Immortal<slab::SizeClasses<StaticBackend>> any_size{backend};
constinit slab::Immortal<slab::SizeClasses<StaticBackend, OnePageSizes, slab::Unchecked>> any_size_of_one_page{backend};
constinit slab::Immortal<slab::SizeClasses<StaticBackend, slab::KernelSizes, Guarded>> any_size_guarded{backend};

/// A function of its own: it alone divides by a number of objects.
template <class Immortal>
[[gnu::noinline]] bool reserve_three(Immortal& cache) {
  return cache->reserve(3);
}

template <class Immortal>
std::size_t use(Immortal& cache) {
  if (!reserve_three(cache)) return 0;
  auto* const object = cache->alloc_no_grow();
  cache->free(cache->alloc());
  cache->free(object);
  return cache->statistics().free_objects + cache->shrink() + cache->audit();
}

template <class Immortal>
std::size_t use_sizes(Immortal& heap, std::size_t size, std::size_t align) {
  void* const object = heap->alloc(size, align);
  heap->free(heap->alloc_zeroed(size, align), size * align);
  heap->free(heap->resize(object, size, align, align), align, align);
  std::size_t bytes = 0;
  heap->for_each_statistics([&](const slab::SizeClassStatistics& one) { bytes += one.bytes + (one.name != nullptr); });
  return bytes + heap->shrink() + heap->audit();
}
template <class Immortal>
std::size_t use_map(Immortal& heap, std::size_t size) {
  void* const object = heap->realloc(heap->alloc(size), size + 1000);
  const std::size_t usable = heap->usable_size(object);
  heap->free(object);
  return usable;
}

}  // namespace

SLAB_OPERATOR_NEW(*any_size);

extern "C" std::size_t use_every_row() {
  {
    slab::SizeClasses<StaticBackend> short_lived_sizes{backend};
    delete new Process{};
  }
  {
    ProcessCache<8192, Large, slab::Checked> short_lived{backend};
    short_lived.free(short_lived.alloc());
    short_lived.for_each_live([](void*) {});
  }
  return use(single_page) + use(multi_page) + use(large) + use(dynamic) + use(guarded) + use(guarded_dynamic) +
         use_sizes(any_size, 100, 64) + use_sizes(any_size_of_one_page, 100, 64) +
         use_sizes(any_size_guarded, 100, 64) + use_map(any_size, 300) + use_map(any_size_guarded, 300);
}
