// SizeClasses: any size and alignment, memory that is refused, and a backend that asks for memory back.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <tuple>
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
using slab::KernelSizes;
using slab::Misuse;
using slab::SizeClasses;
using slab::SizeClassStatistics;

/// Sizes of which no power of two is a multiple but the smaller ones: an alignment passes some over.
struct OddSizes {
  static constexpr std::size_t page_size = 4096, count = 4;
  static constexpr std::size_t sizes[count] = {24, 40, 96, 1000};
  static constexpr std::size_t size_of(std::size_t size_class) noexcept { return sizes[size_class]; }
  static constexpr std::size_t class_of(std::size_t bytes) noexcept {
    std::size_t found = 0;
    while (sizes[found] < bytes) ++found;
    return found;
  }
  static constexpr std::size_t slab_size_for(std::size_t) noexcept { return 2 * page_size; }
  static constexpr std::size_t block_size_for(std::size_t size) noexcept {
    return (size + page_size - 1) / page_size * page_size;
  }
};

/// Blocks of any number of pages.
struct RunSizes : KernelSizes {
  static constexpr std::size_t block_size_for(std::size_t size) noexcept { return run_size_for(size); }
};
struct Runs : Backend {
  static constexpr bool has_page_runs = true;
};
struct NoRuns : Backend {
  static constexpr bool has_page_runs = false;
};

bool is_aligned(const void* object, std::size_t align) { return reinterpret_cast<std::uintptr_t>(object) % align == 0; }

template <class H>
std::vector<SizeClassStatistics> statistics_of(const H& heap) {
  std::vector<SizeClassStatistics> all;
  heap.for_each_statistics([&](const SizeClassStatistics& one) { all.push_back(one); });
  return all;
}
template <class H>
SizeClassStatistics statistics_of(const H& heap, const std::string& name) {
  for (const SizeClassStatistics& one : statistics_of(heap))
    if (one.name == name) return one;
  ADD_FAILURE() << name;
  return {};
}

// What a request for a size and an alignment is, for every table.
template <class H>
class SizeClassesOf : public testing::Test {};
using Heaps =
    testing::Types<Heap, SizeClasses<Backend, AlignedSizes, Recording>, SizeClasses<Backend, OddSizes, Recording>,
                   SizeClasses<Backend, RunSizes, Recording>, SizeClasses<Backend, KernelSizes, slab::Unchecked>,
                   SizeClasses<Backend, KernelSizes, slab::Debug>>;
TYPED_TEST_SUITE(SizeClassesOf, Heaps);

TYPED_TEST(SizeClassesOf, HasObjectsOfEverySizeAndAlignment) {
  Backend backend;
  {
    TypeParam heap{backend};
    std::vector<std::tuple<unsigned char*, std::size_t, std::size_t>> live;
    const auto check = [&](std::size_t size, std::size_t align) {
      const std::size_t usable = TypeParam::usable_size(size, align);
      auto* const object = static_cast<unsigned char*>(heap.alloc(size, align));
      ASSERT_EQ(object == nullptr, usable == 0) << size << " aligned to " << align;
      if (!object) return;
      ASSERT_GE(usable, size);
      ASSERT_TRUE(is_aligned(object, align) && is_aligned(object, 8)) << size << " aligned to " << align;
      if constexpr (TypeParam::has_map) {
        ASSERT_EQ(heap.usable_size(object), usable);
      }
      std::memset(object, static_cast<int>(live.size() % 251), usable);
      live.emplace_back(object, size, align);
    };
    for (std::size_t align = 1; align <= 8192; align *= 2)
      for (std::size_t size = 0; size <= 9000; size += size < 66 ? 1 : 1 + size / 3)
        for (int i = 0; i < 3; ++i) check(size, align);
    EXPECT_EQ(heap.live_objects(), live.size());
    EXPECT_TRUE(heap.audit());
    for (std::size_t i = 0; i < live.size(); ++i) {
      const auto [object, size, align] = live[i];
      const std::size_t usable = TypeParam::usable_size(size, align);
      ASSERT_TRUE(std::all_of(object, object + usable, [&](unsigned char byte) { return byte == i % 251; }));
      if constexpr (TypeParam::has_map)
        if (i % 2 == 0) {
          heap.free(object);
          continue;
        }
      heap.free(object, size, align);
    }
    EXPECT_EQ(heap.live_objects(), 0u);
    heap.shrink();
    EXPECT_TRUE(backend.has_everything_back());
    EXPECT_EQ(heap.shrink(), 0u);
  }
  EXPECT_TRUE(backend.has_everything_back());
  EXPECT_EQ(kinds(), std::vector<Misuse>{});
}

