#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include <slab/backend.hpp>
#include <slab/cache.hpp>
#include <slab/class_backend.hpp>
#include <slab/class_names.hpp>
#include <slab/exact_quotient.hpp>
#include <slab/misuse.hpp>
#include <slab/page_blocks.hpp>
#include <slab/poison.hpp>
#include <slab/policy.hpp>
#include <slab/size_table.hpp>

namespace slab {

/// What one of the caches of a SizeClasses has, or the blocks that are larger than all sizes.
struct SizeClassStatistics {
  const char* name;             ///< "size-64", "headers" (of the blocks), "blocks"
  std::size_t object_size;      ///< in bytes; 0 for the blocks
  std::size_t live_objects;     ///< handed out and not freed
  std::size_t free_objects;     ///< what the slabs have room for besides
  std::size_t slabs;            ///< with those set aside; of blocks as many as live
  std::size_t peak_slabs;       ///< the most there were at once
  std::size_t bytes;            ///< of all the slabs, or blocks
  std::size_t set_aside_slabs;  ///< found damaged
};

namespace detail {

/// A cache whose end its owner decides.
template <Row R, class Backend, class Policy>
struct ClassCache : UndestroyedDynamicCache<R, Backend, Policy> {
  using UndestroyedDynamicCache<R, Backend, Policy>::UndestroyedDynamicCache;
  using UndestroyedDynamicCache<R, Backend, Policy>::destroy;

  /// Whether the slot `index` of a slab is a live object's, and the slab one of these.
  [[nodiscard]] bool is_live(const SlabInfo& info, std::size_t index) const noexcept
    requires(Policy::checks)
  {
    return load_unknown(&info.owner) == this->tag() && index < this->slots_of(info).carved &&
           with_table(
               this->table_of(info), this->geometry().entry_size(), [&](auto table) { return table.is_live(index); });
  }
};

/// A SizeClasses without its destructor: what Immortal holds, and all its members.
///
/// A request goes to the smallest size that it fits into, rounded up to its alignment, and from there to that size's
/// DynamicCache. All caches share the backend. In the row with a map, what is larger comes straight from the backend,
/// with an entry in the map for each page, so that every pointer leads to what it belongs to.
template <class Backend, class Sizes, class Policy>
class UndestroyedSizeClasses {
  static constexpr Row row = row_of_table<Sizes>;
  static_assert(require_backend<Backend, row>() && require_size_table<Sizes, Backend, Policy>());

 public:
  UndestroyedSizeClasses(const UndestroyedSizeClasses&) = delete;
  UndestroyedSizeClasses& operator=(const UndestroyedSizeClasses&) = delete;

  /// Whether any pointer leads to its object, since the backend has a map: free(pointer), realloc() and
  /// usable_size(pointer) exist then, and blocks larger than all sizes.
  static constexpr bool has_map = row != Row::SmallSinglePage;
  /// What an object is aligned to at least, whatever was asked for.
  static constexpr std::size_t least_align = 8;
  /// The largest object that comes from a slab, in bytes.
  static constexpr std::size_t largest_size = Sizes::size_of(Sizes::count - 1);
  /// The largest that there can be at all, in bytes.
  static constexpr std::size_t most_bytes = has_map ? Geometry::max_slab_size : largest_size;

  /// Calls no function of `backend`, which must outlive this. O(sizes).
  explicit constexpr UndestroyedSizeClasses(Backend& backend) noexcept
      : UndestroyedSizeClasses{backend, std::make_index_sequence<cache_count>{}} {}

  /// How many bytes alloc() of the same arguments hands out, all of which may be used; 0 if it always answers null.
  /// O(1), but for tables whose sizes an alignment passes over.
  [[nodiscard]] static constexpr std::size_t usable_size(std::size_t size, std::size_t align) noexcept {
    return place_for(size, align).size;
  }

  /// At least `size` bytes, uninitialised, aligned to `align` and to least_align. 0 bytes are an object like others.
  /// Null when the backend refuses, and for what cannot be had: more than most_bytes, an alignment that is no power of
  /// two or more than a page; nothing has changed then. O(1), plus at most one slab of the backend; a block larger than
  /// all sizes: O(pages).
  [[nodiscard, gnu::always_inline]] void* alloc(std::size_t size, std::size_t align = least_align) noexcept {
    const std::size_t size_class = class_for(size, align);
    if (size_class < Sizes::count) [[likely]]
      return cache_at(size_class)->alloc();
    if constexpr (has_map) return alloc_block(size, align);
    return nullptr;
  }

