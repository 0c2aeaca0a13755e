#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <new>
#include <numeric>
#include <random>
#include <string_view>
#include <vector>

/// Allocators, one another's rivals, under the same workloads.
namespace bench {

/// In what order objects are allocated and freed.
enum class Workload : std::uint8_t {
  EmptyPairs,   ///< alloc and free, while nothing else is live
  Fifo,         ///< all are allocated, then freed in the same order
  Lifo,         ///< all are allocated, then freed in the opposite order
  RandomOrder,  ///< all are allocated, then freed in an order that is the same each time
  Churn,        ///< all are live; one of them, at random, is freed and another allocated
  Waves,        ///< as Fifo, of so many that they fit into no near cache of the processor
  WarmPairs,    ///< alloc and free, while half of the objects are live and as many slots are free
  Bursts,       ///< the same with 1 to 64 objects at a time, freed in the order in which they were allocated
};

/// A workload's name in reports, and its measures.
struct Shape {
  Workload workload;
  std::string_view name;
  std::size_t objects;  ///< slots that are in use at once
  std::size_t pairs;    ///< of one alloc and one free, in each measurement
};

/// Lengths of bursts, and how many pairs one burst of each length makes.
constexpr std::size_t longest_burst = 64, pairs_of_all_bursts = longest_burst * (longest_burst + 1) / 2;

constexpr Shape shapes[] = {
    {Workload::EmptyPairs, "W1", 0, 400'000},   {Workload::Fifo, "W2", 10'000, 200'000},
    {Workload::Lifo, "W3", 10'000, 200'000},    {Workload::RandomOrder, "W4", 10'000, 200'000},
    {Workload::Churn, "W5", 10'000, 200'000},   {Workload::Waves, "W6", 100'000, 200'000},
    {Workload::WarmPairs, "W7", 1000, 400'000}, {Workload::Bursts, "W8", 1000, 200 * pairs_of_all_bursts},
};

/// One workload on one pool, which has `void* alloc()` and `void free(void*)`. Objects are not written: what is
/// measured is the pool. The same numbers are drawn for every pool.
template <class Pool>
class Work {
 public:
  /// Leaves the pool as the workload wants to find it, warm: what is to be allocated first was allocated and freed
  /// before. std::bad_alloc if the pool has no room.
  Work(Pool& pool, const Shape& shape)
      : pool_{pool}, shape_{shape}, rounds_{std::max<std::size_t>(1, shape.pairs / pairs_per_round())} {
    objects_.resize(std::max(shape.objects, longest_burst));
    prepare();
  }
  ~Work() { free_each(live_); }
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;

  /// What is measured: pairs() allocs and as many frees.
  void run() { run_rounds(rounds_); }
  [[nodiscard]] std::size_t pairs() const { return rounds_ * pairs_per_round(); }
  /// Objects that are allocated before and after run().
  [[nodiscard]] std::size_t live() const { return live_; }

 private:
  void prepare() {
    switch (shape_.workload) {
      case Workload::EmptyPairs: return alloc_each(1), free_each(1), run_rounds(100);
      case Workload::Churn: return make_choices(), prepare_churn();
      case Workload::WarmPairs: return leave_half(), run_rounds(100);
      case Workload::Bursts: return make_permutation(longest_burst), leave_half(), run_rounds(1);
      case Workload::RandomOrder: make_permutation(shape_.objects); break;
      case Workload::Fifo:
      case Workload::Lifo:
      case Workload::Waves: break;
    }
    alloc_each(shape_.objects);
    free_each(shape_.objects);
    run_rounds(1);
  }

  [[nodiscard]] std::size_t pairs_per_round() const {
    switch (shape_.workload) {
      case Workload::EmptyPairs:
      case Workload::Churn:
      case Workload::WarmPairs: return 1;
      case Workload::Bursts: return pairs_of_all_bursts;
      default: return shape_.objects;
    }
  }

  void run_rounds(std::size_t rounds) {
    switch (shape_.workload) {
      case Workload::EmptyPairs:
      case Workload::WarmPairs: return run_pairs(pool_, rounds);
      case Workload::Churn: return run_churn(pool_, objects_.data(), numbers_.data(), rounds);
      case Workload::Bursts: return run_bursts(pool_, objects_.data() + live_, numbers_.data(), rounds);
      case Workload::RandomOrder:
        return run_random_order(pool_, objects_.data(), numbers_.data(), shape_.objects, rounds);
      case Workload::Lifo: return run_lifo(pool_, objects_.data(), shape_.objects, rounds);
      case Workload::Fifo:
      case Workload::Waves: return run_fifo(pool_, objects_.data(), shape_.objects, rounds);
    }
  }

  // Each a function of its own, so that what surrounds it cannot change its code.

  [[gnu::noinline]] static void run_pairs(Pool& pool, std::size_t rounds) {
    for (; rounds > 0; --rounds) {
      void* object = pool.alloc();
      asm volatile("" : "+r"(object) : : "memory");  // or the compiler might do without both
      pool.free(object);
    }
  }
  [[gnu::noinline]] static void run_fifo(Pool& pool, void** objects, std::size_t count, std::size_t rounds) {
    for (; rounds > 0; --rounds) {
      for (std::size_t i = 0; i < count; ++i) objects[i] = pool.alloc();
      for (std::size_t i = 0; i < count; ++i) pool.free(objects[i]);
    }
  }
  [[gnu::noinline]] static void run_lifo(Pool& pool, void** objects, std::size_t count, std::size_t rounds) {
    for (; rounds > 0; --rounds) {
      for (std::size_t i = 0; i < count; ++i) objects[i] = pool.alloc();
      for (std::size_t i = count; i > 0; --i) pool.free(objects[i - 1]);
    }
  }
  [[gnu::noinline]] static void run_random_order(Pool& pool, void** objects, const std::uint32_t* order,
                                                 std::size_t count, std::size_t rounds) {
    for (; rounds > 0; --rounds) {
      for (std::size_t i = 0; i < count; ++i) objects[i] = pool.alloc();
      for (std::size_t i = 0; i < count; ++i) pool.free(objects[order[i]]);
    }
  }
  [[gnu::noinline]] static void run_churn(Pool& pool, void** objects, const std::uint32_t* choices,
                                          std::size_t rounds) {
    for (std::size_t i = 0; i < rounds; ++i) {
      void*& object = objects[choices[i]];
      pool.free(object);
      object = pool.alloc();
    }
  }
  [[gnu::noinline]] static void run_bursts(Pool& pool, void** objects, const std::uint32_t* lengths,
                                           std::size_t rounds) {
    for (; rounds > 0; --rounds)
      for (std::size_t burst = 0; burst < longest_burst; ++burst) {
        const std::size_t length = lengths[burst] + 1;
        for (std::size_t i = 0; i < length; ++i) objects[i] = pool.alloc();
        for (std::size_t i = 0; i < length; ++i) pool.free(objects[i]);
      }
  }

  void prepare_churn() {
    alloc_each(shape_.objects);
    free_each(shape_.objects);  // a pool that has only carved has not touched its pages yet
    alloc_each(live_ = shape_.objects);
    run_rounds(rounds_);
  }
  void make_permutation(std::size_t count) {
    numbers_.resize(count);
    std::iota(numbers_.begin(), numbers_.end(), 0u);
    std::shuffle(numbers_.begin(), numbers_.end(), std::mt19937_64{1});
  }
  void make_choices() {
    std::mt19937_64 random{1};
    numbers_.resize(rounds_);
    for (std::uint32_t& number : numbers_) number = static_cast<std::uint32_t>(random() % shape_.objects);
  }
  void alloc_each(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i)
      if (!(objects_[i] = pool_.alloc())) {
        free_each(i);
        throw std::bad_alloc{};
      }
  }
  void free_each(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) pool_.free(objects_[i]);
  }
  /// Every other object stays.
  void leave_half() {
    alloc_each(shape_.objects);
    live_ = shape_.objects / 2;
    for (std::size_t i = 0; i < live_; ++i) {
      pool_.free(objects_[2 * i + 1]);
      objects_[i] = objects_[2 * i];
    }
  }

  Pool& pool_;
  const Shape shape_;
  const std::size_t rounds_;
  std::size_t live_ = 0;
  std::vector<void*> objects_;
  std::vector<std::uint32_t> numbers_;
};

}  // namespace bench