TYPED_TEST(SizeClassesOf, RefusesWhatCannotBeHad) {
  Backend backend;
  TypeParam heap{backend};
  for (const std::size_t size : {TypeParam::most_bytes + 1, SIZE_MAX / 2, SIZE_MAX - 7, SIZE_MAX}) {
    EXPECT_EQ(heap.alloc(size), nullptr);
    EXPECT_EQ(heap.alloc(size, 4096), nullptr);
    EXPECT_EQ(heap.alloc_zeroed(1, size), nullptr);
    EXPECT_EQ(TypeParam::usable_size(size, 1), 0u);
  }
  for (const std::size_t align : {std::size_t{0}, std::size_t{3}, std::size_t{12}, std::size_t{1} << 17, SIZE_MAX})
    for (const std::size_t size : {std::size_t{1}, std::size_t{12000}}) {
      EXPECT_EQ(heap.alloc(size, align), nullptr);
      EXPECT_EQ(TypeParam::usable_size(size, align), 0u);
    }
  EXPECT_EQ(heap.alloc_zeroed(SIZE_MAX / 2 + 1, 2), nullptr) << "the product is 0";
  EXPECT_EQ(heap.alloc_zeroed(2, SIZE_MAX / 2 + 2), nullptr) << "the product is 2";
  EXPECT_EQ(heap.alloc_zeroed(std::size_t{1} << 33, std::size_t{1} << 33), nullptr);
  heap.free(nullptr, 1);
  heap.free(nullptr, 12000);
  heap.free(nullptr, SIZE_MAX);
  if constexpr (TypeParam::has_map) heap.free(nullptr);
  EXPECT_EQ(heap.live_objects(), 0u);
  EXPECT_TRUE(backend.has_everything_back());
  EXPECT_EQ(kinds(), std::vector<Misuse>{});
}

TYPED_TEST(SizeClassesOf, ResizesAndKeepsContents) {
  Backend backend;
  {
    TypeParam heap{backend};
    std::size_t size = 0;
    auto* object = static_cast<unsigned char*>(heap.resize(nullptr, 0, 0));
    ASSERT_NE(object, nullptr);
    for (const std::size_t next :
         {1u, 7u, 24u, 25u, 33u, 32u, 1u, 900u, 64u, 4096u, 4097u, 12000u, 12001u, 20000u, 5000u, 80u, 0u, 16u}) {
      if (TypeParam::usable_size(next, 8) == 0) continue;
      const bool stays = TypeParam::usable_size(size, 8) == TypeParam::usable_size(next, 8);
      auto* moved = object;
      if constexpr (TypeParam::has_map)
        moved = static_cast<unsigned char*>(next % 2 ? heap.realloc(object, next) : heap.resize(object, size, next));
      else
        moved = static_cast<unsigned char*>(heap.resize(object, size, next));
      ASSERT_NE(moved, nullptr);
      ASSERT_EQ(moved == object, stays) << size << " to " << next;
      for (std::size_t i = 0; i < std::min(size, next); ++i) ASSERT_EQ(moved[i], i % 241) << size << " to " << next;
      for (std::size_t i = 0; i < next; ++i) moved[i] = static_cast<unsigned char>(i % 241);
      object = moved, size = next;
      ASSERT_EQ(heap.live_objects(), 1u);
    }
    EXPECT_EQ(heap.resize(object, size, SIZE_MAX), nullptr);
    heap.shrink();
    backend.slabs_left = 0;
    EXPECT_EQ(heap.resize(object, size, 600), nullptr) << "no memory";
    EXPECT_EQ(object[15], 15);
    heap.free(object, size);
  }
  EXPECT_TRUE(backend.has_everything_back());
  EXPECT_EQ(kinds(), std::vector<Misuse>{});
}

