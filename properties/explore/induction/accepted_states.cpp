#include "properties/explore/induction/accepted_states.hpp"

#include <algorithm>

#include "model/memory/address.hpp"
#include "model/memory/sanitizer.hpp"
#include "model/subject/inspector.hpp"
#include "model/subject/slab_audit.hpp"
#include "properties/explore/induction/traced_core.hpp"
#include "properties/explore/raw_memory.hpp"

namespace slabproof {
namespace {

using Values = std::vector<std::uint64_t>;

Values up_to(std::uint64_t most) {
  Values values;
  for (std::uint64_t i = 0; i <= most; ++i) values.push_back(i);
  return values;
}

template <slab::Row R, bool Checks, std::size_t Kept>
class Enumeration {
 public:
  using Core = TracedCore<R, Checks, Kept>;
  using Info = typename Core::Info;

  Enumeration(World& world, AcceptedCounts& counts, const std::function<void()>& visit)
      : world_{world},
        slabs_{world.slabs()},
        objects_{world.layout(0).objects_per_slab},
        core_{geometry_of(world.cache(0)).value(), world.place(0), world.table_of(0, 0),
              world.runner().subject(0)->members().tag},
        counts_{counts},
        visit_{visit} {
    join();
    counts.all = fields_.all();
  }

  bool run(volatile std::uint64_t& is_alive) {
    open();
    do {
      ++counts_.tried;
      is_alive = is_alive + 1;
      const slab::AuditFailure failure = core_.find_audit_failure();
      write();
      if (world_.runner().subject(0)->audit() != invariant_of(failure)) return false;
      if (failure != slab::AuditFailure::None) continue;
      read_state();
      accept();
    } while (fields_.advance());
    return true;
  }

 private:
  // Fields and their values.

  [[nodiscard]] Values infos() {
    Values values{0};
    for (std::size_t i = 0; i < slabs_; ++i) values.push_back(reinterpret_cast<std::uintptr_t>(&core_.infos_[i]));
    return values;
  }
  [[nodiscard]] Values bases(std::uint64_t none) const {
    Values values{none};
    for (std::size_t i = 0; i < slabs_; ++i) values.push_back(core_.base_at(i));
    return values;
  }
  /// What a table of slots says, or the first free slot; or a link in a slot.
  [[nodiscard]] Values entries() const {
    if constexpr (Checks) {
      Values values = up_to(objects_);
      values.push_back(slab::detail::no_slot(1));
      values.push_back(slab::detail::SlotTable<std::uint8_t>::live);
      return values;
    } else {
      Values values{0, core_.base_at(0) + 8};
      for (std::size_t slab = 0; slab < slabs_; ++slab)
        for (std::size_t slot = 0; slot < objects_; ++slot)
          values.push_back(core_.base_at(slab) + slot * world_.layout(0).stride);
      return values;
    }
  }
  void join(TracedSlots<Checks>& slots) {
    slots.entries = &core_.entries_;
    slots.free_head.join(fields_, entries());
    slots.used.join(fields_, up_to(objects_ + 1));
    slots.carved.join(fields_, up_to(objects_ + 1));
  }
  void join(TracedList<Checks>& list) {
    list.front_.join(fields_, infos());
    list.size_.join(fields_, up_to(slabs_ + 1));
  }
  void join() {
    for (std::size_t i = 0; i < slabs_; ++i) {
      Info& info = core_.infos_[i];
      join(info.slots);
      info.owner.join(fields_, {core_.tag(), 0});
      Values values = bases(0);
      values.push_back(core_.base_at(i) + 8);
      info.slab.join(fields_, values);
      for (auto* const link : {&info.next, &info.previous, &info.next_slab, &info.previous_slab})
        link->join(fields_, infos());
      for (std::size_t slot = 0; slot < objects_; ++slot) core_.entries_.of[i][slot].join(fields_, entries());
    }
    join(core_.slots_);
    core_.slab_.join(fields_, bases(Core::no_slab));
    Values tables{0};
    for (std::size_t i = 0; i < slabs_ && Checks; ++i) tables.push_back(world_.table_of(i, 0));
    core_.table_.join(fields_, tables);
    core_.current_.join(fields_, infos());
    join(core_.partial_);
    join(core_.empty_);
    join(core_.all_slabs_);
    core_.all_slabs_.has_back = Checks;
    core_.all_slabs_.back_.join(fields_, Checks ? infos() : Values{0});
    core_.allocated_elsewhere_.join(fields_, up_to(slabs_ * objects_ + 1));
    core_.kept_slabs_.join(fields_, up_to(std::max<std::uint64_t>(Kept, 2)));
  }

