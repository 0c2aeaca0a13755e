// Which SlabInfos and slots each operation reads and writes, in every state of small caches: no more than
// docs/induction.md says, whatever else there is. The compiler tells of each load and store of the cache.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include <slab/slab.hpp>

#include "model/subject/inspector.hpp"
#include "properties/explore/damage_place.hpp"
#include "properties/explore/induction/access_trace.hpp"
#include "properties/explore/induction/footprint.hpp"
#include "properties/explore/induction/quiet_backend.hpp"

namespace slabproof {
namespace {

/// How the cache is broken on purpose.
enum class Broken : std::uint8_t { No, Reads, Writes } broken;

template <bool Checks, std::size_t Kept>
struct Policy : slab::Checked {
  static constexpr bool checks = Checks;
  static constexpr std::size_t empty_slabs_kept = Kept;
  static void on_misuse(const slab::MisuseReport&) noexcept {
    std::printf("right use is reported\n");
    std::exit(1);
  }
};

enum class Op : std::uint8_t { Alloc, AllocNoGrow, Reserve, Shrink, Statistics, Free };
constexpr const char* names[] = {"alloc", "alloc_no_grow", "reserve", "shrink", "statistics", "free"};

struct Counts {
  std::size_t states = 0, operations = 0, accesses = 0, most_infos = 0;
};

template <slab::Row R, bool Checks, std::size_t Kept>
class Sweep {
 public:
  using Cache = slab::DynamicCache<R, QuietBackend, Policy<Checks, Kept>>;

  Sweep(slab::Geometry geometry, std::size_t slabs) : geometry_{geometry}, slabs_{slabs} {}

  Counts run() {
    states_.begin<Cache>(geometry_, quiet_backend, slabs_);
    for (std::size_t at = 0; at < states_.size(); ++at) expand(at);
    counts_.states = states_.size();
    return counts_;
  }

 private:
  [[nodiscard]] static Cache& cache() { return *std::launder(reinterpret_cast<Cache*>(place.cache)); }
  [[nodiscard]] std::size_t objects() const { return geometry_.objects_per_slab(); }
  [[nodiscard]] std::uintptr_t slot_at(std::size_t slab, std::size_t slot) const {
    return Backend::number(Backend::slab_at(slab, geometry_.slab_size())) + slot * geometry_.stride();
  }

  // States.

  void expand(std::size_t state) {
    for (std::uint8_t first = 0; first < slabs_; ++first) {
      take(state, Op::Alloc, first);
      take(state, Op::Reserve, first);
    }
    for (const Op op : {Op::AllocNoGrow, Op::Shrink, Op::Statistics}) take(state, op, 0);
    bool live[max_slabs][max_slots];
    states_.go_to(state);
    std::memcpy(live, place.live, sizeof live);
    for (std::size_t slab = 0; slab < slabs_; ++slab)
      for (std::size_t slot = 0; slot < objects(); ++slot)
        if (live[slab][slot]) take(state, Op::Free, 0, slot_at(slab, slot));
  }

  // Operations.

  void take(std::size_t state, Op op, std::uint8_t first, std::uintptr_t object = 0) {
    states_.go_to(state);
    state_ = state, op_ = op, object_ = object;
    place.next = first;
    Footprint footprint = footprint_of(op, object);
    const std::string before(reinterpret_cast<const char*>(&place), sizeof place);
    access_trace.accesses.clear();
    access_trace.is_on = true;
    void* made = nullptr;
    switch (op) {
      case Op::Alloc: made = cache().alloc(); break;
      case Op::AllocNoGrow: made = cache().alloc_no_grow(); break;
      case Op::Reserve: (void)cache().reserve(objects() + 1); break;
      case Op::Shrink: (void)cache().shrink(); break;
      case Op::Statistics: (void)cache().statistics(); break;
      case Op::Free: cache().free(reinterpret_cast<void*>(object)); break;
    }
    if (broken != Broken::No && op == Op::Free) touch_another();
    access_trace.is_on = false;
    PlaceStates::open();
    ++counts_.operations;
    counts_.accesses += access_trace.accesses.size();
    if (made) footprint.entry = entry_of(Backend::number(made));
    judge(footprint, before);
    if (made) live_at(Backend::number(made)) = true;
    if (object) live_at(object) = false;
    states_.remember();
  }
  [[nodiscard]] bool& live_at(std::uintptr_t object) const {
    const std::size_t offset = object - Backend::number(place.slabs);
    return place.live[offset / geometry_.slab_size()][offset % geometry_.slab_size() / geometry_.stride()];
  }
  void touch_another() {
    auto* const info = reinterpret_cast<volatile slab::SlabInfo*>(slab::Inspector::members_of(cache()).all_front);
    if (!info) return;
    const std::uintptr_t owner = info->owner;
    if (broken == Broken::Writes) info->owner = owner;
  }

