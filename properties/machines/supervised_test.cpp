// What a failing property leaves: the smallest program that fails in the same way, as a file that replays.
#include "properties/machines/supervised.hpp"

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <unistd.h>

#include "model/process/isolated.hpp"
#include "model/program/codec.hpp"
#include "model/subject/free_list_pool.hpp"
#include "properties/machines/environment.hpp"
#include "properties/saved_program.hpp"

namespace slabproof {
namespace {

/// A pool whose second alloc is wrong.
template <bool Dies>
class Broken : public FreeListPool {
 public:
  using FreeListPool::FreeListPool;
  void* alloc() {
    if (++allocations_ != 2) return first_ = FreeListPool::alloc();
    if (Dies) std::raise(SIGSEGV);
    return static_cast<std::byte*>(first_) + 1;
  }

 private:
  void* first_ = nullptr;
  int allocations_ = 0;
};

template <bool Dies>
AnySubject* make_broken(void* storage, const CacheSpec& spec, RecordingBackend&) {
  return make_subject_in<Broken<Dies>>(storage, spec);
}

void expect_smallest(MakeSubject make, const std::string& kind) {
  const std::filesystem::path folder = testing::TempDir() + "/slabproof-" + std::to_string(getpid());
  testing::internal::CaptureStdout();
  const MachineResult result = check_machine("Broken/" + kind, {.kind = {slab::Row::Large, true, 1},
                                                                .programs = 1000,
                                                                .make = make,
                                                                .crash_folder = folder,
                                                                .progress = std::chrono::milliseconds{1}});
  const std::string told = testing::internal::GetCapturedStdout();
  EXPECT_NE(told.find(" fails, making it small: "), std::string::npos) << told;
  EXPECT_FALSE(result.passed);
  EXPECT_EQ(result.shrunk_to, 2u) << result.report;
  ASSERT_TRUE(result.signature.starts_with(kind)) << result.report;
  const std::string saved = std::filesystem::directory_iterator { folder } -> path();
  for (const std::string& part : {"signature: " + result.signature, "ci/replay " + saved, std::string{"RC_PARAMS=\""},
                                  "ci/test --only 'Broken." + kind + "' --seed " + std::to_string(result.seed)})
    EXPECT_NE(result.report.find(part), std::string::npos) << result.report;

  std::ifstream in{saved, std::ios::binary};
  const std::vector<char> bytes{std::istreambuf_iterator<char>{in}, {}};
  Runner runner{make};
  const Program program = decode({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
  EXPECT_EQ(run_isolated(runner, program).verdict.signature(), result.signature);
  std::filesystem::remove_all(folder);
}

TEST(Counterexample, IsTheSmallestViolation) { expect_smallest(make_broken<false>, "G"); }
TEST(Counterexample, IsTheSmallestDeath) { expect_smallest(make_broken<true>, "died:"); }

/// The complaint about these values; the variables are restored.
std::string wrong(const char* parameters, const char* times) {
  const char* const names[] = {"RC_PARAMS", "SLABPROOF_DEEP"};
  const char* const values[] = {parameters, times};
  std::string before[2], answer;
  bool was_set[2];
  for (int i = 0; i < 2; ++i) {
    const char* const value = std::getenv(names[i]);
    was_set[i] = value;
    before[i] = value ? value : "";
    setenv(names[i], values[i], 1);
  }
  answer = wrong_environment({"Large/AgreesWithTheModelWhenChecked"});
  for (int i = 0; i < 2; ++i) was_set[i] ? setenv(names[i], before[i].c_str(), 1) : unsetenv(names[i]);
  return answer;
}

TEST(Environment, IsRefusedByNameWhereRapidCheckPassesOverIt) {
  for (const char* const right :
       {"", "seed=0", "seed=18446744073709551615 max_size=50", "noshrink=1 max_discard_ratio=3"})
    EXPECT_EQ(wrong(right, ""), "") << right;
  for (const char* const nonsense :
       {"nonsense", "seed", "seed=", "seed=x", "seed=-1", "seed=18446744073709551616", "max_success=3", "noshrink=2",
        "verbose_progress=1", "seed=1 nonsense", "reproduce=", "reproduce=nonsense"})
    EXPECT_TRUE(wrong(nonsense, "").starts_with(std::string{"RC_PARAMS="} + nonsense + ": ")) << nonsense;
  rc::detail::Configuration other;
  other.reproduce["Medium/Agrees"] = {};
  EXPECT_TRUE(wrong(rc::detail::configToMinimalString(other).c_str(), "")
                  .ends_with("Medium/Agrees, which is no property here"));
  for (const char* const right : {"1", "50", "999999"}) EXPECT_EQ(wrong("", right), "") << right;
  for (const char* const nonsense : {"0", "-1", "1.5", "nonsense", "1000000", " 1"})
    EXPECT_TRUE(wrong("", nonsense).starts_with(std::string{"SLABPROOF_DEEP="} + nonsense + ": ")) << nonsense;
}

TEST(SavedProgram, IsNotWrittenIntoAFolderOfAnotherFormat) {
  const std::filesystem::path out = testing::TempDir() + "/slabproof-out-" + std::to_string(getpid());
  std::filesystem::create_directories(out);
  for (const std::string format : {"1", "2", "3", "", "2.1"}) {
    std::ofstream{out / "format"} << format << "\n";
    const SavedProgram saved = save_program({}, out / "crashes", "property");
    const bool known = format == "1" || format == "2";
    EXPECT_EQ(saved.why_not.empty(), known) << format << ": " << saved.why_not;
    EXPECT_EQ(!saved.file.empty() && std::filesystem::exists(saved.file), known) << format;
    EXPECT_EQ(std::filesystem::exists(out / "crashes"), known) << format;
    std::filesystem::remove_all(out / "crashes");
  }
  std::filesystem::remove_all(out);
}

}  // namespace
}  // namespace slabproof
