// What stray writes to a SlabInfo do in every state of small caches: each byte of each SlabInfo becomes 0, 0xFF, each
// of its single-bit flips and the same byte of another SlabInfo; then each operation once, then everything is drained
// and the cache destroyed. One report at most, of the damaged slab; no object of another slab is lost, handed out twice
// or written to; and nothing is written to memory that was given back.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#include <slab/slab.hpp>

#include "model/memory/sanitizer.hpp"
#include "model/subject/inspector.hpp"
#include "properties/explore/damage_place.hpp"

namespace slabproof {
namespace {

constexpr std::size_t info_bytes = sizeof(slab::SlabInfo), values = 11;

// In the handler's reach. A report too many is as wrong as one of another kind.
slab::MisuseReport reports[16];
std::size_t reported;

template <std::size_t Kept>
struct Policy : slab::Checked {
  static constexpr std::size_t empty_slabs_kept = Kept;
  static void on_misuse(const slab::MisuseReport& report) noexcept { reports[reported++ % 16] = report; }
};

enum class Op : std::uint8_t { Alloc, AllocNoGrow, Reserve, Shrink, Look, Free, Nothing };
struct Step {
  Op op = Op::Nothing;
  std::uint8_t slab = 0, slot = 0;  // Free; of the others `slab` is the first place for a new one
};
constexpr const char* names[] = {"alloc", "alloc_no_grow", "reserve", "shrink", "look", "free", "nothing"};

struct Counts {
  std::size_t states = 0, damages = 0, runs = 0, at_once = 0, later = 0, dead = 0, healed = 0;
};

template <slab::Row R, std::size_t Kept>
class Sweep {
 public:
  using Cache = slab::DynamicCache<R, Backend, Policy<Kept>>;

  /// Takes every `share`-th damage.
  Sweep(slab::Geometry geometry, std::size_t slabs, std::size_t share)
      : geometry_{geometry}, slabs_{slabs}, share_{share} {}

  Counts run() {
    states_.begin<Cache>(geometry_, backend, slabs_);
    for (std::size_t at = 0; at < states_.size(); ++at) {
      expand(at);
      damage_each(at);
    }
    counts_.states = states_.size();
    return counts_;
  }

 private:
  [[nodiscard]] static Cache& cache() { return *std::launder(reinterpret_cast<Cache*>(place.cache)); }
  [[nodiscard]] std::size_t objects() const { return geometry_.objects_per_slab(); }
  [[nodiscard]] std::byte* slot_at(std::size_t slab, std::size_t slot) const {
    return Backend::slab_at(slab, geometry_.slab_size()) + slot * geometry_.stride();
  }

  // States.

  void go_to(std::size_t state) {
    states_.go_to(state);
    reported = 0;
  }
  void expand(std::size_t state) {
    for (const Op op : {Op::Alloc, Op::Reserve, Op::Shrink})
      for (std::uint8_t first = 0; first < (op == Op::Shrink ? 1 : slabs_); ++first) {
        go_to(state);
        take({op, first});
        check(reported == 0 && cache().audit(), "right use is reported");
        states_.remember();
      }
    for (const Step& free : frees(state)) {
      go_to(state);
      take(free);
      check(reported == 0 && cache().audit(), "right use is reported");
      states_.remember();
    }
  }
  [[nodiscard]] std::vector<Step> frees(std::size_t state) {
    go_to(state);
    std::vector<Step> steps;
    for (std::uint8_t slab = 0; slab < slabs_; ++slab)
      for (std::uint8_t slot = 0; slot < objects(); ++slot)
        if (place.live[slab][slot]) steps.push_back({Op::Free, slab, slot});
    return steps;
  }

  // Operations.

