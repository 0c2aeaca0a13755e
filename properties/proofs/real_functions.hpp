#pragma once

// The allocator's own functions, each behind the arguments of its formula in properties/proofs/formulas.py, and where
// they are compared: at borders and at random.

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

#include <slab/exact_quotient.hpp>
#include <slab/hosted/region.hpp>
#include <slab/size_classes.hpp>
#include <slab/slab.hpp>

#include "proofs/formulas.hpp"

namespace proofs {

// What is private, reached as the language allows it: access is not checked in an explicit instantiation.
template <class Tag, auto Member>
struct Opened {
  friend auto open(Tag) { return Member; }
};
#define OPEN(name, member)  \
  struct name {             \
    friend auto open(name); \
  };                        \
  template struct Opened<name, member>
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wnon-template-friend"
#endif
using Region = slab::hosted::Region;
OPEN(MakeWithTable, &slab::Geometry::make_with_table);
OPEN(RegionClassOf, &Region::class_of);
OPEN(RegionLargestSlab, &Region::largest_slab_in);
OPEN(RegionFrontier, &Region::frontier_);
OPEN(RegionMove, &Region::move_frontier);
OPEN(RegionFresh, &Region::take_fresh);
OPEN(RegionBlock, &Region::block);

/// Numbers that show mistakes: near powers of two, small ones, near the largest, and any.
class Random {
 public:
  explicit Random(Word seed) : state_{seed * 2 + 1} {}
  Word any() {
    state_ ^= state_ << 13, state_ ^= state_ >> 7, state_ ^= state_ << 17;
    return state_ * 0x2545F4914F6CDD1D;
  }
  Word below(Word n) { return static_cast<Word>(static_cast<DoubleWord>(any()) * n >> 64); }
  Word power(Word least, Word most) { return Word{1} << (least + below(most - least + 1)); }
  Word border() {
    switch (below(5)) {
      case 0: return power(0, 63) + below(5) - 2;
      case 1: return below(300);
      case 2: return ~Word{0} - below(100);
      case 3: return 8 * below(5000);
      default: return any() >> below(64);
    }
  }

