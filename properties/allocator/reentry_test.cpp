#include <array>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <slab/slab.hpp>
#include "properties/allocator/heap_backend.hpp"
#include "properties/allocator/recorded_reports.hpp"

// Calls of a Checked cache that is at work already: from its backend, from on_misuse, from a signal handler.

namespace {

using properties::HeapBackend;
using properties::Recording;
using properties::reports;
using slab::Cache;
using slab::Config;
using slab::DynamicCache;
using slab::Geometry;
using slab::Misuse;
using slab::MisuseReport;
using slab::ObjectSizeType;
using slab::Row;

struct ReentrantCall : testing::Test {
  ReentrantCall() { reports.clear(); }
};

struct Block {
  std::array<std::uint64_t, 8> words;
};

/// Each operation of the cache, called while it is at work: reported once, without effect, and the cache as it was.
template <class C>
void call_each_operation(C& cache, const std::string& name) {
  const bool was_sound = cache.audit();
  Block block;
  const auto reported = [&](const void* pointer, const auto& operation) {
    const std::size_t before = reports.size();
    operation();
    return reports.size() == before + 1 && reports.back().kind == Misuse::ReentrantCall &&
           reports.back().pointer == pointer && reports.back().cache == &cache;
  };
  const slab::CacheStatistics before = cache.statistics();
  EXPECT_TRUE(reported(nullptr, [&] { EXPECT_EQ(cache.alloc(), nullptr); })) << name;
  EXPECT_TRUE(reported(nullptr, [&] { EXPECT_EQ(cache.alloc_no_grow(), nullptr); })) << name;
  EXPECT_TRUE(reported(nullptr, [&] { EXPECT_FALSE(cache.reserve(0)); })) << name;
  EXPECT_TRUE(reported(nullptr, [&] { EXPECT_FALSE(cache.reserve(1)); })) << name;
  EXPECT_TRUE(reported(nullptr, [&] { EXPECT_EQ(cache.shrink(), 0u); })) << name;
  EXPECT_TRUE(reported(&block, [&] { cache.free(&block); })) << name;
  const std::size_t reported_so_far = reports.size();
  cache.free(nullptr);
  EXPECT_EQ(reports.size(), reported_so_far) << name;
  EXPECT_EQ(cache.statistics(), before) << name;
  EXPECT_EQ(cache.audit(), was_sound) << name;
  EXPECT_TRUE(was_sound || name == "CorruptedFreeList") << name;
}

// From the backend.

struct CallingBackend : HeapBackend {
  using LargeCache = Cache<Block, Config{.object_size_type = ObjectSizeType::Large}, CallingBackend, Recording>;
  LargeCache* cache = nullptr;
  std::map<std::string, int> calls;

  void call_back(const std::string& name) {
    ++calls[name];
    call_each_operation(*cache, name);
  }