  void take(const Step& step) {
    place.next = step.slab;
    switch (step.op) {
      case Op::Alloc: return void(admit(cache().alloc()));
      case Op::AllocNoGrow: return void(admit(cache().alloc_no_grow()));
      case Op::Reserve: return void(cache().reserve(objects() + 1));
      case Op::Shrink: return void(cache().shrink());
      case Op::Look: return look();
      case Op::Free: return free(step.slab, step.slot);
      case Op::Nothing: return;
    }
  }
  void look() {
    std::size_t seen = 0;
    cache().for_each_live([&](void* object) {
      const auto [slab, slot] = where(object);
      check(place.live[slab][slot] != 0, "for_each_live visits an object that is free");
      ++seen;
    });
    (void)cache().statistics();
    check(seen <= count_live(max_slabs), "for_each_live visits too many");
  }
  bool admit(void* object) {
    if (!object) return false;
    const auto [slab, slot] = where(object);
    check(place.is_slab_taken[slab] && !place.live[slab][slot], "an object is handed out twice");
    check(slab != victim_ || !is_found(), "an object of a slab that was set aside is handed out");
    place.live[slab][slot] = true;
    std::memset(object, static_cast<int>(slab * max_slots + slot), geometry_.object_size());
    return true;
  }
  struct Where {
    std::size_t slab, slot;
  };
  Where where(const void* object) const {
    const std::uintptr_t offset = Backend::number(object) - Backend::number(place.slabs);
    const Where at{offset / geometry_.slab_size(), offset % geometry_.slab_size() / geometry_.stride()};
    check(at.slab < slabs_ && at.slot < objects() && slot_at(at.slab, at.slot) == object, "an object lies nowhere");
    return at;
  }
  void free(std::size_t slab, std::size_t slot) {
    std::byte* const object = slot_at(slab, slot);
    for (std::size_t i = 0; i < geometry_.object_size(); ++i)
      check(object[i] == static_cast<std::byte>(slab * max_slots + slot), "a live object was written to");
    std::memset(object, static_cast<int>(fresh), geometry_.object_size());
    place.live[slab][slot] = false;
    cache().free(object);
  }
  [[nodiscard]] std::size_t count_live(std::size_t but) const {
    std::size_t live = 0;
    for (std::size_t slab = 0; slab < slabs_; ++slab)
      for (std::size_t slot = 0; slot < objects() && slab != but; ++slot) live += place.live[slab][slot];
    return live;
  }

  // Damage.

  [[nodiscard]] std::byte* info_of(std::size_t slab) const {
    std::byte* const base = Backend::slab_at(slab, geometry_.slab_size());
    if constexpr (R == slab::Row::SmallSinglePage) return base + geometry_.slab_size() - info_bytes;
    return reinterpret_cast<std::byte*>(backend.get_slab_info(Backend::number(base)));
  }
  [[nodiscard]] std::byte damaged(std::size_t byte, std::size_t how) const {
    const std::byte old = info_of(victim_)[byte];
    if (how == 0) return std::byte{0};
    if (how == 1) return std::byte{0xFF};
    if (how < 10) return old ^ std::byte{1} << (how - 2);
    for (std::size_t i = 1; i < slabs_; ++i)
      if (const std::size_t other = (victim_ + i) % slabs_; place.is_slab_taken[other]) return info_of(other)[byte];
    return old;
  }
  void damage_each(std::size_t state) {
    std::vector<Step> steps = frees(state);
    for (const Op op : {Op::Alloc, Op::AllocNoGrow, Op::Reserve, Op::Shrink, Op::Look, Op::Nothing})
      steps.push_back({op});
    for (victim_ = 0; victim_ < slabs_; ++victim_) {
      go_to(state);
      if (!place.is_slab_taken[victim_]) continue;
      for (byte_ = 0; byte_ < info_bytes; ++byte_)
        for (how_ = 0; how_ < values; ++how_) {
          go_to(state);
          const std::byte value = damaged(byte_, how_);
          if (value == info_of(victim_)[byte_] || ++possible_ % share_ != 0) continue;
          ++counts_.damages;
          for (const Step& step : steps) {
            state_ = state, step_ = step;
            go_to(state);
            judge(value, step);
          }
        }
    }
    victim_ = max_slabs;
  }
  [[nodiscard]] bool is_found() const { return reported > 0; }