  // Footprints.

  [[nodiscard]] static SlabInfoMembers info_at(std::uintptr_t info) { return slab::Inspector::info_at(info, Checks); }
  /// A slab that goes back: all of it, and its neighbours among all slabs.
  static void add_released(Footprint& footprint, std::uintptr_t info) {
    if (info == 0) return;
    footprint.add(info, whole);
    footprint.add(info_at(info).next_slab, of_all);
    footprint.add(info_at(info).previous_slab, of_all);
  }
  /// The slab that alloc() takes when the current one is used up: it leaves its list.
  static void add_taken(Footprint& footprint, const CacheMembers& members) {
    const std::uintptr_t first = members.partial_front ? members.partial_front : members.empty_front;
    footprint.add(members.slab_info, slots_part);
    if (first == 0) return footprint.add(members.all_front, of_all);  // a new one comes in front
    footprint.add(first, whole);
    footprint.add(info_at(first).next, of_list);
  }
  [[nodiscard]] Footprint footprint_of(Op op, std::uintptr_t object) const {
    const CacheMembers members = slab::Inspector::members_of(cache());
    const std::uintptr_t current = members.slab_info;
    Footprint footprint;
    switch (op) {
      case Op::Statistics: break;
      case Op::Alloc:
      case Op::AllocNoGrow:
        if (current == 0 || members.slots.used == objects()) add_taken(footprint, members);
        break;
      case Op::Reserve:
      case Op::Shrink:  // one slab after the other
        footprint.add(members.all_front, of_all);
        if (members.slots.used == 0) add_released(footprint, current);
        for (std::uintptr_t info = members.empty_front; info != 0; info = info_at(info).next) {
          add_released(footprint, info);
          add_all_neighbours(footprint, info);
        }
        if (members.slots.used == 0) add_all_neighbours(footprint, current);
        break;
      case Op::Free: {
        footprint.entry = entry_of(object);
        add_freed(footprint, members, info_of(object));
        break;
      }
    }
    return footprint;
  }
  /// When slabs go back one after the other, those whose neighbours have gone before have others.
  static void add_all_neighbours(Footprint& footprint, std::uintptr_t info) {
    for (std::uintptr_t at = info; at != 0 && is_empty(at); at = info_at(at).next_slab)
      footprint.add(info_at(at).next_slab, of_all);
    for (std::uintptr_t at = info; at != 0 && is_empty(at); at = info_at(at).previous_slab)
      footprint.add(info_at(at).previous_slab, of_all);
  }
  [[nodiscard]] static bool is_empty(std::uintptr_t info) {
    const CacheMembers members = slab::Inspector::members_of(cache());
    return (info == members.slab_info ? members.slots.used : info_at(info).slots.used) == 0;
  }
  void add_freed(Footprint& footprint, const CacheMembers& members, std::uintptr_t freed) const {
    const std::uintptr_t current = members.slab_info, first_empty = members.empty_front;
    const bool may_go = members.empty_slabs + (current != 0 && members.slots.used == 0) + 1 > members.kept_slabs;
    if (freed == current) {
      if (members.slots.used > 1 || !may_go) return;
      add_released(footprint, first_empty ? first_empty : current);
      if (first_empty) footprint.add(info_at(first_empty).next, of_list);
      return;
    }
    footprint.add(freed, whole);
    const std::uint32_t used = info_at(freed).slots.used;
    if (used == objects()) {  // it becomes current, and the other one goes to its list
      footprint.add(current, slots_part);
      if (current == 0 || members.slots.used == objects()) {
        if (used == 1 && may_go) add_released(footprint, first_empty ? first_empty : freed);
        if (used == 1 && may_go && first_empty) footprint.add(info_at(first_empty).next, of_list);
        return;
      }
      footprint.add(current, of_list);
      footprint.add(members.slots.used == 0 ? first_empty : members.partial_front, of_list);
      if (used == 1 && may_go) {
        const std::uintptr_t first = members.slots.used == 0 ? current : first_empty ? first_empty : freed;
        add_released(footprint, first);
        if (first == first_empty) footprint.add(info_at(first).next, of_list);
      }
      return;
    }
    if (used > 1) return;
    footprint.add(info_at(freed).next, of_list);  // it changes lists
    footprint.add(info_at(freed).previous, of_list);
    footprint.add(first_empty, of_list);
    if (may_go) add_released(footprint, freed);
  }
  [[nodiscard]] std::uintptr_t info_of(std::uintptr_t object) const {
    const std::size_t slab = (object - Backend::number(place.slabs)) / geometry_.slab_size();
    std::byte* const base = Backend::slab_at(slab, geometry_.slab_size());
    if constexpr (R == slab::Row::SmallSinglePage)
      return Backend::number(base) + geometry_.slab_size() - sizeof(slab::SlabInfo);
    else
      return Backend::number(backend.get_slab_info(Backend::number(base)));
  }

