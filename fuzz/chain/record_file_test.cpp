#include "fuzz/chain/record_file.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

namespace slabproof {
namespace {

using Inputs = std::vector<std::string>;

class RecordFileTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "record.XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    path_ = folder_ / "record";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  static void run(RecordFile& record, const std::string& input) {
    const RecordFile::Input recorded{record, reinterpret_cast<const std::uint8_t*>(input.data()), input.size()};
  }

  /// How a process that records here ends.
  int in_process(const std::function<void(RecordFile&)>& body, const char* bytes = nullptr) const {
    const pid_t child = fork();
    if (child == 0) {
      setenv("SLABPROOF_RECORD", path_.c_str(), 1);
      if (bytes) setenv("SLABPROOF_RECORD_BYTES", bytes, 1);
      RecordFile record{InputKind::Text};
      body(record);
      _exit(7);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return status;
  }

  static Inputs inputs_of(const std::filesystem::path& path) {
    std::ifstream in{path, std::ios::binary};
    const std::string content{std::istreambuf_iterator<char>{in}, {}};
    std::string why;
    const auto chain = parse_chain(content, why);
    Inputs inputs;
    if (!chain) return {why};
    EXPECT_EQ(chain->kind, InputKind::Text);
    for (const Chain::Input& input : chain->inputs) inputs.emplace_back(input.bytes);
    return inputs;
  }

  std::filesystem::path folder_, path_;
};

TEST_F(RecordFileTest, OutlivesAProcessThatIsKilled) {
  in_process([](RecordFile& record) {
    run(record, "first");
    run(record, "");
    run(record, "last");
    raise(SIGKILL);
  });
  EXPECT_EQ(inputs_of(path_), (Inputs{"first", "", "last"}));
}

TEST_F(RecordFileTest, IsNotMadeWhereNobodyAsksForIt) {
  unsetenv("SLABPROOF_RECORD");
  RecordFile record{InputKind::Text};
  run(record, "input");
  EXPECT_TRUE(std::filesystem::is_empty(folder_));
}

TEST_F(RecordFileTest, GoesOnWhereAWindowEnds) {
  Inputs all;
  for (int i = 0; i < 3000; ++i)
    all.push_back(std::string(static_cast<std::size_t>(i), static_cast<char>('a' + i % 26)));
  in_process([&](RecordFile& record) {
    for (const std::string& input : all) run(record, input);
  });
  EXPECT_EQ(inputs_of(path_), all);
}

TEST_F(RecordFileTest, OfAForkBeginsWithWhatWasBefore) {
  in_process([](RecordFile& record) {
    run(record, "before");
    for (const char* const input : {"one", "two", "three"}) {
      const pid_t child = fork();
      if (child == 0) {
        run(record, input);
        raise(SIGKILL);
      }
      waitpid(child, nullptr, 0);
    }
  });
  EXPECT_EQ(inputs_of(path_), (Inputs{"before", "three"}));
  EXPECT_EQ(inputs_of(folder_ / "record.0"), (Inputs{"before"}));  // the parent's, who ran no more
  EXPECT_EQ(inputs_of(folder_ / "record.1"), (Inputs{"before", "one"}));
  EXPECT_EQ(inputs_of(folder_ / "record.2"), (Inputs{"before", "two"}));
}

TEST_F(RecordFileTest, OfManyProcessesKeepsTheFirstAndTheLast) {
  for (int i = 0; i < 12; ++i) in_process([&](RecordFile& record) { run(record, std::to_string(i)); });
  EXPECT_EQ(inputs_of(path_), (Inputs{"11"}));
  for (int i = 0; i < 8; ++i)
    EXPECT_EQ(inputs_of(path_.string() + "." + std::to_string(i)), (Inputs{std::to_string(i)}));
  EXPECT_FALSE(std::filesystem::exists(path_.string() + ".8"));
}

TEST_F(RecordFileTest, WhenFullEndsTheProcessBehindAnInput) {
  const std::string input(std::size_t{1} << 20, 'x');
  const auto run_all = [&](RecordFile& record) {
    for (int i = 0; i < 100; ++i) run(record, input);
  };
  const int status = in_process(run_all, "8000000");
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  const std::size_t before = inputs_of(path_).size();
  EXPECT_GE(before, 8u);
  EXPECT_LE(before, 13u);
  // An engine that hears SIGUSR1 ends the process itself.
  const int heard = in_process(
      [&](RecordFile& record) {
        std::signal(SIGUSR1, [](int) { _exit(5); });
        run_all(record);
      },
      "8000000");
  EXPECT_TRUE(WIFEXITED(heard) && WEXITSTATUS(heard) == 5);
  EXPECT_EQ(inputs_of(path_).size(), before);
}

}  // namespace
}  // namespace slabproof
