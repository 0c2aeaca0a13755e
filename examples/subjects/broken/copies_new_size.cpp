// A heap that takes a block for each object, and keeps its size before it. reallocate copies as many bytes as are asked
// for, not as many as there are; without that mistake it is right.
#include <algorithm>
#include <cstddef>
#include <cstring>

#include <slabproof/subject.hpp>

enum class CopyMistake { None, CopiesNewSize };

template <CopyMistake Mistake>
class BlockForEach {
 public:
  static constexpr slabproof::Abilities abilities{
      .sizes = true, .resizes = true, .accepts = {.max_align = 16}, .takes_memory = true};

  explicit BlockForEach(slabproof::Memory memory) : memory_{memory} {}
  void* allocate(std::size_t size, std::size_t) {
    auto* const header = static_cast<Header*>(memory_.take(sizeof(Header) + size, alignof(Header)));
    if (!header) return nullptr;
    header->size = size;
    return header + 1;
  }
  void free(void* object) { memory_.give(static_cast<Header*>(object) - 1); }
  void* reallocate(void* object, std::size_t size) {
    void* const other = allocate(size, 1);
    if (!other) return nullptr;
    const std::size_t before = (static_cast<Header*>(object) - 1)->size;
    std::memcpy(other, object, Mistake == CopyMistake::CopiesNewSize ? size : std::min(before, size));
    free(object);
    return other;
  }

 private:
  struct alignas(16) Header {
    std::size_t size;
  };
  slabproof::Memory memory_;
};
SLABPROOF_SUBJECT(BlockForEach<CopyMistake::CopiesNewSize>);