  [[nodiscard]] std::uintptr_t entry_of(std::uintptr_t object) const {
    if constexpr (!Checks) return object;
    const std::size_t offset = object - Backend::number(place.slabs);
    return info_of(object) + sizeof(slab::SlabInfo) - geometry_.slab_info_size() +
           offset % geometry_.slab_size() / geometry_.stride() * geometry_.entry_size();
  }

  // Judging.

  [[nodiscard]] static Parts parts_of(std::size_t offset, std::size_t size) {
    constexpr std::size_t links_seal =
        offsetof(slab::SlabInfo, tabled) + offsetof(slab::detail::SealedSlots, links_seal);
    Parts parts = 0;
    for (std::size_t at = offset; at < offset + size; ++at) {
      if (at < sizeof(slab::detail::SealedSlots))
        parts |= Checks && at >= links_seal ? links_seal_part : slots_part;
      else
        parts |= owner_part << (at - offsetof(slab::SlabInfo, owner)) / 8;
    }
    return parts;
  }

  void judge(const Footprint& footprint, const std::string& before) {
    std::vector<std::uintptr_t> seen;
    std::vector<bool> is_written(sizeof place);
    for (const Access& access : access_trace.accesses) {
      const std::size_t offset = access.address - Backend::number(&place);
      if (offset >= sizeof place) continue;
      for (std::size_t i = 0; i < access.size && access.is_write; ++i) is_written[offset + i] = true;
      judge(footprint, access, before, seen);
    }
    counts_.most_infos = std::max(counts_.most_infos, seen.size());
    // The trace has every change, but for what the backend did.
    for (std::size_t slab = 0; slab < slabs_; ++slab) {
      if (!place.is_slab_taken[slab] || !was_taken(before, slab)) continue;
      check_traced(before, is_written, Backend::slab_at(slab, geometry_.slab_size()), geometry_.slab_size());
      if constexpr (R == slab::Row::Large) {
        auto* const base = Backend::slab_at(slab, geometry_.slab_size());
        auto* const info = reinterpret_cast<std::byte*>(backend.get_slab_info(Backend::number(base)));
        check_traced(before, is_written, info, sizeof(slab::SlabInfo));
      }
    }
  }
  [[nodiscard]] static bool was_taken(const std::string& before, std::size_t slab) {
    return before[offsetof(Place, is_slab_taken) + slab] != 0;
  }
  void check_traced(const std::string& before, const std::vector<bool>& is_written, const std::byte* begin,
                    std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) {
      const std::size_t at = Backend::number(begin) + i - Backend::number(&place);
      if (begin[i] != static_cast<std::byte>(before[at]))
        check(is_written[at], "a change that the trace does not have", at);
    }
  }
  /// One access. Nothing is said of memory that was given back, or handed out just now: nobody else reads it.
  void judge(const Footprint& footprint, const Access& access, const std::string& before,
             std::vector<std::uintptr_t>& seen) {
    const std::uintptr_t slabs = Backend::number(place.slabs), infos = Backend::number(place.infos);
    const bool is_in_slab = access.address - slabs < sizeof place.slabs;
    if (!is_in_slab && access.address - infos >= sizeof place.infos) return;
    std::uintptr_t info = 0;
    if (is_in_slab) {
      const std::size_t slab = (access.address - slabs) / geometry_.slab_size();
      if (slab >= slabs_ || !was_taken(before, slab)) return;
      const std::uintptr_t base = slabs + slab * geometry_.slab_size();
      info = R == slab::Row::Large ? access.address + 1 : base + geometry_.slab_size() - sizeof(slab::SlabInfo);
    } else {
      const std::size_t block = (access.address - infos) / largest_info;
      if (before[offsetof(Place, is_info_taken) + block] == 0) return;
      info = infos + block * largest_info + geometry_.slab_info_size() - sizeof(slab::SlabInfo);
    }
    if (access.address >= info) {
      if (std::find(seen.begin(), seen.end(), info) == seen.end()) seen.push_back(info);
      const Parts parts = parts_of(access.address - info, access.size);
      return check(footprint.allows(info, parts), "a part of a SlabInfo that is not in the footprint", parts);
    }
    check(access.address == footprint.entry, "another slot, or one by an operation that has none",
          access.address - slabs);
  }

