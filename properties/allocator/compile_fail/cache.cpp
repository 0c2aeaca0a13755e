// A program that compiles as it is. compile_fail.cmake makes one mistake at a time with a macro and says which sentence
// the compiler must refuse it with.
#include <cstddef>
#include <cstdint>
#include <utility>

#include <slab/slab.hpp>

#ifndef SLAB_SIZE
#define SLAB_SIZE 8192
#endif
#ifndef PAGE_SIZE
#define PAGE_SIZE 4096
#endif
#ifndef TYPE
#define TYPE slab::ObjectSizeType::Small
#endif
#ifndef OBJECT_SIZE
#define OBJECT_SIZE 64
#endif
#ifndef OBJECT_ALIGN
#define OBJECT_ALIGN 8
#endif
#ifndef LACKING
#define LACKING nothing
#endif
#ifndef MAY_THROW
#define MAY_THROW noexcept
#endif

struct Everything {
  void* alloc_slab(std::size_t, std::size_t) noexcept { return nullptr; }
  void free_slab(void*, std::size_t, std::size_t) noexcept {}
  bool save_slab_info(std::uintptr_t, slab::SlabInfo*) MAY_THROW { return false; }
  slab::SlabInfo* get_slab_info(std::uintptr_t) noexcept { return nullptr; }
  void delete_slab_info(std::uintptr_t) noexcept {}
  void* alloc_slab_info(std::size_t) noexcept { return nullptr; }
  void free_slab_info(void*, std::size_t) noexcept {}
};
#ifndef CAN_MAKE_SLABS
#define CAN_MAKE_SLABS \
  bool can_make_slabs(const slab::Geometry&, std::size_t) noexcept { return true; }
#endif

struct Backend : Everything {
  CAN_MAKE_SLABS
  void LACKING() = delete;  // hides the function of that name
};
#ifdef ON_MISUSE
struct Policy : slab::Checked {
  static void on_misuse(const slab::MisuseReport&) ON_MISUSE {}
};
#elif defined(RED_ZONE_OF)
struct Policy : RED_ZONE_OF {
  static constexpr std::size_t red_zone_bytes = RED_ZONE_BYTES;
};
#else
using Policy = slab::Checked;
#endif
struct alignas(OBJECT_ALIGN) Object {
  unsigned char bytes[OBJECT_SIZE];
};

void use(Backend& backend) {
#ifdef DYNAMIC
  const auto geometry = slab::Geometry::make(8192, 4096, slab::ObjectSizeType::Large, 64, 8).value();
  slab::DynamicCache<slab::Row::Large, Backend, Policy> cache{geometry, backend};
#else
  slab::Cache<Object, slab::Config{SLAB_SIZE, PAGE_SIZE, TYPE}, Backend, Policy> cache{backend};
#endif
  cache.free(cache.alloc());
#ifdef COPY
  auto copy = cache;
#endif
#ifdef MOVE
  auto moved = std::move(cache);
#endif
}
