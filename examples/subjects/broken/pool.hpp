// A pool over chunks of memory, with a mistake to choose. Without one it is right.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include <slabproof/subject.hpp>

enum class PoolMistake {
  None,
  WordIntoSmallerSlot,  // the link of a free slot is 8 bytes, whatever the slot has
  OneBeyondTheLast,     // of a chunk
  ByteWraps,            // the count of live objects, by which a chunk is given back
  GrowsWithoutEnd,      // freed slots are forgotten
  LosesChunkOnFailure,  // when the second of two pieces of memory is refused
  LosesEveryThird,      // free, though the pool has memory for so many objects
};

/// `is_fixed`: it has a chunk of its own, and no other memory.
template <bool is_fixed, PoolMistake Mistake>
class ChunkPool {
 public:
  static constexpr std::size_t slots = Mistake == PoolMistake::ByteWraps ? 400 : 8;  // a chunk
  static constexpr slabproof::Abilities abilities{
      .accepts = {.most = 256, .max_align = 8}, .takes_memory = !is_fixed, .capacity = is_fixed ? slots : 0};

  ChunkPool(slabproof::Objects objects, slabproof::Memory memory)
    requires(!is_fixed)
      : memory_{memory}, stride_{stride_for(objects)} {}
  explicit ChunkPool(slabproof::Objects objects)
    requires is_fixed
      : stride_{stride_for(objects)} {
    carve(own_);
  }
  ~ChunkPool() {
    while (chunks_) give_back();
  }

  void* alloc() {
    if (!free_ && !grow()) return nullptr;
    void* const slot = free_;
    std::memcpy(&free_, slot, sizeof free_);
    ++live_;
    return slot;
  }

  void free(void* object) {
    --live_;
    if (Mistake == PoolMistake::LosesEveryThird && ++frees_ % 3 == 0) return;
    if (Mistake == PoolMistake::ByteWraps && live_ == 0) {  // so no chunk is needed any more
      while (chunks_) give_back();
      free_ = nullptr;
      return;
    }
    if (Mistake == PoolMistake::GrowsWithoutEnd) return;
    push(object);
  }

 private:
  struct Chunk {
    Chunk* next;
    void* memory;
  };
  using Count = std::conditional_t<Mistake == PoolMistake::ByteWraps, std::uint8_t, std::size_t>;

  static std::size_t stride_for(slabproof::Objects objects) {
    const std::size_t least = Mistake == PoolMistake::WordIntoSmallerSlot ? 1 : sizeof(void*);
    return (std::max(objects.size, least) + objects.align - 1) / objects.align * objects.align;
  }
  bool grow() {
    auto* const chunk = static_cast<Chunk*>(memory_.take(sizeof(Chunk)));
    if (!chunk) return false;
    chunk->memory = memory_.take(slots * stride_);
    if (!chunk->memory) {
      if (Mistake != PoolMistake::LosesChunkOnFailure) memory_.give(chunk);
      return false;
    }
    chunk->next = chunks_;
    chunks_ = chunk;
    carve(chunk->memory);
    return true;
  }
  void carve(void* memory) {
    const std::size_t count = slots + (Mistake == PoolMistake::OneBeyondTheLast);
    for (std::size_t i = count; i-- > 0;) push(static_cast<std::byte*>(memory) + i * stride_);
  }
  void push(void* slot) {
    std::memcpy(slot, &free_, sizeof free_);
    free_ = slot;
  }
  void give_back() {
    Chunk* const chunk = chunks_;
    chunks_ = chunk->next;
    memory_.give(chunk->memory);
    memory_.give(chunk);
  }

  struct NoMemory {
    static void* take(std::size_t) { return nullptr; }
    static void give(void*) {}
  };
  [[no_unique_address]] std::conditional_t<is_fixed, NoMemory, slabproof::Memory> memory_;
  std::size_t stride_;
  void* free_ = nullptr;
  Chunk* chunks_ = nullptr;
  Count live_ = 0;
  unsigned frees_ = 0;
  alignas(8) std::byte own_[is_fixed ? slots * 264 : 1];
};
template <PoolMistake Mistake>
using Pool = ChunkPool<false, Mistake>;
template <PoolMistake Mistake>
using FixedPool = ChunkPool<true, Mistake>;
