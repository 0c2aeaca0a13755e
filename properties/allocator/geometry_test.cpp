#include <cstddef>
#include <cstdint>

#include <gtest/gtest.h>

#include <slab/geometry.hpp>

namespace {

using slab::Geometry;
using slab::GeometryError;
using slab::ObjectSizeType;
using slab::Row;
constexpr auto Small = ObjectSizeType::Small;
constexpr auto Large = ObjectSizeType::Large;
constexpr auto unknown_type = static_cast<ObjectSizeType>(2);

struct Refused {
  std::size_t slab_size, page_size;
  ObjectSizeType type;
  std::size_t object_size, object_align;
  GeometryError error;
};

// A staircase: in each line the arguments are valid up to the one that its error names, and invalid from there on.
constexpr Refused refusals[] = {
    {0, 0, unknown_type, 0, 0, GeometryError::PageSizeNotPowerOfTwo},
    {0, 96, unknown_type, 0, 0, GeometryError::PageSizeNotPowerOfTwo},
    {0, 32, unknown_type, 0, 0, GeometryError::PageSizeTooSmall},
    {0, 64, unknown_type, 0, 0, GeometryError::SlabSizeNotPowerOfTwo},
    {SIZE_MAX, 64, unknown_type, 0, 0, GeometryError::SlabSizeNotPowerOfTwo},
    {64, 128, unknown_type, 0, 0, GeometryError::SlabSizeBelowPageSize},
    {std::size_t{1} << 31, 64, unknown_type, 0, 0, GeometryError::SlabSizeTooLarge},
    {std::size_t{1} << 63, std::size_t{1} << 63, unknown_type, 0, 0, GeometryError::SlabSizeTooLarge},
    {64, 64, unknown_type, 0, 0, GeometryError::UnknownObjectSizeType},
    {64, 64, Small, 0, 0, GeometryError::ObjectSizeZero},
    {64, 64, Small, SIZE_MAX, 0, GeometryError::ObjectAlignNotPowerOfTwo},
    {64, 64, Small, SIZE_MAX, 12, GeometryError::ObjectAlignNotPowerOfTwo},
    {64, 64, Small, SIZE_MAX, 128, GeometryError::ObjectAlignAbovePageSize},
    {64, 64, Small, SIZE_MAX, 1, GeometryError::ObjectTooLarge},
    {64, 64, Small, 9, 1, GeometryError::ObjectTooLarge},         // a stride of 16, and 8 bytes of room
    {4096, 4096, Small, 4041, 1, GeometryError::ObjectTooLarge},  // 4096 - 48 - 8 is 4040
    {4096, 64, Small, 4033, 64, GeometryError::ObjectTooLarge},   // 4040 before it is rounded to 64
    {8192, 4096, Large, 8193, 1, GeometryError::ObjectTooLarge},
};

constexpr bool is_refused(const Refused& r) {
  const auto result = Geometry::make(r.slab_size, r.page_size, r.type, r.object_size, r.object_align);
  return !result.ok() && result.error() == r.error;
}

TEST(Geometry, NamesTheFirstReasonInTheOrderOfTheEnum) {
  GeometryError previous{};
  for (const Refused& r : refusals) {
    EXPECT_TRUE(is_refused(r)) << to_string(r.error) << " expected for slab_size " << r.slab_size << ", object_size "
                               << r.object_size << ", object_align " << r.object_align;
    const int step = static_cast<int>(r.error) - static_cast<int>(previous);
    EXPECT_TRUE(step == 0 || step == 1) << to_string(r.error) << " is out of order, or the one before is missing";
    previous = r.error;
  }
  EXPECT_EQ(previous, GeometryError::ObjectTooLarge);
}

struct Accepted {
  std::size_t slab_size, page_size;
  ObjectSizeType type;
  std::size_t object_size, object_align;
  Row row;
  std::size_t stride, objects_per_slab, slab_info_size;
};

// Computed by hand: Small has slab_size - 48 bytes for N strides and ceil(N / 64) words of 8 bytes.
constexpr Accepted figures[] = {
    {64, 64, Small, 8, 8, Row::SmallSinglePage, 8, 1, 56},              // 16 = 8 + 8
    {4096, 4096, Small, 2048, 8, Row::SmallSinglePage, 2048, 1, 56},    // the second would need 4096 of 4040
    {4096, 4096, Small, 4040, 8, Row::SmallSinglePage, 4040, 1, 56},    // exactly full
    {4096, 4096, Small, 56, 8, Row::SmallSinglePage, 56, 72, 64},       // 72 * 56 + 2 * 8 = 4048, exactly full
    {4096, 4096, Small, 64, 64, Row::SmallSinglePage, 64, 63, 56},      // 4032 + 8; a 64th would need 4104
    {4096, 4096, Small, 8, 8, Row::SmallSinglePage, 8, 498, 112},       // 3984 + 64 = 4048, exactly full
    {8192, 4096, Small, 4096, 4096, Row::SmallMultiPage, 4096, 1, 56},  // aligned to its page
    {1 << 20, 4096, Small, 16, 16, Row::SmallMultiPage, 16, 65024, 8176},       // 1016 full words, 16 bytes over
    {1 << 23, 4096, Small, 24, 8, Row::SmallMultiPage, 24, 347712, 43512},      // 5433 full words, 8 bytes over
    {4096, 4096, Large, 4096, 8, Row::Large, 4096, 1, 56},
    {8192, 4096, Large, 8192, 1, Row::Large, 8192, 1, 56},
    {8192, 4096, Large, 520, 8, Row::Large, 520, 15, 56},                       // 7800, and 392 of tail waste
    {1 << 30, 1 << 30, Large, 1, 1, Row::Large, 8, std::size_t{1} << 27, 48 + (std::size_t{1} << 24)},
    // Strides: padded to 8 bytes and to the alignment, whatever the size.
    {4096, 4096, Large, 1, 1, Row::Large, 8, 512, 112},
    {4096, 4096, Large, 17, 1, Row::Large, 24, 170, 72},
    {4096, 4096, Large, 20, 4, Row::Large, 24, 170, 72},
    {4096, 4096, Large, 31, 1, Row::Large, 32, 128, 64},
    {4096, 4096, Large, 1, 64, Row::Large, 64, 64, 56},
    {8192, 4096, Large, 1, 4096, Row::Large, 4096, 2, 56},
};

constexpr bool is_as_worked_out(const Accepted& a) {
  const auto result = Geometry::make(a.slab_size, a.page_size, a.type, a.object_size, a.object_align);
  if (!result.ok()) return false;
  const Geometry g = result.value();
  return g.row() == a.row && g.slab_size() == a.slab_size && g.page_size() == a.page_size &&
         g.object_size() == a.object_size && g.object_align() == a.object_align && g.stride() == a.stride &&
         g.objects_per_slab() == a.objects_per_slab && g.slab_info_size() == a.slab_info_size &&
         (a.type == Large || g.slab_info_offset() == a.slab_size - a.slab_info_size);
}

TEST(Geometry, HasTheFiguresWorkedOutByHand) {
  for (const Accepted& a : figures)
    EXPECT_TRUE(is_as_worked_out(a)) << "slab_size " << a.slab_size << ", object_size " << a.object_size
                                     << ", object_align " << a.object_align;
}

// All of it as constant expressions too: a loop over slots would exceed the compiler's limits.
consteval bool evaluates() {
  for (const Refused& r : refusals) static_cast<void>(is_refused(r));
  for (const Accepted& a : figures) static_cast<void>(is_as_worked_out(a));
  return true;
}
static_assert(evaluates());

// The floor of a product with an error that grows with the offset: if the largest offset at the end of
// a slot is in that slot, every smaller one is in its own. Asked of every stride there is.
TEST(Geometry, SlotIndexIsADivisionForEveryStrideAndOffset) {
  constexpr std::size_t limit = Geometry::max_slab_size;
  const auto geometry_of = [](std::size_t slab_size, std::size_t stride) {
    return Geometry::make(slab_size, 4096, Large, stride, 8).value();
  };
  for (std::size_t stride = 8; stride <= limit; stride += 8) {
    const std::size_t slot = limit / stride - 1, end = (slot + 1) * stride;
    const Geometry geometry = geometry_of(limit, stride);
    if (geometry.slot_index(end - 1) == slot && (end == limit || geometry.slot_index(end) == slot + 1)) continue;
    FAIL() << "stride " << stride << ", offset " << end << ": " << geometry.slot_index(end - 1) << ", "
           << geometry.slot_index(end);
  }
  for (std::size_t stride = 8; stride <= 16384; stride += 8) {
    const Geometry geometry = geometry_of(16384, stride);
    for (std::size_t offset = 0; offset < 16384; ++offset)
      if (geometry.slot_index(offset) != offset / stride) FAIL() << "stride " << stride << ", offset " << offset;
    for (const std::size_t outside : {std::size_t{16384}, limit, SIZE_MAX / 2, SIZE_MAX - 7, SIZE_MAX})
      if (geometry.slot_index(outside) < outside / stride) FAIL() << "stride " << stride << ", offset " << outside;
  }
}

TEST(GeometryDeathTest, AnErrorHasNoGeometryAndAGeometryNoError) {
  const auto refused = Geometry::make(0, 0, Small, 0, 0);
  EXPECT_DEATH(static_cast<void>(refused.value()), "");
  const auto accepted = Geometry::make(4096, 4096, Small, 8, 8);
  EXPECT_DEATH(static_cast<void>(accepted.error()), "");
}

}  // namespace
