// An arena that hands out bytes one after another, and frees them all at once by reset() or when it is destroyed.
#include <cstddef>
#include <cstdint>

#include <slabproof/subject.hpp>

class BumpArena {
 public:
  static constexpr slabproof::Abilities abilities{.sizes = true,
                                                  .owns_live_objects = true,
                                                  .accepts = {.max_align = 64},
                                                  .takes_memory = true,
                                                  .reuses_memory = false,
                                                  .resets = true};

  explicit BumpArena(slabproof::Memory memory) : memory_{memory} {}
  ~BumpArena() { reset(); }
  void reset() {
    next_ = end_ = 0;
    while (last_) {
      Chunk* const chunk = last_;
      last_ = chunk->before;
      memory_.give(chunk);
    }
  }
  void* allocate(std::size_t size, std::size_t align) {
    std::uintptr_t object = (next_ + align - 1) & ~(align - 1);
    if (!last_ || object > end_ || size > end_ - object) {
      const std::size_t bytes = sizeof(Chunk) + align + (size > least_bytes ? size : least_bytes);
      auto* const chunk = static_cast<Chunk*>(memory_.take(bytes));
      if (!chunk) return nullptr;
      chunk->before = last_;
      last_ = chunk;
      end_ = reinterpret_cast<std::uintptr_t>(chunk) + bytes;
      object = (reinterpret_cast<std::uintptr_t>(chunk + 1) + align - 1) & ~(align - 1);
    }
    next_ = object + size;
    return reinterpret_cast<void*>(object);
  }
  void free(void*) {}

 private:
  struct Chunk {
    Chunk* before;
  };
  static constexpr std::size_t least_bytes = 4000;
  slabproof::Memory memory_;
  Chunk* last_ = nullptr;
  std::uintptr_t next_ = 0, end_ = 0;
};
SLABPROOF_SUBJECT(BumpArena);
