#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include <slab/backend.hpp>
#include <slab/geometry.hpp>
#include <slab/hosted/mapping.hpp>
#include <slab/poison.hpp>
#include <slab/policy.hpp>

namespace slab::hosted {

/// Why a Region has no room.
enum class RegionError : std::uint8_t {
  None,
  TooSmall,   ///< below min_page_size
  TooLarge,   ///< above max_size
  NotMapped,  ///< the system refused the address space, or the constructor has not run yet
  SystemPageTooLarge,  ///< the system's pages are larger than 4096 bytes
};

/// The enumerator's name. O(1).
[[nodiscard]] constexpr const char* to_string(RegionError error) noexcept {
  switch (error) {
    case RegionError::None: return "None";
    case RegionError::TooSmall: return "TooSmall";
    case RegionError::TooLarge: return "TooLarge";
    case RegionError::NotMapped: return "NotMapped";
    case RegionError::SystemPageTooLarge: return "SystemPageTooLarge";
  }
  return "unknown RegionError";
}

/// Slabs from one stretch of reserved address space. What comes back is kept for reuse, memory and
/// all, until trim(). A slab lies at a multiple of its size, so that a SmallSinglePage cache may have
/// pages of any size. One whose size is no power of two, a run of pages, lies at a multiple of the next one.
///
/// The stretch is tiled, up to the frontier, by blocks of 4096 · 2^size_class bytes at multiples of
/// their size; behind it nothing was ever handed out.
///
///                 alloc_slab             free_slab
///   (frontier) ---------------> Live <--------------> Kept
///                                ^     alloc_slab      |
///                                |      alloc_slab     v  trim
///                                 `----------------- Clean
///
/// A slab comes from the smallest free block that holds it; the upper halves stay free. Halves are joined
/// again when nothing else is left (a lazy buddy system: Knowlton, CACM 8(10), 1965): only those that came
/// back since the last time; they are loose, the others settled. Of blocks of one size the loose come
/// first, the one freed last before all others.
///
/// A run is cut from the block that a slab of the next power of two would have. What is left over is spare: it serves
/// only when nothing else is left, just before halves are joined; else its block would seldom be whole again, and runs
/// would lie between ever more holes. Run and rest are blocks themselves, as its size has binary digits, the largest in
/// front. When a run comes back it is joined with its rest, as far as that is free.
///
///     5 pages of 8    | 4: Run             | 1: Piece | 1: spare | 2: spare       |
///
/// Nothing is ever written into a slab. Not for use by several threads at once.
///
/// While it is zeroed memory, as a global is before its constructor, it has no room: what a constructor of another
/// file asks for is refused.
template <class System>
class BasicRegion {
  using Mapping = BasicMapping<System>;

 public:
  /// Slabs of smaller pages are refused: alloc_slab answers null.
  static constexpr std::size_t min_page_size = Mapping::page_size;
  /// A slab may have any number of pages, and need not be a power of two of them.
  static constexpr bool has_page_runs = true;
  /// Keeps every page index below 2^32 - 1.
  static constexpr std::size_t max_size = std::size_t{1} << 43;

  /// `size` bytes of address space, rounded down to a multiple of 4096. None of it takes memory before
  /// it is used. If this fails, error() says why, and the Region hands nothing out.
  explicit BasicRegion(std::size_t size) noexcept
      : error_{size < min_page_size     ? RegionError::TooSmall
               : size > max_size        ? RegionError::TooLarge
               : Mapping::is_possible() ? RegionError::None
                                        : RegionError::SystemPageTooLarge},
        memory_{error_ == RegionError::None ? size & ~(min_page_size - 1) : 0, largest_slab_in(size)},
        blocks_{Mapping::round_up(pages_of(memory_.size()) * sizeof(Block))} {
    loose_.fill(none);
    settled_.fill(none);
    spare_.fill(none);
    if (blocks_.size() == 0) return;
    size_ = memory_.size();
    largest_slab_ = largest_slab_in(size);
  }
  ~BasicRegion() { detail::permit(memory_.begin(), frontier_ * min_page_size); }
  BasicRegion(const BasicRegion&) = delete;
  BasicRegion& operator=(const BasicRegion&) = delete;

