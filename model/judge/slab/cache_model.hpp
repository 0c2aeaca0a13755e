#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <slab/statistics.hpp>

#include "model/program/info_damage.hpp"
#include "model/program/layout.hpp"
#include "model/program/setup.hpp"

namespace slabproof {

/// For people.
inline std::string describe(const slab::CacheStatistics& s) {
  return std::to_string(s.full_slabs) + " full, " + std::to_string(s.partial_slabs) + " partial, " +
         std::to_string(s.empty_slabs) + " empty, " + std::to_string(s.allocated_objects) + " allocated, " +
         std::to_string(s.free_objects) + " free" +
         (s.set_aside_slabs ? ", " + std::to_string(s.set_aside_slabs) + " slabs set aside" : "");
}

/// The judge's model of one cache: how many slabs are in which state, which one is current, and in which order the
/// others became partial (docs/policy.md), and which freed objects are in quarantine. Every statistic follows from it.
class CacheModel {
 public:
  explicit CacheModel(const CacheSpec& of = {}) : spec{of}, layout{layout_of(of)}, guards{facts_of(of.guards)} {}

  /// A freed object that counts as used in its slab.
  struct Quarantined {
    std::uintptr_t object, slab;
  };

  CacheSpec spec;
  Layout layout;
  GuardFacts guards;
  std::size_t reserved_slabs = 0;  // what the last reserve since the last shrink asked for

  /// The base of the current slab, 0 without one.
  [[nodiscard]] std::uintptr_t current() const { return current_; }
  [[nodiscard]] bool current_has_free_slot() const { return current_ != 0 && current_used_ < layout.objects_per_slab; }
  /// The bases of the partial slabs but the current one, in the order in which they became partial.
  [[nodiscard]] const std::vector<std::uintptr_t>& listed() const { return listed_; }

  /// The oldest first.
  [[nodiscard]] const std::vector<Quarantined>& quarantine() const { return quarantine_; }

  /// Without those that were set aside, of which it knows only the number.
  [[nodiscard]] std::size_t slabs() const { return full_ + partial_ + empty_; }
  [[nodiscard]] std::size_t set_aside_slabs() const { return set_aside_; }
  [[nodiscard]] std::size_t empty_slabs() const { return empty_; }
  [[nodiscard]] std::size_t live_objects() const { return used_ - quarantine_.size(); }
  [[nodiscard]] std::size_t free_objects() const { return slabs() * layout.objects_per_slab - live_objects(); }
  [[nodiscard]] std::size_t kept_slabs() const {
    return reserved_slabs > spec.empty_slabs_kept ? reserved_slabs : spec.empty_slabs_kept;
  }
  [[nodiscard]] slab::CacheStatistics statistics() const {
    return {full_, partial_, empty_, live_objects(), free_objects(), set_aside_};
  }
  /// Pages a slab has in the SlabInfo map: none in SmallSinglePage.
  [[nodiscard]] std::size_t mapped_pages() const {
    return spec.row() == slab::Row::SmallSinglePage ? 0 : spec.slab_size / spec.page_size;
  }
  /// Slabs that `n` objects need.
  [[nodiscard]] std::size_t slabs_for(std::size_t n) const {
    return n / layout.objects_per_slab + (n % layout.objects_per_slab != 0);
  }
  /// Slabs that must be made before `n` objects are free.
  [[nodiscard]] std::size_t missing_slabs(std::size_t n) const {
    return slabs_for(n > free_objects() ? n - free_objects() : 0);
  }

  /// As when the cache had just been made.
  void clear() {
    listed_.clear();
    quarantine_.clear();
    current_ = 0;
    reserved_slabs = full_ = partial_ = empty_ = used_ = current_used_ = set_aside_ = 0;
    heal();
  }
  void slab_made() { ++empty_; }
  void slab_released(std::uintptr_t base, std::size_t used) {
    uncount(used);
    used_ -= used;
    if (base == current_)
      current_ = 0;
    else
      unlist(base);
  }
  /// An object of the slab at `base` was handed out, or is about to be among the free ones.
  void used_changed(std::uintptr_t base, std::size_t before, std::size_t after) {
    uncount(before);
    count(after);
    used_ = used_ - before + after;
    const bool was_full = before == layout.objects_per_slab;
    if (base == current_) {
      current_used_ = after;
    } else if (after > before || was_full) {
      unlist(base);
      if (current_has_free_slot() && current_used_ != 0) listed_.push_back(current_);
      current_ = base;
      current_used_ = after;
    } else if (after == 0) {
      unlist(base);
    }
  }

  // A slab whose SlabInfo somebody else wrote to. The cache finds that out when it is about to believe what was
  // written.

