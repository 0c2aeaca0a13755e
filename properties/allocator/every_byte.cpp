// Asks the tool that this is compiled for about every byte of every slab, after every operation of caches of all rows,
// Checked, Unchecked and Debug. properties/allocator/poison.cmake compiles and runs it for each tool. usage: every_byte
//
// AddressSanitizer knows of each granule of 8 bytes how many of its first bytes are open. Slots, table and SlabInfo
// begin at multiples of 8, so every byte is told exactly. MemorySanitizer knows only which bytes have a value.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include <slab/slab.hpp>

#if defined(KASAN_RUNTIME)
#include "properties/allocator/kasan_runtime.hpp"
#endif
#if defined(SLAB_ASAN)
#include <sanitizer/asan_interface.h>
#elif defined(SLAB_MSAN)
#include <sanitizer/msan_interface.h>
#elif !defined(SLAB_VALGRIND)
#error "no tool that could be asked"
#endif

namespace {

/// What a byte is to everybody but the cache.
enum class Byte : std::uint8_t {
  Forbidden,
  Fresh,  // may be used, and has no value yet
  Written,  // may be used, and has one
  Own,  // of the table or of SlabInfo, which the cache itself reads and writes: open
};

const char* problem_of([[maybe_unused]] const std::byte* byte, [[maybe_unused]] Byte expected) {
#if defined(SLAB_ASAN)
  const bool is_open = __asan_address_is_poisoned(byte) == 0;
  if (is_open != (expected != Byte::Forbidden)) return is_open ? "it is open" : "it is forbidden";
#elif defined(SLAB_MSAN)
  const bool has_value = __msan_test_shadow(byte, 1) < 0;
  if (expected != Byte::Own && has_value != (expected == Byte::Written))
    return has_value ? "it has a value" : "it has no value";
#else
  unsigned char unknown_bits = 0;
  const bool is_open = VALGRIND_GET_VBITS(byte, &unknown_bits, 1) == 1;
  if (is_open != (expected != Byte::Forbidden)) return is_open ? "it is open" : "it is forbidden";
  const bool has_value = is_open && unknown_bits == 0;
  if (is_open && expected != Byte::Own && has_value != (expected == Byte::Written))
    return has_value ? "it has a value" : "it has no value";
#endif
  return nullptr;
}

/// Which bytes a forbidden one was among. All of them must have been seen.
enum class Place : std::uint8_t { Padding, TailWaste, FreedSlot, UncarvedSlot, SlabAtRest };
constexpr const char* names[] = {"padding", "tail waste", "a freed slot", "an uncarved slot", "an empty slab"};
std::array<std::size_t, std::size(names)> seen{};

enum class Slot : std::uint8_t { Uncarved, Freed, Fresh, Written };
struct Slab {
  std::byte* begin;
  std::vector<Slot> slots;
  std::size_t used = 0;
};

/// Hands out memory in which each byte has been written, and knows what must be true of it. Uses nothing of the C++
/// library that has code in a shared object, which MemorySanitizer would not see.
class Backend {
 public:
  Backend(const slab::Geometry& geometry, const char* policy) : geometry_{geometry}, policy_{policy} {}

  void* alloc_slab(std::size_t size, std::size_t page_size) noexcept {
    std::byte* const slab = take(returned_slabs_, size, page_size);
    slabs_.push_back({slab, std::vector<Slot>(geometry_.objects_per_slab())});
    return slab;
  }
  void free_slab(void* slab, std::size_t size, std::size_t) noexcept {
    auto* const begin = static_cast<std::byte*>(slab);
    for (std::size_t at = 0; at < size; ++at)
      require(begin, at, at < geometry_.slab_info_offset() ? Byte::Fresh : Byte::Own, "a slab given back");
    std::erase_if(slabs_, [&](const Slab& s) { return s.begin == begin; });
    returned_slabs_.push_back(begin);
    std::memset(slab, 0xDD, size);
  }
  bool save_slab_info(std::uintptr_t page_addr, slab::SlabInfo* info) noexcept {
    return pages_.push_back({page_addr, info}), true;
  }
  slab::SlabInfo* get_slab_info(std::uintptr_t page_addr) noexcept {
    for (const Page& page : pages_)
      if (page.address == page_addr) return page.info;
    return nullptr;
  }
  void delete_slab_info(std::uintptr_t page_addr) noexcept {
    std::erase_if(pages_, [&](const Page& page) { return page.address == page_addr; });
  }
  void* alloc_slab_info(std::size_t size) noexcept {
    infos_.push_back(take(returned_infos_, size, 8));
    return infos_.back();
  }
  void free_slab_info(void* info, std::size_t size) noexcept {
    auto* const begin = static_cast<std::byte*>(info);
    for (std::size_t at = 0; at < size; ++at) require(begin, at, Byte::Own, "a SlabInfo given back");
    std::erase(infos_, begin);
    returned_infos_.push_back(begin);
  }