  /// None, or why alloc_slab() always returns null.
  [[nodiscard]] RegionError error() const noexcept {
    return size_ == 0 && error_ == RegionError::None ? RegionError::NotMapped : error_;
  }
  /// The first byte of the address space.
  [[nodiscard]] const void* begin() const noexcept { return memory_.begin(); }
  /// Bytes, 0 when there is an error.
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  /// Whether an address lies in it.
  [[nodiscard]] bool contains(const void* address) const noexcept { return offset_of(address) < size(); }

  /// Bytes that are not handed out. O(1).
  [[nodiscard]] std::size_t free_bytes() const noexcept { return size() - live_bytes_; }

  /// Whether so many slabs of this geometry fit into the free bytes, if those lie well. O(1).
  [[nodiscard]] bool can_make_slabs(const Geometry& geometry, std::size_t count) const noexcept {
    return geometry.page_size() >= min_page_size && count <= free_bytes() / geometry.slab_size();
  }

  /// A slab at a multiple of `slab_size`, rounded up to a power of two. Null when there is no room, and unless
  /// page_size is a power of two, slab_size a multiple of it, and 4096 <= page_size <= slab_size <= 1 GiB.
  /// O(size classes); where no free block is large enough, O(size classes) more for each slab that came back since this
  /// was last so.
  [[nodiscard]] void* alloc_slab(std::size_t slab_size, std::size_t page_size) noexcept {
    if (!detail::is_power_of_two(page_size)) return nullptr;
    if (page_size < min_page_size || slab_size < page_size || slab_size > largest_slab_) [[unlikely]]
      return nullptr;
    if (!detail::is_power_of_two(slab_size)) [[unlikely]]
      return slab_size % page_size == 0 ? alloc_run(slab_size) : nullptr;
    const std::size_t page = take_or_merge(class_of(slab_size));
    if (page == none) return nullptr;
    void* const slab = hand_out(page, slab_size);
    block(page).state = State::Live;
    return slab;
  }

  /// Takes back what alloc_slab(slab_size, …) returned, and keeps it; anything else stops the program.
  /// Under AddressSanitizer a kept slab is poisoned. O(1), a run O(size classes).
  void free_slab(void* slab, std::size_t slab_size, std::size_t) noexcept {
    const std::size_t offset = offset_of(slab), page = offset / min_page_size;
    if (offset >= size() || offset % min_page_size != 0) stop();
    if (!detail::is_power_of_two(slab_size)) [[unlikely]]
      return free_run(page, slab_size);
    if (block(page).state != State::Live || block(page).size_class != class_of(slab_size)) stop();
    take_back(page, slab_size);
    push(loose_, page, class_of(slab_size), State::Kept);
  }

  /// Gives the memory of every kept slab back to the system. Their addresses stay, and are handed out
  /// as before. Returns how many bytes of slabs that were: all that trim() can give back, and more than
  /// the memory that was in use where a slab was written only in part. What the system does not take stays kept.
  /// O(blocks).
  std::size_t trim() noexcept {
    std::size_t trimmed = 0, run = 0;  // [run, page) is Kept
    for (std::size_t page = 0; page < frontier_; page += pages_in(block(page).size_class)) {
      if (block(page).state == State::Kept) continue;
      trimmed += trim_run(run, page);
      run = page + pages_in(block(page).size_class);
    }
    trimmed += trim_run(run, frontier_);
    kept_bytes_ -= trimmed;
    return trimmed;
  }

  /// What trim() would return. O(1).
  [[nodiscard]] std::size_t kept_bytes() const noexcept { return kept_bytes_; }

