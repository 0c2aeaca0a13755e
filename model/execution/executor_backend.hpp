#pragma once

#include <cstddef>
#include <cstdint>

#include <slab/backend.hpp>

#include "model/execution/arena_layout.hpp"
#include "model/execution/block_places.hpp"
#include "model/execution/event_log.hpp"
#include "model/execution/injection.hpp"

namespace slabproof {

/// Blocks of a part of the arena, as Region hands them out, without a library and with nothing to find a stray write
/// by.
class ExecutorRegion {
 public:
  ExecutorRegion(std::uintptr_t begin, std::size_t size) : where_{begin, size} {}
  void reset(const BackendSpec& spec) {
    where_.reset(spec);
    count_ = 0;
  }
  [[nodiscard]] std::uintptr_t take(std::size_t size, std::size_t align) {
    const std::size_t at = where_.reused(count_, [&](std::size_t number) {
      return returned_[number].size == size && returned_[number].begin % align == 0;
    });
    std::uintptr_t block = 0;
    if (at < count_) {
      block = returned_[at].begin;
      --count_;
      for (std::size_t i = at; i < count_; ++i) returned_[i] = returned_[i + 1];
    } else {
      block = where_.fresh(size, align);
    }
    if (block == 0) return 0;
    __builtin_memset(reinterpret_cast<void*>(block), junk, size);
    (void)where_.random();
    return block;
  }
  /// False: there is no room to remember it.
  [[nodiscard]] bool give(std::uintptr_t block, std::size_t size) {
    if (where_.spec().reuse == Reuse::Never) return true;
    if (count_ == most_returned) return false;
    returned_[count_++] = {block, size};
    return true;
  }

 private:
  static constexpr std::size_t most_returned = 4 * max_slabs;
  static constexpr int junk = 0xD5;
  struct Block {
    std::uintptr_t begin;
    std::size_t size;
  };

  BlockPlaces where_;
  Block returned_[most_returned];
  std::size_t count_ = 0;
};

/// A backend that does what RecordingBackend does where a cache is right and no program makes it err, and writes the
/// same event log. Judges nothing.
class ExecutorBackend {
 public:
  ExecutorBackend(const ArenaLayout& arena, std::uint8_t index, EventLog& log)
      : arena_{arena},
        index_{index},
        log_{log},
        slabs_{arena.slabs(index), ArenaLayout::slab_region},
        infos_{arena.infos(index), ArenaLayout::info_region} {}

  void reset(const BackendSpec& spec) {
    slabs_.reset(spec);
    infos_.reset(spec);
    for (std::uintptr_t& info : info_of_page_) info = 0;
    injection_.disarm();
    slab_count_ = 0;
    is_out_of_room_ = false;
  }
  void fail(const Operation& operation) { injection_.arm(operation); }
  void recover() { injection_.disarm(); }
  /// A cache is told to free, and may look up whose object that is. Any other look-up is of a slab that is being made.
  void set_freeing(bool is_freeing) { is_freeing_ = is_freeing; }
  /// More blocks came back than it can remember: from here on, it hands out others than RecordingBackend.
  [[nodiscard]] bool is_out_of_room() const { return is_out_of_room_; }

  void* alloc_slab(std::size_t slab_size, std::size_t page_size) noexcept {
    log_.called(BackendCall::AllocSlab, index_, slab_size, page_size);
    const Injection::Outcome outcome = injection_.outcome_of(FailingCall::AllocSlab);
    if (outcome == Injection::Outcome::Refuse || slab_count_ >= max_slabs) return nullptr;
    const bool misaligned = outcome == Injection::Outcome::Misalign;
    const std::uintptr_t block = slabs_.take(misaligned ? 2 * slab_size : slab_size, page_size);
    if (block == 0) return nullptr;
    ++slab_count_;
    const std::uintptr_t slab = misaligned ? block + page_size / 2 : block;
    log_.slab_given(arena_.relative(slab));
    return reinterpret_cast<void*>(slab);
  }
  bool can_make_slabs(const slab::Geometry&, std::size_t count) noexcept { return count <= max_slabs - slab_count_; }
  void free_slab(void* slab, std::size_t slab_size, std::size_t page_size) noexcept {
    const auto begin = reinterpret_cast<std::uintptr_t>(slab);
    log_.called(BackendCall::FreeSlab, index_, arena_.relative(begin), 0);
    const bool misaligned = begin % page_size != 0;
    note(misaligned ? slabs_.give(begin - page_size / 2, 2 * slab_size) : slabs_.give(begin, slab_size));
    --slab_count_;
  }
  bool save_slab_info(std::uintptr_t page_addr, slab::SlabInfo* info) noexcept {
    const auto saved = reinterpret_cast<std::uintptr_t>(info);
    log_.called(BackendCall::SaveSlabInfo, index_, arena_.relative(page_addr), arena_.relative(saved));
    if (injection_.outcome_of(FailingCall::SaveSlabInfo) == Injection::Outcome::Refuse) return false;
    entry(page_addr) = saved;
    return true;
  }
  slab::SlabInfo* get_slab_info(std::uintptr_t page_addr) noexcept {
    if (is_freeing_) log_.called(BackendCall::GetSlabInfo, index_, arena_.relative(page_addr), 0);
    return reinterpret_cast<slab::SlabInfo*>(entry(page_addr));
  }
  void delete_slab_info(std::uintptr_t page_addr) noexcept {
    log_.called(BackendCall::DeleteSlabInfo, index_, arena_.relative(page_addr), 0);
    entry(page_addr) = 0;
  }
  void* alloc_slab_info(std::size_t size) noexcept {
    log_.called(BackendCall::AllocSlabInfo, index_, size, 0);
    const Injection::Outcome outcome = injection_.outcome_of(FailingCall::AllocSlabInfo);
    if (outcome == Injection::Outcome::Refuse) return nullptr;
    const std::size_t off = outcome == Injection::Outcome::Misalign ? 4 : 0;
    const std::uintptr_t block = infos_.take(size + 2 * off, 8);
    if (block == 0) return nullptr;
    log_.slab_info_given(arena_.relative(block + off));
    return reinterpret_cast<void*>(block + off);
  }
  void free_slab_info(void* info, std::size_t size) noexcept {
    const auto begin = reinterpret_cast<std::uintptr_t>(info);
    log_.called(BackendCall::FreeSlabInfo, index_, arena_.relative(begin), size);
    const std::size_t off = begin % 8;
    note(infos_.give(begin - off, size + 2 * off));
  }

 private:
  void note(bool has_room) { is_out_of_room_ = is_out_of_room_ || !has_room; }
  [[nodiscard]] std::uintptr_t& entry(std::uintptr_t page_addr) {
    const std::uintptr_t offset = page_addr - arena_.slabs(index_);
    return offset < ArenaLayout::slab_region ? info_of_page_[offset / slab::Geometry::min_page_size] : nowhere_ = 0;
  }

  const ArenaLayout& arena_;
  std::uint8_t index_;
  EventLog& log_;
  ExecutorRegion slabs_, infos_;
  std::uintptr_t info_of_page_[ArenaLayout::slab_region / slab::Geometry::min_page_size];
  std::uintptr_t nowhere_ = 0;
  Injection injection_;
  std::size_t slab_count_ = 0;
  bool is_freeing_ = false, is_out_of_room_ = false;
};

}  // namespace slabproof
