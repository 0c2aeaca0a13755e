#include <array>
#include <csetjmp>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <map>
#include <new>
#include <set>
#include <string>
#include <type_traits>
#include <vector>

#include <gtest/gtest.h>

#include <slab/slab.hpp>
#include "properties/allocator/heap_backend.hpp"
#include "properties/allocator/recorded_reports.hpp"

// Calls of a Checked cache that is at work already: from its backend and from on_misuse. interrupt_test.cpp has those
// from a signal handler.

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
  EXPECT_TRUE(cache.audit()) << name;
  std::remove_pointer_t<decltype(cache.alloc())> block;
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
  EXPECT_TRUE(cache.audit()) << name;
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
  // becomes current, and of that last one; and of each slab's page when the slab is made.
  std::vector<Block*> blocks(cache.geometry().objects_per_slab() + 1);
  for (Block*& block : blocks) ASSERT_NE(block = cache.alloc(), nullptr);
  for (Block* block : blocks) cache.free(block);
  EXPECT_EQ(cache.shrink(), 1u);
  const std::map<std::string, int> expected = {
      {"can_make_slabs", 1}, {"alloc_slab", 2},      {"free_slab", 2},     {"save", 2}, {"get", 4},
      {"delete", 2},         {"alloc_slab_info", 2}, {"free_slab_info", 2}};
  EXPECT_EQ(backend.calls, expected);
  EXPECT_TRUE(backend.has_everything_back());
  reports.clear();
  cache.free(nullptr);
  EXPECT_EQ(cache.shrink(), 0u) << "outside of the backend the cache can be called again";
  EXPECT_TRUE(reports.empty());
}

// From on_misuse. It is told of most kinds when the operation is over, of two while the cache is at work.

/// Frees what a test has left behind.
struct ForgivingBackend : HeapBackend {
  ~ForgivingBackend() {
    for (const auto& [slab, size] : outstanding) {
#if defined(SLAB_ASAN)
      __asan_unpoison_memory_region(slab, size);
#endif
      std::free(slab);
    }
    for (void* info : infos_outstanding) std::free(info);
  }
  void* alloc_slab(std::size_t size, std::size_t page) noexcept {
    if (before_alloc_slab) before_alloc_slab();
    void* const slab = HeapBackend::alloc_slab(size, page);
    outstanding[slab] = size;
    return slab;
  }
  void free_slab(void* slab, std::size_t size, std::size_t page) noexcept {
    outstanding.erase(slab);
    HeapBackend::free_slab(slab, size, page);
  }
  void* alloc_slab_info(std::size_t size) noexcept {
    return *infos_outstanding.insert(HeapBackend::alloc_slab_info(size)).first;
  }
  void free_slab_info(void* info, std::size_t size) noexcept {
    infos_outstanding.erase(info);
    HeapBackend::free_slab_info(info, size);
  }
  void (*before_alloc_slab)() = nullptr;
  std::map<void*, std::size_t> outstanding;
  std::set<void*> infos_outstanding;
};

struct Answering : slab::Checked {
  static inline void (*answer)(const MisuseReport&) = nullptr;
  static void on_misuse(const MisuseReport& report) noexcept {
    reports.push_back(report);
    if (answer) answer(report);
  }
};
struct Odd {
  std::array<std::uint64_t, 9> words;
};
/// A map, SlabInfos in slabs, and tail waste: every kind of misuse is possible.
using AnsweringCache = Cache<Odd, Config{.slab_size = 8192}, ForgivingBackend, Answering>;

/// A cache with an object that is live and one that was freed, in a slab with slots never used; and one of another.
struct Subject {
  Subject() : live{cache.alloc()}, freed{cache.alloc()}, elsewhere{other.alloc()} {
    cache.free(freed);
    now = this;
    reports.clear();
  }
  ~Subject() {
    Answering::answer = nullptr;
    other.free(elsewhere);
    if (!is_destroyed) cache.~AnsweringCache();
  }

