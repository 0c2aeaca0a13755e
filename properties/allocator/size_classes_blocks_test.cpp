// SizeClasses: blocks, which come straight from the backend, beside each other, misplaced, given or freed twice.
#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <slab/size_classes.hpp>
#include <slab/slab.hpp>

#include "properties/allocator/size_classes_world.hpp"

namespace {

using properties::Backend;
using properties::Heap;
using properties::kinds;
using properties::Recording;
using properties::reports;
using slab::KernelSizes;
using slab::Misuse;
using slab::SizeClasses;

/// Hands slabs and blocks out from the end of a stretch to its beginning, each just in front of the last; some at no
/// multiple of a page, and never again. Counts what the map is asked.
struct Descending : Backend {
  ~Descending() { std::free(stretch); }
  void* alloc_slab(std::size_t slab_size, std::size_t) noexcept {
    at -= slab_size;
    return stretch + at + skew;
  }
  void free_slab(void* slab, std::size_t slab_size, std::size_t) noexcept { freed.emplace_back(slab, slab_size); }
  slab::SlabInfo* get_slab_info(std::uintptr_t page_addr) noexcept {
    ++asked;
    return Backend::get_slab_info(page_addr);
  }
  std::size_t at = 1 << 20, skew = 0, asked = 0;
  std::byte* stretch = static_cast<std::byte*>(std::aligned_alloc(4096, at));
  std::vector<std::pair<void*, std::size_t>> freed;
};

TEST(SizeClasses, LeaveTheNeighboursOfABlockAlone) {
  Descending backend;
  SizeClasses<Descending, KernelSizes, Recording> heap{backend};
  std::byte* blocks[3];
  for (std::byte*& block : blocks) block = static_cast<std::byte*>(heap.alloc(16'384));
  for (int i = 1; i < 3; ++i) EXPECT_GE(blocks[i - 1], blocks[i] + 16'384);
  ASSERT_EQ(blocks[1], blocks[2] + 16'384);
  heap.free(blocks[1]);
  EXPECT_EQ(backend.freed.back(), (std::pair<void*, std::size_t>{blocks[1], 16'384}));
  EXPECT_EQ(heap.usable_size(blocks[1]), 0u);
  for (const int i : {0, 2}) EXPECT_EQ(heap.usable_size(blocks[i]), 16'384u);
  EXPECT_TRUE(heap.audit());
  for (const int i : {0, 2}) heap.free(blocks[i], 16'384);
  EXPECT_EQ(kinds(), std::vector<Misuse>{});
}

TEST(SizeClasses, GiveBackABlockThatLiesAtNoMultipleOfAPage) {
  Descending backend;
  SizeClasses<Descending, KernelSizes, Recording> heap{backend};
  heap.free(heap.alloc(16'384));
  for (const std::size_t skew : {1u, 64u, 2048u, 4095u}) {
    backend.skew = skew;
    EXPECT_EQ(heap.alloc(16'384), nullptr);
    EXPECT_EQ(backend.freed.back(), (std::pair<void*, std::size_t>{backend.stretch + backend.at + skew, 16'384}));
    EXPECT_EQ(heap.live_objects(), 0u);
    EXPECT_TRUE(heap.audit());
  }
  EXPECT_EQ(kinds(), std::vector<Misuse>{});
}

TEST(SizeClasses, TellWhenTheBackendGivesOnePageOfABlockTwice) {
  Descending backend;
  SizeClasses<Descending, KernelSizes, Recording> heap{backend};
  void* const block = heap.alloc(16'384);
  for (const std::size_t skew : {0u, 1u, 2u, 64u}) {
    backend.skew = skew;
    backend.at += 4096;  // the first of it is the last of the next one
    EXPECT_EQ(heap.alloc(16'384), nullptr);
    ASSERT_EQ(reports.size(), 1u);
    EXPECT_EQ(reports[0].pointer, backend.stretch + backend.at + skew);
    EXPECT_EQ(kinds(), (std::vector{Misuse::BackendFault}));
    backend.at += 16'384 - 4096;
  }
  EXPECT_TRUE(backend.freed.empty());
  EXPECT_TRUE(heap.audit());
  heap.free(block);
}

TEST(SizeClasses, AskTheMapAboutABlockThatWasGivenOnlyWhereItIsChecked) {
  Descending backend;
  SizeClasses<Descending, KernelSizes, slab::Unchecked> unchecked{backend};
  void* const block = unchecked.alloc(16'384);
  EXPECT_EQ(backend.asked, 0u);
  unchecked.free(block, 16'384);
}

/// Frees a block once more while it is being freed.
struct Impatient : Backend {
  void delete_slab_info(std::uintptr_t page_addr) noexcept {
    if (void* const again = std::exchange(block, nullptr)) heap->free(again, 16'384);
    Backend::delete_slab_info(page_addr);
  }
  void* block = nullptr;
  SizeClasses<Impatient, KernelSizes, Recording>* heap = nullptr;
};
TEST(SizeClasses, ReportABlockThatIsFreedWhileItIsFreed) {
  Impatient backend;
  SizeClasses<Impatient, KernelSizes, Recording> heap{backend};
  backend.heap = &heap;
  void* const block = heap.alloc(16'384);
  backend.block = block;
  heap.free(block, 16'384);
  EXPECT_EQ(kinds(), (std::vector{Misuse::OtherCache}));
  EXPECT_EQ(heap.live_objects(), 0u);
  EXPECT_TRUE(heap.audit());
}

TEST(SizeClasses, SayHowLargeABlockIsThatIsFreedWrongly) {
  Backend backend;
  SizeClasses<Backend, KernelSizes, Recording> heap{backend};
  auto* const block = static_cast<std::byte*>(heap.alloc(16'384));
  heap.free(block, 100'000);
  heap.free(block + 64);
  ASSERT_EQ(reports.size(), 2u);
  for (const slab::MisuseReport& report : reports) EXPECT_EQ(report.object_size, 16'384u);
  EXPECT_EQ(kinds(), (std::vector{Misuse::OtherCache, Misuse::InteriorPointer}));
  std::byte mine[8];
  heap.free(mine, 100'000);
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].object_size, 0u);
  heap.free(block);
}

/// Has the largest block somewhere, where nobody looks at it, and a map that knows it as a whole.
struct Far : Backend {
  static constexpr std::size_t size = slab::Geometry::max_slab_size;
  static constexpr std::uintptr_t begin = std::uintptr_t{1} << 44;
  static bool is_far(std::uintptr_t at) { return at - begin < size; }
  void* alloc_slab(std::size_t slab_size, std::size_t page_size) noexcept {
    return slab_size == size ? reinterpret_cast<void*>(begin) : Backend::alloc_slab(slab_size, page_size);
  }
  void free_slab(void* slab, std::size_t slab_size, std::size_t page_size) noexcept {
    if (slab_size != size) Backend::free_slab(slab, slab_size, page_size);
  }
  bool save_slab_info(std::uintptr_t page_addr, slab::SlabInfo* info) noexcept {
    return is_far(page_addr) ? known = info, true : Backend::save_slab_info(page_addr, info);
  }
  slab::SlabInfo* get_slab_info(std::uintptr_t page_addr) noexcept {
    return is_far(page_addr) ? known : Backend::get_slab_info(page_addr);
  }
  void delete_slab_info(std::uintptr_t page_addr) noexcept {
    is_far(page_addr) ? void(known = nullptr) : Backend::delete_slab_info(page_addr);
  }
  slab::SlabInfo* known = nullptr;
};
TEST(SizeClasses, HaveABlockOfTheMostBytes) {
  Far backend;
  using FarHeap = SizeClasses<Far, KernelSizes, Recording>;
  FarHeap heap{backend};
  EXPECT_EQ(FarHeap::usable_size(FarHeap::most_bytes, 8), FarHeap::most_bytes);
  void* const block = heap.alloc(FarHeap::most_bytes);
  ASSERT_NE(block, nullptr);
  EXPECT_EQ(heap.usable_size(block), FarHeap::most_bytes);
  heap.free(block, FarHeap::most_bytes);
  EXPECT_EQ(heap.live_objects(), 0u);
  EXPECT_EQ(kinds(), std::vector<Misuse>{});
}

/// Nobody may touch what lies behind a slab or a block.
struct Walled : Backend {
  void* alloc_slab(std::size_t slab_size, std::size_t) noexcept {
    constexpr int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    auto* const begin = static_cast<std::byte*>(mmap(nullptr, slab_size + 4096, PROT_READ | PROT_WRITE, flags, -1, 0));
    EXPECT_EQ(mprotect(begin + slab_size, 4096, PROT_NONE), 0);
    return begin;
  }
  void free_slab(void* slab, std::size_t slab_size, std::size_t) noexcept { munmap(slab, slab_size + 4096); }
};
TEST(SizeClasses, ReadNothingBehindABlockThatGrows) {
  Walled backend;
  SizeClasses<Walled, KernelSizes, Recording> heap{backend};
  void* const block = heap.realloc(heap.alloc(16'384), 100'000);
  ASSERT_NE(block, nullptr);
  heap.free(block);
}

TEST(SizeClasses, AskNobodyAboutNull) {
  Descending backend;
  SizeClasses<Descending, KernelSizes, Recording> heap{backend};
  EXPECT_EQ(heap.usable_size(nullptr), 0u);
  heap.free(nullptr);
  EXPECT_EQ(backend.asked, 0u);
}

TEST(SizeClasses, MoveABlockWhoseHeaderLiesInASlabThatWasSetAside) {
  Backend backend;
  Heap heap{backend};
  const auto info_of = [&](const void* object) {
    return backend.get_slab_info(reinterpret_cast<std::uintptr_t>(object) & ~std::uintptr_t{4095});
  };
  void* const block = heap.alloc(12000);
  void* const other = heap.alloc(12000);
  slab::SlabInfo* const header = info_of(other);
  slab::SlabInfo* const of_headers = info_of(header);
  heap.free(other);
  const slab::Geometry geometry =
      slab::detail::geometry_of_size<KernelSizes, Recording>(sizeof(slab::detail::PageBlock)).value();
  std::byte* const table = reinterpret_cast<std::byte*>(of_headers + 1) - geometry.slab_info_size();
  table[geometry.slot_index(static_cast<std::size_t>(reinterpret_cast<std::byte*>(header) - of_headers->slab))] =
      std::byte{0xFF};
  void* const third = heap.alloc(12000);
  EXPECT_EQ(kinds(), std::vector{Misuse::CorruptedFreeList});

  void* const moved = heap.realloc(block, 30000);
  EXPECT_NE(moved, nullptr);
  EXPECT_EQ(heap.live_objects(), 2u);
  heap.free(moved);
  heap.free(third);
  EXPECT_EQ(kinds(), std::vector<Misuse>{});
}

}  // namespace