  /// The same for `count` times `size` bytes, all zero. Null also where the product is more than there are numbers.
  /// O(bytes).
  [[nodiscard, gnu::always_inline]] void* alloc_zeroed(std::size_t count, std::size_t size,
                                                       std::size_t align = least_align) noexcept {
    std::size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) return nullptr;
    void* const object = alloc(bytes, align);
    return object ? __builtin_memset(object, 0, bytes) : nullptr;
  }

  /// Returns what alloc(size, align) handed out; null does nothing. Checked: anything else is reported and ignored; a
  /// `size` that leads to another class, or a block of another size, is OtherCache. Unchecked: undefined. O(1), plus at
  /// most one slab given back; a block: O(pages).
  [[gnu::always_inline]] void free(void* object, std::size_t size, std::size_t align = least_align) noexcept {
    const std::size_t size_class = class_for(size, align);
    if (size_class < Sizes::count) [[likely]]
      return cache_at(size_class)->free(object);
    free_large(object, is_alignment(align) ? size : SIZE_MAX);
  }

  /// The same without the size, which is found by the map: a look-up more. O(1); a block: O(pages).
  [[gnu::always_inline]] void free(void* object) noexcept
    requires(has_map)
  {
    if (!object) return;
    SlabInfo* const info = info_of(object);
    if (info) [[likely]] {
      const std::uintptr_t offset = offset_of(*info);
      if (is_offset_of_class(offset)) [[likely]]
        return cache_behind(offset)->free(object);
    }
    free_other(object, info);
  }

  /// How many bytes of a live object may be used: at least as many as were asked for. 0 for null and, Checked, for a
  /// pointer that is no live object's. O(1).
  [[nodiscard]] std::size_t usable_size(const void* object) noexcept
    requires(has_map)
  {
    return find(object).size;
  }

  /// An object of `size` bytes with the contents of `object` as far as both reach; `object` itself where size and
  /// alignment lead to the same class or block, else a new one, and `object` is freed. `object` may be null. Null as of
  /// alloc(), and `object` is as it was. Checked: a pointer to no live object is reported, null. O(size).
  [[nodiscard]] void* realloc(void* object, std::size_t size, std::size_t align = least_align) noexcept
    requires(has_map)
  {
    if (!object) return alloc(size, align);
    const Place place = find(object);
    if (place.size == 0) return free(object), nullptr;
    if (place_for(size, align) == place) return object;
    return move(object, place, size, align);
  }

  /// realloc() of what alloc(old_size, align) handed out, where there may be no map. Checked: an `old_size` of another
  /// class is reported too. O(size).
  [[nodiscard]] void* resize(void* object, std::size_t old_size, std::size_t size,
                             std::size_t align = least_align) noexcept {
    if (!object) return alloc(size, align);
    if (!is_alignment(align)) return nullptr;
    const Place place = place_for(old_size, align);
    if constexpr (Policy::checks)
      if (place.size == 0 || find(object) != place) [[unlikely]]
        return free(object, old_size, align), nullptr;
    if (place_for(size, align) == place) return object;
    return move(object, place, size, align);
  }

  /// Gives every slab without an object back. Returns how many. A cache that waits for the backend is left out: so a
  /// backend that has no memory left may call this, from any of its functions but get_slab_info, whoever asked it.
  /// O(sizes + empty slabs).
  std::size_t shrink() noexcept {
    std::size_t slabs = 0;
    for (SizeClass& one : classes_)
      if (!one.backend.is_waited_for()) slabs += one.cache.shrink();
    return slabs;
  }

  /// Calls `visit(const SizeClassStatistics&)` for each size, the smallest first, and, where there are blocks, for
  /// their headers and for the blocks. O(sizes).
  template <class F>
  void for_each_statistics(F visit) const {
    for (std::size_t i = 0; i < cache_count; ++i) {
      const Geometry& geometry = classes_[i].cache.geometry();
      const CacheStatistics found = classes_[i].cache.statistics();
      const std::size_t slabs = found.full_slabs + found.partial_slabs + found.empty_slabs + found.set_aside_slabs;
      visit(SizeClassStatistics{i < Sizes::count ? names.of_class[i].text : "headers", geometry.object_size(),
                                found.allocated_objects, found.free_objects, slabs, classes_[i].backend.peak_slabs(),
                                slabs * geometry.slab_size(), found.set_aside_slabs});
    }
    if constexpr (has_map)
      visit(SizeClassStatistics{"blocks", 0, blocks_.live(), 0, blocks_.live(), blocks_.peak(), blocks_.bytes(), 0});
  }

