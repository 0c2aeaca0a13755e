#pragma once

#include <cstddef>
#include <cstdint>

#include <slab/locked.hpp>
#include <slab/slab.hpp>

#include "examples/kernel/caches/report.hpp"
#include "examples/kernel/machine/page_frames.hpp"

namespace kernel {

/// For SmallSinglePage: slabs, of page frames.
struct FrameBackend {
  void* alloc_slab(std::size_t slab_size, std::size_t page_size) noexcept {
    return page_frames.take(slab_size, page_size);
  }
  void free_slab(void* slab, std::size_t slab_size, std::size_t) noexcept { page_frames.give_back(slab, slab_size); }
};

/// For SmallMultiPage also a map, which is the array of page descriptors. `free` may ask about any address.
struct MappedBackend : FrameBackend {
  bool save_slab_info(std::uintptr_t page_addr, slab::SlabInfo* info) noexcept {
    PageDescriptor* const page = page_frames.descriptor_of(page_addr);
    if (page) page->slab_info = info;
    return page != nullptr;
  }
  slab::SlabInfo* get_slab_info(std::uintptr_t page_addr) noexcept {
    const PageDescriptor* const page = page_frames.descriptor_of(page_addr);
    return page ? page->slab_info : nullptr;
  }
  void delete_slab_info(std::uintptr_t page_addr) noexcept {
    page_frames.descriptor_of(page_addr)->slab_info = nullptr;
  }
};

/// Room for the SlabInfo of a slab of Large, enough for slabs of up to 64 objects.
struct SlabInfoRoom {
  alignas(8) std::byte bytes[128];
};
using SlabInfoRooms = slab::Locked<slab::Cache<SlabInfoRoom, slab::Config{}, FrameBackend, Panic>, SpinLock>;
extern constinit slab::Immortal<SlabInfoRooms> slab_info_rooms;

/// For Large also memory for SlabInfos, from a cache of the first row.
struct LargeBackend : MappedBackend {
  void* alloc_slab_info(std::size_t size) noexcept {
    return size <= sizeof(SlabInfoRoom) ? slab_info_rooms->alloc() : nullptr;
  }
  void free_slab_info(void* info, std::size_t) noexcept { slab_info_rooms->free(static_cast<SlabInfoRoom*>(info)); }
};

static_assert(slab::MemoryBackend<FrameBackend, slab::Row::SmallSinglePage>);
static_assert(slab::MemoryBackend<MappedBackend, slab::Row::SmallMultiPage>);
static_assert(slab::MemoryBackend<LargeBackend, slab::Row::Large>);

// They have no state of their own.
extern constinit FrameBackend frame_backend;
extern constinit MappedBackend mapped_backend;
extern constinit LargeBackend large_backend;

}  // namespace kernel