  /// The first object lies where the slab begins.
  Odd* at(std::size_t offset) const { return reinterpret_cast<Odd*>(reinterpret_cast<unsigned char*>(live) + offset); }
  void overwrite(std::size_t offset) const { reinterpret_cast<unsigned char*>(live)[offset] = 0xFF; }

  void commit(Misuse kind) {
    const std::size_t info = cache.geometry().slab_size() - sizeof(slab::SlabInfo);
    const std::size_t table = cache.geometry().slab_info_offset();
    switch (kind) {
      case Misuse::DoubleFree: return cache.free(freed);
      case Misuse::InteriorPointer: return cache.free(at(8));
      case Misuse::SlabInfoPointer: return cache.free(at(info));
      case Misuse::TailWastePointer: return cache.free(at(table - 8));
      case Misuse::ForeignPointer: return cache.free(&local);
      case Misuse::OtherCache: return cache.free(elsewhere);
      case Misuse::NeverAllocated: return cache.free(freed + 1);
      case Misuse::CorruptedFreeList:
        overwrite(table + 1);  // the entry of `freed`: it is live
        object = cache.alloc();
        return;
      case Misuse::CorruptedSlabInfo:
        overwrite(info + 24);  // where the slab begins
        return cache.free(at(8));
      case Misuse::BackendFault:
        for (std::size_t i = 0; i < cache.geometry().objects_per_slab(); ++i) object = cache.alloc();
        backend.pages.erase(reinterpret_cast<std::uintptr_t>(live));
        return cache.free(live);
      case Misuse::ReentrantCall:
        backend.before_alloc_slab = [] { now->cache.free(now->live); };
        is_reserved = cache.reserve(1000);
        backend.before_alloc_slab = nullptr;
        return;
      case Misuse::LiveAtDestruction: is_destroyed = true; return cache.~AnsweringCache();
      case Misuse::WriteAfterFree:
      case Misuse::WriteBeyondObject: return;  // debug_test.cpp has a cache that can tell
    }
  }

  static inline Subject* now = nullptr;
  ForgivingBackend backend;
  alignas(AnsweringCache) std::byte place[sizeof(AnsweringCache)];
  AnsweringCache& cache{*::new (static_cast<void*>(place)) AnsweringCache{backend}};
  AnsweringCache other{backend};
  Odd *live, *freed, *elsewhere, *object = nullptr, local;
  bool is_destroyed = false, is_reserved = false;
};

constexpr Misuse told_at_the_end[] = {Misuse::DoubleFree,       Misuse::InteriorPointer,   Misuse::SlabInfoPointer,
                                      Misuse::TailWastePointer, Misuse::ForeignPointer,    Misuse::OtherCache,
                                      Misuse::NeverAllocated,   Misuse::CorruptedFreeList, Misuse::CorruptedSlabInfo,
                                      Misuse::BackendFault};

/// Every operation is served, and nothing is reported.
void use_each_operation() {
  auto& cache = Subject::now->cache;
  const std::size_t told = reports.size();
  Odd* const object = cache.alloc();
  EXPECT_NE(object, nullptr);
  cache.free(object);
  EXPECT_TRUE(cache.reserve(1));
  Odd* const reserved = cache.alloc_no_grow();
  EXPECT_NE(reserved, nullptr);
  cache.free(reserved);
  static_cast<void>(cache.shrink());
  std::size_t live = 0;
  cache.for_each_live([&](void*) { ++live; });
  EXPECT_EQ(live, cache.statistics().allocated_objects);
  EXPECT_TRUE(cache.audit());
  EXPECT_EQ(reports.size(), told);
}

TEST_F(ReentrantCall, IsNoCallFromTheHandlerOfAMisuseThatIsToldAtTheEnd) {
  for (const Misuse kind : told_at_the_end) {
    SCOPED_TRACE(to_string(kind));
    Subject subject;
    Answering::answer = [](const MisuseReport&) { use_each_operation(); };
    subject.commit(kind);
    ASSERT_EQ(reports.size(), 1u);
    EXPECT_EQ(reports[0].kind, kind);
    EXPECT_TRUE(subject.cache.audit());
    Answering::answer = nullptr;
    use_each_operation();
  }
}