  void handed_out(void* object) {
    Slab& slab = slab_of(object);
    Slot& slot = slot_of(slab, object);
    ++slab.used;
    slot = Slot::Fresh;
    check("an object was handed out");
    std::memset(object, 0x0B, geometry_.object_size());
    slot = Slot::Written;
  }
  /// Before the cache is told.
  void will_be_freed(void* object) {
    Slab& slab = slab_of(object);
    slot_of(slab, object) = Slot::Freed;
    --slab.used;
  }

  /// Asks about every byte.
  void check(const char* what) {
    after_ = what;
    for (const Slab& slab : slabs_)
      for (std::size_t at = 0; at < geometry_.slab_size(); ++at) check_byte(slab, at);
    for (const std::byte* const info : infos_)
      for (std::size_t at = 0; at < geometry_.slab_info_size(); ++at) require(info, at, Byte::Own, "SlabInfo");
  }
  [[nodiscard]] std::size_t slabs() const { return slabs_.size(); }

 private:
  struct Page {
    std::uintptr_t address;
    slab::SlabInfo* info;
  };
  Slab& slab_of(void* object) {
    for (Slab& slab : slabs_)
      if (std::size_t(static_cast<std::byte*>(object) - slab.begin) < geometry_.slab_size()) return slab;
    std::puts("an object outside every slab"), std::exit(1);
  }
  Slot& slot_of(Slab& slab, void* object) const {
    return slab.slots[std::size_t(static_cast<std::byte*>(object) - slab.begin) / geometry_.stride()];
  }

  void check_byte(const Slab& slab, std::size_t at) const {
    if (at >= geometry_.slab_info_offset()) return require(slab.begin, at, Byte::Own, "table or SlabInfo");
    const std::size_t index = at / geometry_.stride();
    const Slot slot = index < geometry_.objects_per_slab() ? slab.slots[index] : Slot::Uncarved;
    const bool is_live = slot >= Slot::Fresh;
    if (is_live && at % geometry_.stride() < geometry_.object_size())
      return require(slab.begin, at, slot == Slot::Written ? Byte::Written : Byte::Fresh, "an object");
    const Place place = index >= geometry_.objects_per_slab() ? Place::TailWaste
                        : is_live                             ? Place::Padding
                        : slab.used == 0                      ? Place::SlabAtRest
                        : slot == Slot::Freed                 ? Place::FreedSlot
                                                              : Place::UncarvedSlot;
    ++seen[static_cast<std::size_t>(place)];
    require(slab.begin, at, Byte::Forbidden, names[static_cast<std::size_t>(place)]);
  }

  void require(const std::byte* begin, std::size_t at, Byte expected, const char* where) const {
    const char* const problem = problem_of(begin + at, expected);
    if (!problem) return;
    std::printf("%s, %s, object_size %zu: after %s, byte %zu, of %s: %s\n", slab::to_string(geometry_.row()), policy_,
                geometry_.object_size(), after_, at, where, problem);
    std::exit(1);
  }

  static std::byte* take(std::vector<std::byte*>& returned, std::size_t size, std::size_t align) {
    alignas(4096) static std::byte memory[std::size_t{1} << 20];
    static std::size_t used = 0;
    if (!returned.empty()) {
      std::byte* const block = returned.back();
      returned.pop_back();
      std::memset(block, 0xA5, size);
      return block;
    }
    used = (used + align - 1) & ~(align - 1);
    if (used + size > sizeof memory) std::puts("no memory left"), std::exit(2);
    used += size;
    return static_cast<std::byte*>(std::memset(memory + used - size, 0xA5, size));
  }

