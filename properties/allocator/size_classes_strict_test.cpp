// SizeClasses of a table that stops the program where it is asked for what it need not answer.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <type_traits>
#include <vector>

#include <gtest/gtest.h>

#include <slab/size_classes.hpp>
#include <slab/slab.hpp>

#include "properties/allocator/size_classes_world.hpp"

namespace {

using properties::Backend;
using properties::kinds;
using properties::Recording;
using slab::Misuse;
using slab::SizeClasses;

/// The largest size is no multiple of a page, and too large for a table of classes by steps.
struct StrictSizes {
  static constexpr std::size_t page_size = 16'384, count = 5;
  static constexpr std::size_t sizes[count] = {24, 40, 96, 1000, 10'000};
  static constexpr std::size_t size_of(std::size_t size_class) noexcept {
    return size_class < count ? sizes[size_class] : (std::abort(), 0);
  }
  static constexpr std::size_t class_of(std::size_t bytes) noexcept {
    if (bytes == 0 || bytes > sizes[count - 1]) std::abort();
    std::size_t found = 0;
    while (sizes[found] < bytes) ++found;
    return found;
  }
  static constexpr std::size_t slab_size_for(std::size_t) noexcept { return 2 * page_size; }
  static constexpr std::size_t block_size_for(std::size_t size) noexcept {
    if (size == 0 || size > slab::Geometry::max_slab_size) std::abort();
    if (!std::is_constant_evaluated()) asked = size;
    return (size + page_size - 1) / page_size * page_size;
  }
  static inline std::size_t asked = 0;
};
struct StrictPages : StrictSizes {
  static constexpr std::size_t slab_size_for(std::size_t) noexcept { return page_size; }
};

template <class H>
class SizeClassesOfAStrictTable : public testing::Test {};
using StrictHeaps =
    testing::Types<SizeClasses<Backend, StrictSizes, Recording>, SizeClasses<Backend, StrictSizes, slab::Unchecked>,
                   SizeClasses<Backend, StrictPages, Recording>>;
TYPED_TEST_SUITE(SizeClassesOfAStrictTable, StrictHeaps);

TYPED_TEST(SizeClassesOfAStrictTable, AskForNothingThatItNeedNotAnswer) {
  EXPECT_EQ(TypeParam::usable_size(0, 1), 24u);
  EXPECT_EQ(TypeParam::usable_size(10'000, 16), 10'000u);
  EXPECT_EQ(TypeParam::usable_size(9'990, 4096), TypeParam::has_map ? 16'384u : 0u) << "12,288 bytes are in no class";
  EXPECT_EQ(TypeParam::usable_size(200, 32), TypeParam::has_map ? 16'384u : 0u) << "no class has this alignment";
  Backend backend;
  TypeParam heap{backend};
  heap.free(heap.alloc(0), 0);
  if constexpr (TypeParam::has_map) {
    void* const block = heap.alloc(0, 4096);
    EXPECT_EQ(StrictSizes::asked, 1u) << "0 bytes are an object of one";
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % 4096, 0u);
    heap.free(block, 0, 4096);
  }
  EXPECT_EQ(kinds(), std::vector<Misuse>{});
}

TEST(SizeClasses, AskAStrictTableForNoBlockLargerThanThereIs) {
  Backend backend;
  SizeClasses<Backend, StrictSizes, Recording> heap{backend};
  void* const block = heap.alloc(20'000);
  heap.free(block, SIZE_MAX);
  heap.free(block, slab::Geometry::max_slab_size + 1);
  EXPECT_EQ(kinds(), std::vector(2, Misuse::OtherCache));
  heap.free(block);
}

// What is a constant everywhere else, computed when the test runs.
TEST(SizeClasses, AskAStrictTableForTheClassesOfItsSteps) {
  const slab::detail::ClassOfSteps<StrictSizes> classes;
  EXPECT_EQ(classes.of[0], 0u);
  EXPECT_EQ(classes.of[125], 3u);
  EXPECT_EQ(classes.of[1250], 4u);
}

}  // namespace
