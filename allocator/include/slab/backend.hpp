#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <slab/geometry.hpp>

namespace slab {

/// What a cache knows about one slab. Opaque to backends, which only keep pointers to it.
class SlabInfo;

namespace detail {
// One concept for each function, so that the compiler can name the one that a backend lacks.
template <class B>
concept HasAllocSlab = requires(B& b, std::size_t size) {
  { b.alloc_slab(size, size) } noexcept -> std::same_as<void*>;
};
template <class B>
concept HasFreeSlab = requires(B& b, void* slab, std::size_t size) {
  { b.free_slab(slab, size, size) } noexcept -> std::same_as<void>;
};
template <class B>
concept HasSaveSlabInfo = requires(B& b, std::uintptr_t page_addr, SlabInfo* info) {
  { b.save_slab_info(page_addr, info) } noexcept -> std::same_as<bool>;
};
template <class B>
concept HasGetSlabInfo = requires(B& b, std::uintptr_t page_addr) {
  { b.get_slab_info(page_addr) } noexcept -> std::same_as<SlabInfo*>;
};
template <class B>
concept HasDeleteSlabInfo = requires(B& b, std::uintptr_t page_addr) {
  { b.delete_slab_info(page_addr) } noexcept -> std::same_as<void>;
};
template <class B>
concept HasAllocSlabInfo = requires(B& b, std::size_t size) {
  { b.alloc_slab_info(size) } noexcept -> std::same_as<void*>;
};
template <class B>
concept HasFreeSlabInfo = requires(B& b, void* info, std::size_t size) {
  { b.free_slab_info(info, size) } noexcept -> std::same_as<void>;
};
/// Optional; asked by reserve(). `false` only if the backend can not hold so many more slabs of this geometry, with
/// their SlabInfos: reserve() then refuses at once, instead of taking what there is and giving it back.
///   bool can_make_slabs(const Geometry& geometry, size_t count) noexcept;
template <class B>
concept HasCanMakeSlabs = requires(B& b, const Geometry& geometry, std::size_t count) {
  { b.can_make_slabs(geometry, count) } noexcept -> std::same_as<bool>;
};
/// Something of that name, which a slip of the pen may have made another function.
template <class B>
concept NamesCanMakeSlabs = requires { &B::can_make_slabs; };
template <class B>
concept NamesPageRuns = requires { B::has_page_runs; };
template <class B>
concept IsConstantPageRuns =
    std::same_as<decltype(B::has_page_runs), const bool> && requires { std::bool_constant<B::has_page_runs>{}; };
}  // namespace detail

/// Slab memory, in bytes.
///   void* alloc_slab(size_t slab_size, size_t page_size) noexcept;   page-aligned; null: none left
///   void  free_slab(void* slab, size_t slab_size, size_t page_size) noexcept;
template <class B>
concept SlabSource = detail::HasAllocSlab<B> && detail::HasFreeSlab<B>;

/// A map from page addresses to the SlabInfo of the slab that owns the page.
///   bool      save_slab_info(uintptr_t page_addr, SlabInfo*) noexcept;   false: no room, nothing saved
///   SlabInfo* get_slab_info(uintptr_t page_addr) noexcept;               null: unknown page
///   void      delete_slab_info(uintptr_t page_addr) noexcept;
template <class B>
concept SlabInfoMap = detail::HasSaveSlabInfo<B> && detail::HasGetSlabInfo<B> && detail::HasDeleteSlabInfo<B>;

/// Memory for SlabInfos, aligned to 8 bytes; the size is the same for every slab of a cache.
///   void* alloc_slab_info(size_t size) noexcept;                          null: none left
///   void  free_slab_info(void* info, size_t size) noexcept;
template <class B>
concept SlabInfoSource = detail::HasAllocSlabInfo<B> && detail::HasFreeSlabInfo<B>;

/// Whether the backend's alloc_slab takes any number of pages, and not only powers of two of them: it says so.
///   static constexpr bool has_page_runs = true;
template <class B>
inline constexpr bool has_page_runs = [] {
  if constexpr (detail::IsConstantPageRuns<B>) return B::has_page_runs;
  return false;
}();

/// Exactly what a cache of row R asks of its backend, no more. docs/backend.md is the contract.
template <class B, Row R>
concept MemoryBackend =
    SlabSource<B> && (R == Row::SmallSinglePage || SlabInfoMap<B>) && (R != Row::Large || SlabInfoSource<B>);

namespace detail {
/// True, or a compile error that names the function which B lacks for row R.
template <class B, Row R>
consteval bool require_backend() {
  constexpr bool map = R != Row::SmallSinglePage;
  constexpr bool infos = R == Row::Large;
  static_assert(HasAllocSlab<B>,
                "slab: the backend lacks `void* alloc_slab(size_t slab_size, size_t page_size) noexcept`");
  static_assert(HasFreeSlab<B>,
                "slab: the backend lacks `void free_slab(void* slab, size_t slab_size, size_t page_size) noexcept`");
  static_assert(!map || HasSaveSlabInfo<B>,
                "slab: this row's backend lacks `bool save_slab_info(uintptr_t page_addr, SlabInfo*) noexcept`");
  static_assert(!map || HasGetSlabInfo<B>,
                "slab: this row's backend lacks `SlabInfo* get_slab_info(uintptr_t page_addr) noexcept`");
  static_assert(!map || HasDeleteSlabInfo<B>,
                "slab: this row's backend lacks `void delete_slab_info(uintptr_t page_addr) noexcept`");
  static_assert(!infos || HasAllocSlabInfo<B>,
                "slab: a Large cache's backend lacks `void* alloc_slab_info(size_t size) noexcept`");
  static_assert(!infos || HasFreeSlabInfo<B>,
                "slab: a Large cache's backend lacks `void free_slab_info(void* info, size_t size) noexcept`");
  static_assert(HasCanMakeSlabs<B> || !NamesCanMakeSlabs<B>,
                "slab: the backend's can_make_slabs is not "
                "`bool can_make_slabs(const slab::Geometry& geometry, size_t count) noexcept`");
  static_assert(IsConstantPageRuns<B> || !NamesPageRuns<B>,
                "slab: the backend's has_page_runs is not `static constexpr bool has_page_runs`");
  return true;
}
}  // namespace detail

}  // namespace slab