  /// How many objects live, the blocks included. O(sizes).
  [[nodiscard]] std::size_t live_objects() const noexcept {
    std::size_t live = 0;
    for (std::size_t i = 0; i < Sizes::count; ++i) live += classes_[i].cache.statistics().allocated_objects;
    if constexpr (has_map) live += blocks_.live();
    return live;
  }

  /// Whether every internal invariant of all caches holds. O(slots + slabs² + pages of blocks).
  [[nodiscard]] bool audit() noexcept {
    for (const SizeClass& one : classes_)
      if (!one.cache.audit()) return false;
    if constexpr (has_map) {
      if (headers().statistics().allocated_objects != blocks_.live()) return false;
      if constexpr (Policy::checks) {
        bool is_sound = true;
        headers().for_each_live([&](void* header) {
          PageBlock& block = *static_cast<PageBlock*>(header);
          for (std::size_t offset = 0; offset < block.size; offset += Sizes::page_size)
            is_sound &= blocks_.block_of(info_of(block.slab + offset)) == &block;
        });
        return is_sound;
      }
    }
    return true;
  }

 protected:
  /// Reports every live object and gives the empty slabs back.
  void destroy() noexcept {
    for (std::size_t i = 0; i < Sizes::count; ++i) classes_[i].cache.destroy();
    if constexpr (has_map) {
      if constexpr (Policy::checks)
        headers().for_each_live([&](void* header) {
          const PageBlock& block = *static_cast<PageBlock*>(header);
          report(Misuse::LiveAtDestruction, block.slab, block.size, __builtin_return_address(0));
        });
      static_cast<void>(headers().shrink());
    }
  }

 private:
  using BackendOfClass = ClassBackend<Backend>;
  using Cache = ClassCache<row, BackendOfClass, Policy>;
  using Blocks = std::conditional_t<has_map, PageBlocks<Backend, Cache, Policy>, NoBlocks>;

  /// The caches of all sizes, and one for the headers of blocks.
  static constexpr std::size_t cache_count = Sizes::count + has_map;

  struct SizeClass {
    constexpr SizeClass(Geometry geometry, Backend& from) noexcept : backend{from}, cache{geometry, backend} {}
    BackendOfClass backend;
    Cache cache;
  };
  /// Where an object lies: in a slab of a class, or in a block (Sizes::count), and how many bytes of it may be used.
  struct Place {
    std::size_t index = Sizes::count;
    std::size_t size = 0;  // 0: nowhere
    friend constexpr bool operator==(const Place&, const Place&) noexcept = default;
  };
  template <std::size_t I>
  static constexpr Geometry geometry_of =
      geometry_of_size<Sizes, Policy>(I < Sizes::count ? Sizes::size_of(I) : sizeof(PageBlock)).value();
  static constexpr ClassNames<Sizes, std::make_index_sequence<Sizes::count>> names{};

  template <std::size_t... I>
  constexpr UndestroyedSizeClasses(Backend& backend, std::index_sequence<I...>) noexcept
      : backend_{&backend}, blocks_{backend}, classes_{SizeClass{geometry_of<I>, backend}...} {}

  // Not std::has_single_bit, for which the compiler may call a function.
  static constexpr bool is_alignment(std::size_t align) noexcept {
    return align != 0 && (align & (align - 1)) == 0 && align <= Sizes::page_size;
  }

  static constexpr std::size_t block_size(std::size_t size) noexcept {
    return detail::block_size<Sizes, Backend>(size);
  }

