// What the search lets others do in each state, in the middle of each operation: the backend errs or calls the cache,
// and on_misuse calls it. None of it leads to a state that the operation, or the call, does not lead to alone.
#include <algorithm>
#include <bit>
#include <cstring>

#include "properties/explore/search.hpp"

namespace slabproof {
namespace {

using enum OperationKind;

constexpr OperationKind kind_of(ReentrantCall call) {
  switch (call) {
    case ReentrantCall::Alloc: return Alloc;
    case ReentrantCall::AllocNoGrow: return AllocNoGrow;
    case ReentrantCall::Reserve: return Reserve;
    case ReentrantCall::Free: return Free;
    case ReentrantCall::Shrink: return Shrink;
  }
  return Alloc;
}

}  // namespace

/// Whether backend calls of such an operation may be interrupted.
bool Search::may_be_upset(const Transition& transition) const {
  if (!suffers_ || transition.failing != 0 || !world_.cache(transition.cache).checks || over()) return false;
  switch (transition.kind) {
    case Alloc:
    case Reserve:
    case Free:
    case Shrink:
    case Destroy: return true;
    default: return false;
  }
}

/// The transition again, which has just been taken: its state is in key_.
void Search::upset(const Transition& transition, std::size_t slabs_made) {
  if (!may_be_upset(transition)) return;
  expect_state_of_key();
  if (transition.kind == Destroy) answer_each(transition);  // LiveAtDestruction
  if (transition.kind == Destroy || SmallStateAccess::called_backend(world_.runner())) call_back_in_each(transition);
  err_in_each(transition, slabs_made);
}

void Search::call_back_in_each(const Transition& transition) {
  Mishap mishap{.of_backend = Mishap::OfBackend::CallsBack};
  for (bool is_called = true; is_called && !over(); ++mishap.let_be)
    for (const Named<ReentrantCall>& call : reentrant_calls) {
      mishap.detail = static_cast<std::uint8_t>(call.value);
      is_called = suffer(mishap, transition, transition.picks);
      if (!is_called || over()) break;
      if (mishap.let_be > 0) continue;
      Mishap answered = mishap;  // and on_misuse makes the same call
      answered.answers = true;
      answered.answer = call.value;
      (void)suffer(answered, transition, transition.picks);
    }
}

/// Nothing then changes: a slab that it made goes back, and an object that it frees stays.
void Search::err_in_each(const Transition& transition, std::size_t slabs_made) {
  const bool frees = transition.kind == Free;
  if (!frees && slabs_made == 0) return;
  std::memcpy(expected_key_, state_.key, state_.words * 8);
  expected_words_ = state_.words;
  for (const Named<BackendError>& error : backend_errors) {
    if (frees != (error.value == BackendError::EntryLost || error.value == BackendError::EntryWrong)) continue;
    for (Mishap mishap{.of_backend = Mishap::OfBackend::Errs, .detail = static_cast<std::uint8_t>(error.value)};
         mishap.let_be < std::max<std::size_t>(slabs_made, 1) && !over(); ++mishap.let_be)
      if (suffer(mishap, transition, transition.picks) && transition.picks == 0)
        errors_.push_back({mishap, transition});
  }
}

/// Every call from on_misuse in the transition.
void Search::answer_each(const Transition& transition) {
  for (const Named<ReentrantCall>& call : reentrant_calls)
    if (!suffer({.answers = true, .answer = call.value}, transition, transition.picks)) return;
}

/// Each call from on_misuse when it is told of each misuse that a program can make in this state, or of an error of the
/// backend. The cache is at rest then: it must be as after that call alone.
void Search::answer_all() {
  for (std::uint8_t cache = 0; cache < world_.setup().cache_count; ++cache) {
    if (!world_.cache(cache).checks) continue;
    find_misuses(cache);
    for (const Named<ReentrantCall>& call : reentrant_calls) {
      PlacePicks picks;
      Choices choices;
      do {
        const bool is_known = !over() && expect_state_after(call.value, cache, picks.packed());
        choices = world_.choices();
        if (is_known) answer_with(call.value, cache, picks.packed());
      } while (picks.advance(choices));
    }
  }
  errors_.clear();
}

void Search::answer_with(ReentrantCall call, std::uint8_t cache, std::uint8_t places) {
  for (const Transition& misuse : misuses_) (void)suffer({.answers = true, .answer = call}, misuse, places);
  if (places != 0) return;
  for (const auto& [error, transition] : errors_) {
    if (transition.cache != cache) continue;
    Mishap mishap = error;
    mishap.answers = true;
    mishap.answer = call;
    (void)suffer(mishap, transition, places);
  }
}

/// Of each slab of the cache a first object of each sort to misuse.
void Search::find_misuses(std::uint8_t cache) {
  misuses_.clear();
  for (std::size_t place = 0; place < world_.slabs(); ++place) {
    const SmallState::Slab slab = slab_of_state(place);
    if (slab.holder == SmallState::nobody || slab.abandoned) continue;
    const auto add = [&](OperationKind kind, unsigned slots) {
      const auto slot = static_cast<std::size_t>(std::countr_zero(slots));
      if (slots != 0)
        misuses_.push_back({.kind = kind, .cache = slab.holder, .argument = Transition::slot_argument(place, slot)});
    };
    if (slab.holder != cache) {
      add(FreeThroughOther, slab.live);
      continue;
    }
    for (const OperationKind kind : {FreeInterior, FreeSlabInfo, FreeTailWaste, FreeNeverAllocated})
      add(kind, slab.live);
    add(DoubleFree, slab.handed_out & ~unsigned{slab.live});
  }
  constexpr std::uint8_t nowhere_near = 0, left_behind = 4;  // of MisuseOracle's foreign pointers
  for (const std::uint8_t pick : {nowhere_near, left_behind})
    misuses_.push_back({.kind = FreeForeign, .cache = cache, .picks = pick});
}

void Search::expect_state_of_key() {
  std::memcpy(expected_key_, key_, words_of_key_ * 8);
  expected_words_ = words_of_key_;
}

/// The state to which the call leads from the one being expanded, as on_misuse makes it: an object is freed at once,
/// and it frees that which lived first. False when that goes wrong, which is found in another state.
bool Search::expect_state_after(ReentrantCall call, std::uint8_t cache, std::uint8_t places) {
  go_back();
  Transition{.picks = places}.choose(world_.choices());
  Runner& runner = world_.runner();
  std::uint32_t object = no_ordinal;
  report_.transition = Transition{.kind = kind_of(call), .cache = cache, .picks = places}.packed();
  switch (call) {
    case ReentrantCall::Alloc:
    case ReentrantCall::AllocNoGrow:
      runner.step({.kind = kind_of(call), .target = cache, .object = object = spare_ordinal});
      break;
    case ReentrantCall::Reserve: runner.step({.kind = Reserve, .target = cache, .argument = 1}); break;
    case ReentrantCall::Free:
      for (const LiveRange& live : runner.reference().live())
        if (live.cache == cache && live.ordinal < object) object = live.ordinal;
      break;
    case ReentrantCall::Shrink: runner.step({.kind = Shrink, .target = cache}); break;
  }
  if (object != no_ordinal && !runner.violated()) runner.step({.kind = Free, .object = object});
  if (runner.violated()) return false;
  words_of_key_ = world_.save(key_);
  expect_state_of_key();
  return true;
}

/// Takes the transition with the mishap, if that happens, and says whether it did.
bool Search::suffer(const Mishap& mishap, const Transition& transition, std::uint8_t places) {
  if (over() || cost_ <= mishap.operations() + transition.operations()) return false;
  go_back();
  Runner& runner = world_.runner();
  report_.transition = transition.packed();
  report_.mishap = mishap.packed();
  Transition{.picks = places}.choose(world_.choices());
  if (mishap.answers) runner.step(mishap.operation_of_handler(transition.reporter()));
  if (!mishap.is_expressible())
    SmallStateAccess::call_back_later(runner, transition.cache, mishap.detail, mishap.let_be);
  else if (mishap.of_backend != Mishap::OfBackend::None)
    runner.step(mishap.operation_of_backend(transition.cache));
  const std::uint64_t called_back = SmallStateAccess::times_called_back(runner);
  runner.step(operation_of(transition));
  bool has_happened = !mishap.answers || runner.answered().is_made;
  if (mishap.of_backend == Mishap::OfBackend::Errs) has_happened &= runner.erred().reported != 0;
  if (mishap.of_backend == Mishap::OfBackend::CallsBack)
    has_happened &= SmallStateAccess::times_called_back(runner) > called_back;
  counts_.mishaps += has_happened;
  if (!runner.check()) {
    found(transition, 0, runner.verdict().violation, Expressible{mishap.is_expressible()}, mishap);
    if (!over()) (void)world_.start();  // a cache may be gone
  } else if (has_happened) {
    words_of_key_ = world_.save(key_);
    const bool is_expected =
        words_of_key_ == expected_words_ && std::memcmp(key_, expected_key_, expected_words_ * 8) == 0;
    if (!is_expected)
      found(transition, 0,
            {mishap.answers                                 ? Invariant::M17
             : mishap.of_backend == Mishap::OfBackend::Errs ? Invariant::M13
                                                            : Invariant::M12,
             Cause::ChangedByMisuse, "the state that the operation or the call leads to alone", "another one"},
            Expressible::No, mishap);
  }
  report_.mishap = 0;
  return has_happened;
}

}  // namespace slabproof
