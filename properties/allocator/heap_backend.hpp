#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <unordered_map>

#include <slab/backend.hpp>

namespace properties {

/// A backend for every row on the C library, for tests whose subject is the cache alone. Counts what
/// is outstanding, hands out junk, and writes over what comes back, so that AddressSanitizer reports a
/// byte that came back poisoned.
class HeapBackend {
 public:
  static constexpr unsigned char junk = 0xA5;

  void* alloc_slab(std::size_t slab_size, std::size_t page_size) noexcept {
    void* const slab = std::aligned_alloc(page_size, slab_size);
    if (!slab) return nullptr;
    ++slabs;
    return std::memset(slab, junk, slab_size);
  }
  void free_slab(void* slab, std::size_t slab_size, std::size_t) noexcept {
    --slabs;
    std::free(std::memset(slab, 0xDD, slab_size));
  }

  bool save_slab_info(std::uintptr_t page_addr, slab::SlabInfo* info) noexcept {
    return pages.emplace(page_addr, info).second;
  }
  slab::SlabInfo* get_slab_info(std::uintptr_t page_addr) noexcept {
    const auto found = pages.find(page_addr);
    return found == pages.end() ? nullptr : found->second;
  }
  void delete_slab_info(std::uintptr_t page_addr) noexcept { pages.erase(page_addr); }

  void* alloc_slab_info(std::size_t size) noexcept {
    void* const info = std::malloc(size);
    if (!info) return nullptr;
    ++infos;
    return std::memset(info, junk, size);
  }
  void free_slab_info(void* info, std::size_t size) noexcept {
    --infos;
    std::free(std::memset(info, 0xDD, size));
  }

  [[nodiscard]] bool has_everything_back() const noexcept { return slabs == 0 && infos == 0 && pages.empty(); }

  std::size_t slabs = 0;
  std::size_t infos = 0;
  std::unordered_map<std::uintptr_t, slab::SlabInfo*> pages;
};

static_assert(slab::MemoryBackend<HeapBackend, slab::Row::Large>);

}  // namespace properties
