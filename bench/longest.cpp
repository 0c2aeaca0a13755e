// How long the longest calls take: docs/kernel.md, "How long interrupts stay off".
//
// Google Benchmark times many calls together. Here each call is timed alone, because the state that makes it a long one
// has to be made anew every time.
#include <x86intrin.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

#include <slab/hosted/backend.hpp>
#include <slab/slab.hpp>

namespace {

using slab::DynamicCache;
using slab::Geometry;
using slab::ObjectSizeType;
using slab::Row;
using slab::hosted::Backend;

constexpr const char* usage =
    "usage: longest\n"
    "\n"
    "Prints the nanoseconds of calls of a slab cache that take long, each timed alone: the mean of the middle half of\n"
    "many. Warm: what the call touches was used a moment ago. Cold: none of it is in a cache of the processor. The\n"
    "backend has all memory beforehand. Takes a minute and a half.\n"
    "\n"
    "Exit status: 0 done, 2 something could not be measured.\n";

[[noreturn]] void cannot_measure(const char* reason) {
  std::fprintf(stderr, "longest: %s\n", reason);
  std::exit(2);
}

double ticks_per_ns() {
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  const std::uint64_t first = __rdtsc();
  while (Clock::now() - begin < std::chrono::milliseconds{50}) {}
  const auto ticks = static_cast<double>(__rdtsc() - first);
  return ticks / std::chrono::duration<double, std::nano>(Clock::now() - begin).count();
}

/// In ticks. The fences keep the processor from doing one thing while it does another.
template <class Call>
double ticks_of(Call call) {
  _mm_mfence();
  _mm_lfence();
  const std::uint64_t begin = __rdtsc();
  _mm_lfence();
  call();
  unsigned core;
  const std::uint64_t end = __rdtscp(&core);
  _mm_lfence();
  return static_cast<double>(end - begin);
}

/// Of the middle half. Clocks have steps, some of 10 ns, which a mean divides and a median does not.
double mean(std::vector<double>& values) {
  std::sort(values.begin(), values.end());
  const std::size_t begin = values.size() / 4, end = values.size() - begin;
  double sum = 0;
  for (std::size_t i = begin; i < end; ++i) sum += values[i];
  return sum / static_cast<double>(end - begin);
}

/// Leaves nothing of the program in the caches of the processor, by using more memory than they hold.
void forget_everything() {
  constexpr std::size_t line = 64;
  static std::vector<unsigned char> bytes(std::size_t{96} << 20);
  for (std::size_t i = 0; i < bytes.size(); i += line) ++bytes[i];
}

/// The nanoseconds of `call`, each time after `prepare`, less those of no call.
template <class Prepare, class Call>
double time(std::size_t runs, bool is_cold, Prepare prepare, Call call) {
  static const double per_ns = ticks_per_ns();
  std::vector<double> calls, nothing;
  for (std::size_t i = 0; i < runs; ++i) {
    prepare();
    if (is_cold) forget_everything();
    nothing.push_back(ticks_of([] {}));
    calls.push_back(ticks_of(call));
  }
  return (mean(calls) - mean(nothing)) / per_ns;
}

template <class Prepare, class Call>
void print_times(const char* what, std::size_t runs, Prepare prepare, Call call) {
  const double warm = time(runs, false, prepare, call);
  std::printf("  %-56s %12.1f %12.0f\n", what, warm, time(std::min<std::size_t>(runs, 101), true, prepare, call));
}

/// A cache and its objects, from which the states are made. `live` has them in the order of their allocation; the first
/// ones fill one slab after another.
template <Row R, class Policy>
struct Objects {
  explicit Objects(const Geometry& geometry) : cache{geometry, backend}, per_slab{geometry.objects_per_slab()} {
    std::printf("%s, %s, slabs of %zu KiB, %zu objects of %zu bytes in each\n", to_string(R),
                Policy::checks ? "Checked" : "Unchecked", geometry.slab_size() / 1024, per_slab,
                geometry.object_size());
    if (per_slab < 3) cannot_measure("three objects must fit into a slab");
    live.reserve(4 * per_slab);
    allocate(3 * per_slab);  // the backend's memory, once
    free_all();
  }
  ~Objects() { free_all(); }

  void allocate(std::size_t count) {
    while (count-- > 0) {
      live.push_back(cache.alloc());
      if (!live.back()) cannot_measure("there is no memory for a slab");
    }
  }
  void free(std::size_t index) {
    cache.free(live[index]);
    live[index] = nullptr;
  }
  /// The cache has no slab then.
  void free_all() {
    for (void* const object : live) cache.free(object);
    live.clear();
    cache.shrink();
  }

