// glibc's malloc, beside AddressSanitizer's, which has the usual names in this program.
#include <dlfcn.h>

#include <slabproof/subject.hpp>

/// A function of the library itself.
template <class F>
F* of_glibc(const char* name) {
  static void* const library = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
  return reinterpret_cast<F*>(dlsym(library, name));
}

class GlibcMalloc {
 public:
  static constexpr slabproof::Abilities abilities{.sizes = true,
                                                  .zeroed = true,
                                                  .resizes = true,
                                                  .usable_size = true,
                                                  .frees_null = true,
                                                  .accepts = {.max_align = 4096},
                                                  .align_of = [](std::size_t) { return std::size_t{16}; }};

  void* allocate(std::size_t size, std::size_t align) { return memalign_(align, size); }
  void* allocate_zeroed(std::size_t count, std::size_t size) { return calloc_(count, size); }
  void* reallocate(void* object, std::size_t size) { return realloc_(object, size); }
  std::size_t usable_size(void* object) { return usable_size_(object); }
  void free(void* object) { free_(object); }

 private:
  using Two = void*(std::size_t, std::size_t);
  static inline Two* const memalign_ = of_glibc<Two>("memalign");
  static inline Two* const calloc_ = of_glibc<Two>("calloc");
  static inline auto* const realloc_ = of_glibc<void*(void*, std::size_t)>("realloc");
  static inline auto* const usable_size_ = of_glibc<std::size_t(void*)>("malloc_usable_size");
  static inline auto* const free_ = of_glibc<void(void*)>("free");
};
SLABPROOF_SUBJECT(GlibcMalloc);
