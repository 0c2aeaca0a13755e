#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <type_traits>
#include <utility>

#include <slab/slab.hpp>

// A cache, its backend and its objects in one piece of memory, which a test can copy and put back.

namespace properties {

/// What on_misuse was told.
struct Reports {
  std::size_t reentrant, interior, double_free, live, damaged, others;
  const void* freed_by;  // in the last DoubleFree
};
inline Reports* reports = nullptr;

struct Counting : slab::Checked {
  static void on_misuse(const slab::MisuseReport& report) noexcept {
    switch (report.kind) {
      case slab::Misuse::ReentrantCall: ++reports->reentrant; break;
      case slab::Misuse::InteriorPointer: ++reports->interior; break;
      case slab::Misuse::DoubleFree: ++reports->double_free, reports->freed_by = report.freed_by; break;
      case slab::Misuse::LiveAtDestruction: ++reports->live; break;
      case slab::Misuse::CorruptedSlabInfo: ++reports->damaged; break;
      default: ++reports->others;
    }
  }
};

struct CountingAndWaiting : Counting {
  static constexpr std::size_t quarantine_objects = 4;
  static constexpr bool track_callers = true;
};

inline constexpr std::size_t objects = 5;  // a slab
inline constexpr std::size_t page_size = 256, slabs_of_backend = 12, most_objects = 100;

/// Slabs, SlabInfos and a map, all within itself.
struct Backend {
  void* alloc_slab(std::size_t size, std::size_t) noexcept {
    for (std::size_t i = 0; i < slabs_of_backend; ++i)
      if (!used[i]) return used[i] = true, ++outstanding, slabs + i * size;
    return nullptr;
  }
  /// Wipes it, so that it is seen when somebody reads it later.
  void free_slab(void* slab, std::size_t size, std::size_t) noexcept {
    std::memset(slab, 0, size);
    used[(static_cast<std::byte*>(slab) - slabs) / static_cast<std::ptrdiff_t>(size)] = false;
    --outstanding;
  }
  bool save_slab_info(std::uintptr_t page, slab::SlabInfo* info) noexcept { return map[page_of(page)] = info, true; }
  slab::SlabInfo* get_slab_info(std::uintptr_t page) noexcept { return map[page_of(page)]; }
  void delete_slab_info(std::uintptr_t page) noexcept { map[page_of(page)] = nullptr; }
  void* alloc_slab_info(std::size_t) noexcept {
    for (Info& info : infos)
      if (!info.used) return info.used = true, info.bytes;
    return nullptr;
  }
  void free_slab_info(void* info, std::size_t) noexcept {
    for (Info& one : infos)
      if (one.bytes == info) one.used = false;
  }
  std::size_t page_of(std::uintptr_t page) const {
    return (page - reinterpret_cast<std::uintptr_t>(slabs)) / page_size % pages;
  }

  static constexpr std::size_t pages = 2 * slabs_of_backend;
  struct Info {
    alignas(8) std::byte bytes[80];
    bool used;
  };
  alignas(page_size) std::byte slabs[pages * page_size];
  Info infos[slabs_of_backend];
  slab::SlabInfo* map[pages];
  bool used[slabs_of_backend];
  std::size_t outstanding;
};

template <std::size_t Size>
struct Object {
  alignas(8) std::byte bytes[Size];
};
struct SmallSinglePage {
  static constexpr const char* name = "SmallSinglePage";
  using C = slab::Cache<Object<32>, slab::Config{page_size, page_size}, Backend, Counting>;
};
struct SmallMultiPage {
  static constexpr const char* name = "SmallMultiPage";
  using C = slab::Cache<Object<80>, slab::Config{2 * page_size, page_size}, Backend, Counting>;
};
struct Large {
  static constexpr const char* name = "Large";
  using C =
      slab::Cache<Object<96>, slab::Config{2 * page_size, page_size, slab::ObjectSizeType::Large}, Backend, Counting>;
};

struct Guarded {
  static constexpr const char* name = "SmallSinglePage with a quarantine";
  using C = slab::Cache<Object<16>, slab::Config{page_size, page_size}, Backend, CountingAndWaiting>;
};

/// A cache, its backend and its objects.
template <class Row>
struct World {
  using C = typename Row::C;
  using T = std::remove_pointer_t<decltype(std::declval<C&>().alloc())>;

  C& cache() { return *std::launder(reinterpret_cast<C*>(cache_bytes)); }
  void begin() {
    std::memset(static_cast<void*>(this), 0, sizeof *this);
    ::new (static_cast<void*>(cache_bytes)) C{backend};
    reports = &told;
  }
  /// Notes an object that was handed out. False: somebody has it.
  bool add(T* object) {
    for (std::size_t i = 0; i < count; ++i)
      if (live[i] == object) return false;
    return live[count++] = object, true;
  }
  void take(std::size_t n) {
    while (n-- > 0)
      if (T* const object = cache().alloc(); !object || !add(object)) std::abort();
  }
  T* remove(std::size_t index) {
    T* const object = live[index];
    live[index] = live[--count];
    return object;
  }
  void give_back(std::size_t first, std::size_t n) {
    while (n-- > 0) cache().free(remove(first + n));
  }
  /// Overwrites a byte of the SlabInfo of the slab that the backend gave then.
  void damage_slab(std::size_t index) {
    const auto& geometry = cache().geometry();
    std::byte* const end = geometry.row() == slab::Row::Large ? backend.infos[index].bytes + geometry.slab_info_size()
                                                              : backend.slabs + (index + 1) * geometry.slab_size();
    end[-60] ^= std::byte{1};
  }

  Backend backend;
  alignas(C) std::byte cache_bytes[sizeof(C)];
  Reports told;
  T* live[most_objects];
  std::size_t count;
  // Of the operation.
  T* handled;  // what it frees, or was given
  std::size_t result;
  // Of the call that interrupted it.
  bool is_refused;
};

}  // namespace properties