  Backend backend{std::size_t{6} << 30};
  DynamicCache<R, Backend, Policy> cache;
  std::size_t per_slab;
  std::vector<void*> live;
};

/// Each call after its state was made from nothing.
template <Row R, class Policy, class Prepare>
void print_alloc(Objects<R, Policy>& objects, const char* what, std::size_t runs, Prepare prepare) {
  const auto start_anew = [&] {
    objects.free_all();
    prepare();
  };
  print_times(what, runs, start_anew, [&] { objects.live.push_back(objects.cache.alloc()); });
}
template <Row R, class Policy, class Prepare>
void print_free(Objects<R, Policy>& objects, const char* what, std::size_t runs, std::size_t index, Prepare prepare) {
  const auto start_anew = [&] {
    objects.free_all();
    prepare();
  };
  print_times(what, runs, start_anew, [&] { objects.free(index); });
}

template <Row R, class Policy>
void measure_backend_calls(Objects<R, Policy>& objects, std::size_t runs) {
  const std::size_t all = objects.per_slab;
  print_alloc(objects, "alloc: makes a slab", runs, [&] { objects.allocate(all); });
  print_free(objects, "free: gives a slab back", runs, 0, [&] {
    objects.allocate(2 * all + 1);
    objects.free(2 * all);  // one empty slab, which is kept
    for (std::size_t i = 1; i < all; ++i) objects.free(i);
  });
}

template <Row R, class Policy>
void measure_calls(Objects<R, Policy>& objects, std::size_t runs) {
  const std::size_t all = objects.per_slab;
  print_alloc(objects, "alloc: from the current slab", runs, [&] { objects.allocate(1); });
  print_alloc(objects, "alloc: turns to a partial slab", runs, [&] {
    objects.allocate(3 * all);
    objects.free(0);  // its slab is current now,
    objects.free(all);  // then another, and the first one partial
    objects.allocate(1);  // into the current one, which is full then
  });
  print_alloc(objects, "alloc: turns to an empty slab", runs, [&] {
    objects.allocate(all + 1);
    objects.free(all);  // the second slab is empty, and current
    objects.free(0);  // the first one is current
    objects.allocate(1);
  });
  print_free(objects, "free: into the current slab", runs, 0, [&] { objects.allocate(2); });
  print_free(objects, "free: into a full slab, which becomes current", runs, 0, [&] { objects.allocate(2 * all); });
  print_free(objects, "free: into a partial slab", runs, 1, [&] {
    objects.allocate(2 * all);
    objects.free(0);
    objects.free(all);  // the first slab is partial now
  });
  print_free(objects, "free: empties a slab, which stays", runs, 0, [&] {
    objects.allocate(2 * all);
    for (std::size_t i = 1; i < all; ++i) objects.free(i);
    objects.free(all);
  });
}

template <Row R, class Policy = slab::Checked>
void measure(const Geometry& geometry) {
  constexpr std::size_t runs = 2001;
  Objects<R, Policy> objects{geometry};
  measure_calls(objects, runs);
  measure_backend_calls(objects, runs);
}

/// Between the calls so many pages are entered into the map and taken out of it that nothing else stays warm.
void measure_many_pages(const Geometry& geometry, std::size_t runs) {
  Objects<Row::Large, slab::Checked> objects{geometry};
  measure_backend_calls(objects, runs);
}

template <Row R>
void measure_reserve(const Geometry& geometry, std::size_t slabs) {
  Backend backend{std::size_t{1} << 30};
  DynamicCache<R, Backend> cache{geometry, backend};
  const auto reserve = [&](std::size_t objects) {
    if (!cache.reserve(objects)) cannot_measure("there is no memory for a reserve");
  };
  const std::size_t all = slabs * geometry.objects_per_slab();
  const auto none = [&] { cache.shrink(); };
  const auto make = [&] { reserve(all); };
  std::printf("%s, %zu slabs of %zu KiB\n", to_string(R), slabs, geometry.slab_size() / 1024);
  make();  // the backend's memory, once
  constexpr std::size_t runs = 51;
  print_times("reserve: makes them", runs, none, make);
  print_times("reserve(0): gives all but one back", runs, make, [&] { reserve(0); });
  print_times("shrink", runs, make, none);
}

constexpr std::size_t page = 4096, mebibyte = std::size_t{1} << 20;

constexpr Geometry made(ObjectSizeType type, std::size_t slab_size, std::size_t object_size) {
  return Geometry::make(slab_size, page, type, object_size, 8).value();
}

}  // namespace

int main(int argc, char** argv) {
  using enum ObjectSizeType;
  if (argc == 2 && argv[1] == std::string_view{"--help"}) return std::printf("%s", usage), 0;
  if (argc != 1) return std::fprintf(stderr, "%s", usage), 2;
  std::printf("  %-56s %12s %12s\n", "", "warm ns", "cold ns");
  measure<Row::SmallSinglePage>(made(Small, page, 64));
  measure<Row::SmallSinglePage, slab::Unchecked>(made(Small, page, 64));
  measure<Row::SmallMultiPage>(made(Small, 8 * page, 512));
  measure<Row::Large>(made(Large, 8 * page, 512));
  measure_many_pages(made(Large, 2 * mebibyte, 65'536), 501);
  measure_many_pages(made(Large, 1024 * mebibyte, 256 * mebibyte), 51);
  measure_reserve<Row::SmallSinglePage>(made(Small, page, 64), 1000);
  measure_reserve<Row::SmallMultiPage>(made(Small, 8 * page, 64), 1000);
  measure_reserve<Row::Large>(made(Large, 8 * page, 64), 1000);
}