  // An assignment in the memory of the world.

  /// Every place, whether the backend has handed it out or not.
  void open() {
    if (!has_asan) return;
    permit(pointer(world_.place(0)), slabs_ * world_.cache(0).slab_size);
    if constexpr (R == slab::Row::Large)
      permit(pointer(world_.table_of(0, 0)), slabs_ * world_.layout(0).slab_info_size);
  }

  [[nodiscard]] std::size_t place_of(const Traced<Info*>& link) const {
    return core_.place_of(*reinterpret_cast<const Info*>(link.value()));
  }
  [[nodiscard]] std::uintptr_t info_of(const Traced<Info*>& link) const {
    return link.value() == 0 ? 0 : world_.info_of(place_of(link), 0);
  }
  [[nodiscard]] static SlotsMembers members_of(const TracedSlots<Checks>& slots) {
    return {slots.free_head.value(), static_cast<std::uint32_t>(slots.used.value()),
            static_cast<std::uint32_t>(slots.carved.value())};
  }
  void write() {
    CacheMembers members = world_.runner().subject(0)->members();
    members = {.slots = members_of(core_.slots_),
               .slab = core_.slab_.value(),
               .table = core_.table_.value(),
               .slab_info = info_of(core_.current_),
               .busy = 0,
               .partial_front = info_of(core_.partial_.front_),
               .empty_front = info_of(core_.empty_.front_),
               .all_front = info_of(core_.all_slabs_.front_),
               .tag = members.tag,
               .all_back = info_of(core_.all_slabs_.back_),
               .slabs = core_.all_slabs_.size_.value(),
               .partial_slabs = core_.partial_.size_.value(),
               .empty_slabs = core_.empty_.size_.value(),
               .allocated_elsewhere = core_.allocated_elsewhere_.value(),
               .kept_slabs = core_.kept_slabs_.value()};
    world_.runner().subject(0)->set_members(members);
    for (std::size_t i = 0; i < slabs_; ++i) {
      const Info& info = core_.infos_[i];
      slab::Inspector::set_info_at(world_.info_of(i, 0), Checks,
                                   {members_of(info.slots), info.owner.value(), info.slab.value(), info_of(info.next),
                                    info_of(info.previous), info_of(info.next_slab), info_of(info.previous_slab)});
      for (std::size_t slot = 0; slot < objects_; ++slot) {
        const std::uint64_t entry = core_.entries_.of[i][slot].value();
        if constexpr (Checks)
          set_byte(world_.table_of(i, 0) + slot, static_cast<std::uint8_t>(entry));
        else
          set_word(world_.place(i) + slot * world_.layout(0).stride, entry);
      }
    }
  }

  // A state.

  template <class... T>
  static void read(const Traced<T>&... fields) {
    (static_cast<void>(static_cast<T>(fields)), ...);
  }
  static void read(const TracedSlots<Checks>& slots) { read(slots.free_head, slots.used, slots.carved); }
  static void read(const TracedList<Checks>& list) { read(list.front_, list.back_, list.size_); }
  /// Reads what a state consists of, whether the audit has read it or not: so each value of it makes another state.
  void read_state() const {
    read(core_.slots_);
    read(core_.slab_, core_.table_, core_.current_, core_.allocated_elsewhere_, core_.kept_slabs_);
    read(core_.all_slabs_);
    for (const auto* const list : {&core_.partial_, &core_.empty_}) read(list->front_, list->size_);
    for (const Info* info = core_.all_slabs_.front(); info; info = info->next_slab) {
      read(info->owner, info->slab, info->next, info->previous, info->next_slab, info->previous_slab);
      if (info != core_.current_) read(info->slots);
    }
  }

  [[nodiscard]] const TracedSlots<Checks>& slots_at(std::size_t place) const {
    const bool is_current = core_.current_.value() == reinterpret_cast<std::uintptr_t>(&core_.infos_[place]);
    return is_current ? core_.slots_ : core_.infos_[place].slots;
  }
  /// A bit for each allocated slot of a slab that was accepted.
  [[nodiscard]] std::uint16_t live_in(std::size_t place) const {
    const TracedSlots<Checks>& slots = slots_at(place);
    auto live = static_cast<std::uint16_t>((1u << slots.carved.value()) - 1);
    const auto& entries = core_.entries_.of[place];
    for (std::uint64_t at = slots.free_head.value(); Checks ? at < slots.carved.value() : at != 0;) {
      const std::size_t slot = Checks ? at : (at - core_.base_at(place)) / world_.layout(0).stride;
      live &= static_cast<std::uint16_t>(~(1u << slot));
      at = entries[slot].value();
    }
    return live;
  }