  void check(bool holds, const char* what, std::size_t which) const {
    if (holds) return;
    std::printf("%s, %s, kept %zu, state %zu, %s: %s (%zu)\n", slab::to_string(R), Checks ? "Checked" : "Unchecked",
                Kept, state_, names[static_cast<std::size_t>(op_)], what, which);
    std::exit(1);
  }

  slab::Geometry geometry_;
  std::size_t slabs_;
  PlaceStates states_;
  Counts counts_;
  std::size_t state_ = 0;
  Op op_{};
  std::uintptr_t object_ = 0;
};

template <slab::Row R, bool Checks, std::size_t Kept>
void sweep(std::size_t page_size, std::size_t slab_size, std::size_t object_size, std::size_t slabs) {
  const auto type = R == slab::Row::Large ? slab::ObjectSizeType::Large : slab::ObjectSizeType::Small;
  const slab::Geometry geometry =
      slab::Geometry::make<Policy<Checks, Kept>>(slab_size, page_size, type, object_size, 8).value();
  const Counts counts = std::make_unique<Sweep<R, Checks, Kept>>(geometry, slabs)->run();
  std::printf(
      "%-15s %-9s kept %zu, %zu objects, %zu slabs: %zu states, %zu operations, %zu accesses, %zu SlabInfos at "
      "most in one\n",
      slab::to_string(R), Checks ? "Checked" : "Unchecked", Kept, geometry.objects_per_slab(), slabs, counts.states,
      counts.operations, counts.accesses, counts.most_infos);
  std::fflush(stdout);
}

template <bool Checks, std::size_t Kept>
void sweep_rows(std::size_t objects, std::size_t slabs) {
  const std::size_t size = objects == 1 ? 56 : 24;
  sweep<slab::Row::SmallSinglePage, Checks, Kept>(128, 128, size, slabs);
  sweep<slab::Row::SmallMultiPage, Checks, Kept>(64, 128, size, slabs);
  sweep<slab::Row::Large, Checks, Kept>(64, 128, objects == 1 ? 128 : 64, slabs);
}

template <bool Checks>
void sweep_all(std::size_t objects, std::size_t slabs) {
  sweep_rows<Checks, 1>(objects, slabs);
  sweep_rows<Checks, 0>(objects, slabs);
}

}  // namespace
}  // namespace slabproof

int main(int argc, char** argv) {
  using namespace slabproof;
  const std::string_view option = argc > 1 ? argv[1] : "";
  if (argc > 2 || (argc == 2 && option != "--broken-reads" && option != "--broken-writes")) {
    std::fprintf(stderr,
                 "usage: %s [--broken-reads | --broken-writes]\nexit: 0 nothing wrong, 1 a defect found, "
                 "2 wrong arguments\n",
                 argv[0]);
    return 2;
  }
  broken = option == "--broken-reads" ? Broken::Reads : option == "--broken-writes" ? Broken::Writes : Broken::No;
  for (const std::size_t objects : {std::size_t{1}, std::size_t{2}}) {
    sweep_all<true>(objects, objects == 1 ? 3 : 2);
    sweep_all<false>(objects, objects == 1 ? 3 : 2);
  }
  return 0;
}
