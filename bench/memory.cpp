#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <random>

#include "bench/resident.hpp"
#include "bench/selection.hpp"

namespace bench {
namespace {

constexpr std::size_t live_objects = 100'000;

}  // namespace

void print_memory(const Subject& subject) {
  std::vector<void*> objects(live_objects);
  std::vector<std::uint32_t> order(live_objects);
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::uint32_t>(i);
  std::shuffle(order.begin(), order.end(), std::mt19937_64{1});
  std::memset(objects.data(), 1, objects.size() * sizeof(void*));
  resident();  // its buffers are then there
  const std::size_t before = resident();
  const auto held = [before] {
    const std::size_t now = resident();
    return now > before ? now - before : 0;
  };
  const auto pool = subject.make_pool();
  for (std::size_t i = 0; i < live_objects; ++i) {
    objects[i] = pool->alloc();
    if (!objects[i]) {
      std::printf(
          "{\"kind\": \"unmeasured\", \"subject\": \"%s\", \"workload\": \"memory\", \"size\": %zu, "
          "\"reason\": \"out of memory\"}\n",
          subject.name.c_str(), subject.size);
      while (i > 0) pool->free(objects[--i]);
      return;
    }
    std::memset(objects[i], 1, subject.size);
  }
  const std::size_t all = held();
  const std::size_t quarter_begins = live_objects / 4 * 3;
  for (std::size_t i = 0; i < quarter_begins; ++i) pool->free(objects[order[i]]);
  const std::size_t quarter = held();
  for (std::size_t i = quarter_begins; i < live_objects; ++i) pool->free(objects[order[i]]);
  const std::size_t none = held();
  pool->give_back();
  std::printf(
      "{\"kind\": \"memory\", \"subject\": \"%s\", \"size\": %zu, \"objects\": %zu, \"all\": %zu, \"quarter\": %zu, "
      "\"none\": %zu, \"given_back\": %zu}\n",
      subject.name.c_str(), subject.size, live_objects, all, quarter, none, held());
}

}  // namespace bench