TEST_F(ReentrantCall, IsACallFromTheHandlerOfLiveAtDestruction) {
  Subject subject;
  Answering::answer = [](const MisuseReport& report) {
    if (report.kind == Misuse::LiveAtDestruction) call_each_operation(Subject::now->cache, "LiveAtDestruction");
  };
  subject.commit(Misuse::LiveAtDestruction);
  EXPECT_EQ(reports.size(), 7u) << "LiveAtDestruction, and six calls";
  EXPECT_EQ(subject.backend.slabs, 2u) << "the slab of the live object must stay";
}

TEST_F(ReentrantCall, FromTheHandlerOfAReentrantCallIsRefusedWithoutAReport) {
  Subject subject;
  Answering::answer = [](const MisuseReport&) {
    auto& cache = Subject::now->cache;
    EXPECT_EQ(cache.alloc(), nullptr);
    EXPECT_EQ(cache.alloc_no_grow(), nullptr);
    EXPECT_FALSE(cache.reserve(1));
    EXPECT_EQ(cache.shrink(), 0u);
    cache.free(Subject::now->live);
    EXPECT_TRUE(cache.audit());
  };
  subject.commit(Misuse::ReentrantCall);
  EXPECT_TRUE(subject.is_reserved);
  ASSERT_EQ(reports.size(), subject.backend.slabs - 2) << "one for each slab that reserve() has made";
  for (const MisuseReport& report : reports) EXPECT_EQ(report.kind, Misuse::ReentrantCall);
  Answering::answer = nullptr;
  use_each_operation();
}

// A handler that does not return.

std::jmp_buf out;
void leave(const MisuseReport&) { std::longjmp(out, 1); }

/// Whether on_misuse has left.
bool leaves(Subject& subject, Misuse kind) {
  Answering::answer = leave;
  if (setjmp(out) != 0) return Answering::answer = nullptr, true;
  subject.commit(kind);
  return false;
}

TEST_F(ReentrantCall, IsNoCallAfterAHandlerHasLeftByLongjmp) {
  for (const Misuse kind : told_at_the_end) {
    SCOPED_TRACE(to_string(kind));
    Subject subject;
    ASSERT_TRUE(leaves(subject, kind));
    ASSERT_EQ(reports.size(), 1u);
    EXPECT_EQ(reports[0].kind, kind);
    use_each_operation();
  }
}

// The operation that was at work, or the destruction, is left with its handler, and will never be over.
TEST_F(ReentrantCall, IsEveryCallAfterAHandlerHasLeftACacheAtWork) {
  for (const Misuse kind : {Misuse::ReentrantCall, Misuse::LiveAtDestruction}) {
    SCOPED_TRACE(to_string(kind));
    Subject subject;
    ASSERT_TRUE(leaves(subject, kind));
    ASSERT_EQ(reports.size(), 1u);
    EXPECT_EQ(reports[0].kind, kind);
    const slab::CacheStatistics before = subject.cache.statistics();
    EXPECT_EQ(subject.cache.alloc(), nullptr);
    EXPECT_EQ(subject.cache.alloc_no_grow(), nullptr);
    EXPECT_FALSE(subject.cache.reserve(1));
    EXPECT_EQ(subject.cache.shrink(), 0u);
    subject.cache.free(subject.live);
    EXPECT_EQ(subject.cache.statistics(), before);
    EXPECT_TRUE(subject.cache.audit());
  }
}

// Destruction.

