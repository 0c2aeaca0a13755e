#include "bench/mix.hpp"

#include <cstdio>
#include <fstream>
#include <map>
#include <stdexcept>

#include <gtest/gtest.h>

namespace bench {
namespace {

/// A file with this text, as long as this lives.
struct File {
  explicit File(const std::string& text) { std::ofstream{path, std::ios::binary} << text; }
  ~File() { std::remove(path.c_str()); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  const std::string path =
      testing::TempDir() + "slab_mix_test." + testing::UnitTest::GetInstance()->current_test_info()->name();
};

Script script_of_text(const std::string& text, std::size_t requests) {
  const File file{text};
  return script_of(read_mix(file.path), requests);
}

/// What a script does, judged step by step.
struct Judged {
  explicit Judged(const Script& script) {
    struct Live {
      std::size_t begin;
      std::uint32_t size;
    };
    std::map<std::uint32_t, Live> live;
    std::size_t bytes = 0, most = 0, requests = 0;
    for (const Step step : script.steps) {
      EXPECT_LT(step.slot, script.slots);
      if (step.is_request) {
        EXPECT_TRUE(live.emplace(step.slot, Live{requests++, step.size}).second) << "the slot is taken";
        most = std::max(most, bytes += step.size);
        continue;
      }
      const auto found = live.find(step.slot);
      if (found == live.end()) {
        ADD_FAILURE() << "nothing is live there";
        continue;
      }
      EXPECT_EQ(found->second.size, step.size);
      ++lifetimes[step.size][requests - found->second.begin - 1];
      bytes -= step.size;
      live.erase(found);
    }
    EXPECT_TRUE(live.empty());
    EXPECT_EQ(script.pairs(), requests);
    EXPECT_EQ(script.most_bytes, most);
  }
  [[nodiscard]] std::size_t count(std::uint32_t size, std::size_t first, std::size_t last) {
    std::size_t sum = 0;
    for (const auto& [lifetime, times] : lifetimes[size]) sum += lifetime >= first && lifetime <= last ? times : 0;
    return sum;
  }
  std::map<std::uint32_t, std::map<std::size_t, std::size_t>> lifetimes;
};

TEST(Mixes, AreDrawnWithTheirSharesOfSizesAndLifetimes) {
  // Of 8 requests 4 are of 24 bytes and freed at once, 2 of 100 bytes with 8 to 15 others between, 1 of 7 with 1.
  Judged judged{script_of_text("slabproof mix 1\n# told\n24: 0 4\n100: 0 0 0 0 0 2\n7: 0 0 1\n5000: 1\n", 80'000)};
  EXPECT_NEAR(static_cast<double>(judged.count(24, 0, 0)), 40'000, 1000);
  EXPECT_NEAR(static_cast<double>(judged.count(100, 8, 15)), 20'000, 1000);
  EXPECT_NEAR(static_cast<double>(judged.count(100, 8, 8)), 2'500, 300) << "each lifetime of a bucket as often";
  EXPECT_NEAR(static_cast<double>(judged.count(7, 1, 1)), 10'000, 500);
  EXPECT_NEAR(static_cast<double>(judged.count(5000, 0, 80'000)), 10'000, 500);
  EXPECT_EQ(judged.lifetimes.size(), 4u);
}

TEST(Mixes, FreeAtTheEndWhatHasNoEnd) {
  Judged judged{script_of_text("slabproof mix 1\n8: 3\n", 1000)};
  for (std::size_t lifetime = 0; lifetime < 1000; ++lifetime) EXPECT_EQ(judged.count(8, lifetime, lifetime), 1u);
}

TEST(Mixes, AreTheSameEachTime) {
  const auto steps = [] {
    std::vector<std::uint32_t> numbers;
    for (const Step step : script_of_text("slabproof mix 1\n24: 5 4 4 4 4\n100: 0 0 0 0 0 2\n", 10'000).steps)
      numbers.insert(numbers.end(), {step.slot, step.is_request, step.size});
    return numbers;
  };
  EXPECT_EQ(steps(), steps());
}

TEST(Mixes, RefuseWhatIsNone) {
  for (const char* const text : {"", "slabproof mix 2\n8: 1\n", "slabproof mix 1\n", "slabproof mix 1\n8: 0 0\n",
                                 "slabproof mix 1\n0: 1\n", "slabproof mix 1\n8 1\n", "slabproof mix 1\n8: 1 x\n",
                                 "slabproof mix 1\n8: -1x\n", "slabproof mix 1\n4294967296: 1\n"})
    EXPECT_THROW(script_of_text(text, 10), std::runtime_error) << text;
  EXPECT_THROW(static_cast<void>(read_mix("there is no such file")), std::runtime_error);
}

TEST(Mixes, CommittedOnesAreMixes) {
  for (const char* const name : {"cmake", "gcc", "git", "python"}) {
    const Mix mix = read_mix(std::string{MIXES} + "/" + name + ".mix");
    EXPECT_GT(mix.requests, 100'000u) << name;
    Judged{script_of(mix, 20'000)};
  }
}

TEST(Recordings, KeepTheirOrder) {
  const std::uint64_t events[][3] = {{99, 0, 0},    // older than the recording
                                     {0, 1, 10},    //
                                     {0, 2, 0},     // nothing is asked for, and given an address
                                     {1, 3, 30},    // a realloc that moves
                                     {2, 0, 0},     //
                                     {0, 2, 40}};   // the address again
  const File file{{reinterpret_cast<const char*>(events), sizeof events}};
  const Script script = script_of_recording(file.path, 100);
  std::vector<std::pair<unsigned, unsigned>> steps;  // whether a request, and the size
  for (const Step step : script.steps) steps.emplace_back(step.is_request, step.size);
  EXPECT_EQ(steps, (std::vector<std::pair<unsigned, unsigned>>{
                       {1, 10}, {1, 1}, {0, 10}, {1, 30}, {0, 1}, {1, 40}, {0, 30}, {0, 40}}));
  Judged{script};
  EXPECT_EQ(script_of_recording(file.path, 2).pairs(), 2u);
  EXPECT_THROW(static_cast<void>(script_of_recording("there is no such file", 2)), std::runtime_error);
}

}  // namespace
}  // namespace bench