  void* alloc_slab(std::size_t size, std::size_t page) noexcept {
    return call_back("alloc_slab"), HeapBackend::alloc_slab(size, page);
  }
  void free_slab(void* slab, std::size_t size, std::size_t page) noexcept {
    call_back("free_slab"), HeapBackend::free_slab(slab, size, page);
  }
  bool can_make_slabs(const Geometry&, std::size_t) noexcept { return call_back("can_make_slabs"), true; }
  bool save_slab_info(std::uintptr_t page, slab::SlabInfo* info) noexcept {
    return call_back("save"), HeapBackend::save_slab_info(page, info);
  }
  slab::SlabInfo* get_slab_info(std::uintptr_t page) noexcept {
    return call_back("get"), HeapBackend::get_slab_info(page);
  }
  void delete_slab_info(std::uintptr_t page) noexcept { call_back("delete"), HeapBackend::delete_slab_info(page); }
  void* alloc_slab_info(std::size_t size) noexcept {
    return call_back("alloc_slab_info"), HeapBackend::alloc_slab_info(size);
  }
  void free_slab_info(void* info, std::size_t size) noexcept {
    call_back("free_slab_info"), HeapBackend::free_slab_info(info, size);
  }
};

TEST_F(ReentrantCall, IsReportedFromEveryBackendFunctionAndHasNoEffect) {
  CallingBackend backend;
  CallingBackend::LargeCache cache{backend};
  backend.cache = &cache;
  ASSERT_TRUE(cache.reserve(1));
  // The last object has a slab of its own. The backend is asked for the SlabInfo of the first one freed, whose slab
  // becomes current, and of that last one.
  std::vector<Block*> blocks(cache.geometry().objects_per_slab() + 1);
  for (Block*& block : blocks) ASSERT_NE(block = cache.alloc(), nullptr);
  for (Block* block : blocks) cache.free(block);
  EXPECT_EQ(cache.shrink(), 1u);
  const std::map<std::string, int> expected = {
      {"can_make_slabs", 1}, {"alloc_slab", 2},      {"free_slab", 2},     {"save", 2}, {"get", 2},
      {"delete", 2},         {"alloc_slab_info", 2}, {"free_slab_info", 2}};
  EXPECT_EQ(backend.calls, expected);
  EXPECT_TRUE(backend.has_everything_back());
  reports.clear();
  cache.free(nullptr);
  EXPECT_EQ(cache.shrink(), 0u) << "outside of the backend the cache can be called again";
  EXPECT_TRUE(reports.empty());
}

// From on_misuse, whatever is reported.

void answer(const MisuseReport& report);
struct Answering : slab::Checked {
  static void on_misuse(const MisuseReport& report) noexcept {
    reports.push_back(report);
    if (report.kind != Misuse::ReentrantCall) answer(report);
  }
};
using AnsweringCache = Cache<Block, Config{.slab_size = 8192}, HeapBackend, Answering>;
AnsweringCache* answering = nullptr;
void answer(const MisuseReport& report) { call_each_operation(*answering, to_string(report.kind)); }

TEST_F(ReentrantCall, IsReportedFromTheHandlerOfEachMisuseAndHasNoEffect) {
  HeapBackend backend;
  Block* live;
  {
    AnsweringCache cache{backend}, other{backend};
    answering = &cache;
    live = cache.alloc();
    Block* const freed = cache.alloc();
    Block* const elsewhere = other.alloc();
    cache.free(freed);
    Block local;
    const auto offset = [](Block* block, std::size_t bytes) {
      return reinterpret_cast<Block*>(reinterpret_cast<std::byte*>(block) + bytes);
    };
    const std::size_t info = cache.geometry().slab_info_offset();
    for (Block* wrong : {freed, freed + 1, offset(live, 8), offset(live, info), &local, elsewhere}) {
      const std::size_t before = reports.size();
      cache.free(wrong);
      EXPECT_EQ(reports.size(), before + 7) << "the misuse, and six calls";
    }
    // The entry of `freed` in the table of slots says that it is live.
    reinterpret_cast<unsigned char*>(live)[info + 1] = 0xFF;
    EXPECT_EQ(cache.alloc(), nullptr);
    EXPECT_EQ(reports[reports.size() - 7].kind, Misuse::CorruptedFreeList);
    reinterpret_cast<unsigned char*>(live)[info + 1] = 0xFE;
    EXPECT_TRUE(cache.audit());
    cache.free(cache.alloc());
    other.free(elsewhere);
    reports.clear();
  }
  EXPECT_EQ(reports.size(), 7u) << "LiveAtDestruction, and six calls";
  EXPECT_EQ(backend.slabs, 1u) << "the slab of the live object must stay";
#if defined(SLAB_ASAN)
  __asan_unpoison_memory_region(live, 8192);
#endif
  backend.free_slab(live, 8192, 4096);
}

// From a handler that interrupts an operation after each of its instructions, by the processor's trap flag.

/// Slabs, SlabInfos and a map without a call that an interrupt could break.
struct StaticBackend {
  static constexpr std::size_t slab_size = 4096, count = 8;
  void* alloc_slab(std::size_t, std::size_t) noexcept { return take(slab_used, slabs); }
  void free_slab(void* slab, std::size_t, std::size_t) noexcept { slab_used[index_of(slab)] = false; }
  bool save_slab_info(std::uintptr_t page, slab::SlabInfo* info) noexcept {
    return map[index_of(reinterpret_cast<void*>(page))] = info, true;
  }
  slab::SlabInfo* get_slab_info(std::uintptr_t page) noexcept {
    const std::size_t index = index_of(reinterpret_cast<void*>(page));
    return index < count ? map[index] : nullptr;
  }
  void delete_slab_info(std::uintptr_t page) noexcept { map[index_of(reinterpret_cast<void*>(page))] = nullptr; }
  void* alloc_slab_info(std::size_t) noexcept { return take(info_used, infos); }
  void free_slab_info(void* info, std::size_t) noexcept {
    info_used[static_cast<std::size_t>(static_cast<Info*>(info) - infos)] = false;
  }

