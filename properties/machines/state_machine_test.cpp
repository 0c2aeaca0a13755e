#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "properties/machines/environment.hpp"
#include "properties/machines/supervised.hpp"

namespace slabproof {
namespace {

// Four machines a row: together at least 50,000 programs, times SLABPROOF_DEEP.
constexpr std::uint64_t programs_per_machine = 16'000, programs_with_guards = 2'100;

void expect_agreement(MachineKind kind) {
  const std::uint64_t programs = kind.has_guards ? programs_with_guards : programs_per_machine;
  const auto* const test = testing::UnitTest::GetInstance()->current_test_info();
  const std::string id = std::string{test->test_suite_name()} + "/" + test->name();
  const MachineResult result = check_machine(id, {.kind = kind,
                                                  .programs = programs * deep(),
                                                  .crash_folder = SLABPROOF_CRASH_FOLDER,
                                                  .progress = std::chrono::seconds{2}});
  EXPECT_TRUE(result.passed) << result.report;
  std::printf("%s: %ju programs, %ju operations, seed %ju\n", id.c_str(), std::uintmax_t{result.programs},
              std::uintmax_t{result.operations}, std::uintmax_t{result.seed});
}

using enum slab::Row;

TEST(SmallSinglePage, AgreesWithTheModelWhenChecked) { expect_agreement({SmallSinglePage, true, 1}); }
TEST(SmallSinglePage, AgreesWithTheModelWhenUnchecked) { expect_agreement({SmallSinglePage, false, 1}); }
TEST(SmallSinglePage, AgreesWithTheModelWhenNoEmptySlabIsKept) { expect_agreement({SmallSinglePage, true, 0}); }
TEST(SmallSinglePage, AgreesWithTheModelWhenGuarded) { expect_agreement({SmallSinglePage, true, 1, true}); }
TEST(SmallMultiPage, AgreesWithTheModelWhenChecked) { expect_agreement({SmallMultiPage, true, 1}); }
TEST(SmallMultiPage, AgreesWithTheModelWhenUnchecked) { expect_agreement({SmallMultiPage, false, 1}); }
TEST(SmallMultiPage, AgreesWithTheModelWhenNoEmptySlabIsKept) { expect_agreement({SmallMultiPage, true, 0}); }
TEST(SmallMultiPage, AgreesWithTheModelWhenGuarded) { expect_agreement({SmallMultiPage, true, 1, true}); }
TEST(Large, AgreesWithTheModelWhenChecked) { expect_agreement({Large, true, 1}); }
TEST(Large, AgreesWithTheModelWhenUnchecked) { expect_agreement({Large, false, 1}); }
TEST(Large, AgreesWithTheModelWhenNoEmptySlabIsKept) { expect_agreement({Large, true, 0}); }
TEST(Large, AgreesWithTheModelWhenGuarded) { expect_agreement({Large, true, 1, true}); }

}  // namespace
}  // namespace slabproof

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  std::vector<std::string> ids;
  const auto& all = *testing::UnitTest::GetInstance();
  for (int suite = 0; suite < all.total_test_suite_count(); ++suite)
    for (int test = 0; test < all.GetTestSuite(suite)->total_test_count(); ++test)
      ids.push_back(std::string{all.GetTestSuite(suite)->name()} + "/" +
                    all.GetTestSuite(suite)->GetTestInfo(test)->name());
  const std::string wrong = slabproof::wrong_environment(ids);
  if (!wrong.empty() && !testing::GTEST_FLAG(list_tests)) {  // a build lists them
    std::fprintf(stderr, "state_machine_test: %s\n", wrong.c_str());
    return 2;
  }
  return RUN_ALL_TESTS();
}