template <Row R>
void free_in_destruction(const Geometry& geometry) {
  using C = DynamicCache<R, ForgivingBackend, Answering>;
  SCOPED_TRACE(to_string(R));
  static C* now;
  reports.clear();
  ForgivingBackend backend;
  std::vector<unsigned char*> objects(200);
  {
    C cache{geometry, backend};
    now = &cache;
    for (unsigned char*& object : objects) object = static_cast<unsigned char*>(cache.alloc());
    Answering::answer = [](const MisuseReport& report) {
      if (report.kind == Misuse::LiveAtDestruction) now->free(const_cast<void*>(report.pointer));
    };
  }
  Answering::answer = nullptr;
  ASSERT_EQ(reports.size(), 400u);
  std::set<const void*> told;
  for (std::size_t i = 0; i < 400; i += 2) {
    EXPECT_EQ(reports[i].kind, Misuse::LiveAtDestruction);
    EXPECT_EQ(reports[i + 1].kind, Misuse::ReentrantCall);
    EXPECT_EQ(reports[i + 1].pointer, reports[i].pointer);
    told.insert(reports[i].pointer);
  }
  EXPECT_EQ(told, std::set<const void*>(objects.begin(), objects.end()));
  for (unsigned char* object : objects) *object = object[geometry.object_size() - 1] = 1;  // AddressSanitizer watches
}

TEST_F(ReentrantCall, IsEachFreeFromTheHandlerOfLiveAtDestructionAndTheObjectsStay) {
  free_in_destruction<Row::SmallSinglePage>(Geometry::make(4096, 4096, ObjectSizeType::Small, 100, 8).value());
  free_in_destruction<Row::SmallMultiPage>(Geometry::make(8192, 4096, ObjectSizeType::Small, 300, 8).value());
  free_in_destruction<Row::Large>(Geometry::make(8192, 4096, ObjectSizeType::Large, 1000, 8).value());
}

struct GuardedBackend : HeapBackend {
  void* alloc_slab(std::size_t slab_size, std::size_t page_size) noexcept {
    call();
    return HeapBackend::alloc_slab(slab_size, page_size);
  }
  void free_slab(void* slab, std::size_t slab_size, std::size_t page_size) noexcept {
    call();
    HeapBackend::free_slab(slab, slab_size, page_size);
  }
  std::function<void()> call;
};
struct GuardedRecording : slab::Debug {
  static void on_misuse(const MisuseReport& report) noexcept { Recording::on_misuse(report); }
};

TEST_F(ReentrantCall, FromTheBackendIsRefusedWithGuardsToo) {
  GuardedBackend backend;
  Cache<Block, Config{}, GuardedBackend, GuardedRecording> cache{backend};
  std::size_t calls = 0;
  backend.call = [&] { call_each_operation(cache, "call " + std::to_string(++calls)); };
  Block* const object = cache.alloc();
  EXPECT_TRUE(cache.reserve(2 * cache.geometry().objects_per_slab()));
  cache.free(object);
  EXPECT_EQ(cache.shrink(), 3u);
  EXPECT_EQ(calls, 6u);
  EXPECT_EQ(reports.size(), 6 * calls);
}

struct Visiting : Recording {
  static inline void (*visit)() = nullptr;
  static void on_misuse(const MisuseReport& report) noexcept {
    Recording::on_misuse(report);
    if (visit) visit();
  }
};
using VisitedCache = Cache<Block, Config{}, HeapBackend, Visiting>;

TEST_F(ReentrantCall, FromAVisitorIsRefusedAndStillIsAfterAVisitWithinTheVisit) {
  HeapBackend backend;
  VisitedCache cache{backend};
  Block* const object = cache.alloc();
  cache.for_each_live([&](void*) {
    call_each_operation(cache, "in a visit");
    cache.for_each_live([&](void* one) { EXPECT_EQ(one, object); });
    call_each_operation(cache, "after a visit within it");
  });
  EXPECT_EQ(reports.size(), 12u);
  cache.free(object);
  EXPECT_EQ(reports.size(), 12u);
}

TEST_F(ReentrantCall, IsRefusedWithoutAWordWhileOneIsToldAlsoAfterAVisit) {
  HeapBackend backend;
  static VisitedCache* told;
  VisitedCache cache{backend};
  told = &cache;
  Block* const object = cache.alloc();
  Visiting::visit = [] {
    told->for_each_live([](void*) {});
    if (reports.size() < 5) EXPECT_EQ(told->alloc(), nullptr);
  };
  cache.for_each_live([&](void*) { EXPECT_EQ(cache.alloc(), nullptr); });
  Visiting::visit = nullptr;
  EXPECT_EQ(reports.size(), 1u);
  cache.free(object);
}

}  // namespace