 private:
  struct alignas(4096) Slab {
    std::byte bytes[slab_size];
  };
  struct Info {
    alignas(8) std::byte bytes[256];
  };
  template <class T>
  static void* take(bool (&used)[count], T (&all)[count]) {
    for (std::size_t i = 0; i < count; ++i)
      if (!used[i]) return used[i] = true, &all[i];
    return nullptr;
  }
  std::size_t index_of(const void* slab) const {
    return (reinterpret_cast<std::uintptr_t>(slab) - reinterpret_cast<std::uintptr_t>(slabs)) / slab_size;
  }
  Slab slabs[count];
  Info infos[count];
  bool slab_used[count] = {}, info_used[count] = {};
  slab::SlabInfo* map[count] = {};
};

struct Counting : slab::Checked {
  static inline volatile std::size_t reentrant = 0, others = 0;
  static void on_misuse(const MisuseReport& report) noexcept {
    if (report.kind == Misuse::ReentrantCall)
      reentrant = reentrant + 1;
    else
      others = others + 1;
  }
};

/// Turns the trap flag on or off, and keeps the compiler from moving anything across. 128 bytes below the stack pointer
/// may be in use.
[[gnu::always_inline]] inline void start_trapping() {
  asm volatile("lea -128(%%rsp), %%rsp; pushfq; orq $0x100, (%%rsp); popfq; lea 128(%%rsp), %%rsp" ::: "memory", "cc");
}
[[gnu::always_inline]] inline void stop_trapping() {
  asm volatile("lea -128(%%rsp), %%rsp; pushfq; andq $~0x100, (%%rsp); popfq; lea 128(%%rsp), %%rsp" ::
                   : "memory", "cc");
}

template <Row R>
struct Interrupted {
  static inline Interrupted* now = nullptr;

  explicit Interrupted(const Geometry& geometry) : cache{geometry, backend} { now = this; }

  /// The handler: takes an object and gives it back, or is refused both times. No count has wrapped.
  static void on_trap(int) {
    const slab::CacheStatistics counts = now->cache.statistics();
    const std::size_t most = 100'000;
    now->wrapped =
        now->wrapped + (counts.full_slabs > most || counts.free_objects > most || counts.allocated_objects > most);
    const std::size_t before = Counting::reentrant;
    if (void* const object = now->cache.alloc()) {
      now->cache.free(object);
      now->served = now->served + (Counting::reentrant == before);
    } else {
      now->cache.free(now);
      now->refused = now->refused + (Counting::reentrant == before + 2);
    }
    now->calls = now->calls + 1;
  }

  /// Interrupts `operation` everywhere, in the state that prepare() leaves. `is_right` judges the state after it.
  template <class Prepare, class Operation, class Check>
  void interrupt_everywhere(Prepare prepare, Operation operation, Check is_right) {
    prepare();
    for (volatile std::size_t* count : {&calls, &served, &refused, &wrapped}) *count = 0;
    start_trapping();
    operation();
    stop_trapping();
    EXPECT_TRUE(is_right() && cache.audit());
    EXPECT_EQ(calls, served + refused);
    EXPECT_EQ(wrapped, 0u);
    EXPECT_GT(served, 2u) << "before the cache is marked as busy, and after that";
    EXPECT_GT(refused, 10u);
  }

