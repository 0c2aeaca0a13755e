#include "bench/workloads.hpp"

#include <map>
#include <vector>

#include <gtest/gtest.h>

namespace bench {
namespace {

/// Hands out numbers, and notes what is asked of it.
class NotingPool {
 public:
  void* alloc() {
    if (live == room) return nullptr;
    const std::size_t object = ++allocs;
    is_live.resize(object + 1);
    is_live[object] = true;
    most_live = std::max(most_live, ++live);
    allocs_in_a_row = last_was_alloc ? allocs_in_a_row + 1 : 1;
    rows.resize(std::max(rows.size(), allocs_in_a_row + 1));
    last_was_alloc = true;
    return reinterpret_cast<void*>(object);
  }
  void free(void* object) {
    const auto number = reinterpret_cast<std::size_t>(object);
    if (!is_live.at(number)) ADD_FAILURE() << "freed, but not live: " << number;
    is_live[number] = false;
    --live;
    freed.push_back(number);
    if (last_was_alloc) ++rows[allocs_in_a_row];
    last_was_alloc = false;
  }
  void forget() {
    allocs = 0;
    most_live = 0;
    freed.clear();
    rows.clear();
    last_was_alloc = false;
  }

  std::vector<bool> is_live;
  std::vector<std::size_t> freed, rows;  // rows[n]: how often n allocs followed one another
  std::size_t room = SIZE_MAX;  // for so many live objects
  std::size_t allocs = 0, live = 0, most_live = 0, allocs_in_a_row = 0;
  bool last_was_alloc = false;
};

const Shape& shape_of(std::string_view name) {
  return *std::find_if(std::begin(shapes), std::end(shapes), [=](const Shape& shape) { return shape.name == name; });
}

/// What a workload asks of a pool while it is measured.
struct Measured {
  explicit Measured(std::string_view name) : Measured{shape_of(name)} {}
  explicit Measured(const Shape& shape) {
    {
      Work work{pool, shape};
      live = pool.live;
      EXPECT_EQ(live, work.live());
      first = pool.allocs + 1;
      pool.forget();
      pool.allocs = first - 1;
      work.run();
      allocs = pool.allocs - (first - 1);
      frees = pool.freed.size();
      pairs = work.pairs();
      EXPECT_EQ(pool.live, live) << "as many as before";
    }
    EXPECT_EQ(pool.live, 0u) << "everything is freed in the end";
  }
  NotingPool pool;
  std::size_t live = 0, first = 0, allocs = 0, frees = 0, pairs = 0;
};

TEST(Workloads, MakeAsManyPairsAsTheySay) {
  for (const Shape& shape : shapes) {
    const Measured measured{shape};
    EXPECT_EQ(measured.pairs, shape.pairs) << shape.name;
    EXPECT_EQ(measured.allocs, measured.pairs) << shape.name;
    EXPECT_EQ(measured.frees, measured.pairs) << shape.name;
  }
}

TEST(Workloads, KeepAsManyObjectsLiveAsTheySay) {
  const std::map<std::string_view, std::pair<std::size_t, std::size_t>> between_and_most = {
      {"W1", {0, 1}},           {"W2", {0, 10'000}},  {"W3", {0, 10'000}}, {"W4", {0, 10'000}},
      {"W5", {10'000, 10'000}}, {"W6", {0, 100'000}}, {"W7", {500, 501}},  {"W8", {500, 564}}};
  for (const auto& [name, expected] : between_and_most) {
    const Measured measured{name};
    EXPECT_EQ(measured.live, expected.first) << name;
    EXPECT_EQ(measured.pool.most_live, expected.second) << name;
  }
}

TEST(Workloads, FreeInTheirOrder) {
  const auto first_round = [](std::string_view name) {
    const Measured measured{name};
    std::vector<std::size_t> freed(measured.pool.freed.begin(), measured.pool.freed.begin() + 10'000);
    for (std::size_t& object : freed) object -= measured.first;
    return freed;
  };
  std::vector<std::size_t> all(10'000);
  std::iota(all.begin(), all.end(), 0u);
  EXPECT_EQ(first_round("W2"), all);
  std::vector<std::size_t> random = first_round("W4");
  EXPECT_NE(random, all);
  std::sort(random.begin(), random.end());
  EXPECT_EQ(random, all);
  std::reverse(all.begin(), all.end());
  EXPECT_EQ(first_round("W3"), all);
}

TEST(Workloads, ChurnChoosesAmongAllObjects) {
  const Measured measured{"W5"};
  std::size_t of_the_first = 0;  // those that were live when it began
  for (std::size_t i = 0; i < measured.frees; ++i) of_the_first += measured.pool.freed[i] < measured.first;
  EXPECT_EQ(of_the_first, 10'000u) << "200,000 choices among 10,000 leave out none";
  EXPECT_EQ(measured.pool.rows[1], measured.pairs) << "one alloc after each free";
}

TEST(Workloads, BurstsHaveEachLengthEquallyOften) {
  const Measured measured{"W8"};
  for (std::size_t length = 1; length <= longest_burst; ++length)
    EXPECT_EQ(measured.pool.rows[length], measured.pairs / pairs_of_all_bursts) << length;
  EXPECT_EQ(measured.pool.rows.size(), longest_burst + 1);
}

TEST(Workloads, LeaveNothingLiveWhenThereIsNoRoom) {
  for (const Shape& shape : shapes)
    for (const std::size_t room : {std::size_t{0}, std::max<std::size_t>(shape.objects, 1) - 1}) {
      NotingPool pool;
      pool.room = room;
      EXPECT_THROW((Work{pool, shape}), std::bad_alloc) << shape.name;
      EXPECT_EQ(pool.live, 0u) << shape.name << " with room for " << room;
    }
}

TEST(Workloads, GrowWithTheNumberOfLiveObjects) {
  const Measured measured{{Workload::Churn, "W5", 50'000, 1000}};
  EXPECT_EQ(measured.live, 50'000u);
  EXPECT_EQ(measured.pairs, 1000u);
}

}  // namespace
}  // namespace bench
