#include <cstdlib>
#include <iostream>

#include <gtest/gtest.h>

#include "properties/supervised.hpp"

namespace slabproof {
namespace {

// Three machines a row: together at least 50,000 programs, times SLABPROOF_DEEP.
constexpr std::uint64_t programs_per_machine = 16'700;

void expect_agreement(MachineKind kind) {
  const auto* const test = testing::UnitTest::GetInstance()->current_test_info();
  const std::string id = std::string{test->test_suite_name()} + "/" + test->name();
  const char* const deep = std::getenv("SLABPROOF_DEEP");
  const std::uint64_t times = deep ? std::strtoull(deep, nullptr, 10) : 1;
  const MachineResult result = check_machine(
      id,
      {.kind = kind, .programs = programs_per_machine * (times ? times : 1), .crash_folder = SLABPROOF_CRASH_FOLDER});
  EXPECT_TRUE(result.passed) << result.report;
  std::cout << id << ": " << result.programs << " programs, " << result.operations << " operations\n";
}

using enum slab::Row;

TEST(SmallSinglePage, AgreesWithTheModelWhenChecked) { expect_agreement({SmallSinglePage, true, 1}); }
TEST(SmallSinglePage, AgreesWithTheModelWhenUnchecked) { expect_agreement({SmallSinglePage, false, 1}); }
TEST(SmallSinglePage, AgreesWithTheModelWhenNoEmptySlabIsKept) { expect_agreement({SmallSinglePage, true, 0}); }
TEST(SmallMultiPage, AgreesWithTheModelWhenChecked) { expect_agreement({SmallMultiPage, true, 1}); }
TEST(SmallMultiPage, AgreesWithTheModelWhenUnchecked) { expect_agreement({SmallMultiPage, false, 1}); }
TEST(SmallMultiPage, AgreesWithTheModelWhenNoEmptySlabIsKept) { expect_agreement({SmallMultiPage, true, 0}); }
TEST(Large, AgreesWithTheModelWhenChecked) { expect_agreement({Large, true, 1}); }
TEST(Large, AgreesWithTheModelWhenUnchecked) { expect_agreement({Large, false, 1}); }
TEST(Large, AgreesWithTheModelWhenNoEmptySlabIsKept) { expect_agreement({Large, true, 0}); }

}  // namespace
}  // namespace slabproof