  /// Whether blocks tile the region up to the frontier, and the lists hold exactly those that are free.
  /// O(blocks).
  [[nodiscard]] bool audit() const noexcept {
    if (size_ == 0) return frontier_ == 0;
    std::size_t free_blocks = 0, kept_bytes = 0, live_bytes = 0, page = 0, end_of_run = 0;
    while (page < frontier_) {
      const Block& at = block(page);
      if (at.size_class >= classes || page % pages_in(at.size_class) != 0 ||
          (at.state == State::Run && at.next <= pages_in(at.size_class)) ||
          (at.state == State::Piece ? page + pages_in(at.size_class) > end_of_run : page < end_of_run))
        return false;
      if (at.state == State::Run) end_of_run = page + at.next;
      const std::size_t size = pages_in(at.size_class) * min_page_size;
      if (is_free(at.state)) {
        ++free_blocks;
        if (link_to(page) != page) return false;
      }
      (at.state == State::Kept ? kept_bytes : live_bytes) += at.state == State::Clean ? 0 : size;
      page += pages_in(at.size_class);
    }
    if (page != frontier_ || end_of_run > page || frontier_ > pages_of(size_) || kept_bytes != kept_bytes_ ||
        live_bytes != live_bytes_)
      return false;
    for (const Lists* const lists : {&loose_, &settled_, &spare_})
      for (unsigned size_class = 0; size_class < classes; ++size_class)
        for (std::uint32_t before = none, listed = (*lists)[size_class]; listed != none;
             before = listed, listed = block(listed).next)
          if (!is_free(block(listed).state) || block(listed).size_class != size_class ||
              block(listed).previous != before || free_blocks-- == 0)
            return false;
    return free_blocks == 0;
  }

 protected:
  /// Before the first slab: there is no room, and error() is NotMapped.
  void close() noexcept { size_ = largest_slab_ = 0; }

 private:
  enum class State : std::uint8_t {
    Clean,  // free; nothing was written since the system gave its memory
    Kept,  // free; its memory may be in use
    Live,  // handed out
    Run,  // handed out: the first block of a run
    Piece,  // handed out: another one
  };
  /// What the first page of a block knows about it. Those of its other pages mean nothing, but are neither Live nor
  /// Run. Zeroed memory is a Clean page.
  struct Block {
    std::uint32_t next, previous;  // on its list: page indices; `next` of a Run: how many pages all of it has
    std::uint8_t size_class;
    State state;
    std::uint16_t unused = 0;  // written too: equal blocks are equal bytes
  };
  static constexpr std::uint32_t none = ~std::uint32_t{0};
  static constexpr unsigned classes = std::bit_width(Geometry::max_slab_size / min_page_size);
  /// The first free block of each size class.
  using Lists = std::array<std::uint32_t, classes>;

  static constexpr std::size_t largest_slab_in(std::size_t size) noexcept {
    return std::min(std::max(std::bit_floor(size), min_page_size), Geometry::max_slab_size);
  }
  static constexpr std::size_t pages_of(std::size_t size) noexcept { return size / min_page_size; }
  static constexpr std::size_t pages_in(unsigned size_class) noexcept { return std::size_t{1} << size_class; }
  static constexpr unsigned class_of(std::size_t slab_size) noexcept {
    return static_cast<unsigned>(std::bit_width(pages_of(slab_size)) - 1);
  }

  static constexpr bool is_free(State state) noexcept { return state < State::Live; }

  [[nodiscard]] Block& block(std::size_t page) const noexcept {
    return reinterpret_cast<Block*>(blocks_.begin())[page];
  }
  [[nodiscard]] std::size_t offset_of(const void* address) const noexcept {
    return reinterpret_cast<std::uintptr_t>(address) -
           reinterpret_cast<std::uintptr_t>(memory_.begin());  // wraps below
  }

  [[noreturn]] static void stop() noexcept { detail::stop("Region::free_slab: no slab of this size is there"); }

