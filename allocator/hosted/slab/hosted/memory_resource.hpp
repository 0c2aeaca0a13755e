#pragma once

#include <cstddef>
#include <memory_resource>
#include <new>

#include <slab/backend.hpp>
#include <slab/misuse.hpp>
#include <slab/policy.hpp>
#include <slab/size_classes.hpp>
#include <slab/size_table.hpp>

namespace slab::hosted {

/// The sizes of MemoryResource: 32, from 8 to 4096 bytes. Aligned slabs of one page, whose owner is found by masking:
/// 64 KiB, so that not every header falls into the same few cache sets, and the largest size still has 15 objects in
/// one.
struct HostedSizes : QuarterSteps<8, 4096> {
  /// In bytes.
  static constexpr std::size_t page_size = 65536;
  /// In bytes, the same for all sizes.
  [[nodiscard]] static constexpr std::size_t slab_size_for(std::size_t) noexcept { return page_size; }
};

/// SizeClasses as a memory resource: blocks of up to 4096 bytes from slab caches, one for each size; larger ones, and
/// those aligned to more than 4096, from `upstream`. Every alignment is honoured. Not for use by several threads at
/// once.
///
/// `slabs` (a Region or a Backend) and `upstream` must outlive it. Unlike the standard's pools it does
/// not track blocks: there is no release(), which would take slabs away from live objects, and what is
/// not deallocated stays. With Checked, destroying it then reports LiveAtDestruction, and a
/// block deallocated twice, or with another size, is reported: where both sizes come from slabs or one from upstream
/// as OtherCache, but as ForeignPointer where `slabs` should have it and upstream has. The block stays. Between two
/// sizes of upstream, upstream decides. With Unchecked nothing is reported.
template <SlabSource Slabs, class Policy = Checked>
class MemoryResource final : public std::pmr::memory_resource {
 public:
  /// The largest block that comes from `slabs`, in bytes.
  static constexpr std::size_t max_size = SizeClasses<Slabs, HostedSizes, Policy>::largest_size;

  /// Takes no memory yet.
  explicit MemoryResource(Slabs& slabs, std::pmr::memory_resource* upstream = std::pmr::get_default_resource()) noexcept
      : upstream_{upstream}, slabs_{&slabs}, blocks_{slabs} {}

  /// What serves the blocks that are too large.
  [[nodiscard]] std::pmr::memory_resource* upstream_resource() const noexcept { return upstream_; }

  /// Gives slabs without a live block back to `slabs`. Returns how many. O(empty slabs).
  std::size_t shrink() noexcept { return blocks_.shrink(); }

  /// SizeClasses::for_each_statistics(): what each size has. O(sizes).
  template <class F>
  void for_each_statistics(F visit) const {
    blocks_.for_each_statistics(visit);
  }

 private:
  using Blocks = SizeClasses<Slabs, HostedSizes, Policy>;

  [[nodiscard]] static bool is_upstreams(std::size_t bytes, std::size_t alignment) noexcept {
    return Blocks::usable_size(bytes, alignment) == 0;
  }

  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    if (void* const block = blocks_.alloc(bytes, alignment)) [[likely]]
      return block;
    if (is_upstreams(bytes, alignment)) return upstream_->allocate(bytes, alignment);
    throw std::bad_alloc{};
  }

  void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override {
    const bool is_upstreams_size = is_upstreams(bytes, alignment);
    if constexpr (Policy::checks) {
      if (slabs_->contains(block) == is_upstreams_size) [[unlikely]] {
        const Misuse kind = is_upstreams_size ? Misuse::OtherCache : Misuse::ForeignPointer;
        return Policy::on_misuse(MisuseReport{kind, block, this, __builtin_return_address(0), bytes, Policy::name});
      }
    }
    if (is_upstreams_size)
      upstream_->deallocate(block, bytes, alignment);
    else
      blocks_.free(block, bytes, alignment);
  }

  [[nodiscard]] bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override {
    return this == &other;
  }

  std::pmr::memory_resource* upstream_;
  Slabs* slabs_;
  Blocks blocks_;
};

}  // namespace slab::hosted