  void judge(std::byte value, const Step& step) {
    ++counts_.runs;
    info_ = info_of(victim_);
    // The slots of the current slab are in the cache; what SlabInfo says of them is out of date.
    bool is_dead = byte_ < offsetof(slab::detail::SealedSlots, links_seal) &&
                   slab::Inspector::members_of(cache()).slab_info == Backend::number(info_);
    // A full slab's counts are not compared with their seal, and are sealed again when the slab has been current.
    const std::size_t used =
        static_cast<std::size_t>(std::count(place.live[victim_], place.live[victim_] + objects(), true));
    may_heal_ = !is_dead && used == objects() && byte_ >= offsetof(slab::detail::SealedSlots, slots_seal) &&
                byte_ < offsetof(slab::detail::SealedSlots, links_seal);
    info_[byte_] = value;
    take(step);
    judge_state(is_dead);
    const bool at_once = is_found();
    if (step.op == Op::Nothing) return destroy(is_dead);
    place.next = 0;
    while (admit(cache().alloc())) {}
    check(count_live(is_found() ? victim_ : max_slabs) == objects() * (slabs_ - is_found()), "free slots are lost");
    judge_state(is_dead);
    for (std::size_t slab = 0; slab < slabs_; ++slab)
      for (std::size_t slot = 0; slot < objects(); ++slot)
        if (place.live[slab][slot]) free(slab, slot);
    cache().shrink();
    is_dead |= may_heal_ && !is_found();
    check(is_found() != is_dead, "damage is not found when everything goes back");
    judge_state(is_dead);
    for (std::size_t slab = 0; slab < slabs_; ++slab)
      check(place.is_slab_taken[slab] == (slab == victim_ && !is_dead),
            "another slab is kept, or the damaged one is not");
    may_heal_&& is_dead ? ++counts_.healed : is_dead ? ++counts_.dead : at_once ? ++counts_.at_once : ++counts_.later;
    destroy(is_dead);
  }
  /// What must hold between two operations.
  void judge_state(bool is_dead) {
    check(reported <= 1, "more than one report");
    if (is_found()) {
      check(reports[0].kind == slab::Misuse::CorruptedSlabInfo, slab::to_string(reports[0].kind));
      check(reports[0].pointer == info_ && reports[0].cache == &cache(), "another slab is reported");
      check(!is_dead, "what is out of date is reported");
    }
    check(cache().audit() == (is_found() || is_dead) || (may_heal_ && !is_found()),
          "audit() does not see it, or sees what is not there");
    const slab::CacheStatistics statistics = cache().statistics();
    const std::size_t sound = statistics.full_slabs + statistics.partial_slabs + statistics.empty_slabs;
    check(statistics.set_aside_slabs == is_found(), "set_aside_slabs");
    check(statistics.allocated_objects == count_live(is_found() ? victim_ : max_slabs), "allocated_objects");
    check(statistics.allocated_objects + statistics.free_objects == objects() * sound, "free_objects");
    const auto taken = static_cast<std::size_t>(std::count(place.is_slab_taken, place.is_slab_taken + slabs_, true));
    check(sound + is_found() == taken, "slabs");
    for (std::size_t slab = 0; slab < slabs_; ++slab)
      if (!place.is_slab_taken[slab])
        check(std::all_of(Backend::slab_at(slab, geometry_.slab_size()),
                          Backend::slab_at(slab + 1, geometry_.slab_size()), [](std::byte b) { return b == returned; }),
              "memory that was given back is written to");
  }
  /// The objects of sound slabs are reported as they are without damage.
  void destroy(bool is_dead) {
    const std::size_t live = count_live(max_slabs), sound = count_live(victim_);
    cache().~Cache();
    is_dead |= may_heal_ && (reported == 0 || reports[0].kind == slab::Misuse::LiveAtDestruction);
    check(reported == (is_dead ? live : sound + 1), "the number of reports at destruction");
    for (std::size_t i = 0; i < reported; ++i)
      check(!is_dead && i == 0 ? reports[i].kind == slab::Misuse::CorruptedSlabInfo && reports[i].pointer == info_
                               : reports[i].kind == slab::Misuse::LiveAtDestruction,
            "another report at destruction");
  }

