#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <vector>

#include <gtest/gtest.h>

#include <slab/misuse.hpp>
#include <slab/size_classes.hpp>

#include "properties/allocator/heap_backend.hpp"
#include "properties/allocator/recorded_reports.hpp"

namespace properties {

/// Refuses each kind of call when told to, and has the slabs that are left when a heap has ended with live objects.
struct Backend : HeapBackend {
  Backend() { reports.clear(); }
  Backend(const Backend&) = delete;
  ~Backend() {
    for (const auto& [slab, size] : held) std::free(slab);
  }
  void* alloc_slab(std::size_t slab_size, std::size_t page_size) noexcept {
    if (slabs_left == 0) return nullptr;
    --slabs_left;
    void* const slab = HeapBackend::alloc_slab(slab_size, page_size);
    held[slab] = slab_size;
    return slab;
  }
  void free_slab(void* slab, std::size_t slab_size, std::size_t page_size) noexcept {
    EXPECT_EQ(held[slab], slab_size) << "another size was asked for";
    held.erase(slab);
    HeapBackend::free_slab(slab, slab_size, page_size);
  }
  bool save_slab_info(std::uintptr_t page_addr, slab::SlabInfo* info) noexcept {
    return pages_left != 0 && (--pages_left, HeapBackend::save_slab_info(page_addr, info));
  }
  std::size_t slabs_left = SIZE_MAX, pages_left = SIZE_MAX;
  std::map<void*, std::size_t> held;
};

using Heap = slab::SizeClasses<Backend, slab::KernelSizes, Recording>;

/// Slabs of one page, which need no map.
struct AlignedSizes : slab::QuarterSteps<8, 4096> {
  static constexpr std::size_t page_size = 65536;
  static constexpr std::size_t slab_size_for(std::size_t) noexcept { return page_size; }
};
/// What was reported since it was asked last.
inline std::vector<slab::Misuse> kinds() {
  std::vector<slab::Misuse> result;
  for (const slab::MisuseReport& report : reports) result.push_back(report.kind);
  reports.clear();
  return result;
}

}  // namespace properties
