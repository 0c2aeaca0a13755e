// What a SlabInfo map costs: W5 of bench/workloads.hpp with objects of 64 bytes of a Large cache, whose every free asks
// the map once, in slabs of 4 KiB and 64 KiB. Compare within one run:
//   slab_info_map --benchmark_repetitions=5 --benchmark_enable_random_interleaving=true
// Instructions of two million pairs, one to prepare and one that is measured:
//   valgrind --tool=callgrind --toggle-collect='*run_churn*' slab_info_map …
// with --benchmark_filter='DenseArray>/4096' --benchmark_min_time=0.001
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include <benchmark/benchmark.h>

#include <slab/hosted/page_map.hpp>
#include <slab/hosted/region.hpp>
#include <slab/hosted/slab_info_cache.hpp>
#include <slab/slab.hpp>

#include "bench/workloads.hpp"

namespace {

using slab::SlabInfo;
using slab::hosted::PageMap;
using slab::hosted::Region;

constexpr bench::Shape churn{bench::Workload::Churn, "W5", 10'000, 1'000'000};

struct DenseArray : PageMap {
  explicit DenseArray(const Region& region) noexcept : PageMap{region.begin(), region.size()} {}
};

struct StdUnorderedMap {
  explicit StdUnorderedMap(const Region&) {}
  bool save_slab_info(std::uintptr_t page_addr, SlabInfo* info) noexcept {
    return pages.emplace(page_addr, info).second;
  }
  SlabInfo* get_slab_info(std::uintptr_t page_addr) noexcept {
    const auto found = pages.find(page_addr);
    return found == pages.end() ? nullptr : found->second;
  }
  void delete_slab_info(std::uintptr_t page_addr) noexcept { pages.erase(page_addr); }
  std::unordered_map<std::uintptr_t, SlabInfo*> pages;
};

/// Open addressing with linear probing, multiplicative hashing (Knuth, volume 3, 6.4), half full at most. Entries are
/// never deleted, since no slab goes back before the end here.
struct LinearProbing {
  explicit LinearProbing(const Region&) {}
  bool save_slab_info(std::uintptr_t page_addr, SlabInfo* info) noexcept {
    if (2 * (used + 1) > entries.size()) grow();
    *find(page_addr) = {page_addr, info};
    return ++used, true;
  }
  SlabInfo* get_slab_info(std::uintptr_t page_addr) noexcept { return find(page_addr)->info; }
  void delete_slab_info(std::uintptr_t page_addr) noexcept { find(page_addr)->info = nullptr; }

 private:
  struct Entry {
    std::uintptr_t page_addr = 0;
    SlabInfo* info = nullptr;
  };
  Entry* find(std::uintptr_t page_addr) noexcept {
    std::size_t at = (page_addr >> 12) * 0x9E3779B97F4A7C15 >> shift;
    while (entries[at].page_addr != 0 && entries[at].page_addr != page_addr) at = (at + 1) & (entries.size() - 1);
    return &entries[at];
  }
  void grow() {
    std::vector<Entry> old(2 * entries.size());
    old.swap(entries);
    --shift;
    for (const Entry& entry : old)
      if (entry.page_addr != 0) *find(entry.page_addr) = entry;
  }
  std::vector<Entry> entries{64};
  unsigned shift = 58;
  std::size_t used = 0;
};

template <class Map>
struct Backend : Region, Map, slab::hosted::SlabInfoCache<Region> {
  Backend()
      : Region{std::size_t{1} << 30},
        Map{static_cast<Region&>(*this)},
        slab::hosted::SlabInfoCache<Region>{static_cast<Region&>(*this)} {}
};

template <class Map>
using Cache = slab::DynamicCache<slab::Row::Large, Backend<Map>, slab::Unchecked>;

template <class Map>
void slab_info_map(benchmark::State& state) {
  const auto slab_size = static_cast<std::size_t>(state.range(0));
  const auto geometry =
      slab::Geometry::make<slab::Unchecked>(slab_size, 4096, slab::ObjectSizeType::Large, 64, 8).value();
  Backend<Map> backend;
  Cache<Map> cache{geometry, backend};
  bench::Work work{cache, churn};
  for (auto _ : state) work.run();
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(work.pairs()));
}

BENCHMARK(slab_info_map<DenseArray>)->Arg(4096)->Arg(65536);
BENCHMARK(slab_info_map<LinearProbing>)->Arg(4096)->Arg(65536);
BENCHMARK(slab_info_map<StdUnorderedMap>)->Arg(4096)->Arg(65536);

}  // namespace
