#pragma once

#include <cstddef>
#include <type_traits>

#include <slab/cache_core.hpp>

namespace slab {

/// Slabs and pages of a Cache, in bytes, and where its SlabInfos live.
struct Config {
  std::size_t slab_size = 4096;  ///< a power of two, at least page_size
  std::size_t page_size = 4096;  ///< a power of two, at least 64
  ObjectSizeType object_size_type = ObjectSizeType::Small;  ///< where a slab's SlabInfo lives
};

namespace detail {

template <class T, Config C, class Policy>
struct FixedGeometry {
  static constexpr GeometryResult result =
      Geometry::make<Policy>(C.slab_size, C.page_size, C.object_size_type, sizeof(T), alignof(T));
  static constexpr bool is(GeometryError error) { return !result.ok() && result.error() == error; }
  static constexpr Geometry checked() {
    using enum GeometryError;
    static_assert(!is(PageSizeNotPowerOfTwo), "slab: PageSizeNotPowerOfTwo: Config::page_size must be a power of two");
    static_assert(!is(PageSizeTooSmall), "slab: PageSizeTooSmall: Config::page_size must be at least 64 bytes");
    static_assert(!is(SlabSizeNotPowerOfTwo), "slab: SlabSizeNotPowerOfTwo: Config::slab_size must be a power of two");
    static_assert(!is(SlabSizeBelowPageSize), "slab: SlabSizeBelowPageSize: a slab is at least one page");
    static_assert(!is(SlabSizeTooLarge), "slab: SlabSizeTooLarge: Config::slab_size must be at most 1 GiB");
    static_assert(!is(UnknownObjectSizeType),
                  "slab: UnknownObjectSizeType: Config::object_size_type must be Small or Large");
    static_assert(!is(ObjectAlignAbovePageSize), "slab: ObjectAlignAbovePageSize: T is aligned to more than a page");
    static_assert(!is(ObjectTooLarge),
                  "slab: ObjectTooLarge: not one T fits into a slab; take larger slabs or ObjectSizeType::Large");
    return result.value();
  }
  static constexpr Geometry value = checked();
  static constexpr Row row = value.row();
  [[nodiscard]] constexpr const Geometry& get() const noexcept { return value; }
  /// Geometry::locate() by a constant: the compiler finds the best instructions.
  struct Position {
    std::size_t index, offset;
    [[nodiscard]] constexpr bool is_at_slot() const noexcept { return offset % value.stride() == 0; }
  };
  [[nodiscard]] static constexpr Position locate(std::size_t offset) noexcept {
    return {offset / value.stride(), offset};
  }
};

template <Row R>
struct RuntimeGeometry {
  static constexpr Row row = R;
  Geometry value;
  [[nodiscard]] constexpr const Geometry& get() const noexcept { return value; }
  using Position = Geometry::Position;
  [[nodiscard]] constexpr Position locate(std::size_t offset) const noexcept { return value.locate(offset); }
};

/// A Cache without its destructor: what Immortal holds.
template <class T, Config C, class Backend, class Policy>
class UndestroyedCache : public CacheCore<FixedGeometry<T, C, Policy>, Backend, Policy> {
  using Core = CacheCore<FixedGeometry<T, C, Policy>, Backend, Policy>;

 public:
  /// Calls no function of `backend`, which must outlive the cache. O(1).
  explicit constexpr UndestroyedCache(Backend& backend) noexcept : Core{{}, backend} {}
  /// CacheCore::alloc(): memory for a T, or null.
  [[nodiscard, gnu::always_inline]] T* alloc() noexcept { return static_cast<T*>(Core::alloc()); }
  /// CacheCore::alloc_no_grow(): the same without a call of the backend.
  [[nodiscard, gnu::always_inline]] T* alloc_no_grow() noexcept { return static_cast<T*>(Core::alloc_no_grow()); }
  /// CacheCore::free(): memory that alloc() returned, or null.
  [[gnu::always_inline]] void free(T* object) noexcept { Core::free(object); }
};

/// A DynamicCache without its destructor: what Immortal holds.
template <Row R, class Backend, class Policy>
class UndestroyedDynamicCache : public CacheCore<RuntimeGeometry<R>, Backend, Policy> {
 public:
  /// Calls no function of `backend`, which must outlive the cache. Stops the program unless geometry.row() is R. O(1).
  constexpr UndestroyedDynamicCache(Geometry geometry, Backend& backend) noexcept
      : CacheCore<RuntimeGeometry<R>, Backend, Policy>{{geometry}, backend} {
    if (geometry.row() != R) stop("DynamicCache: the geometry is of another row");
    if (Policy::checks && geometry.entry_size() == 0) stop("DynamicCache: the geometry has no table of slots");
    if (geometry.stride() - geometry.object_size() < added_bytes<Policy>)
      stop("DynamicCache: the geometry has no room for what the policy adds to an object");
  }
};

}  // namespace detail

/// Memory for objects of type T, from slabs of `backend`, which must outlive the cache. Hands out
/// memory only: it neither constructs nor destroys a T. Not for use by several threads at once.
/// A Config that makes no geometry, or a backend that lacks a function of the row, does not compile.
/// Destroying it with live objects is a misuse (LiveAtDestruction); their slabs stay.
/// Members: see detail::CacheCore.
template <class T, Config C, class Backend, class Policy = Checked>
class Cache : public detail::UndestroyedCache<T, C, Backend, Policy> {
 public:
  /// This cache without its destructor.
  using Undestroyed = detail::UndestroyedCache<T, C, Backend, Policy>;
  using Undestroyed::Undestroyed;
  /// Gives the empty slabs back; Checked reports each object that is still allocated. O(slabs).
  ~Cache() { this->destroy(); }
};

/// The same for a geometry known at run time, handing out void*. A geometry of another row than R
/// stops the program in the constructor, whatever the policy.
template <Row R, class Backend, class Policy = Checked>
class DynamicCache : public detail::UndestroyedDynamicCache<R, Backend, Policy> {
 public:
  /// This cache without its destructor.
  using Undestroyed = detail::UndestroyedDynamicCache<R, Backend, Policy>;
  using Undestroyed::Undestroyed;
  /// Gives the empty slabs back; Checked reports each object that is still allocated. O(slabs).
  ~DynamicCache() { this->destroy(); }
};

/// A cache that is never destroyed and registers no exit handler, for globals:
///   constinit Immortal<Cache<T, config, Backend>> cache{backend};   cache->alloc();
/// Its type has no destructor, because even an empty one would be registered to run at exit.
template <class C>
class Immortal {
 public:
  /// What it holds: C without its destructor.
  using Undestroyed = typename C::Undestroyed;
  /// Takes the arguments of a constructor of C; constant-initialised if that constructor is.
  template <class... Args>
    requires std::is_constructible_v<Undestroyed, Args...>
  explicit constexpr Immortal(Args&&... args) noexcept : cache_(static_cast<Args&&>(args)...) {}
  Immortal(const Immortal&) = delete;
  Immortal& operator=(const Immortal&) = delete;

  /// The cache.
  [[nodiscard]] constexpr Undestroyed* operator->() noexcept { return &cache_; }
  /// The cache.
  [[nodiscard]] constexpr Undestroyed& operator*() noexcept { return cache_; }

 private:
  Undestroyed cache_;
  static_assert(std::is_trivially_destructible_v<Undestroyed>);
};

}  // namespace slab
