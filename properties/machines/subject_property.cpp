// Any subject as a property: generated programs against the judge of any allocator.
#include <chrono>
#include <cstdio>

#include <gtest/gtest.h>

#include "model/subject/tested_subject.hpp"
#include "properties/machines/environment.hpp"
#include "properties/machines/supervised.hpp"

namespace slabproof {
namespace {

constexpr std::uint64_t programs = 5'000;

TEST(Subject, KeepsItsPromises) {
  const MachineResult result = check_machine("Subject/KeepsItsPromises", {.kind = {},
                                                                          .programs = programs * deep(),
                                                                          .make = tested_subject().make,
                                                                          .crash_folder = "found",
                                                                          .progress = std::chrono::seconds{2}});
  EXPECT_TRUE(result.passed) << result.report;
  std::printf("%s: %ju programs, %ju operations, seed %ju\n", tested_subject().name, std::uintmax_t{result.programs},
              std::uintmax_t{result.operations}, std::uintmax_t{result.seed});
}

}  // namespace
}  // namespace slabproof

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (const std::string wrong = slabproof::wrong_environment({"Subject/KeepsItsPromises"}); !wrong.empty()) {
    std::fprintf(stderr, "%s: %s\n", argv[0], wrong.c_str());
    return 2;
  }
  if (const char* const unseen = slabproof::unseen_libraries(); *unseen)
    std::fprintf(stderr, "linked as they are, so that memory errors in them are not seen: %s\n", unseen);
  return RUN_ALL_TESTS();
}