 private:
  Word state_;
};

inline std::array<Word, 7> make_inputs(Random& random) {
  const Word page = random.below(16) == 0 ? random.border() : random.power(5, 31);
  const Word slab = random.below(16) == 0 ? random.border() : random.below(4) == 0 ? page : random.power(6, 31);
  const Word type = random.below(32) == 0 ? random.below(256) : random.below(2);
  const Word align = random.below(16) == 0  ? random.border()
                     : random.below(2) == 0 ? random.power(0, 4)
                                            : random.power(0, 31);
  const Word most_added = (Word{1} << 30) + 16;
  const Word added = random.below(2) == 0 ? 0 : random.below(2) == 0 ? random.below(300) : random.below(most_added + 1);
  static constexpr Word counts[] = {1, 2, 3, 8, 9, 254, 255, 65534, 65535};
  Word size = random.border();
  if (random.below(2) == 0) size = slab / counts[random.below(9)] + random.below(33) - 16;
  if (random.below(4) == 0) size = random.below(slab + 2);
  return {random.below(2), added, slab, page, type, size, align};
}
inline auto made(const Word* in) {
  return open(MakeWithTable{})(in[0] != 0, in[1], in[2], in[3], static_cast<slab::ObjectSizeType>(in[4]), in[5], in[6]);
}

struct Make {
  static void draw(Random& random, Word* in) {
    const auto drawn = make_inputs(random);
    std::memcpy(in, drawn.data(), sizeof drawn);
  }
  static void real(const Word* in, Word* out) {
    const slab::GeometryResult result = made(in);
    for (int i = 0; i < 7; ++i) out[i] = 0;
    if (!result.ok()) {
      out[0] = static_cast<Word>(result.error());
      return;
    }
    const slab::Geometry g = result.value();
    const Word found[] = {0,
                          g.stride(),
                          g.objects_per_slab(),
                          g.entry_size(),
                          g.slab_info_size(),
                          g.slab_info_offset(),
                          static_cast<Word>(g.row())};
    std::memcpy(out, found, sizeof found);
  }
};

/// Of a stride that a geometry can have: a multiple of 8 up to 1 GiB.
inline slab::Geometry geometry_with(Word stride) {
  return slab::Geometry::make(slab::Geometry::max_slab_size, 4096, slab::ObjectSizeType::Large, stride, 8).value();
}
struct Locate {
  static void draw(Random& random, Word* in) {
    in[0] = ((random.below(2) ? random.border() : random.any() >> random.below(64)) & 0x3FFFFFF8) | 8;
    const Word q = random.any() >> (34 + random.below(30));
    in[1] = random.below(3) == 0 ? random.border() : q / in[0] * in[0] + random.below(3) - 1;
  }
  static void real(const Word* in, Word* out) {
    const slab::Geometry geometry = geometry_with(in[0]);
    if (geometry.stride() != in[0]) __builtin_trap();  // no geometry has it
    const slab::Geometry::Position at = geometry.locate(in[1]);
    out[0] = at.index;
    out[1] = at.is_at_slot();
  }
};

struct MisuseAt {
  static void draw(Random& random, Word* in) {
    slab::GeometryResult result = made(in);
    do {
      Make::draw(random, in);
      result = made(in);
    } while (!result.ok());
    const slab::Geometry g = result.value();
    const Word borders[] = {0, g.stride() * random.below(g.objects_per_slab() + 2), g.slab_info_offset(),
                            g.slab_size()};
    in[7] = random.below(3) == 0 ? random.border() : (borders[random.below(4)] + random.below(3) - 1) % g.slab_size();
    in[8] = random.below(g.objects_per_slab() + 1);
  }
  static void real(const Word* in, Word* out) {
    const slab::GeometryResult result = made(in);
    if (!result.ok()) {
      out[0] = 99;
      return;
    }
    const slab::detail::RuntimeGeometry<slab::Row::Large> source{result.value()};
    switch (slab::detail::misuse_at(source, in[7], static_cast<std::uint32_t>(in[8]))) {
      case slab::Misuse::SlabInfoPointer: out[0] = 0; break;
      case slab::Misuse::TailWastePointer: out[0] = 1; break;
      case slab::Misuse::InteriorPointer: out[0] = 2; break;
      case slab::Misuse::NeverAllocated: out[0] = 3; break;
      case slab::Misuse::DoubleFree: out[0] = 4; break;
      default: out[0] = 98;
    }
  }
};

struct ExactQuotient {
  /// 2, 4, …, 256 and, from there on, larger ones with many zeros.
  static constexpr std::size_t count = 160;
  static constexpr Word divisor(std::size_t i) { return i < 128 ? 2 * (i + 1) : (2 * i + 1) << (i - 120); }
  template <std::size_t... I>
  static constexpr auto table(std::index_sequence<I...>) {
    return std::array{&slab::detail::exact_quotient<divisor(I)>...};
  }
  static Word inverse_of(Word odd) {
    Word found = odd;
    for (int i = 0; i < 6; ++i) found *= 2 - odd * found;
    return found;
  }
  static void draw(Random& random, Word* in) {
    const Word d = divisor(random.below(count));
    in[0] = random.below(2) ? random.border() : d * random.border() + random.below(2);
    in[2] = static_cast<Word>(std::countr_zero(d));
    in[1] = inverse_of(d >> in[2]);
  }
  static void real(const Word* in, Word* out) {
    static constexpr auto functions = table(std::make_index_sequence<count>{});
    const Word d = inverse_of(in[1]) << in[2];
    for (std::size_t i = d <= 256 ? d / 2 - 1 : 128; i < count; ++i)
      if (divisor(i) == d) {
        out[0] = functions[i](in[0]);
        return;
      }
    out[0] = 0;
  }
};

template <std::size_t Count>
void draw_any(Random& random, Word* in) {
  for (std::size_t i = 0; i < Count; ++i) in[i] = random.below(8) == 0 ? random.border() : random.any();
}
inline slab::SlabInfo info_with(const Word* in) {
  slab::SlabInfo info;
  ::new (&info.tabled) slab::detail::SealedSlots{};
  info.owner = in[0];
  info.slab = reinterpret_cast<std::byte*>(in[1]);
  info.next = reinterpret_cast<slab::SlabInfo*>(in[2]);
  info.previous = reinterpret_cast<slab::SlabInfo*>(in[3]);
  info.next_slab = reinterpret_cast<slab::SlabInfo*>(in[4]);
  info.previous_slab = reinterpret_cast<slab::SlabInfo*>(in[5]);
  return info;
}
struct LinksSeal {
  static void draw(Random& random, Word* in) { draw_any<7>(random, in); }
  static void real(const Word* in, Word* out) {
    out[0] = slab::detail::links_seal_of(info_with(in), static_cast<std::uint16_t>(in[6]));
  }
};
struct SlotsSeal {
  static void draw(Random& random, Word* in) { draw_any<4>(random, in); }
  static void real(const Word* in, Word* out) {
    const auto half = [&](int i) { return static_cast<std::uint32_t>(in[i]); };
    out[0] = slab::detail::seal_of({half(0), half(1), half(2)}, static_cast<std::uint16_t>(in[3]));
  }
};
struct SetMember {
  static void draw(Random& random, Word* in) { draw_any<2>(random, in); }
  template <slab::SlabInfo* slab::SlabInfo::* Member>
  static Word change(const Word* in) {
    slab::SlabInfo info = info_with(std::array<Word, 6>{}.data());
    info.*Member = reinterpret_cast<slab::SlabInfo*>(in[0]);
    slab::detail::set_member<true, Member>(info, reinterpret_cast<slab::SlabInfo*>(in[1]));
    return info.tabled.links_seal;
  }
  static void real(const Word* in, Word* out) {
    using slab::SlabInfo;
    // The base is written once; its seal is that of a SlabInfo of which only the base is known.
    Word before[6] = {0, in[0]}, after[6] = {0, in[1]};
    out[0] = static_cast<Word>(slab::detail::links_seal_of(info_with(before), 0) ^
                               slab::detail::links_seal_of(info_with(after), 0));
    out[1] = change<&SlabInfo::next>(in);
    out[2] = change<&SlabInfo::previous>(in);
    out[3] = change<&SlabInfo::next_slab>(in);
    out[4] = change<&SlabInfo::previous_slab>(in);
  }
};

using Quarters = slab::QuarterSteps<8, std::size_t{1} << 30>;
struct ClassOf {
  static void draw(Random& random, Word* in) {
    do in[0] = random.border() >> random.below(35);
    while (in[0] == 0 || in[0] > 8192);
  }
  static void real(const Word* in, Word* out) {
    out[0] = Quarters::class_of(in[0]);
    out[1] = slab::KernelSizes::class_of(in[0]);
  }
};
struct LargeClassOf {
  static void draw(Random& random, Word* in) {
    do in[0] = random.border();
    while (in[0] == 0 || in[0] > Word{1} << 30);
  }
  static void real(const Word* in, Word* out) { out[0] = Quarters::class_of(in[0]); }
};
struct SizeOf {
  static void draw(Random& random, Word* in) { in[0] = random.below(Quarters::count); }
  static void real(const Word* in, Word* out) { out[0] = Quarters::size_of(in[0]); }
};
struct NoMemory {
  void* alloc_slab(std::size_t, std::size_t) noexcept { return nullptr; }
  void free_slab(void*, std::size_t, std::size_t) noexcept {}
  bool save_slab_info(std::uintptr_t, slab::SlabInfo*) noexcept { return false; }
  slab::SlabInfo* get_slab_info(std::uintptr_t) noexcept { return nullptr; }
  void delete_slab_info(std::uintptr_t) noexcept {}
};
struct UsableSize {
  static void draw(Random& random, Word* in) {
    in[0] = random.below(2) ? random.border() : random.below(8300);
    in[1] = random.below(4) == 0 ? random.border() : random.power(0, 13);
  }
  static void real(const Word* in, Word* out) { out[0] = slab::SizeClasses<NoMemory>::usable_size(in[0], in[1]); }
};
struct SlabSizeFor {
  static void draw(Random& random, Word* in) { in[0] = random.below(8193); }
  static void real(const Word* in, Word* out) { out[0] = slab::KernelSizes::slab_size_for(in[0]); }
};

struct RunSizeFor {
  static void draw(Random& random, Word* in) {
    do in[0] = random.border();
    while (in[0] == 0 || in[0] > Word{1} << 30);
  }
  static void real(const Word* in, Word* out) { out[0] = slab::KernelSizes::run_size_for(in[0]); }
};

/// Says how many slabs it is asked about, and has none left then.
struct AskedBackend {
  Word* asked;
  bool can_make_slabs(const slab::Geometry&, std::size_t count) noexcept { return *asked = count, false; }
  void* alloc_slab(std::size_t slab_size, std::size_t) noexcept { return std::aligned_alloc(slab_size, slab_size); }
  void free_slab(void* slab, std::size_t, std::size_t) noexcept { std::free(slab); }
};
/// Of caches that have some slabs: what reserve() asks its backend for.
struct Reserve {
  static constexpr std::size_t slab_size = 4096;
  using Cache = slab::DynamicCache<slab::Row::SmallSinglePage, AskedBackend>;
  struct Held {
    explicit Held(std::size_t size, std::size_t objects)
        : backend{&asked},
          cache{slab::Geometry::make(slab_size, slab_size, slab::ObjectSizeType::Small, size, 8).value(), backend} {
      for (std::size_t i = 0; i < objects; ++i) static_cast<void>(cache.alloc());
    }
    Word asked = 0;
    AskedBackend backend;
    Cache cache;
  };
  /// Never destroyed: its objects live.
  static Held& held(std::size_t i) {
    static Held* const all[] = {new Held{8, 0}, new Held{8, 1}, new Held{64, 100}, new Held{2048, 3}, new Held{100, 7}};
    return *all[i];
  }
  static void draw(Random& random, Word* in) {
    Held& one = held(random.below(5));
    const slab::CacheStatistics now = one.cache.statistics();
    in[1] = now.free_objects;
    in[2] = one.cache.geometry().objects_per_slab();
    in[3] = slab_size;
    in[4] = now.full_slabs + now.partial_slabs + now.empty_slabs;
    const Word most = ~Word{0} / slab_size;
    in[0] = random.below(2) ? random.border() : (most + random.below(9) - 4) * in[2] + random.below(2 * in[2]);
  }
  static void real(const Word* in, Word* out) {
    out[0] = 0;
    for (std::size_t i = 0; i < 5; ++i) {
      Held& one = held(i);
      const slab::CacheStatistics now = one.cache.statistics();
      if (one.cache.geometry().objects_per_slab() != in[2] || now.free_objects != in[1]) continue;
      one.asked = 0;
      static_cast<void>(one.cache.reserve(in[0]));
      out[0] = one.asked;
    }
  }
};

/// Where a SmallSinglePage cache finds the SlabInfo of a pointer's slab, and from there the slab and its table.
struct Addresses {
  using State =
      slab::detail::CacheState<slab::detail::RuntimeGeometry<slab::Row::SmallSinglePage>, AskedBackend, slab::Checked>;
  static slab::GeometryResult geometry(const Word* in) {
    return slab::Geometry::make(in[1], in[1], slab::ObjectSizeType::Small, in[2], 1);
  }
  static void draw(Random& random, Word* in) {
    do {
      in[0] = random.border();
      in[1] = random.power(7, 30);
      in[2] = 1 + random.below(in[1]);
    } while (!geometry(in).ok());
  }
  static void real(const Word* in, Word* out);
};
OPEN(FindOwner, &Addresses::State::find_owner);
OPEN(BaseOf, &Addresses::State::base_of);
OPEN(TableOf, &Addresses::State::table_of);
inline void Addresses::real(const Word* in, Word* out) {
  Word asked = 0;
  AskedBackend backend{&asked};
  Reserve::Cache cache{geometry(in).value(), backend};
  const slab::SlabInfo& info = *(cache.*open(FindOwner{}))(reinterpret_cast<void*>(in[0]));
  out[0] = reinterpret_cast<Word>(&info);
  out[1] = (cache.*open(BaseOf{}))(info);
  out[2] = reinterpret_cast<Word>((cache.*open(TableOf{}))(info));
}

struct RegionClass {
  static void draw(Random& random, Word* in) { in[0] = random.power(12, 30); }
  static void real(const Word* in, Word* out) { out[0] = open(RegionClassOf{})(in[0]); }
};
struct RegionLargest {
  static void draw(Random& random, Word* in) { in[0] = random.border(); }
  static void real(const Word* in, Word* out) { out[0] = open(RegionLargestSlab{})(in[0]); }
};
inline Region& region() {
  static Region* const made = new Region{std::size_t{1} << 30};
  return *made;
}
constexpr Word pages = (Word{1} << 30) / 4096;
/// The first block that move_frontier() makes between two pages.
struct RegionFirstBlock {
  static void draw(Random& random, Word* in) {
    do {
      in[0] = random.below(2) ? random.below(64) : random.power(0, 17) + random.below(3) - 1;
      in[1] = in[0] + 1 + (random.below(2) ? random.below(64) : random.power(0, 12));
    } while (in[1] > pages);
  }
  static void real(const Word* in, Word* out) {
    // A list of nothing but what this call puts on it: its links stay within the region.
    region().*open(RegionFrontier{}) = in[0];
    (region().*open(RegionMove{}))(in[1]);
    out[0] = (region().*open(RegionBlock{}))(in[0]).size_class;
  }
};
struct RegionFreshPage {
  static void draw(Random& random, Word* in) {
    in[0] = random.below(pages / 2);
    in[1] = random.below(17);
  }
  static void real(const Word* in, Word* out) {
    region().*open(RegionFrontier{}) = in[0];
    const std::size_t page = (region().*open(RegionFresh{}))(static_cast<unsigned>(in[1]));
    out[0] = page;
  }
};

}  // namespace proofs

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