/// The same, in slabs of one page.
struct OddPages : OddSizes {
  static constexpr std::size_t slab_size_for(std::size_t) noexcept { return page_size; }
};
TEST(SizeClasses, PassOverSizesThatLackTheAlignment) {
  const auto check = []<class H>(H*) {
    for (const std::size_t size : {0u, 20u, 33u, 96u}) EXPECT_EQ(H::usable_size(size, 32), 96u) << size;
    EXPECT_EQ(H::usable_size(97, 8), 1000u);
    EXPECT_EQ(H::usable_size(1000, 8), 1000u);
  };
  check(static_cast<SizeClasses<Backend, OddSizes, slab::Unchecked>*>(nullptr));
  check(static_cast<SizeClasses<Backend, OddPages, Recording>*>(nullptr));
  EXPECT_EQ((SizeClasses<Backend, OddPages, Recording>::usable_size(97, 16)), 0u);
}

TEST(SizeClasses, MovesAnObjectToAnAlignmentThatItsClassLacks) {
  Backend backend;
  Heap heap{backend};
  for (std::size_t align = 8; align <= 4096; align *= 2) {
    auto* const object = static_cast<unsigned char*>(heap.alloc(100));
    object[99] = 9;
    auto* const moved = static_cast<unsigned char*>(heap.realloc(object, 100, align));
    EXPECT_EQ(moved == object, align <= 16) << "112 bytes are aligned to 16";
    EXPECT_TRUE(is_aligned(moved, align));
    EXPECT_EQ(moved[99], 9);
    heap.free(moved, 100, align);
  }
  EXPECT_EQ(heap.live_objects(), 0u);
  EXPECT_EQ(kinds(), std::vector<Misuse>{});
}

TYPED_TEST(SizeClassesOf, ZeroesWhatWasUsedBefore) {
  Backend backend;
  TypeParam heap{backend};
  for (const std::size_t size : {1u, 30u, 960u, 4096u, 6000u, 12000u}) {
    if (TypeParam::usable_size(size, 8) == 0) continue;
    for (int i = 0; i < 70; ++i) {  // longer than a quarantine
      auto* const object = static_cast<unsigned char*>(heap.alloc_zeroed(size, 1));
      ASSERT_TRUE(std::all_of(object, object + size, [](unsigned char byte) { return byte == 0; }));
      std::memset(object, 0xEE, size);
      heap.free(object, size);
    }
  }
}

TYPED_TEST(SizeClassesOf, IsAsItWasWhenAnyCallOfTheBackendFails) {
  Backend backend;
  {
    TypeParam heap{backend};
    for (const std::size_t size : {16u, 1000u, 5000u, 100000u}) {
      if (TypeParam::usable_size(size, 8) == 0) continue;
      void* object = nullptr;
      std::size_t refusals = 0;
      for (std::size_t calls = 0; !object; ++calls, ++refusals) {
        ASSERT_LT(calls, 200u);
        backend.slabs_left = calls % 3;
        backend.pages_left = calls / 3;
        object = heap.alloc(size);
        if (object) break;
        EXPECT_EQ(heap.live_objects(), 0u);
        EXPECT_TRUE(heap.audit());
        heap.shrink();
        ASSERT_TRUE(backend.has_everything_back());
      }
      EXPECT_GT(refusals, 0u);
      backend.slabs_left = backend.pages_left = SIZE_MAX;
      heap.free(object, size);
      heap.shrink();
    }
  }
  EXPECT_TRUE(backend.has_everything_back());
}

