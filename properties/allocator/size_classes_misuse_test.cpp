// SizeClasses: every misuse is reported, and changes nothing.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <slab/size_classes.hpp>
#include <slab/slab.hpp>

#include "properties/allocator/size_classes_world.hpp"

namespace {

using properties::AlignedSizes;
using properties::Backend;
using properties::Heap;
using properties::kinds;
using properties::Recording;
using properties::reports;
using slab::KernelSizes;
using slab::Misuse;
using slab::SizeClasses;

TEST(SizeClasses, ReportsAWrongSizeAtFree) {
  Backend backend;
  Heap heap{backend};
  void* const small = heap.alloc(64);
  void* const large = heap.alloc(12000);
  heap.free(small, 65);
  heap.free(small, 12000);
  heap.free(small, SIZE_MAX);
  heap.free(large, 64);
  heap.free(large, 17000);
  heap.free(large, SIZE_MAX);
  EXPECT_EQ(kinds(), (std::vector(6, Misuse::OtherCache)));
  EXPECT_EQ(heap.live_objects(), 2u);
  heap.free(small, 57);  // of the same class
  heap.free(large, 16384);
  EXPECT_EQ(kinds(), std::vector<Misuse>{});
  EXPECT_EQ(heap.live_objects(), 0u);

  SizeClasses<Backend, AlignedSizes, Recording> aligned{backend};
  void* const object = aligned.alloc(64);
  aligned.free(object, 65);
  aligned.free(object, 5000);
  aligned.free(object, 64, 3);
  ASSERT_EQ(reports.size(), 3u);
  for (const std::size_t i : {1u, 2u}) EXPECT_EQ(reports[i].object_size, 0u) << "nothing is known of its size";
  EXPECT_EQ(kinds(), (std::vector(3, Misuse::OtherCache)));
  aligned.free(object, 64);
}

TEST(SizeClasses, ReportsEveryOtherMisuse) {
  Backend backend;
  Heap heap{backend};
  auto* const small = static_cast<std::byte*>(heap.alloc(100));
  auto* const keeps = static_cast<std::byte*>(heap.alloc(100));
  auto* const large = static_cast<std::byte*>(heap.alloc(10000));
  using enum Misuse;
  const auto check = [&](void* pointer, std::size_t size, Misuse kind) {
    heap.free(pointer);
    heap.free(pointer, size);
    EXPECT_EQ(kinds(), (std::vector{kind, kind}));
    EXPECT_TRUE(heap.audit());
  };
  check(small + 8, 100, InteriorPointer);
  check(keeps + 112, 100, NeverAllocated);
  check(small + 8192 - 1, 100, SlabInfoPointer);
  check(large + 16, 10000, InteriorPointer);
  check(large + 4096, 10000, InteriorPointer);
  heap.free(small, 100);
  check(small, 100, DoubleFree);
  heap.free(large);
  std::byte mine[64];
  check(mine, 100, ForeignPointer);
  check(mine, 10000, ForeignPointer);
  check(mine, SIZE_MAX, ForeignPointer);
  check(large, 10000, ForeignPointer);
  EXPECT_EQ(heap.realloc(mine, 20), nullptr);
  EXPECT_EQ(heap.realloc(keeps + 8, 20), nullptr);
  EXPECT_EQ(heap.resize(keeps, 40, 20), nullptr) << "the size is another class's";
  EXPECT_EQ(kinds(), (std::vector{ForeignPointer, InteriorPointer, OtherCache}));
  EXPECT_EQ(heap.usable_size(nullptr), 0u);
  EXPECT_EQ(heap.usable_size(mine), 0u);
  EXPECT_EQ(heap.usable_size(keeps + 8), 0u);
  EXPECT_EQ(heap.live_objects(), 1u);
  heap.free(keeps);
  EXPECT_EQ(kinds(), std::vector<Misuse>{});
}

/// `heap` has a freed object of 64 bytes at `freed`, and another of that class, live.
template <class Heap>
void check_that_it_stays_freed(Heap& heap, void* freed) {
  void* const live = heap.alloc(60);
  ASSERT_NE(live, freed);
  EXPECT_EQ(heap.resize(live, 60, 62), live);
  EXPECT_EQ(heap.resize(freed, 64, 60), nullptr) << "it is freed";
  EXPECT_EQ(heap.resize(freed, 64, 600), nullptr) << "it is freed, and would move";
  EXPECT_EQ(heap.resize(live, 600, 590), nullptr) << "the size is another class's";
  EXPECT_EQ(kinds(), (std::vector{Misuse::DoubleFree, Misuse::DoubleFree, Misuse::OtherCache}));
  EXPECT_EQ(heap.live_objects(), 1u);
  EXPECT_TRUE(heap.audit());
  heap.free(live, 60);
}

TEST(SizeClasses, LeavesAloneWhatIsToHaveAnAlignmentThatCannotBe) {
  Backend backend;
  Heap heap{backend};
  void *const small = heap.alloc(100), *const large = heap.alloc(10000);
  for (const std::size_t align : {std::size_t{0}, std::size_t{3}, std::size_t{8192}}) {
    EXPECT_EQ(heap.resize(small, 100, 200, align), nullptr);
    EXPECT_EQ(heap.resize(large, 10000, 20000, align), nullptr);
    EXPECT_EQ(heap.realloc(large, 20000, align), nullptr);
    EXPECT_EQ(kinds(), std::vector<Misuse>{});
    heap.free(large, 10000, align);
    heap.free(small, 100, align);
    EXPECT_EQ(kinds(), (std::vector(2, Misuse::OtherCache)));
  }
  EXPECT_EQ(heap.live_objects(), 2u);
  heap.free(small, 100);
  heap.free(large, 10000);

  SizeClasses<Backend, AlignedSizes, Recording> aligned{backend};
  void* const object = aligned.alloc(100);
  EXPECT_EQ(aligned.resize(object, 100, 200, 3), nullptr);
  EXPECT_EQ(kinds(), std::vector<Misuse>{});
  EXPECT_EQ(aligned.resize(static_cast<std::byte*>(object) + 8, 100, 101), nullptr);
  EXPECT_EQ(kinds(), (std::vector{Misuse::InteriorPointer}));
  reinterpret_cast<slab::SlabInfo*>((reinterpret_cast<std::uintptr_t>(object) | 65'535) + 1)[-1].owner ^= 8;
  EXPECT_FALSE(aligned.audit());
  reinterpret_cast<slab::SlabInfo*>((reinterpret_cast<std::uintptr_t>(object) | 65'535) + 1)[-1].owner ^= 8;
  EXPECT_TRUE(aligned.audit());
  aligned.free(object, 100);
}

TEST(SizeClasses, KeepsAllBytesThatMayBeUsedWhenAnObjectMoves) {
  Backend backend;
  Heap heap{backend};
  auto* const object = static_cast<std::byte*>(heap.alloc(112));
  for (int i = 0; i < 112; ++i) object[i] = std::byte(i);
  auto* const moved = static_cast<std::byte*>(heap.resize(object, 97, 300));  // of the same class
  for (int i = 0; i < 112; ++i) ASSERT_EQ(moved[i], std::byte(i)) << i;
  heap.free(moved, 300);
}

TEST(SizeClasses, ReportsAResizeOfWhatIsFreeAlready) {
  Backend backend;
  Heap heap{backend};
  void *const small = heap.alloc(64), *const other = heap.alloc(64), *const large = heap.alloc(12000);
  heap.free(small);  // the slab's last freed slot is the next one handed out
  heap.free(other);
  heap.free(large);
  EXPECT_EQ(heap.usable_size(small), 0u);
  EXPECT_EQ(heap.usable_size(large), 0u);
  EXPECT_EQ(heap.realloc(small, 60), nullptr);
  EXPECT_EQ(heap.realloc(large, 12001), nullptr);
  EXPECT_EQ(heap.resize(large, 12000, 12001), nullptr);
  EXPECT_EQ(kinds(), (std::vector{Misuse::DoubleFree, Misuse::ForeignPointer, Misuse::ForeignPointer}));
  check_that_it_stays_freed(heap, small);

  SizeClasses<Backend, AlignedSizes, Recording> aligned{backend};
  void *const first = aligned.alloc(64), *const second = aligned.alloc(64);
  aligned.free(first, 64);
  aligned.free(second, 64);
  check_that_it_stays_freed(aligned, first);
}

TEST(SizeClasses, ReportsAWrongResizeAsAFreeOfTheSame) {
  Backend backend;
  Heap heap{backend};
  void* const odd = heap.alloc(100);
  heap.free(odd);
  EXPECT_EQ(heap.resize(odd, 100, 101), nullptr);
  EXPECT_EQ(kinds(), (std::vector{Misuse::DoubleFree}));
  std::byte mine[8];
  backend.slabs_left = 0;
  EXPECT_EQ(heap.resize(mine, SIZE_MAX, 600), nullptr);
  EXPECT_EQ(kinds(), (std::vector{Misuse::ForeignPointer})) << "whether there is memory or not";
}

TEST(SizeClasses, KnowsItsOwnAmongOthersOfTheSameMap) {
  Backend backend;
  Heap one{backend}, other{backend};
  slab::Cache<long, slab::Config{.slab_size = 8192}, Backend, Recording> cache{backend};
  void* const small = one.alloc(8);
  void* const large = one.alloc(16384);
  long* const number = cache.alloc();
  other.free(small);
  other.free(small, 8);
  other.free(large);
  other.free(large, 16384);
  one.free(number);
  cache.free(static_cast<long*>(large));
  EXPECT_EQ(kinds(), (std::vector(6, Misuse::OtherCache)));
  EXPECT_EQ(other.realloc(small, 100), nullptr);
  EXPECT_EQ(kinds(), (std::vector{Misuse::OtherCache}));
  // A header of a block is nobody's object.
  void* const header = backend.get_slab_info(reinterpret_cast<std::uintptr_t>(large));
  one.free(header);
  EXPECT_EQ(kinds(), (std::vector{Misuse::OtherCache}));
  one.free(small);
  one.free(large);
  cache.free(number);
  EXPECT_EQ(kinds(), std::vector<Misuse>{});
}

TEST(SizeClasses, SeesThatASlabsOwnerWasOverwritten) {
  for (const std::uintptr_t change : {0xFF00u, 8u, 1u}) {  // elsewhere, within a cache, and as if of no incarnation
    Backend backend;
    Heap heap{backend};
    std::vector<void*> objects;
    for (int i = 0; i < 16; ++i) objects.push_back(heap.alloc(512));  // 15 in a slab
    backend.get_slab_info(reinterpret_cast<std::uintptr_t>(objects[0]) & ~std::uintptr_t{4095})->owner ^= change;
    heap.free(objects[0]);
    EXPECT_EQ(kinds(), (std::vector{Misuse::OtherCache})) << change;
    heap.free(objects[0], 512);
    EXPECT_EQ(kinds(), (std::vector{Misuse::CorruptedSlabInfo})) << change;
    heap.free(objects[15]);
    EXPECT_EQ(kinds(), std::vector<Misuse>{}) << change;
    heap.for_each_statistics([](const slab::SizeClassStatistics& one) {
      EXPECT_EQ(one.set_aside_slabs, one.object_size == 512 ? 1u : 0u);
      EXPECT_EQ(one.slabs, one.object_size == 512 ? 2u : 0u);
      EXPECT_EQ(one.bytes, one.object_size == 512 ? 16'384u : 0u);
    });
  }
}

TEST(SizeClasses, ReportsEachObjectThatLivesWhenItIsDestroyed) {
  Backend backend;
  void *small, *large;
  {
    Heap heap{backend};
    small = heap.alloc(8);
    large = heap.alloc(16384);
  }
  ASSERT_EQ(reports.size(), 2u);
  EXPECT_EQ(reports[0].pointer, small);
  EXPECT_EQ(reports[1].pointer, large);
  EXPECT_EQ(reports[1].object_size, 16384u);
  EXPECT_EQ(kinds(), (std::vector(2, Misuse::LiveAtDestruction)));
  EXPECT_EQ(backend.slabs, 3u);  // of both, and of the header
}

TEST(SizeClasses, ReportsOneOfEachSizeThatLivesWhenTheyAreDestroyed) {
  const auto check = []<class Sizes>(Sizes) {
    Backend backend;
    std::vector<const void*> objects;
    {
      SizeClasses<Backend, Sizes, Recording> heap{backend};
      for (std::size_t i = 0; i < Sizes::count; ++i) objects.push_back(heap.alloc(Sizes::size_of(i)));
      heap.free(heap.alloc(24), 24);
    }
    ASSERT_EQ(reports.size(), objects.size());
    for (std::size_t i = 0; i < objects.size(); ++i) EXPECT_EQ(reports[i].pointer, objects[i]);
    EXPECT_EQ(kinds(), std::vector(objects.size(), Misuse::LiveAtDestruction));
  };
  check(KernelSizes{});
  check(AlignedSizes{});
}

/// Memory that is all ones, as the entry of a live object is.
struct Ones : Backend {
  void* alloc_slab(std::size_t slab_size, std::size_t page_size) noexcept {
    return std::memset(Backend::alloc_slab(slab_size, page_size), 0xFF, slab_size);
  }
};
TEST(SizeClasses, KnowWhereObjectsBegin) {
  Ones backend;
  SizeClasses<Ones, KernelSizes, Recording> heap{backend};
  SizeClasses<Ones, KernelSizes, slab::Unchecked> unchecked{backend};
  const auto check = [](auto& of, std::size_t live) {
    auto* const slab = static_cast<std::byte*>(of.alloc(112));
    for (std::size_t i = 1; i < live; ++i) ASSERT_EQ(of.alloc(112), slab + i * 112);
    for (std::size_t at = 0; at < 8192; ++at)
      ASSERT_EQ(of.usable_size(slab + at), at % 112 == 0 && at / 112 < live ? 112u : 0u) << at;
    for (std::size_t i = 0; i < live; ++i) of.free(slab + i * 112);
  };
  check(heap, 70);
  check(unchecked, (8192 - sizeof(slab::SlabInfo)) / 112);
  auto* const block = static_cast<std::byte*>(unchecked.alloc(12'000));
  for (const std::size_t at : {1u, 4096u, 12'288u}) EXPECT_EQ(unchecked.usable_size(block + at), 0u) << at;
  unchecked.free(block);
  void* const small = unchecked.realloc(nullptr, 100);
  EXPECT_NE(small, nullptr);
  for (const std::size_t align : {0u, 3u, 8192u}) EXPECT_EQ(unchecked.resize(small, 100, 200, align), nullptr);
  unchecked.free(small);
  EXPECT_EQ(unchecked.usable_size(nullptr), 0u);
  EXPECT_EQ((SizeClasses<Ones, KernelSizes, slab::Unchecked>::usable_size(12'000, 8)), 16'384u);
  EXPECT_EQ(unchecked.live_objects(), 0u);
  EXPECT_EQ(kinds(), std::vector<Misuse>{});
}

TEST(SizeClasses, SeeWhenASlabOrABlockIsNotAsTheyLeftIt) {
  Backend backend;
  const auto check = [&](auto& heap, bool sees_pages) {
    void *const small = heap.alloc(64), *const large = heap.alloc(12'000), *const other = heap.alloc(9000);
    const auto pages = backend.pages;
    for (const auto& [page, info] : pages) {
      if (info->slab != large && info->slab != other) {
        info->owner ^= 8;
        EXPECT_FALSE(heap.audit());
        info->owner ^= 8;
        continue;
      }
      for (const auto& [of, another] : pages) {
        backend.pages[page] = another;
        EXPECT_EQ(heap.audit(), another == info || !sees_pages);
      }
      backend.pages[page] = nullptr;
      EXPECT_EQ(heap.audit(), !sees_pages);
      backend.pages[page] = info;
    }
    std::size_t& blocks = reinterpret_cast<std::size_t*>(&heap)[2];
    ASSERT_EQ(blocks, 2u);
    for (blocks = 0; blocks < 5; ++blocks) EXPECT_EQ(heap.audit(), blocks == 2);
    blocks = 2;
    heap.free(small), heap.free(large), heap.free(other);
    heap.shrink();
  };
  {
    Heap heap{backend};
    check(heap, true);
  }
  SizeClasses<Backend, KernelSizes, slab::Unchecked> unchecked{backend};
  check(unchecked, false);
}

TEST(SizeClasses, TellsWhenTheBackendGivesABlockTwice) {
  struct Erring : Backend {
    void* alloc_slab(std::size_t slab_size, std::size_t page_size) noexcept {
      return again ? std::exchange(again, nullptr) : Backend::alloc_slab(slab_size, page_size);
    }
    void* again = nullptr;
  } backend;
  SizeClasses<Erring, KernelSizes, Recording> heap{backend};
  void* const one = heap.alloc(12000);
  backend.again = one;
  EXPECT_EQ(heap.alloc(12000), nullptr);
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].pointer, one);
  EXPECT_EQ(reports[0].cache, &heap);
  EXPECT_EQ(kinds(), (std::vector{Misuse::BackendFault}));
  backend.again = one;
  EXPECT_EQ(heap.alloc(16), nullptr);
  EXPECT_EQ(kinds(), (std::vector{Misuse::BackendFault}));
  backend.again = static_cast<std::byte*>(heap.alloc(12000)) + 64;  // misaligned, and known: left alone
  EXPECT_EQ(heap.alloc(12000), nullptr);
  EXPECT_EQ(kinds(), (std::vector{Misuse::BackendFault}));
  EXPECT_TRUE(heap.audit());
  EXPECT_EQ(heap.live_objects(), 2u);
}

static_assert(std::is_trivially_destructible_v<Heap::Undestroyed>);
static_assert(!std::is_copy_constructible_v<Heap>);

TEST(SizeClasses, ThatWereMadeAgainForgetWhatWasThere) {
  Backend backend;
  alignas(slab::Immortal<Heap>) std::byte place[sizeof(slab::Immortal<Heap>)];
  auto* heap = ::new (place) slab::Immortal<Heap>{backend};
  void* const small = (*heap)->alloc(8);
  void* const large = (*heap)->alloc(16384);
  void* const page = (*heap)->alloc(4096);
  for (int i = 0; i < 15; ++i) EXPECT_NE((*heap)->alloc(4096), nullptr);  // the last of another slab
  EXPECT_EQ((*heap)->usable_size(page), 4096u);
  heap = ::new (place) slab::Immortal<Heap>{backend};
  EXPECT_EQ((*heap)->usable_size(small) + (*heap)->usable_size(large) + (*heap)->usable_size(page), 0u);
  (*heap)->free(small);
  (*heap)->free(large);
  EXPECT_EQ(kinds(), (std::vector(2, Misuse::OtherCache)));
  EXPECT_EQ((*heap)->live_objects(), 0u);
  EXPECT_EQ(backend.slabs, 5u);
}

/// Debug, and goes on.
struct Debugging : slab::Debug {
  static void on_misuse(const slab::MisuseReport& report) noexcept { Recording::on_misuse(report); }
};
/// Behind the tools' back.
__attribute__((no_sanitize("address"), noinline)) void change(std::byte* at) {
  auto* const byte = reinterpret_cast<volatile unsigned char*>(at);
  *byte = static_cast<unsigned char>(*byte ^ 1);
}
TEST(SizeClasses, MakeNoNewObjectInThePlaceOfOneThatCannotBeFreed) {
  Backend backend;
  const auto check = [](auto& heap, std::byte* object, const auto& resize) {
    change(object + 112);
    EXPECT_EQ(resize(), nullptr);
    EXPECT_EQ(kinds(), std::vector{Misuse::WriteBeyondObject});
    EXPECT_EQ(heap.live_objects(), 1u);
    change(object + 112);
    heap.free(object, 100);
    EXPECT_EQ(kinds(), std::vector<Misuse>{});
  };
  SizeClasses<Backend, KernelSizes, Debugging> heap{backend};
  auto* const object = static_cast<std::byte*>(heap.alloc(100));
  check(heap, object, [&] { return heap.realloc(object, 1000); });
  SizeClasses<Backend, AlignedSizes, Debugging> aligned{backend};
  auto* const other = static_cast<std::byte*>(aligned.alloc(100));
  check(aligned, other, [&] { return aligned.resize(other, 100, 1000); });
}

}  // namespace