  void accept() {
    ++counts_.tried_accepted;
    counts_.accepted += fields_.alike();
    SmallState state{};
    std::uint32_t others = (1u << slabs_) - 1;  // places of no slab of the cache
    for (SmallState::Slab& slab : state.slabs) slab.holder = SmallState::nobody;
    std::size_t empty = 0;
    for (const Traced<Info*>* link = &core_.all_slabs_.front_; link->value() != 0;
         link = &core_.infos_[place_of(*link)].next_slab) {
      const std::size_t place = place_of(*link);
      if (core_.infos_[place].slab.value() != core_.base_at(place)) return void(++counts_.with_info_elsewhere);
      const TracedSlots<Checks>& slots = slots_at(place);
      state.slabs[place] = mapped(place);
      state.slabs[place].handed_out = static_cast<std::uint16_t>((1u << slots.carved.value()) - 1);
      state.slabs[place].live = live_in(place);
      empty += slots.used.value() == 0;
      others &= ~(1u << place);
    }
    const std::size_t kept = core_.kept_slabs_.value();
    if (empty > kept) return void(++counts_.with_too_many_empty);
    std::uint8_t rank = static_cast<std::uint8_t>(core_.partial_.size_.value());
    for (const Traced<Info*>* link = &core_.partial_.front_; link->value() != 0;
         link = &core_.infos_[place_of(*link)].next)
      state.slabs[place_of(*link)].listed = rank-- & 0x7F;
    state.caches[0].current = core_.current_.value() == 0 ? 0 : core_.slab_.value();
    // As many as the last reserve() asked for, or any number that the policy keeps anyway.
    for (std::size_t reserved = kept > Kept ? kept : 0; reserved <= kept; ++reserved) {
      state.caches[0].reserved_slabs = reserved;
      for (std::uint32_t left_behind = others;; left_behind = (left_behind - 1) & others) {
        enter(state, left_behind);
        if (left_behind == 0) break;
      }
    }
  }
  [[nodiscard]] SmallState::Slab mapped(std::size_t place) const {
    SmallState::Slab slab{};
    if constexpr (R == slab::Row::SmallSinglePage) return slab;
    slab.info = world_.info_of(place, 0);
    slab.saved_pages =
        static_cast<std::uint16_t>((1u << world_.cache(0).slab_size / slab::Geometry::min_page_size) - 1);
    return slab;
  }
  void enter(SmallState state, std::uint32_t left_behind) {
    for (std::size_t place = 0; place < slabs_; ++place)
      if (left_behind >> place & 1) {
        state.slabs[place] = mapped(place);
        state.slabs[place].abandoned = 1;
      }
    SmallStateAccess::load(world_.runner(), state, SmallGuards::none());
    open();
    visit_();
  }

  World& world_;
  std::size_t slabs_, objects_;
  Assignment fields_;
  Core core_;
  AcceptedCounts& counts_;
  const std::function<void()>& visit_;
};

template <slab::Row R, bool Checks>
bool visit(World& world, AcceptedCounts& counts, volatile std::uint64_t& is_alive, const std::function<void()>& each) {
  if (world.cache(0).empty_slabs_kept == 0) return Enumeration<R, Checks, 0>{world, counts, each}.run(is_alive);
  return Enumeration<R, Checks, 1>{world, counts, each}.run(is_alive);
}

template <slab::Row R>
bool visit(World& world, AcceptedCounts& counts, volatile std::uint64_t& is_alive, const std::function<void()>& each) {
  return world.cache(0).checks ? visit<R, true>(world, counts, is_alive, each)
                               : visit<R, false>(world, counts, is_alive, each);
}

}  // namespace

bool visit_accepted_states(World& world, AcceptedCounts& counts, volatile std::uint64_t& is_alive,
                           const std::function<void()>& each) {
  switch (world.cache(0).row()) {
    case slab::Row::SmallSinglePage: return visit<slab::Row::SmallSinglePage>(world, counts, is_alive, each);
    case slab::Row::SmallMultiPage: return visit<slab::Row::SmallMultiPage>(world, counts, is_alive, each);
    case slab::Row::Large: break;
  }
  return visit<slab::Row::Large>(world, counts, is_alive, each);
}

}  // namespace slabproof