TEST(SizeClasses, AsksForRunsOfPagesOnlyWhereTheBackendSaysThatItHasThem) {
  const auto sizes_of = []<class B, class Sizes>(B& backend, Sizes) {
    SizeClasses<B, Sizes, Recording> heap{backend};
    std::vector<std::size_t> sizes;
    for (const std::size_t size : {8193u, 12'288u, 12'289u, 65'874u}) {
      void* const block = heap.alloc(size);
      sizes.push_back(backend.held[block]);
      EXPECT_EQ(heap.usable_size(block), sizes.back());
      heap.free(block, size);
    }
    return sizes;
  };
  const std::vector<std::size_t> runs{12'288, 12'288, 16'384, 73'728}, powers{16'384, 16'384, 16'384, 131'072};
  const std::vector<std::size_t> odd{12'288, 12'288, 16'384, 69'632};
  Runs has_runs;
  NoRuns has_none;
  Backend says_nothing;
  EXPECT_EQ(sizes_of(has_runs, KernelSizes{}), runs);
  EXPECT_EQ(sizes_of(has_none, KernelSizes{}), powers);
  EXPECT_EQ(sizes_of(says_nothing, KernelSizes{}), powers);
  EXPECT_EQ(sizes_of(has_runs, OddSizes{}), odd) << "a table without run_size_for decides alone";
  EXPECT_EQ(kinds(), std::vector<Misuse>{});
}

// Reclaim.

/// Has room for a number of pages; when none is left, all caches give back what they do not need.
struct Dry : Backend {
  void* alloc_slab(std::size_t slab_size, std::size_t page_size) noexcept {
    if (used + slab_size > most && heap) reclaimed += heap->shrink();
    if (used + slab_size > most) return nullptr;
    used += slab_size;
    return Backend::alloc_slab(slab_size, page_size);
  }
  void free_slab(void* slab, std::size_t slab_size, std::size_t page_size) noexcept {
    if (heap) heap->shrink();  // it need not, but may
    used -= slab_size;
    Backend::free_slab(slab, slab_size, page_size);
  }
  bool save_slab_info(std::uintptr_t page_addr, slab::SlabInfo* info) noexcept {
    if (heap) heap->shrink();
    return Backend::save_slab_info(page_addr, info);
  }
  void delete_slab_info(std::uintptr_t page_addr) noexcept {
    if (heap) heap->shrink();
    Backend::delete_slab_info(page_addr);
  }
  std::size_t most = 0, used = 0, reclaimed = 0;
  SizeClasses<Dry, KernelSizes, Recording>* heap = nullptr;
};

TEST(SizeClasses, GivesBackWhatItDoesNotNeedWhenTheBackendAsksFromInside) {
  Dry backend;
  SizeClasses<Dry, KernelSizes, Recording> heap{backend};
  backend.most = 6 * 8192;
  for (const std::size_t size : {16u, 48u, 80u, 160u, 320u, 500u}) heap.free(heap.alloc(size), size);
  EXPECT_EQ(backend.used, backend.most) << "each cache keeps an empty slab";
  backend.heap = &heap;
  void* const block = heap.alloc(3 * 8192);  // a slab for its header, and 32 KiB
  ASSERT_NE(block, nullptr);
  EXPECT_GE(backend.reclaimed, 1u);
  void* const object = heap.alloc(64);
  ASSERT_NE(object, nullptr);
  EXPECT_EQ(heap.alloc(4096), nullptr) << "what lives is more than leaves room for";
  EXPECT_TRUE(heap.audit());
  heap.free(block);
  heap.free(object);
  EXPECT_NE(heap.alloc(16), nullptr);
  EXPECT_EQ(kinds(), std::vector<Misuse>{});
  backend.heap = nullptr;
  heap.for_each_statistics([](const SizeClassStatistics& one) {
    EXPECT_EQ(one.live_objects, std::string{one.name} == "size-16" ? 1u : 0u);
  });
}

// Statistics.

TYPED_TEST(SizeClassesOf, TellsWhatEachSizeHas) {
  Backend backend;
  {
    TypeParam heap{backend};
    constexpr std::size_t blocks = TypeParam::has_map ? 1 : 0;
    std::vector<std::pair<void*, std::size_t>> objects;
    const std::vector<SizeClassStatistics> before = statistics_of(heap);
    const std::size_t count = before.size() - 2 * blocks;
    ASSERT_GE(count, 1u);
    ASSERT_EQ(before[count - 1].object_size, TypeParam::largest_size);
    EXPECT_EQ(before.back().peak_slabs, 0u);
    for (std::size_t i = 0; i < count; ++i) {
      EXPECT_EQ(before[i].name, "size-" + std::to_string(before[i].object_size));
      EXPECT_EQ(before[i].live_objects + before[i].free_objects + before[i].slabs + before[i].bytes, 0u);
      EXPECT_EQ(before[i].peak_slabs, 0u);
      for (std::size_t n = 0; n <= i; ++n)
        objects.emplace_back(heap.alloc(before[i].object_size), before[i].object_size);
    }
    for (std::size_t n = 0; n < 3 * blocks; ++n) objects.emplace_back(heap.alloc(20'000), 20'000);
    EXPECT_EQ(heap.live_objects(), objects.size());
    for (const bool lives : {true, false}) {
      std::size_t slabs = 0, bytes = 0, held = 0;
      const std::vector<SizeClassStatistics> all = statistics_of(heap);
      for (std::size_t i = 0; i < count; ++i) {
        ASSERT_EQ(all[i].live_objects, lives ? i + 1 : 0u);
        ASSERT_GE(all[i].peak_slabs, 1u);
        ASSERT_EQ(all[i].set_aside_slabs, 0u);
        slabs += all[i].slabs, bytes += all[i].bytes;
      }
      if constexpr (blocks != 0) {
        EXPECT_STREQ(all[count].name, "headers");
        EXPECT_EQ(all[count].live_objects, lives ? 3u : 0u);
        slabs += all[count].slabs + all[count + 1].slabs, bytes += all[count].bytes + all[count + 1].bytes;
        const SizeClassStatistics& one = all[count + 1];
        EXPECT_STREQ(one.name, "blocks");
        EXPECT_EQ(std::tuple(one.object_size, one.free_objects, one.peak_slabs, one.set_aside_slabs),
                  std::tuple(0u, 0u, 3u, 0u));
      }
      for (const auto& [slab, size] : backend.held) held += size;
      EXPECT_EQ(slabs, backend.slabs);
      EXPECT_EQ(bytes, held);
      EXPECT_TRUE(heap.audit());
      for (const auto& [object, size] : objects) heap.free(object, size);
      objects.clear();
    }
  }
  EXPECT_TRUE(backend.has_everything_back()) << "empty slabs, at the latest when it ends";
}

TEST(SizeClasses, TellTheMostSlabsThatThereWereAtOnce) {
  Backend backend;
  Heap heap{backend};
  backend.slabs_left = 0;
  EXPECT_EQ(heap.alloc(64), nullptr);
  backend.slabs_left = SIZE_MAX;
  for (int i = 0; i < 3; ++i) {
    heap.free(heap.alloc(64));
    EXPECT_EQ(heap.shrink(), 1u);
    EXPECT_EQ(statistics_of(heap, "size-64").peak_slabs, 1u);
  }
}

TEST(SizeClasses, TellsOfAllCachesWhatTheyHave) {
  Backend backend;
  Heap heap{backend};
  std::vector<void*> objects;
  for (int i = 0; i < 40; ++i) objects.push_back(heap.alloc(4000));
  for (int i = 0; i < 39; ++i) heap.free(objects[static_cast<std::size_t>(i)], 4000);
  void* const block = heap.alloc(12000);
  heap.free(heap.alloc(20000));
  const std::vector<SizeClassStatistics> all = statistics_of(heap);
  ASSERT_EQ(all.size(), KernelSizes::count + 2);
  EXPECT_STREQ(all[0].name, "size-16");
  EXPECT_STREQ(all[7].name, "size-80");
  EXPECT_EQ(all[7].object_size, 80u);
  EXPECT_EQ(all[7].slabs, 0u);
  const SizeClassStatistics pages = statistics_of(heap, "size-4096");
  EXPECT_EQ(std::tuple(pages.object_size, pages.live_objects, pages.slabs, pages.peak_slabs, pages.bytes),
            std::tuple(4096u, 1u, 2u, 3u, 2 * 65536u));
  EXPECT_EQ(pages.free_objects, 29u);
  const SizeClassStatistics blocks = statistics_of(heap, "blocks");
  EXPECT_EQ(std::tuple(blocks.live_objects, blocks.slabs, blocks.peak_slabs, blocks.bytes),
            std::tuple(1u, 1u, 2u, 16384u));
  EXPECT_EQ(statistics_of(heap, "headers").live_objects, 1u);
  heap.free(block);
  heap.free(objects.back());
  EXPECT_EQ(statistics_of(heap, "blocks").bytes, 0u);
}

}  // namespace
