// A Geometry::make that is broken on purpose gets a verdict, and the real one agrees.
#include "model/judge/geometry_oracle.hpp"

#include <cstdint>
#include <ostream>
#include <string>

#include <gtest/gtest.h>

#include "model/process/isolated.hpp"

namespace slabproof {
namespace {

using slab::Geometry;
using slab::GeometryResult;
using slab::ObjectSizeType;
using Size = std::size_t;

GeometryResult accepts_small_pages(Size slab, Size page, ObjectSizeType type, Size size, Size align) noexcept {
  return Geometry::make(slab, page < 64 ? 64 : page, type, size, align);
}
GeometryResult names_another_error(Size slab, Size page, ObjectSizeType type, Size size, Size align) noexcept {
  return Geometry::make(slab, page, type, size == 0 ? ~Size{0} : size, align);
}
GeometryResult refuses_one_object_a_slab(Size slab, Size page, ObjectSizeType type, Size size, Size align) noexcept {
  return Geometry::make(slab, page, type, size > slab / 2 ? slab : size, align);
}
GeometryResult accepts_large_objects(Size slab, Size page, ObjectSizeType type, Size size, Size align) noexcept {
  return Geometry::make(slab, page, type, size < slab ? size : 1, align);
}
GeometryResult forgets_slab_info(Size slab, Size page, ObjectSizeType type, Size size, Size align) noexcept {
  const GeometryResult large = Geometry::make(slab, page, ObjectSizeType::Large, size, align);
  return type == ObjectSizeType::Small && large.ok() ? large : Geometry::make(slab, page, type, size, align);
}
GeometryResult pads_objects(Size slab, Size page, ObjectSizeType type, Size size, Size align) noexcept {
  return Geometry::make(slab, page, type, size + align, align);
}
GeometryResult loses_half_of_the_slab(Size slab, Size page, ObjectSizeType type, Size size, Size align) noexcept {
  return Geometry::make(slab / 2, page, type, size, align);
}
GeometryResult counts_slots_in_a_loop(Size slab, Size page, ObjectSizeType type, Size size, Size align) noexcept {
  volatile Size slots = 0;
  for (Size used = 0; size > 0 && used < slab; used += size) slots = slots + 1;
  return Geometry::make(slab, page, type, size, align);
}
GeometryResult rounds_up_with_overflow(Size slab, Size page, ObjectSizeType type, Size size, Size align) noexcept {
  volatile Size stride = align == 0 ? 1 : (size + align - 1) / align * align;
  volatile Size slots = slab / stride;
  (void)slots;
  return Geometry::make(slab, page, type, size, align);
}

constexpr Size half_of_everything = Size{1} << 63;

struct Row {
  const char* signature;
  MakeGeometry make;
  const char* name;
  GeometryQuery query;
};
constexpr Row rows[] = {
    {"G1/geometry", accepts_small_pages, "AcceptsSmallPages", {4096, 32, 0, 16, 8}},
    {"G1/geometry", names_another_error, "NamesAnotherError", {4096, 4096, 0, 0, 8}},
    {"G5/geometry", accepts_large_objects, "AcceptsLargeObjects", {4096, 4096, 0, 4096, 8}},
    {"G5/geometry", refuses_one_object_a_slab, "RefusesOneObjectASlab", {4096, 4096, 0, 2560, 8}},
    {"G3/geometry", forgets_slab_info, "ForgetsSlabInfo", {4096, 4096, 0, 64, 8}},
    {"G4/geometry", loses_half_of_the_slab, "LosesHalfOfTheSlab", {8192, 4096, 1, 64, 8}},
    {"G6/geometry", pads_objects, "PadsObjects", {4096, 4096, 1, 16, 8}},
    {"hung/geometry", counts_slots_in_a_loop, "G13_CountsSlotsInALoop", {half_of_everything, 4096, 1, 1, 1}},
    {"died", rounds_up_with_overflow, "G13_RoundsUpWithOverflow", {half_of_everything, 4096, 1, ~Size{0}, 2}},
};

void PrintTo(const Row& row, std::ostream* out) { *out << row.name << ", " << to_text(row.query); }

class BrokenGeometry : public testing::TestWithParam<Row> {};

TEST_P(BrokenGeometry, IsFoundAndTheUnbrokenOneAgrees) {
  const Row& row = GetParam();
  IsolationOptions soon;
  soon.timeout_seconds = 1;
  soon.brief = true;
  const Verdict verdict = judge_isolated(row.query, row.make, soon).verdict;
  EXPECT_EQ(verdict.signature().substr(0, std::string{row.signature}.size()), row.signature);
  const bool answers = verdict.kind == Verdict::Kind::Violated;
  EXPECT_EQ(to_string(verdict.due_invariant), answers ? "" : "G13") << verdict.explanation();
  EXPECT_TRUE(judge_isolated(row.query, Geometry::make, soon).verdict.agreed());
}

INSTANTIATE_TEST_SUITE_P(Make, BrokenGeometry, testing::ValuesIn(rows),
                         [](const auto& tested) { return std::string{tested.param.name}; });

TEST(GeometryQuery, IsDecodedFromAnyBytes) {
  EXPECT_EQ(decode_geometry({}), GeometryQuery{});
  const std::uint8_t page_size_only[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 12};
  EXPECT_EQ(decode_geometry(page_size_only).page_size, 4096u);
  std::uint8_t all[geometry_query_size + 1] = {};
  all[geometry_query_size] = 0xFF;
  EXPECT_EQ(decode_geometry(all), GeometryQuery{}) << "bytes behind the last number mean nothing";
}

}  // namespace
}  // namespace slabproof
