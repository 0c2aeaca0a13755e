// Two-level segregated fit over chunks of memory: allocate() and free() take the same time whatever lives in them.
// Source: Masmano, Ripoll, Crespo and Real, "TLSF: a new dynamic memory allocator for real-time systems", ECRTS 2004.
//
//     block                 the object, or of a free block             the next block
//     | before | head       | next | previous | …                      | before | head      |
//                           |←──────────── total - 8 bytes ────────────────────→|
//
// `before` is the last word of the block before, which lends it while it is free. Free blocks lie in lists by their
// totals: a first level by powers of two, each cut into 16 parts, and a bit for each list and level that has a block.
// No two free neighbours remain, and a chunk that is one free block goes back.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <slabproof/subject.hpp>

// Each was made in a TLSF that others use.
enum class TlsfMistake {
  None,
  ForgetsLeastTotal,   // the links of a small block that is freed reach into the next (Odin, pull request 4820)
  GrowsUnrounded,      // to what is needed, which the search rounds up (AssemblyScript, pull request 706)
  KeepsOldFlags,       // of a block that is moved, from before the move (AssemblyScript, pull request 1060)
  LinksIntoLiveBlock,  // `before` is written although the block before is live (tlsf-bsd, pull request 15)
};

template <TlsfMistake Mistake = TlsfMistake::None>
class Tlsf {
  static constexpr std::size_t unit = 16, least = 32, most = 20'000, parts = 16, least_log = 4, levels = 11;

 public:
  static constexpr slabproof::Abilities abilities{
      .sizes = true,
      .zeroed = true,
      .resizes = true,
      .usable_size = true,
      .owns_live_objects = true,
      .accepts = {.most = most, .max_align = 1024},
      .align_of = [](std::size_t) { return unit; },
      .takes_memory = true,
  };

  explicit Tlsf(slabproof::Memory memory) : memory_{memory} {}
  ~Tlsf() {
    while (chunks_) give_back(chunks_);
  }

  void* allocate(std::size_t size, std::size_t align) {
    if (size > most) return nullptr;
    const std::size_t total = total_for(size);
    const std::size_t needed = align <= unit ? total : total + align + unit;  // so that the object can be moved up
    Block* block = find(needed);
    if (!block && grow(Mistake == TlsfMistake::GrowsUnrounded ? needed : rounded(needed))) block = find(needed);
    if (!block) return nullptr;
    remove(block);
    block = moved_up(block, align);
    cut(block, total);
    return object_of(block);
  }

  void* allocate_zeroed(std::size_t count, std::size_t size) {
    if (size != 0 && count > most / size) return nullptr;
    void* const object = allocate(count * size, 1);
    if (object) std::memset(object, 0, count * size);
    return object;
  }

  void* reallocate(void* object, std::size_t size) {
    Block* const block = block_of(object);
    const std::size_t head = block->head, needed = total_for(size);
    Block* const behind = behind_of(block);
    if (total_of(block) < needed && behind->head & is_free && total_of(block) + total_of(behind) >= needed) {
      remove(behind);
      block->head += total_of(behind);
    }
    if (total_of(block) >= needed) return cut(block, needed), object;
    void* const larger = allocate(size, 1);
    if (!larger) return nullptr;
    std::memcpy(larger, object, usable_size(object));
    if (Mistake == TlsfMistake::KeepsOldFlags) block->head = head;
    free(object);
    return larger;
  }

  void free(void* object) { release(block_of(object)); }
  std::size_t usable_size(void* object) { return total_of(block_of(object)) - sizeof(std::size_t); }

 private:
  struct Block {
    Block* before;     // only where that is free
    std::size_t head;  // the total, and flags
    Block *next, *previous;
  };
  static_assert(sizeof(Block) == least);
  static constexpr std::size_t is_free = 1, follows_free = 2, is_first = 4, flags = unit - 1;

  // Before its first block. Behind its last is the head of one of no bytes, which is live.
  struct Chunk {
    Chunk *next, *previous;
  };
  static_assert(sizeof(Chunk) == unit);
  static constexpr std::size_t chunk_total = 4000;

  static std::size_t total_for(std::size_t size) {
    const std::size_t total = (size + sizeof(std::size_t) + unit - 1) / unit * unit;
    return Mistake == TlsfMistake::ForgetsLeastTotal ? total : std::max(total, least);
  }
  static std::size_t total_of(const Block* block) { return block->head & ~flags; }
  static Block* block_at(void* begin, std::ptrdiff_t offset) {
    return reinterpret_cast<Block*>(static_cast<std::byte*>(begin) + offset);
  }
  static Block* behind_of(Block* block) { return block_at(block, total_of(block)); }
  static Block* block_of(void* object) { return block_at(object, -std::ptrdiff_t{unit}); }
  static void* object_of(Block* block) { return block_at(block, unit); }