  /// Of a block that is free still; what is left of it stays as it is.
  [[nodiscard]] void* hand_out(std::size_t page, std::size_t slab_size) noexcept {
    if (block(page).state == State::Kept) kept_bytes_ -= slab_size;
    live_bytes_ += slab_size;
    std::byte* const slab = memory_.begin() + page * min_page_size;
    detail::permit(slab, slab_size);
    return slab;
  }
  void take_back(std::size_t page, std::size_t slab_size) noexcept {
    detail::forbid(memory_.begin() + page * min_page_size, slab_size);
    live_bytes_ -= slab_size;
    kept_bytes_ += slab_size;
  }

  [[nodiscard, gnu::noinline]] void* alloc_run(std::size_t slab_size) noexcept {
    const std::size_t page = take_or_merge(class_of(slab_size) + 1);  // of the next power of two
    if (page == none) return nullptr;
    void* const run = hand_out(page, slab_size);
    cut(page, pages_of(slab_size));
    return run;
  }
  [[gnu::noinline]] void free_run(std::size_t page, std::size_t slab_size) noexcept {
    if (block(page).state != State::Run || block(page).next * min_page_size != slab_size) stop();
    take_back(page, slab_size);
    keep_run(page, pages_of(slab_size));
  }

  void push(Lists& lists, std::size_t page, unsigned size_class, State state) noexcept {
    const std::uint32_t next = lists[size_class];
    if (next != none) block(next).previous = static_cast<std::uint32_t>(page);
    block(page) = {next, none, static_cast<std::uint8_t>(size_class), state};
    lists[size_class] = static_cast<std::uint32_t>(page);
  }

  /// Takes the first block off a list that has one.
  [[nodiscard]] std::size_t pop(std::uint32_t& first) noexcept {
    const std::size_t page = first;
    first = block(page).next;
    if (first != none) block(first).previous = none;
    return page;
  }

  /// What leads to a free block: the one before it, or the list that it is the first of.
  [[nodiscard]] const std::uint32_t& link_to(std::size_t page) const noexcept {
    const Block& at = block(page);
    if (at.previous != none) return block(at.previous).next;
    return (loose_[at.size_class] == page     ? loose_
            : settled_[at.size_class] == page ? settled_
                                              : spare_)[at.size_class];
  }
  /// Takes a free block off the list that it is on.
  void unlist(std::size_t page) noexcept {
    const Block& at = block(page);
    if (at.next != none) block(at.next).previous = at.previous;
    const_cast<std::uint32_t&>(link_to(page)) = at.next;
  }

  /// Makes the Kept blocks of [begin, end) Clean. Returns how many bytes they have; 0 when the system refuses.
  [[nodiscard]] std::size_t trim_run(std::size_t begin, std::size_t end) noexcept {
    const std::size_t bytes = (end - begin) * min_page_size;
    if (bytes == 0 || !System::discard(memory_.begin() + begin * min_page_size, bytes)) return 0;
    for (std::size_t page = begin; page < end; page += pages_in(block(page).size_class))
      block(page).state = State::Clean;
    return bytes;
  }

  /// A free block of exactly this class, on no list, or none.
  [[nodiscard]] std::size_t take_or_merge(unsigned size_class) noexcept {
    const std::size_t page = take(size_class);
    if (page != none) return page;
    merge();
    return take(size_class);
  }
  /// The same without joining halves.
  [[nodiscard]] std::size_t take(unsigned size_class) noexcept {
    unsigned found = size_class;
    while (loose_[found] == none && settled_[found] == none)
      if (++found == classes) return take_fresh(size_class);
    const std::size_t page = pop(loose_[found] != none ? loose_[found] : settled_[found]);
    for (unsigned half = found; half-- > size_class;)
      push(settled_, page + pages_in(half), half, block(page).state);  // its lower half is not free
    block(page).size_class = static_cast<std::uint8_t>(size_class);
    return page;
  }

