// Objects of a page and a half, one to a slab of two pages. A Large cache keeps its SlabInfo outside of the slab, so
// its backend supplies all seven functions; here they use the standard library.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <unordered_map>

#include <slab/slab.hpp>

struct HostedBackend {
  void* alloc_slab(std::size_t slab_size, std::size_t page_size) noexcept {
    return std::aligned_alloc(page_size, slab_size);
  }
  void free_slab(void* slab, std::size_t, std::size_t) noexcept { std::free(slab); }

  // Every page of a slab has an entry. An exception must not leave a backend, so no room is `false`.
  bool save_slab_info(std::uintptr_t page_addr, slab::SlabInfo* info) noexcept {
    try {
      return pages.emplace(page_addr, info).second;
    } catch (const std::bad_alloc&) {
      return false;
    }
  }
  slab::SlabInfo* get_slab_info(std::uintptr_t page_addr) noexcept {
    const auto found = pages.find(page_addr);
    return found == pages.end() ? nullptr : found->second;
  }
  void delete_slab_info(std::uintptr_t page_addr) noexcept { pages.erase(page_addr); }

  void* alloc_slab_info(std::size_t size) noexcept { return std::malloc(size); }
  void free_slab_info(void* info, std::size_t) noexcept { std::free(info); }

  std::unordered_map<std::uintptr_t, slab::SlabInfo*> pages;
};

struct Buffer {
  std::array<std::byte, 6144> bytes;
};
constexpr slab::Config config{.slab_size = 8192, .page_size = 4096, .object_size_type = slab::ObjectSizeType::Large};

int main() {
  HostedBackend backend;
  slab::Cache<Buffer, config, HostedBackend> cache{backend};
  const auto print = [&](const char* when) {
    const slab::CacheStatistics statistics = cache.statistics();
    std::printf("%s: %zu full, %zu partial, %zu empty slabs, %zu objects, %zu pages mapped\n", when,
                statistics.full_slabs, statistics.partial_slabs, statistics.empty_slabs, statistics.allocated_objects,
                backend.pages.size());
  };
  std::printf("%s, %zu object a slab\n", to_string(cache.geometry().row()), cache.geometry().objects_per_slab());

  std::array<Buffer*, 3> buffers;
  for (Buffer*& buffer : buffers) {
    void* const memory = cache.alloc();  // memory only: the constructor is the caller's
    if (!memory) return std::puts("out of memory"), 1;
    buffer = new (memory) Buffer;
  }
  print("three buffers");
  for (Buffer* buffer : buffers) cache.free(buffer);
  print("none, and one slab kept");
  std::printf("shrink() gave back %zu\n", cache.shrink());
  print("at the end");
}
