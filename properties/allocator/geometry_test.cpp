#include <cstddef>
#include <cstdint>
#include <utility>

#include <gtest/gtest.h>

#include <slab/geometry.hpp>
#include <slab/policy.hpp>

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
    {64, 64, Small, 1, 1, GeometryError::ObjectTooLarge},         // SlabInfo takes all of it
    {128, 128, Small, 57, 1, GeometryError::ObjectTooLarge},      // 128 - 64 - 8 is 56
    {4096, 4096, Small, 4025, 1, GeometryError::ObjectTooLarge},  // 4096 - 64 - 8 is 4024
    {4096, 64, Small, 3969, 64, GeometryError::ObjectTooLarge},   // 4024 before it is rounded to 64
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
  std::size_t stride, objects_per_slab, entry_size, slab_info_size;
};

// Computed by hand: Small has slab_size - 64 bytes for N strides and N entries, which are rounded up to 8 bytes.
constexpr Accepted figures[] = {
    {128, 128, Small, 8, 8, Row::SmallSinglePage, 8, 7, 1, 72},             // 64 = 7 * 8 + 8
    {4096, 4096, Small, 2048, 8, Row::SmallSinglePage, 2048, 1, 1, 72},     // the second would need 4104 of 4032
    {4096, 4096, Small, 4024, 8, Row::SmallSinglePage, 4024, 1, 1, 72},     // exactly full
    {4096, 4096, Small, 56, 8, Row::SmallSinglePage, 56, 70, 1, 136},       // 3920 + 72; a 71st would need 4048
    {4096, 4096, Small, 64, 64, Row::SmallSinglePage, 64, 62, 1, 128},      // 3968 + 64, exactly full
    {4096, 4096, Small, 16, 8, Row::SmallSinglePage, 16, 237, 1, 304},      // 3792 + 240, exactly full
    {4096, 4096, Small, 8, 8, Row::SmallSinglePage, 8, 403, 2, 872},        // 3224 + 808, exactly full
    {8192, 4096, Small, 4096, 4096, Row::SmallMultiPage, 4096, 1, 1, 72},   // aligned to its page
    {1 << 20, 4096, Small, 16, 16, Row::SmallMultiPage, 16, 58250, 2, 116568},    // 932000 + 116504, 8 bytes over
    {1 << 23, 4096, Small, 24, 8, Row::SmallMultiPage, 24, 299590, 4, 1198424},   // 7190160 + 1198360, 24 over
    {4096, 4096, Large, 4096, 8, Row::Large, 4096, 1, 1, 72},
    {8192, 4096, Large, 8192, 1, Row::Large, 8192, 1, 1, 72},
    {8192, 4096, Large, 520, 8, Row::Large, 520, 15, 1, 80},                // 7800, and 392 of tail waste
    {1 << 30, 1 << 30, Large, 1, 1, Row::Large, 8, std::size_t{1} << 27, 4, 64 + (std::size_t{1} << 29)},
    // Strides: padded to 8 bytes and to the alignment, whatever the size.
    {4096, 4096, Large, 1, 1, Row::Large, 8, 512, 2, 1088},
    {4096, 4096, Large, 17, 1, Row::Large, 24, 170, 1, 240},
    {4096, 4096, Large, 20, 4, Row::Large, 24, 170, 1, 240},
    {4096, 4096, Large, 31, 1, Row::Large, 32, 128, 1, 192},
    {4096, 4096, Large, 1, 64, Row::Large, 64, 64, 1, 128},
    {8192, 4096, Large, 1, 4096, Row::Large, 4096, 2, 1, 72},
    // An entry of one byte has 254 indices.
    {1 << 19, 4096, Small, 2064, 8, Row::SmallMultiPage, 2064, 253, 1, 320},
    {1 << 17, 4096, Small, 512, 8, Row::SmallMultiPage, 512, 254, 1, 320},  // room for 255 such entries, but not wider
    {1 << 18, 4096, Small, 1024, 8, Row::SmallMultiPage, 1024, 255, 2, 576},
    {1 << 19, 4096, Small, 2040, 8, Row::SmallMultiPage, 2040, 256, 2, 576},
    {1 << 19, 4096, Large, 2072, 8, Row::Large, 2072, 253, 1, 320},
    {1 << 19, 4096, Large, 2064, 8, Row::Large, 2064, 254, 1, 320},
    {1 << 19, 4096, Large, 2056, 8, Row::Large, 2056, 255, 2, 576},
    {1 << 19, 4096, Large, 2048, 8, Row::Large, 2048, 256, 2, 576},
    // One of two bytes has 65,534. The nearest numbers of slots that a slab has: from 65,528 to 65,551 it is 65,536.
    // So no geometry shows that limit to the slot; the assertion below does.
    {1 << 30, 4096, Small, 16384, 8, Row::SmallMultiPage, 16384, 65527, 2, 131120},
    {1 << 30, 4096, Small, 16376, 8, Row::SmallMultiPage, 16376, 65552, 4, 262272},
    {1 << 30, 4096, Large, 16392, 8, Row::Large, 16392, 65504, 2, 131072},
    {1 << 30, 4096, Large, 16384, 8, Row::Large, 16384, 65536, 4, 262208},
};

