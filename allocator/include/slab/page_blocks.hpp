#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>

#include <slab/backend.hpp>
#include <slab/cache_slabs.hpp>
#include <slab/poison.hpp>
#include <slab/slab_info.hpp>

namespace slab::detail {

/// What the map leads to from each page of a block. Its owner is PageBlocks::tag().
struct PageBlock : SlabInfo {
  std::size_t size = 0;  // what the backend was asked for, in bytes
};

/// Blocks that are too large for a slab, straight from the backend. `Headers` has memory for their PageBlocks: alloc()
/// and free().
template <class Backend, class Headers, class Policy>
class PageBlocks {
 public:
  explicit constexpr PageBlocks(Backend& backend) noexcept : backend_{&backend} {
    if (Policy::checks && !std::is_constant_evaluated()) incarnation_.take();
  }

  /// `size` bytes, a multiple of `page_size`; null when the backend refuses, and nothing has changed then. Pages that
  /// the map knows already are left alone and are then `given_before` (Checked). O(pages).
  [[nodiscard]] void* alloc(Headers& headers, std::size_t size, std::size_t page_size,
                            const void*& given_before) noexcept {
    void* const memory = headers.alloc();
    if (!memory) return nullptr;
    void* const pages = backend_->alloc_slab(size, page_size);
    if (!pages) return headers.free(memory), nullptr;
    if (Policy::checks && is_known(pages, size, page_size)) {
      headers.free(memory);
      given_before = pages;
      return nullptr;
    }
    PageBlock* const block = ::new (memory) PageBlock;
    if ((address(pages) & (page_size - 1)) != 0 || !save_pages(pages, size, page_size, *block)) {
      headers.free(memory);
      backend_->free_slab(pages, size, page_size);
      return nullptr;
    }
    block->owner = tag();
    block->slab = static_cast<std::byte*>(pages);
    block->size = size;
    bytes_ += size;
    if (++live_ > peak_) peak_ = live_;
    return pages;
  }

  /// The block that `info` belongs to; null if it is none of these.
  [[nodiscard]] PageBlock* block_of(SlabInfo* info) const noexcept {
    return info && load_unknown(&info->owner) == tag() ? static_cast<PageBlock*>(info) : nullptr;
  }

  /// Requires a block of these. O(pages).
  void free(Headers& headers, PageBlock& block, std::size_t page_size) noexcept {
    void* const pages = block.slab;
    const std::size_t size = block.size;
    block.owner = 0;
    --live_;
    bytes_ -= size;
    delete_pages(pages, size, page_size);
    headers.free(&block);
    backend_->free_slab(pages, size, page_size);
  }

  [[nodiscard]] std::size_t live() const noexcept { return live_; }
  [[nodiscard]] std::size_t peak() const noexcept { return peak_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

 private:
  [[nodiscard]] static std::uintptr_t address(const void* pointer) noexcept {
    return reinterpret_cast<std::uintptr_t>(pointer);
  }
  [[nodiscard]] std::uintptr_t tag() const noexcept { return incarnation_.tag_of(address(this)); }

  [[nodiscard]] bool is_known(const void* pages, std::size_t size, std::size_t page_size) noexcept {
    const std::uintptr_t first = address(pages) & ~std::uintptr_t{page_size - 1};
    for (std::size_t offset = 0; offset < size; offset += page_size)
      if (backend_->get_slab_info(first + offset)) return true;
    return false;
  }
  [[nodiscard]] bool save_pages(void* pages, std::size_t size, std::size_t page_size, PageBlock& block) noexcept {
    for (std::size_t offset = 0; offset < size; offset += page_size) {
      if (backend_->save_slab_info(address(pages) + offset, &block)) continue;
      delete_pages(pages, offset, page_size);
      return false;
    }
    return true;
  }
  void delete_pages(void* pages, std::size_t size, std::size_t page_size) noexcept {
    for (std::size_t offset = 0; offset < size; offset += page_size)
      backend_->delete_slab_info(address(pages) + offset);
  }

  Backend* backend_;
  std::size_t live_ = 0;
  std::size_t peak_ = 0;
  std::size_t bytes_ = 0;
  [[no_unique_address]] Incarnation<Policy::checks> incarnation_;
};

/// Where a table's slabs need no map there are no blocks.
struct NoBlocks {
  template <class Backend>
  explicit constexpr NoBlocks(Backend&) noexcept {}
};

}  // namespace slab::detail