  void check(bool holds, const char* what) const {
    if (holds) return;
    std::printf("%s, state %zu, slab %zu, byte %zu, value %zu, %s %u %u: %s\n", slab::to_string(R), state_, victim_,
                byte_, how_, names[static_cast<std::size_t>(step_.op)], step_.slab, step_.slot, what);
    std::exit(1);
  }

  slab::Geometry geometry_;
  std::size_t slabs_, share_;
  PlaceStates states_;
  Counts counts_;
  std::size_t possible_ = 0;
  std::size_t state_ = 0, victim_ = max_slabs, byte_ = 0, how_ = 0;
  std::byte* info_ = nullptr;
  bool may_heal_ = false;
  Step step_;
};

template <slab::Row R, std::size_t Kept>
void sweep(std::size_t page_size, std::size_t slab_size, std::size_t object_size, std::size_t slabs,
           std::size_t share) {
  const auto type = R == slab::Row::Large ? slab::ObjectSizeType::Large : slab::ObjectSizeType::Small;
  const slab::Geometry geometry = slab::Geometry::make(slab_size, page_size, type, object_size, 8).value();
  const Counts counts = std::make_unique<Sweep<R, Kept>>(geometry, slabs, share)->run();
  std::printf(
      "%-15s kept %zu, %zu objects, %zu slabs: %zu states, %zu damages (1 in %zu), %zu runs: %zu found at once, "
      "%zu later, %zu of bytes out of date, %zu written over\n",
      slab::to_string(R), Kept, geometry.objects_per_slab(), slabs, counts.states, counts.damages, share, counts.runs,
      counts.at_once, counts.later, counts.dead, counts.healed);
  std::fflush(stdout);
}

template <std::size_t Kept>
void sweep_rows(std::size_t objects, std::size_t slabs, std::size_t share = 1) {
  const std::size_t size = objects == 1 ? 56 : 24;
  sweep<slab::Row::SmallSinglePage, Kept>(128, 128, size, slabs, share);
  sweep<slab::Row::SmallMultiPage, Kept>(64, 128, size, slabs, share);
  sweep<slab::Row::Large, Kept>(64, 128, objects == 1 ? 128 : 64, slabs, share);
}

}  // namespace
}  // namespace slabproof

int main(int argc, char** argv) {
  using namespace slabproof;
  const bool quickest = argc == 2 && std::strcmp(argv[1], "--quickest") == 0;
  const bool quick = quickest || (argc == 2 && std::strcmp(argv[1], "--quick") == 0);
  if (argc > 1 && !quick) {
    std::fprintf(stderr,
                 "usage: %s [--quick | --quickest]\nexit: 0 nothing wrong, 1 a defect found, 2 wrong arguments\n",
                 argv[0]);
    return 2;
  }
  // No factor of the numbers of bytes and values: each has its turn.
  const std::size_t fewer = quickest || has_asan ? 5 : 1, share = quick ? 23 * fewer : 1;
  sweep_rows<1>(1, 2, quick ? 3 * fewer : 1);
  sweep_rows<1>(2, 2, share);
  if (quick) return 0;
  sweep_rows<0>(1, 2);
  sweep_rows<0>(2, 2);
  sweep_rows<1>(1, 3);
  sweep_rows<0>(1, 3);
  sweep_rows<1>(2, 3, 13);
  return 0;
}