  /// The base of the slab, 0 if there is none.
  [[nodiscard]] std::uintptr_t damaged() const { return damaged_; }
  [[nodiscard]] bool has_damaged_owner() const { return damaged_ != 0 && damaged_part_ == InfoDamage::Part::Owner; }
  /// Whether a free that goes on has the damage written over.
  [[nodiscard]] bool is_healing() const { return is_healing_; }
  /// Does nothing where the damage is dead: the cache keeps in itself which slots of the current slab are free, and
  /// writes both over when another becomes current.
  void damage(std::uintptr_t base, InfoDamage::Part part) {
    const bool is_dead = base == current_ && (part == InfoDamage::Part::Slots || part == InfoDamage::Part::SlotsSeal);
    damaged_ = is_dead ? 0 : base;
    damaged_part_ = part;
  }
  void heal() {
    damaged_ = 0;
    is_healing_ = false;
  }
  /// An object of the damaged slab, of which `used` slots are used, is about to be freed, or to go to the quarantine,
  /// where its slot stays used. True: the cache must find the damage before anything has changed.
  [[nodiscard]] bool meets_damage(std::size_t used, bool stays_used = false) {
    if (damaged_ == current_) return false;
    const bool is_full = used == layout.objects_per_slab;
    switch (damaged_part_) {
      case InfoDamage::Part::Slots:
      case InfoDamage::Part::Owner: return true;
      case InfoDamage::Part::SlotsSeal: is_healing_ = is_full && !stays_used; return !is_full;  // full: no need
      case InfoDamage::Part::LinksSeal:
      case InfoDamage::Part::Links: return spec.row() == slab::Row::Large || (used == 1 && !is_full);
    }
    return true;
  }
  /// Whether the next object to leave the quarantine is of the damaged slab, with `used` used slots, and the cache must
  /// find the damage when it leaves.
  [[nodiscard]] bool meets_damage_in_quarantine(std::size_t used) {
    return !quarantine_.empty() && damaged_ != 0 && quarantine_.front().slab == damaged_ && meets_damage(used);
  }
  /// The damaged slab is set aside with its `used` objects, those in quarantine among them, and the partial slabs are
  /// listed anew: the oldest comes next.
  template <class IsNewer>
  void set_aside(std::size_t used, IsNewer is_newer) {
    slab_released(damaged_, used);
    std::erase_if(quarantine_, [this](const Quarantined& freed) { return freed.slab == damaged_; });
    std::sort(listed_.begin(), listed_.end(), is_newer);
    ++set_aside_;
    heal();
  }

  void quarantine(const Quarantined& freed) { quarantine_.push_back(freed); }
  /// Returns the one that has left. Requires one.
  Quarantined leave_quarantine() {
    const Quarantined oldest = quarantine_.front();
    quarantine_.erase(quarantine_.begin());
    return oldest;
  }
  [[nodiscard]] bool is_quarantined(std::uintptr_t object) const { return turn_in_quarantine(object) != 0; }
  /// When it leaves: 1 is next; 0: it is not there.
  [[nodiscard]] std::size_t turn_in_quarantine(std::uintptr_t object) const {
    const auto at = std::find_if(quarantine_.begin(), quarantine_.end(),
                                 [object](const Quarantined& freed) { return freed.object == object; });
    return at == quarantine_.end() ? 0 : static_cast<std::size_t>(at - quarantine_.begin()) + 1;
  }
  [[nodiscard]] std::size_t quarantined_in(std::uintptr_t base) const {
    return static_cast<std::size_t>(
        std::count_if(quarantine_.begin(), quarantine_.end(), [base](const Quarantined& q) { return q.slab == base; }));
  }

  // For returning to an earlier state: clear(), then each slab, then these.
  void restore_slab(std::size_t used) {
    count(used);
    used_ += used;
  }
  void restore_current(std::uintptr_t base, std::size_t used) {
    current_ = base;
    current_used_ = used;
  }
  void restore_listed(std::uintptr_t base) { listed_.push_back(base); }  // and quarantine()

 private:
  void count(std::size_t used) { ++(used == 0 ? empty_ : used == layout.objects_per_slab ? full_ : partial_); }
  void uncount(std::size_t used) { --(used == 0 ? empty_ : used == layout.objects_per_slab ? full_ : partial_); }
  void unlist(std::uintptr_t base) {
    const auto at = std::find(listed_.rbegin(), listed_.rend(), base);
    if (at != listed_.rend()) listed_.erase(at.base() - 1);
  }

  std::size_t full_ = 0, partial_ = 0, empty_ = 0, used_ = 0;
  std::uintptr_t current_ = 0;
  std::size_t current_used_ = 0;
  std::vector<std::uintptr_t> listed_;
  std::size_t set_aside_ = 0;
  std::uintptr_t damaged_ = 0;
  InfoDamage::Part damaged_part_{};
  bool is_healing_ = false;
  std::vector<Quarantined> quarantine_;
};

}  // namespace slabproof