  slab::Geometry geometry_;
  const char* policy_;
  const char* after_ = "nothing";
  std::vector<Slab> slabs_;
  std::vector<std::byte*> infos_, returned_slabs_, returned_infos_;
  std::vector<Page> pages_;
};

struct Checked : slab::Checked {
  static constexpr const char* name = "Checked";
  static void on_misuse(const slab::MisuseReport&) noexcept { ++reports; }
  static inline std::size_t reports = 0;
};
struct Unchecked : slab::Unchecked {
  static constexpr const char* name = "Unchecked";
};

struct Debug : slab::Debug {
  static constexpr const char* name = "Debug";
  static constexpr std::size_t red_zone_bytes = 5, quarantine_objects = 2;
  static void on_misuse(const slab::MisuseReport& report) noexcept { ::Checked::on_misuse(report); }
};

/// So that walk() is compiled once.
struct AnyCache {
  virtual ~AnyCache() = default;
  virtual void* alloc() = 0;
  virtual void free(void* object) = 0;
  virtual bool reserve(std::size_t n) = 0;
  virtual void shrink() = 0;
  virtual bool audit() = 0;
};
template <class Cache>
struct Wrapped final : AnyCache {
  explicit Wrapped(auto&&... arguments) : cache{arguments...} {}
  void* alloc() override { return cache.alloc(); }
  void free(void* object) override { cache.free(static_cast<decltype(cache.alloc())>(object)); }
  bool reserve(std::size_t n) override { return cache.reserve(n); }
  void shrink() override { cache.shrink(); }
  bool audit() override { return cache.audit(); }
  Cache cache;
};

[[noreturn]] void fail(const char* what) {
  std::puts(what);
  std::exit(1);
}

/// Goes through every state of a slab: new, partial, full, drained, at rest, given back, and left behind.
void walk(const slab::Geometry& geometry, Backend& backend, std::unique_ptr<AnyCache> cache, bool has_checks) {
  std::vector<std::byte*> objects;
  const auto alloc = [&](std::size_t n) {
    for (; n > 0; --n) backend.handed_out(objects.emplace_back(static_cast<std::byte*>(cache->alloc())));
  };
  const auto free = [&](std::size_t index) {
    backend.will_be_freed(objects[index]);
    cache->free(objects[index]);
    objects.erase(objects.begin() + static_cast<std::ptrdiff_t>(index));
    backend.check("an object was freed");
  };
  const std::size_t n = geometry.objects_per_slab();
  alloc(2 * n + 1);
  for (std::size_t i = 0; i < n + 1; ++i) free(i * 7 % objects.size());
  alloc(n / 2);
  if (!cache->audit()) fail("audit() is false");
  backend.check("the cache was audited");
  if (has_checks) {
    Checked::reports = 0;
    for (std::size_t offset = 1; offset < geometry.stride(); ++offset) cache->free(objects.front() + offset);
    if (Checked::reports != geometry.stride() - 1) fail("an interior pointer was not reported");
    backend.check("interior pointers were freed");
  }
  while (!objects.empty()) free(objects.size() * 3 / 7);
  if (!cache->reserve(3 * n) || backend.slabs() != 3) fail("3 slabs were not reserved");
  backend.check("slabs were reserved");
  alloc(n + 1);
  while (!objects.empty()) free(objects.size() / 2);
  cache->shrink();
  if (backend.slabs() != 0) fail("shrink left a slab");
  alloc(n + 1);
  if (n > 1) free(0);
  cache.reset();
  backend.check("the cache was destroyed");
}

template <class Policy, slab::Row R>
void walk_run_time(const slab::Geometry& geometry) {
  Backend backend{geometry, Policy::name};
  using Cache = slab::DynamicCache<R, Backend, Policy>;
  walk(geometry, backend, std::make_unique<Wrapped<Cache>>(geometry, backend), Policy::checks);
}

template <class Policy>
void walk_run_time(std::size_t object_size, std::size_t object_align) {
  using enum slab::ObjectSizeType;
  const auto geometry = [&](std::size_t page_size, slab::ObjectSizeType type) {
    return slab::Geometry::make<Policy>(256, page_size, type, object_size, object_align).value();
  };
  walk_run_time<Policy, slab::Row::SmallSinglePage>(geometry(256, Small));
  walk_run_time<Policy, slab::Row::SmallMultiPage>(geometry(128, Small));
  walk_run_time<Policy, slab::Row::Large>(geometry(128, Large));
}

template <class Policy, class T, std::size_t PageSize, slab::ObjectSizeType Type>
void walk_constant() {
  using Cache = slab::Cache<T, slab::Config{256, PageSize, Type}, Backend, Policy>;
  const auto geometry = slab::Geometry::make<Policy>(256, PageSize, Type, sizeof(T), alignof(T)).value();
  Backend backend{geometry, Policy::name};
  walk(geometry, backend, std::make_unique<Wrapped<Cache>>(backend), Policy::checks);
}

struct ThreeBytes {
  std::byte bytes[3];
};
struct Padded {
  alignas(4) std::byte bytes[100];
};

template <class Policy>
void walk_all() {
  for (const std::size_t size : {1, 3, 8, 17, 24, 56, 100}) walk_run_time<Policy>(size, 1);
  walk_run_time<Policy>(20, 32);
  using enum slab::ObjectSizeType;
  walk_constant<Policy, ThreeBytes, 256, Small>();
  walk_constant<Policy, Padded, 128, Small>();
  walk_constant<Policy, Padded, 128, Large>();
}

}  // namespace

int main() {
#if defined(KASAN_RUNTIME)
  start_shadow();
#endif
  walk_all<Checked>();
  walk_all<Unchecked>();
  walk_all<Debug>();
  for (std::size_t place = 0; place < seen.size(); ++place)
    if (seen[place] == 0) return std::printf("no byte of %s was seen\n", names[place]), 1;
#if defined(KASAN_RUNTIME)
  if (kasan_reports != 0) return std::printf("%zu accesses to forbidden bytes\n", kasan_reports), 1;
#endif
  std::puts("done");
}
