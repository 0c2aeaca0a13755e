// A heap that takes a block for each object. reallocate copies as many bytes as are asked for, not as many as there
// are.
#include <cstring>

#include <slabproof/subject.hpp>

class BlockForEach {
 public:
  static constexpr slabproof::Abilities abilities{
      .sizes = true, .resizes = true, .accepts = {.max_align = 16}, .takes_memory = true};

  explicit BlockForEach(slabproof::Memory memory) : memory_{memory} {}
  void* allocate(std::size_t size, std::size_t) { return memory_.take(size, 16); }
  void free(void* object) { memory_.give(object); }
  void* reallocate(void* object, std::size_t size) {
    void* const other = memory_.take(size, 16);
    if (!other) return nullptr;
    std::memcpy(other, object, size);
    memory_.give(object);
    return other;
  }

 private:
  slabproof::Memory memory_;
};
SLABPROOF_SUBJECT(BlockForEach);