  StaticBackend backend;
  DynamicCache<R, StaticBackend, Counting> cache;
  volatile std::size_t calls = 0, served = 0, refused = 0, wrapped = 0;  // written by the handler
};

template <Row R>
void interrupt(const Geometry& geometry) {
  SCOPED_TRACE(to_string(R));
  struct sigaction action{}, before{};
  action.sa_handler = Interrupted<R>::on_trap;
  ASSERT_EQ(sigaction(SIGTRAP, &action, &before), 0);
  static Interrupted<R> interrupted{geometry};
  auto& cache = interrupted.cache;
  const std::size_t objects = geometry.objects_per_slab();
  std::vector<void*> live;
  live.reserve(4 * objects);
  const auto take = [&](std::size_t count) {
    while (count-- > 0) live.push_back(cache.alloc());
  };
  const auto empty = [&] {
    for (void* object : live) cache.free(object);
    live.clear();
    cache.shrink();
  };
  const auto counts = [&](std::size_t expected) { return cache.statistics().allocated_objects == expected; };
  void* object = nullptr;
  const auto alloc = [&] { object = cache.alloc(); };
  const auto keep = [&](std::size_t expected) {
    live.push_back(object);
    return object != nullptr && counts(expected);
  };
  // A slot of the current slab; the first of a slab to be made; a free in the current slab, in a full one that becomes
  // current, in a partial one that becomes empty and goes back; the slabs of reserve() and shrink().
  interrupted.interrupt_everywhere([&] { empty(), take(2); }, alloc, [&] { return keep(3); });
  interrupted.interrupt_everywhere([&] { empty(), take(objects); }, alloc, [&] { return keep(objects + 1); });
  const auto free_last = [&] { cache.free(object); };
  const auto take_out = [&](std::size_t index) {
    object = live[index];
    live.erase(live.begin() + static_cast<std::ptrdiff_t>(index));
  };
  interrupted.interrupt_everywhere([&] { empty(), take(3), take_out(1); }, free_last, [&] { return counts(2); });
  interrupted.interrupt_everywhere([&] { empty(), take(2 * objects), take_out(1); }, free_last,
                                   [&] { return counts(2 * objects - 1); });
  const auto leave_one_of_the_first_slab = [&] {
    empty(), take(2 * objects + 1);
    for (std::size_t i = 1; i < objects; ++i) cache.free(live[i]);
    live.erase(live.begin() + 1, live.begin() + static_cast<std::ptrdiff_t>(objects));
    take_out(0);
  };
  // A free in a full slab while the current one has room.
  interrupted.interrupt_everywhere([&] { empty(), take(2 * objects - 1), take_out(1); }, free_last,
                                   [&] { return counts(2 * objects - 2); });
  interrupted.interrupt_everywhere(leave_one_of_the_first_slab, free_last, [&] { return counts(objects + 1); });
  bool is_reserved = false;
  interrupted.interrupt_everywhere([&] { empty(); }, [&] { is_reserved = cache.reserve(2 * objects); },
                                   [&] { return is_reserved && cache.statistics().empty_slabs == 2; });
  interrupted.interrupt_everywhere([&] { empty(), is_reserved = cache.reserve(2 * objects); }, [&] { cache.shrink(); },
                                   [&] { return counts(0) && cache.statistics().empty_slabs <= 1; });
  empty();
  EXPECT_EQ(Counting::others, 0u);
  ASSERT_EQ(sigaction(SIGTRAP, &before, nullptr), 0);
}

TEST_F(ReentrantCall, FromAHandlerThatInterruptsAnyInstructionIsServedOrReportedAndDamagesNothing) {
  interrupt<Row::SmallSinglePage>(Geometry::make(4096, 4096, ObjectSizeType::Small, 1000, 8).value());
  interrupt<Row::Large>(Geometry::make(4096, 4096, ObjectSizeType::Large, 1000, 8).value());
}

}  // namespace
