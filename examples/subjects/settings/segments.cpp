#include <cstddef>
#include <cstdint>
#include <string_view>

#include "settings/named.hpp"

#if __cplusplus < 202002L || !defined(__STRICT_ANSI__) || !defined(NDEBUG) || !defined(__OPTIMIZE__)
#error "the standard, or CMAKE_BUILD_TYPE"
#endif
#if IN_FLAGS != 2 || !defined(IN_FLAGS_OF_RELEASE) || !defined(IN_CXX_ALONE) || !defined(IN_FOLDER)
#error "CMAKE_CXX_FLAGS, or add_compile_definitions()"
#endif
#if !defined(BY_XCLANG) || !defined(BY_XCLANG_TOO) || !defined(OF_LIBRARY) || !defined(OF_TARGET) || !defined(OF_FILE)
#error "add_compile_options(), or target_compile_definitions()"
#endif
static_assert(std::string_view{WORDS} == "a, b' c");

extern "C" {
extern int counted;
int told(void);
void in_linker_flags(void), in_link_options(void);
}
extern int segments_given;

enum class Mistake { None, ForgetsEveryFourth };

// An object has a segment of 1 MiB, of whose address it is known.
template <Mistake mistake>
class Segments {
 public:
  static constexpr slabproof::Abilities abilities{.sizes = true, .accepts = {.max_align = 4096}, .takes_memory = true};

  explicit Segments(slabproof::Memory memory) : memory_{memory} {
    for (void (*const volatile linked)(void) : {in_linker_flags, in_link_options})
      counted += told() + (linked != nullptr);
  }

  void* allocate(std::size_t, std::size_t) {
    auto* const segment = static_cast<unsigned char*>(memory_.take(segment_size, segment_size));
    return segment ? segment + header : nullptr;
  }
  void free(void* object) {
    const auto segment = reinterpret_cast<std::uintptr_t>(object) & ~(segment_size - 1);
    if (mistake == Mistake::ForgetsEveryFourth && segment / segment_size % 4 == 0) return;
    memory_.give(reinterpret_cast<void*>(segment));
    ++segments_given;
  }

 private:
  static constexpr std::size_t segment_size = std::size_t{1} << 20, header = 4096;

  slabproof::Memory memory_;
};
JUDGED(Segments<Mistake::ForgetsEveryFourth>);
