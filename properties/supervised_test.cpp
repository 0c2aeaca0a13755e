// What is left of a failure: the smallest program that fails in the same way, as a file that replays.
#include "properties/supervised.hpp"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "model/encoder.hpp"
#include "model/free_list_pool.hpp"
#include "model/isolated.hpp"

namespace slabproof {
namespace {

/// A pool whose second alloc goes wrong.
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
  const MachineResult result = check_machine(
      "Broken/" + kind, {.kind = {slab::Row::Large, true, 1}, .programs = 1000, .make = make, .crash_folder = folder});
  EXPECT_FALSE(result.passed);
  EXPECT_EQ(result.shrunk_to, 2u) << result.report;
  ASSERT_TRUE(result.signature.starts_with(kind)) << result.report;
  const std::string saved = std::filesystem::directory_iterator { folder } -> path();
  for (const std::string& part : {"signature: " + result.signature, "ci/replay " + saved, std::string{"RC_PARAMS=\""}})
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

}  // namespace
}  // namespace slabproof
