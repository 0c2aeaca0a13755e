// The misuses that the search tries in each state: free() of every pointer, and every bad link in every free slot.
#include "properties/explore/counterexample.hpp"
#include "properties/explore/search.hpp"

namespace slabproof {
void Search::free_all_pointers() {
  for (std::uint8_t cache = 0; cache < world_.setup().cache_count; ++cache) {
    if (!world_.cache(cache).checks) continue;
    const Transition frees{.sort = Transition::Sort::EveryPointer, .cache = cache};
    report_.transition = frees.packed();
    go_back();
    world_.copy_memory(memory_before_);
    const std::uintptr_t page = world_.cache(cache).page_size;
    const std::uintptr_t begin = world_.place(0) - page, end = world_.place(world_.slabs()) + page;
    for (std::uintptr_t stray = begin; stray < end; ++stray) {
      if (!world_.runner().free_stray(cache, stray)) continue;
      ++counts_.pointers;
      if (world_.runner().violated()) return judge(frees, stray);
    }
    world_.copy_memory(memory_after_);
    if (memory_before_ != memory_after_) return blame_pointer(cache, begin, end);
  }
}

/// Something was written. Finds out by which pointer.
void Search::blame_pointer(std::uint8_t cache, std::uintptr_t begin, std::uintptr_t end) {
  for (std::uintptr_t stray = begin; stray < end; ++stray) {
    world_.load(state_.key);
    world_.copy_memory(memory_before_);
    if (!world_.runner().free_stray(cache, stray)) continue;
    world_.copy_memory(memory_after_);
    if (memory_before_ == memory_after_) continue;
    const auto expected = world_.runner().expected_of_stray(cache, stray);
    return found({.sort = Transition::Sort::EveryPointer, .cache = cache}, stray,
                 {expected ? expected->invariant : Invariant::M1, Cause::ChangedByMisuse, "nothing written by a misuse",
                  "a write"},
                 Expressible{expected && expected->kind == slab::Misuse::ForeignPointer});
  }
}

/// Writes every bad link that the runner knows into each free slot, and undoes it.
void Search::corrupt_all_links() {
  for (std::size_t place = 0; place < world_.slabs(); ++place) {
    const SmallState::Slab slab = slab_of_state(place);
    if (slab.holder == SmallState::nobody || slab.abandoned || !world_.cache(slab.holder).checks) continue;
    if (facts_of(world_.cache(slab.holder).guards).verify_pattern) continue;  // such writes are transitions
    for (std::size_t slot = 0; slot < SmallState::max_slots; ++slot) {
      if (!((slab.handed_out & ~slab.live) >> slot & 1)) continue;
      for (std::uint8_t link = 0; link < Runner::bad_links && !over(); ++link) {
        const Transition transition{.kind = OperationKind::CorruptLink,
                                    .cache = slab.holder,
                                    .argument = Transition::slot_argument(place, slot),
                                    .picks = link};
        go_back();
        report_.transition = transition.packed();
        world_.runner().step({.kind = OperationKind::CorruptLink, .object = transition.argument, .argument = link});
        ++counts_.pointers;
        if (!world_.runner().check()) judge(transition, 0);
        // The state can be reused for the next link although a slot that was handed out and taken back has other dead
        // bytes: this leads to no new state.
        is_there_ = is_state(world_.save(key_));
      }
    }
  }
}

}  // namespace slabproof