  /// The smallest class whose objects have `size` bytes and this alignment; Sizes::count if none has. O(1); where sizes
  /// are not multiples of the powers of two that divide what they are chosen for: O(classes that are passed over).
  [[nodiscard, gnu::always_inline]] static constexpr std::size_t class_for(std::size_t size,
                                                                           std::size_t align) noexcept {
    if (size > largest_size || !is_alignment(align)) return Sizes::count;
    if (align <= least_align) return class_of_size<Sizes>(size);
    const std::size_t bytes = ((size == 0 ? 1 : size) + align - 1) & ~(align - 1);
    if (bytes > largest_size) return Sizes::count;
    std::size_t size_class = class_of_size<Sizes>(bytes);
    while (size_class < Sizes::count && (Sizes::size_of(size_class) & (align - 1)) != 0) ++size_class;
    return size_class;
  }

  [[nodiscard]] static constexpr Place place_for(std::size_t size, std::size_t align) noexcept {
    const std::size_t size_class = class_for(size, align);
    if (size_class < Sizes::count) return {size_class, Sizes::size_of(size_class)};
    if constexpr (has_map)
      if (size <= most_bytes && is_alignment(align)) return {Sizes::count, block_size(size)};
    return {};
  }

  /// The compiler keeps the address instead of the index, from which it would compute it for each member.
  [[nodiscard, gnu::always_inline]] Cache* cache_at(std::size_t size_class) noexcept {
    Cache* cache = &classes_[size_class].cache;
    if (!__builtin_constant_p(size_class)) __asm__("" : "+r"(cache));
    return cache;
  }
  [[nodiscard]] Cache& headers() noexcept { return classes_[Sizes::count].cache; }

  [[nodiscard]] SlabInfo* info_of(const void* object) noexcept {
    const std::uintptr_t page = reinterpret_cast<std::uintptr_t>(object) & ~std::uintptr_t{Sizes::page_size - 1};
    if constexpr (has_map)
      return backend_->get_slab_info(page);
    else
      return reinterpret_cast<SlabInfo*>(page + Sizes::page_size - sizeof(SlabInfo));
  }
  /// How far behind the first cache the one lies that a SlabInfo says that it belongs to, in bytes; something else
  /// if it is none of these. The owner is the cache's address, and Checked 1 more, and something in bits
  /// 48 to 63 besides, which the cache itself verifies.
  [[nodiscard, gnu::always_inline]] std::uintptr_t offset_of(const SlabInfo& info) const noexcept {
    const std::uintptr_t offset = load_owner(info) - reinterpret_cast<std::uintptr_t>(&classes_[0].cache);
    if constexpr (Policy::checks) return (offset - 1) << 16 >> 16;
    return offset;
  }
  /// Whether the cache of a class lies there.
  [[nodiscard, gnu::always_inline]] static bool is_offset_of_class(std::uintptr_t offset) noexcept {
    if constexpr (Policy::checks) return exact_quotient<sizeof(SizeClass)>(offset) < Sizes::count;
    return offset < Sizes::count * sizeof(SizeClass);
  }
  [[nodiscard, gnu::always_inline]] Cache* cache_behind(std::uintptr_t offset) noexcept {
    return reinterpret_cast<Cache*>(reinterpret_cast<std::uintptr_t>(&classes_[0].cache) + offset);
  }
  [[nodiscard, gnu::always_inline]] static std::uintptr_t load_owner(const SlabInfo& info) noexcept {
    if constexpr (Policy::checks) return load_unknown(&info.owner);
    return info.owner;
  }

  /// Where an object is. Unchecked: where one begins, live or not.
  [[nodiscard]] Place find(const void* object) noexcept {
    SlabInfo* const info = object ? info_of(object) : nullptr;
    if (!info) return {};
    if (const std::uintptr_t offset = offset_of(*info); is_offset_of_class(offset)) {
      Cache& cache = *cache_behind(offset);
      const Geometry& geometry = cache.geometry();
      const std::uintptr_t slab = reinterpret_cast<std::uintptr_t>(info + 1) - geometry.slab_size();
      const Geometry::Position at = geometry.locate(reinterpret_cast<std::uintptr_t>(object) - slab);
      if (!at.is_at_slot() || at.index >= geometry.objects_per_slab()) return {};
      if constexpr (Policy::checks)
        if (!cache.is_live(*info, at.index)) return {};
      return {offset / sizeof(SizeClass), geometry.object_size()};
    }
    if constexpr (has_map)
      if (const PageBlock* const block = blocks_.block_of(info); block && block->slab == object)
        return {Sizes::count, block->size};
    return {};
  }
  [[nodiscard]] std::size_t live_at(const Place& place) const noexcept {
    if (place.index < Sizes::count) return classes_[place.index].cache.statistics().allocated_objects;
    if constexpr (has_map) return blocks_.live();
    return 0;
  }