  /// Of a block from take(), the smallest that holds so many pages, makes a run, and frees the rest.
  void cut(std::size_t page, std::size_t pages) noexcept {
    const State state = block(page).state;
    unsigned half = block(page).size_class;
    std::size_t at = page, left = pages;
    while (left != pages_in(half)) {
      --half;
      if (left > pages_in(half)) {
        block(at) = {none, none, static_cast<std::uint8_t>(half), State::Piece};
        at += pages_in(half);
        left -= pages_in(half);
      } else {
        push(spare_, at + pages_in(half), half, state);
      }
    }
    block(at) = {none, none, static_cast<std::uint8_t>(half), State::Piece};
    block(page).next = static_cast<std::uint32_t>(pages);
    block(page).state = State::Run;
  }

  /// The blocks of a run become Kept, each joined with what is free of the block that the run was cut from.
  void keep_run(std::size_t page, std::size_t pages) noexcept {
    for (std::size_t left = pages; left != 0;) {
      left &= left - 1;
      const std::size_t last = page + left;
      block(last).state = State::Kept;
      join(loose_, last, static_cast<unsigned>(std::bit_width(pages)));
    }
  }

  [[nodiscard]] std::size_t take_fresh(unsigned size_class) noexcept {
    const std::size_t size = pages_in(size_class), page = (frontier_ + size - 1) & ~(size - 1);
    if (page + size > pages_of(size_)) return none;
    move_frontier(page);
    frontier_ += size;
    block(page) = {none, none, static_cast<std::uint8_t>(size_class), State::Clean};
    return page;
  }

  /// What lies between, less than twice the largest slab, becomes free blocks, each as large as its address allows.
  void move_frontier(std::size_t page) noexcept {
    while (frontier_ < page) {
      const auto aligned = static_cast<unsigned>(std::countr_zero(frontier_));
      const unsigned size_class = std::min(aligned, class_of((page - frontier_) * min_page_size));
      push(loose_, frontier_, size_class, State::Clean);
      frontier_ += pages_in(size_class);
    }
  }

  /// Joins each loose or spare block, those behind the frontier included, with its other half as long as that is
  /// free too, and settles it.
  void merge() noexcept {
    move_frontier(pages_of(size_));
    for (Lists* const lists : {&loose_, &spare_})
      for (std::uint32_t& first : *lists)
        while (first != none) settle(first);
  }

  void settle(std::size_t page) noexcept {
    unlist(page);
    join(settled_, page, classes - 1);
  }

  /// Lists a free block that is on no list, joined with its other half as long as that is free too and the whole of at
  /// most this class. A block's other half is a block, or tiled by smaller ones, but never the inside of a larger one.
  void join(Lists& lists, std::size_t page, unsigned most) noexcept {
    unsigned size_class = block(page).size_class;
    State state = block(page).state;
    for (; size_class < most; ++size_class) {
      const std::size_t other = page ^ pages_in(size_class);
      if (other >= frontier_ || !is_free(block(other).state) || block(other).size_class != size_class) break;
      unlist(other);
      if (block(other).state != state) kept_bytes_ += pages_in(size_class) * min_page_size;
      state = std::max(state, block(other).state);
      page = std::min(page, other);
    }
    push(lists, page, size_class, state);
  }

  RegionError error_;
  Mapping memory_;
  Mapping blocks_;
  std::size_t largest_slab_ = 0;  // in bytes; 0 before the constructor, when the lists mean nothing
  std::size_t size_ = 0;
  std::size_t frontier_ = 0;  // page index
  std::size_t kept_bytes_ = 0;
  std::size_t live_bytes_ = 0;
  Lists loose_;  // came back since merge()
  Lists settled_;  // have no other half that is free and settled
  Lists spare_;  // behind a run, since merge()
};

using Region = BasicRegion<System>;
static_assert(SlabSource<Region> && !SlabInfoMap<Region> && !SlabInfoSource<Region>);

}  // namespace slab::hosted