// The most slots that entries of one, two and four bytes name: of their values one says "live" and one "no slot".
static_assert(slab::detail::no_slot(1) == 254);
static_assert(slab::detail::no_slot(2) == 65'534);
static_assert(slab::detail::no_slot(4) == 4'294'967'294);

constexpr bool is_as_worked_out(const Accepted& a) {
  const auto result = Geometry::make(a.slab_size, a.page_size, a.type, a.object_size, a.object_align);
  if (!result.ok()) return false;
  const Geometry g = result.value();
  return g.row() == a.row && g.slab_size() == a.slab_size && g.page_size() == a.page_size &&
         g.object_size() == a.object_size && g.object_align() == a.object_align && g.stride() == a.stride &&
         g.objects_per_slab() == a.objects_per_slab && g.entry_size() == a.entry_size &&
         g.slab_info_size() == a.slab_info_size &&
         (a.type == Large || g.slab_info_offset() == a.slab_size - a.slab_info_size);
}

TEST(Geometry, HasTheFiguresWorkedOutByHand) {
  for (const Accepted& a : figures)
    EXPECT_TRUE(is_as_worked_out(a)) << "slab_size " << a.slab_size << ", object_size " << a.object_size
                                     << ", object_align " << a.object_align;
}

/// Whether a table of so many entries of that size fits into the slab with its slots, and has an index for each.
bool fits(const Geometry& geometry, std::size_t objects, std::size_t entry_size) {
  const std::size_t slots = objects * geometry.stride(), table = (objects * entry_size + 7) / 8 * 8;
  const std::size_t indices = (std::size_t{1} << 8 * entry_size) - 2;
  if (geometry.row() == Row::Large) return objects <= indices && slots <= geometry.slab_size();
  return objects <= indices && slots + table <= geometry.slab_size() - 64;
}

bool holds_as_many_as_fit(const Geometry& geometry) {
  const std::size_t objects = geometry.objects_per_slab(), entry_size = geometry.entry_size();
  if (!fits(geometry, objects, entry_size)) return false;
  for (const std::size_t size : {1u, 2u, 4u})
    if (fits(geometry, objects + 1, size) || (size < entry_size && fits(geometry, objects, size))) return false;
  return geometry.slab_info_size() == 64 + (objects * entry_size + 7) / 8 * 8;
}

TEST(Geometry, HoldsAsManyObjectsAsFitWithTheNarrowestEntriesOfThatMany) {
  std::size_t seen = 0;
  const auto check = [&](std::size_t slab_size, std::size_t stride) {
    for (const ObjectSizeType type : {Small, Large}) {
      const auto result = Geometry::make(slab_size, 64, type, stride, 8);
      if (!result.ok()) {
        ASSERT_TRUE(type == Small && stride > slab_size - 72) << slab_size << ", " << stride;
        continue;
      }
      ++seen;
      ASSERT_TRUE(holds_as_many_as_fit(result.value()))
          << "slab_size " << slab_size << ", stride " << stride << ": " << result.value().objects_per_slab()
          << " objects, entries of " << result.value().entry_size();
    }
  };
  for (std::size_t slab_size = 128; slab_size <= Geometry::max_slab_size; slab_size *= 2) {
    for (std::size_t stride = 8; stride <= slab_size && stride <= 8192; stride += 8) check(slab_size, stride);
    // Where a slab has about 255 and about 65,535 slots.
    for (const std::size_t slots : {255u, 65535u}) {
      const std::size_t middle = slab_size / slots / 8 * 8;
      for (std::size_t stride = middle <= 1024 ? 8 : middle - 1024; stride <= middle + 1024 && stride <= slab_size;
           stride += 8)
        check(slab_size, stride);
    }
  }
  EXPECT_GT(seen, 50'000u);
}

// A policy that does not check needs no table.
constexpr std::size_t unchecked_objects(std::size_t slab_size, ObjectSizeType type, std::size_t object_size) {
  const Geometry geometry = Geometry::make<slab::Unchecked>(slab_size, 4096, type, object_size, 8).value();
  const std::size_t offset = type == Large ? slab_size : slab_size - 64;
  return geometry.entry_size() == 0 && geometry.slab_info_size() == 64 && geometry.slab_info_offset() == offset
             ? geometry.objects_per_slab()
             : 0;
}
static_assert(unchecked_objects(4096, Small, 64) == 63);
static_assert(unchecked_objects(4096, Small, 8) == 504);
static_assert(unchecked_objects(4096, Small, 2016) == 2);
static_assert(unchecked_objects(4096, Small, 4032) == 1);
static_assert(unchecked_objects(4096, Large, 8) == 512);
static_assert(unchecked_objects(1 << 21, Small, 32) == 65534);
static_assert(Geometry::make<slab::Unchecked>(4096, 4096, Small, 4033, 8).error() == GeometryError::ObjectTooLarge);
static_assert(Geometry::make<slab::Checked>(4096, 4096, Small, 64, 8).value() ==
              Geometry::make(4096, 4096, Small, 64, 8).value());
static_assert(Geometry::make<slab::Unchecked>(4096, 4096, Small, 64, 8).value() !=
              Geometry::make(4096, 4096, Small, 64, 8).value());

// All of it as constant expressions too: a loop over slots would exceed the compiler's limits.
consteval bool evaluates() {
  for (const Refused& r : refusals) static_cast<void>(is_refused(r));
  for (const Accepted& a : figures) static_cast<void>(is_as_worked_out(a));
  return true;
}
static_assert(evaluates());

// The floor of a product with an error that grows with the offset: if the largest offset at the end of
// a slot is in that slot, every smaller one is in its own. Asked of every stride there is.
TEST(Geometry, NamesItsRowsAndTheReasonsWhyThereIsNone) {
  using enum GeometryError;
  const std::pair<GeometryError, const char*> names[] = {{PageSizeNotPowerOfTwo, "PageSizeNotPowerOfTwo"},
                                                         {PageSizeTooSmall, "PageSizeTooSmall"},
                                                         {SlabSizeNotPowerOfTwo, "SlabSizeNotPowerOfTwo"},
                                                         {SlabSizeBelowPageSize, "SlabSizeBelowPageSize"},
                                                         {SlabSizeTooLarge, "SlabSizeTooLarge"},
                                                         {UnknownObjectSizeType, "UnknownObjectSizeType"},
                                                         {ObjectSizeZero, "ObjectSizeZero"},
                                                         {ObjectAlignNotPowerOfTwo, "ObjectAlignNotPowerOfTwo"},
                                                         {ObjectAlignAbovePageSize, "ObjectAlignAbovePageSize"},
                                                         {ObjectTooLarge, "ObjectTooLarge"}};
  for (const auto& [error, name] : names) EXPECT_STREQ(slab::to_string(error), name);
  EXPECT_STREQ(slab::to_string(GeometryError{99}), "unknown GeometryError");
  EXPECT_STREQ(slab::to_string(slab::Row::SmallSinglePage), "SmallSinglePage");
  EXPECT_STREQ(slab::to_string(slab::Row::SmallMultiPage), "SmallMultiPage");
  EXPECT_STREQ(slab::to_string(slab::Row::Large), "Large");
  EXPECT_STREQ(slab::to_string(slab::Row{99}), "unknown Row");
}

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