  struct List {
    std::size_t level, part;
  };
  static std::size_t log_of(std::size_t total) { return static_cast<std::size_t>(std::bit_width(total)) - 1; }
  static List list_of(std::size_t total) {
    return {log_of(total) - least_log, total >> (log_of(total) - least_log) & (parts - 1)};
  }
  /// Every block in the list of this total is as large as `total`.
  static std::size_t rounded(std::size_t total) {
    const std::size_t step = std::size_t{1} << (log_of(total) - least_log);
    return (total + step - 1) & ~(step - 1);
  }

  /// A free block of at least this total; null if there is none in lists where all are large enough.
  Block* find(std::size_t total) const {
    auto [level, part] = list_of(rounded(total));
    std::uint32_t found = has_block_[level] & ~std::uint32_t{0} << part;
    if (found == 0) {
      const std::uint32_t above = has_part_ & ~std::uint32_t{0} << (level + 1);
      if (above == 0) return nullptr;
      level = static_cast<std::size_t>(std::countr_zero(above));
      found = has_block_[level];
    }
    return lists_[level][std::countr_zero(found)];
  }
  void insert(Block* block) {
    block->head |= is_free;
    behind_of(block)->before = block;
    behind_of(block)->head |= follows_free;
    const auto [level, part] = list_of(total_of(block));
    Block*& first = lists_[level][part];
    block->next = first;
    block->previous = nullptr;
    if (first) first->previous = block;
    first = block;
    has_block_[level] |= std::uint32_t{1} << part;
    has_part_ |= std::uint32_t{1} << level;
  }
  void remove(Block* block) {
    block->head &= ~is_free;
    behind_of(block)->head &= ~follows_free;
    const auto [level, part] = list_of(total_of(block));
    (block->previous ? block->previous->next : lists_[level][part]) = block->next;
    if (block->next) block->next->previous = block->previous;
    if (lists_[level][part]) return;
    has_block_[level] &= ~(std::uint32_t{1} << part);
    if (has_block_[level] == 0) has_part_ &= ~(std::uint32_t{1} << level);
  }

  /// A live block is free from now on, in one with its free neighbours.
  void release(Block* block) {
    if (Block* const behind = behind_of(block); behind->head & is_free) {
      remove(behind);
      block->head += total_of(behind);
    }
    if (block->head & follows_free) {
      Block* const before = block->before;
      remove(before);
      before->head += total_of(block);
      block = before;
    }
    if (block->head & is_first && total_of(behind_of(block)) == 0)
      give_back(reinterpret_cast<Chunk*>(block) - 1);
    else
      insert(block);
  }
  /// Releases what a live block has beyond `total` bytes, where that makes a block.
  void cut(Block* block, std::size_t total) {
    if (total_of(block) < total + least) return;
    Block* const rest = block_at(block, total);
    rest->head = total_of(block) - total;
    if (Mistake == TlsfMistake::LinksIntoLiveBlock) rest->before = block;
    block->head -= total_of(rest);
    release(rest);
  }
  /// The block further up in this one whose object is aligned; what is before it is free.
  Block* moved_up(Block* block, std::size_t align) {
    std::size_t gap = -reinterpret_cast<std::uintptr_t>(object_of(block)) % align;
    if (gap == 0) return block;
    if (gap < least) gap += align;
    Block* const up = block_at(block, gap);
    up->head = total_of(block) - gap;
    block->head -= total_of(up);
    insert(block);
    return up;
  }

  bool grow(std::size_t needed) {
    const std::size_t total = std::max(needed, chunk_total);
    auto* const chunk = static_cast<Chunk*>(memory_.take(sizeof(Chunk) + total + unit, unit));
    if (!chunk) return false;
    *chunk = {chunks_, nullptr};
    if (chunks_) chunks_->previous = chunk;
    chunks_ = chunk;
    Block* const block = block_at(chunk, sizeof(Chunk));
    block->head = total | is_first;
    behind_of(block)->head = 0;
    insert(block);
    return true;
  }
  void give_back(Chunk* chunk) {
    (chunk->previous ? chunk->previous->next : chunks_) = chunk->next;
    if (chunk->next) chunk->next->previous = chunk->previous;
    memory_.give(chunk);
  }

  slabproof::Memory memory_;
  Chunk* chunks_ = nullptr;
  std::uint32_t has_part_ = 0;  // a bit a level
  std::uint32_t has_block_[levels] = {};  // of each level a bit a part
  Block* lists_[levels][parts] = {};
};
