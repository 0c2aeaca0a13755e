// The table of sizes: which size serves a request, and what it wastes.
#include <bit>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include <slab/class_names.hpp>
#include <slab/exact_quotient.hpp>
#include <slab/size_classes.hpp>
#include <slab/slab.hpp>

#include "properties/allocator/heap_backend.hpp"

namespace {

using properties::HeapBackend;
using slab::KernelSizes;

TEST(QuarterSteps, HaveForEachSizeTheSmallestThatHoldsIt) {
  const auto check = []<class Sizes>(Sizes, std::size_t least, std::size_t most) {
    ASSERT_EQ(Sizes::size_of(0), least);
    for (std::size_t bytes = 1; bytes <= most; ++bytes) {
      const std::size_t size_class = Sizes::class_of(bytes), size = Sizes::size_of(size_class);
      ASSERT_GE(size, bytes);
      ASSERT_TRUE(size_class == 0 || Sizes::size_of(size_class - 1) < bytes);
      ASSERT_TRUE(bytes <= 64 || 5 * (size - bytes) < size);
      ASSERT_TRUE(bytes < least || bytes > 64 || size - bytes < 8);
    }
    ASSERT_EQ(Sizes::class_of(most), Sizes::count - 1);
  };
  check(slab::QuarterSteps<8, 4096>{}, 8, 4096);
  check(slab::QuarterSteps<16, 8192>{}, 16, 8192);
  check(slab::QuarterSteps<64, 4096>{}, 64, 4096);
  EXPECT_EQ(KernelSizes::count, 35u);
}

TEST(ClassOfSize, IsTheOneThatTheTableComputes) {
  const auto check = []<class Sizes>(Sizes) {
    ASSERT_EQ(slab::detail::class_of_size<Sizes>(0), 0u);
    for (std::size_t size = 1; size <= Sizes::size_of(Sizes::count - 1); ++size)
      ASSERT_EQ(slab::detail::class_of_size<Sizes>(size), Sizes::class_of(size)) << size;
  };
  check(KernelSizes{});
  check(slab::QuarterSteps<8, 4096>{});
  check(slab::QuarterSteps<64, 65536>{});  // whose classes are computed
}

// What is a constant everywhere else, computed when the test runs.

TEST(ClassOfSteps, HasTheClassOfEachStep) {
  const slab::detail::ClassOfSteps<KernelSizes> classes;
  for (std::size_t step = 0; step < std::size(classes.of); ++step)
    ASSERT_EQ(classes.of[step], KernelSizes::class_of(step == 0 ? 1 : 8 * step)) << step;
}

TEST(ClassName, IsSizeAndTheNumber) {
  for (std::size_t size = 0; size < 2000; ++size)
    ASSERT_EQ(slab::detail::ClassName{size}.text, "size-" + std::to_string(size));
  for (std::size_t size = 1; size <= SIZE_MAX / 10; size *= 10)
    for (const std::size_t near : {size - 1, size, size + 1})
      ASSERT_EQ(slab::detail::ClassName{near}.text, "size-" + std::to_string(near));
  EXPECT_EQ(slab::detail::ClassName{SIZE_MAX}.text, "size-" + std::to_string(SIZE_MAX));
}

TEST(KernelSizes, HaveSlabsOfSixteenObjectsFrom8To64KiB) {
  for (std::size_t size = 8; size <= 8192; size += 8) {
    std::size_t slab_size = 8192;
    while (slab_size < 16 * size && slab_size < 65536) slab_size *= 2;
    ASSERT_EQ(KernelSizes::slab_size_for(size), slab_size) << size;
  }
}

TEST(KernelSizes, HaveBlocksOfAPowerOfTwoOfPages) {
  for (std::size_t pages = 1; pages <= 4096; ++pages)
    for (const std::size_t size : {4096 * pages - 4095, 4096 * pages - 1, 4096 * pages})
      ASSERT_EQ(KernelSizes::block_size_for(size), 4096 * std::bit_ceil(pages)) << size;
}

template <std::size_t Divisor>
void check_exact_quotient() {
  using slab::detail::exact_quotient;
  constexpr std::uint64_t greatest = UINT64_MAX / Divisor;
  for (std::uint64_t quotient = 0; quotient < 100; ++quotient) {
    ASSERT_EQ(exact_quotient<Divisor>(quotient * Divisor), quotient);
    ASSERT_EQ(exact_quotient<Divisor>((greatest - quotient) * Divisor), greatest - quotient);
    for (std::uint64_t rest = 1; rest < Divisor; ++rest)
      ASSERT_GT(exact_quotient<Divisor>(quotient * Divisor + rest), greatest) << Divisor << " " << rest;
  }
}
TEST(ExactQuotient, IsTheQuotientOrMoreThanAny) {
  check_exact_quotient<2>();
  check_exact_quotient<8>();
  check_exact_quotient<224>();
  check_exact_quotient<280>();
  check_exact_quotient<1000>();
  check_exact_quotient<4096>();
}

TEST(KernelSizes, WasteLittleOfASlab) {
  for (std::size_t i = 0; i < KernelSizes::count; ++i) {
    const auto geometry = slab::detail::geometry_of_size<KernelSizes, slab::Checked>(KernelSizes::size_of(i)).value();
    EXPECT_GE(geometry.objects_per_slab(), KernelSizes::size_of(i) <= 4096 ? 15u : 7u) << KernelSizes::size_of(i);
    EXPECT_GE(100 * geometry.objects_per_slab() * geometry.object_size(), 87 * geometry.slab_size())
        << KernelSizes::size_of(i);
  }
}

TEST(KernelSizes, HaveRunsOfWholePagesThatAreAtMostAnEighthLonger) {
  constexpr std::size_t page = KernelSizes::page_size, most = slab::Geometry::max_slab_size;
  std::size_t last = 0, sizes = 0;
  const auto check = [&](std::size_t size) {
    const std::size_t run = KernelSizes::run_size_for(size);
    ASSERT_GE(run, size);
    ASSERT_EQ(run % page, 0u);
    ASSERT_TRUE(run - size < page || 8 * (run - size) < size) << size;
    ASSERT_EQ(KernelSizes::run_size_for(run), run) << size;
    ASSERT_GE(run, last) << size;
    ASSERT_LE(run, KernelSizes::block_size_for(size));
    sizes += run != last;
    last = run;
  };
  for (std::size_t size = 1; size <= 32 * page; ++size) check(size);
  for (std::size_t size = 32 * page; size <= most; size += page)
    for (const std::size_t near : {size - 1, size, size + 1})
      if (near >= last && near <= most) check(near);
  EXPECT_EQ(last, most);
  EXPECT_EQ(sizes, 8 + 8 * 15u);  // 1 to 8 pages, then eight each time up to 2^18
}

// How often g++ compiling a file, git log, python parsing one and cmake asked malloc for a size; the sixty most
// frequent of those up to 4096, seven in eight of all calls.
constexpr std::pair<std::size_t, std::size_t> real_mix[] = {
    {2, 9522},    {3, 2982},   {4, 3406},    {5, 4413},    {7, 2021},    {8, 30637},  {12, 45540}, {15, 1988},
    {16, 141805}, {20, 12840}, {24, 75764},  {28, 9944},   {32, 54419},  {36, 9163},  {40, 93707}, {44, 5668},
    {45, 2081},   {48, 88860}, {52, 5134},   {53, 2885},   {54, 2042},   {55, 2760},  {56, 25192}, {57, 2694},
    {59, 2011},   {60, 4380},  {64, 32359},  {68, 2851},   {72, 50419},  {76, 2162},  {80, 45847}, {88, 20597},
    {92, 1974},   {96, 5772},  {104, 14346}, {108, 2606},  {112, 7896},  {120, 7619}, {128, 4569}, {132, 2069},
    {136, 19400}, {144, 4051}, {152, 7485},  {160, 3476},  {168, 11921}, {176, 2650}, {192, 5381}, {200, 36764},
    {208, 5919},  {216, 2338}, {224, 2744},  {232, 9571},  {240, 2001},  {248, 3695}, {256, 5526}, {264, 3254},
    {272, 3012},  {344, 4022}, {944, 3721},  {4064, 18882}};

TEST(KernelSizes, WasteAtMostAnEighthOfARealMix) {
  std::size_t asked = 0, given = 0;
  for (const auto& [size, times] : real_mix) {
    asked += times * size;
    given += times * slab::SizeClasses<HeapBackend>::usable_size(size, 8);
  }
  EXPECT_LE(100 * (given - asked), 12 * given);  // 5.3, and of each program alone 5.1 to 7.5
}

}  // namespace
