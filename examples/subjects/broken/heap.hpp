// A first-fit heap over one piece of memory, with a mistake to choose. Without one it is right. A block is a header and
// its bytes; free neighbours are joined when a block is freed. Sources: Knuth, The Art of Computer Programming, 2.5.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include <slabproof/subject.hpp>

enum class HeapMistake {
  None,
  ForgetsFence,  // the word behind the bytes is not counted when a block is split
  StalePosition,  // where the search goes on from is not moved when that block is joined with the one before
  JoinsLiveNeighbour,  // the block behind is taken for free
  LowersAlignment,  // to that of every block, without a word
  MultipliesBlindly,  // count and size, in allocate_zeroed
  SearchesForEver,  // for a block large enough, around the ring
};

template <HeapMistake Mistake>
class Heap {
 public:
  static constexpr slabproof::Abilities abilities{
      .sizes = true,
      .zeroed = true,
      .resizes = true,
      .instances = 1,  // its memory is a global
      .accepts = {.most = 4096, .max_align = 64},
      .align_of = [](std::size_t) { return std::size_t{16}; },
      .names_globals = true,
  };

  Heap() {
    first_ = reinterpret_cast<Block*>(memory_);
    *first_ = {sizeof memory_, 0};
    position_ = first_;
    end_ = memory_ + sizeof memory_;
  }

  void* allocate(std::size_t size, std::size_t align) {
    if (align > 16 && Mistake != HeapMistake::LowersAlignment) size += align;  // room to move the object up
    const std::size_t needed = round_up(sizeof(Block) + size + fence_size);
    Block* const from = position_;
    for (Block* block = from;;) {
      if (!block->is_live && block->size >= needed) return hand_out(block, needed, align);
      block = next_of(block) ? next_of(block) : first_;
      if (block == from && Mistake != HeapMistake::SearchesForEver) return nullptr;
    }
  }

  void* allocate_zeroed(std::size_t count, std::size_t size) {
    if (Mistake != HeapMistake::MultipliesBlindly && size != 0 && count > sizeof memory_ / size) return nullptr;
    void* const object = allocate(count * size, 1);
    if (object) std::memset(object, 0, count * size);
    return object;
  }

  void* reallocate(void* object, std::size_t size) {
    Block* const block = block_of(object);
    const std::size_t bytes = static_cast<std::size_t>(end_of(block) - static_cast<std::byte*>(object)) - fence_size;
    if (size <= bytes) return object;
    void* const larger = allocate(size, 1);
    if (!larger) return nullptr;
    std::memcpy(larger, object, bytes);
    free(object);
    return larger;
  }

  static std::array<std::span<std::byte>, 1> globals() { return {memory_}; }

  void free(void* object) {
    Block* block = block_of(object);
    block->is_live = 0;
    if (Block* const behind = next_of(block); behind && (!behind->is_live || is_joined_anyway(behind)))
      join(block, behind);
    for (Block* before = first_; before != block; before = next_of(before))
      if (!before->is_live && next_of(before) == block) {
        join(before, block);
        break;
      }
  }

 private:
  struct alignas(16) Block {
    std::size_t size;  // with this header
    std::size_t is_live;
  };
  static constexpr std::size_t fence_size = 8, largest = 1 << 16;

  static constexpr std::size_t round_up(std::size_t size) { return (size + 15) / 16 * 16; }
  static std::byte* end_of(Block* block) { return reinterpret_cast<std::byte*>(block) + block->size; }
  Block* next_of(Block* block) const {
    return end_of(block) == end_ ? nullptr : reinterpret_cast<Block*>(end_of(block));
  }
  bool is_joined_anyway(Block* behind) const {
    return Mistake == HeapMistake::JoinsLiveNeighbour && behind->size == 32;
  }

  void* hand_out(Block* block, std::size_t needed, std::size_t align) {
    const std::size_t kept = Mistake == HeapMistake::ForgetsFence ? needed - 16 : needed;
    if (block->size >= needed + 64) {
      auto* const rest = reinterpret_cast<Block*>(reinterpret_cast<std::byte*>(block) + kept);
      *rest = {block->size - kept, 0};
      block->size = kept;
    }
    block->is_live = 1;
    position_ = block;
    auto* object = reinterpret_cast<std::byte*>(block + 1);
    if (align > 16 && Mistake != HeapMistake::LowersAlignment)
      while (reinterpret_cast<std::uintptr_t>(object) % align != 0) object += 16;
    return object;
  }
  /// The last block that begins before the object: it may have been moved up for its alignment.
  Block* block_of(void* object) const {
    Block* block = first_;
    while (next_of(block) && reinterpret_cast<std::byte*>(next_of(block)) < object) block = next_of(block);
    return block;
  }
  void join(Block* block, Block* behind) {
    if (position_ == behind && Mistake != HeapMistake::StalePosition) position_ = block;
    block->size += behind->size;
  }

  Block *first_, *position_;
  std::byte* end_;
  alignas(64) static inline std::byte memory_[largest];
};
