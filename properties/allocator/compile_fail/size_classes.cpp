// A program that compiles as it is. compile_fail.cmake makes one mistake in its table of sizes at a time with a macro.
#include <cstddef>
#include <cstdint>

#include <slab/size_classes.hpp>

#ifndef SIZES
#define SIZES 16, 48, 96
#endif
#ifndef CLASS_OF
#define CLASS_OF sizes[i] < bytes
#endif
#ifndef BLOCK_SIZE
#define BLOCK_SIZE (size + page_size - 1) / page_size* page_size
#endif
#ifndef SLAB_SIZE
#define SLAB_SIZE 2 * page_size
#endif
#ifndef HAS_RUNS
#define HAS_RUNS static constexpr bool has_page_runs = false
#endif
#ifndef LACKING
#define LACKING nothing
#endif

struct Table {
  static constexpr std::size_t page_size = 4096, sizes[] = {SIZES}, count = sizeof sizes / sizeof sizes[0];
  static constexpr std::size_t size_of(std::size_t size_class) noexcept { return sizes[size_class]; }
  static constexpr std::size_t class_of(std::size_t bytes) noexcept {
    std::size_t i = 0;
    while (CLASS_OF) ++i;
    return i;
  }
  static constexpr std::size_t slab_size_for([[maybe_unused]] std::size_t size) noexcept { return SLAB_SIZE; }
  static constexpr std::size_t block_size_for([[maybe_unused]] std::size_t size) noexcept { return BLOCK_SIZE; }
};

struct Pages {
  HAS_RUNS;
  void* alloc_slab(std::size_t, std::size_t) noexcept;
  void free_slab(void*, std::size_t, std::size_t) noexcept;
  bool save_slab_info(std::uintptr_t, slab::SlabInfo*) noexcept;
  slab::SlabInfo* get_slab_info(std::uintptr_t) noexcept;
  void delete_slab_info(std::uintptr_t) noexcept;
};
struct Backend : Pages {
 private:
  void LACKING();
};

void use(Backend& backend) {
  slab::SizeClasses<Backend, Table> heap{backend};
  heap.free(heap.alloc(20), 20);
}