  /// A new object in the place of one of which all bytes that may be used are copied. If freeing that is refused, as of
  /// no object, there is no new one either.
  [[nodiscard]] void* move(void* object, const Place& from, std::size_t size, std::size_t align) noexcept {
    void* const moved = alloc(size, align);
    if (!moved) return nullptr;
    __builtin_memcpy(moved, object, from.size < size ? from.size : size);
    const std::size_t live = live_at(from);
    if (from.index < Sizes::count)
      classes_[from.index].cache.free(object);
    else
      free_large(object, from.size);
    if (Policy::checks && live_at(from) == live) [[unlikely]]
      return free(moved, size, align), nullptr;
    return moved;
  }

  [[nodiscard, gnu::noinline]] void* alloc_block(std::size_t size, std::size_t align) noexcept
    requires(has_map)
  {
    if (size > most_bytes || !is_alignment(align)) return nullptr;
    const std::size_t bytes = block_size(size);
    const void* given_before = nullptr;
    void* const block = blocks_.alloc(headers(), bytes, Sizes::page_size, given_before);
    if (Policy::checks && given_before) [[unlikely]]
      report(Misuse::BackendFault, given_before, bytes, __builtin_return_address(0));
    return block;
  }
  /// free() of a size that no class has.
  [[gnu::noinline]] void free_large(void* object, std::size_t size) noexcept {
    const void* const caller = __builtin_return_address(0);
    if (!object) return;
    if constexpr (has_map) {
      SlabInfo* const info = info_of(object);
      free_block(object, info, size > most_bytes ? SIZE_MAX : block_size(size), caller);
    } else if constexpr (Policy::checks) {
      report(Misuse::OtherCache, object, 0, caller);
    }
  }
  /// free() of what is in no slab of a class.
  [[gnu::noinline]] void free_other(void* object, SlabInfo* info) noexcept
    requires(has_map)
  {
    const PageBlock* const block = blocks_.block_of(info);
    free_block(object, info, block ? block->size : 0, __builtin_return_address(0));
  }
  void free_block(void* object, SlabInfo* info, std::size_t size, const void* caller) noexcept
    requires(has_map)
  {
    PageBlock* const block = blocks_.block_of(info);
    if constexpr (Policy::checks) {
      if (!block || block->slab != object || block->size != size) [[unlikely]] {
        const Misuse kind = !info                   ? Misuse::ForeignPointer
                            : !block                ? Misuse::OtherCache
                            : block->slab != object ? Misuse::InteriorPointer
                                                    : Misuse::OtherCache;
        return report(kind, object, block ? block->size : 0, caller);
      }
    }
    blocks_.free(headers(), *block, Sizes::page_size);
  }

  /// Tells of a misuse that no cache is asked about. `size` is what is known of the object's, or 0.
  void report(Misuse kind, const void* object, std::size_t size, const void* caller) const noexcept {
    Policy::on_misuse(MisuseReport{kind, object, this, caller, size, Policy::name});
  }

  Backend* backend_;
  [[no_unique_address]] Blocks blocks_;
  SizeClass classes_[cache_count];
};

}  // namespace detail

/// Memory of any size and alignment, as malloc or kmalloc: a table of sizes (`Sizes`, as KernelSizes) with a
/// DynamicCache behind each, and what is larger straight from `backend`, which all of them share and which must outlive
/// this. It asks for the functions of MemoryBackend<Row::SmallMultiPage>, or of Row::SmallSinglePage where the table's
/// slabs have one page. Not for use by several threads at once. Destroying it with live objects is a misuse
/// (LiveAtDestruction) of each; their memory stays. Members: see detail::UndestroyedSizeClasses.
template <class Backend, class Sizes = KernelSizes, class Policy = Checked>
class SizeClasses : public detail::UndestroyedSizeClasses<Backend, Sizes, Policy> {
 public:
  /// This without its destructor.
  using Undestroyed = detail::UndestroyedSizeClasses<Backend, Sizes, Policy>;
  using Undestroyed::Undestroyed;
  /// Gives the empty slabs back; Checked reports each object that is still allocated. O(slabs).
  ~SizeClasses() { this->destroy(); }
};

}  // namespace slab
