#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <random>
#include <string>
#include <vector>

#include "bench/selection.hpp"

namespace bench {
namespace {

double processor_ns() {
  std::timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

/// Nanoseconds a call, of as many calls as take a millisecond. Negative if the pool has no statistics.
double measure(AnyPool& pool) {
  for (std::size_t times = 1;; times *= 2) {
    const double begin = processor_ns();
    if (!pool.ask_statistics(times)) return -1;
    if (const double taken = processor_ns() - begin; taken > 1e6) return taken / static_cast<double>(times);
  }
}

/// Allocates four thirds of `live` objects and frees a random quarter of them, so that nearly every slab is partly
/// used. Puts those that live into `objects`. False if there is no room.
bool fill(AnyPool& pool, std::size_t live, std::vector<void*>& objects) {
  while (objects.size() < live + live / 3) {
    void* const object = pool.alloc();
    if (!object) return false;
    objects.push_back(object);
  }
  std::shuffle(objects.begin(), objects.end(), std::mt19937_64{1});
  for (; objects.size() > live; objects.pop_back()) pool.free(objects.back());
  return true;
}

}  // namespace

void print_statistics(const std::vector<Case>& cases, std::size_t rounds) {
  for (const Case& measured : cases) {
    const std::string of = "\"subject\": \"" + measured.subject->name +
                           "\", \"workload\": \"statistics\", \"size\": " + std::to_string(measured.subject->size) +
                           ", \"live\": " + std::to_string(measured.shape.objects);
    const auto pool = measured.subject->make_pool();
    if (!pool->ask_statistics(1)) continue;
    std::vector<void*> objects;
    const bool is_full = fill(*pool, measured.shape.objects, objects);
    if (!is_full) std::printf("{\"kind\": \"unmeasured\", %s, \"reason\": \"out of memory\"}\n", of.c_str());
    for (std::size_t round = 0; is_full && round < rounds; ++round)
      std::printf("{\"kind\": \"time\", %s, \"ns\": %.2f}\n", of.c_str(), measure(*pool));
    for (void* const object : objects) pool->free(object);
    std::fflush(stdout);
  }
}

}  // namespace bench
