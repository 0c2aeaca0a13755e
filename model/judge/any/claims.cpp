// The judge of any allocator: what it says of itself, its construction, its reset, and wrong frees.
#include <string>

#include "model/judge/any/any_runner.hpp"
#include "model/judge/any/refusal.hpp"
#include "model/memory/address.hpp"

namespace slabproof {
namespace {

/// Memory that no subject has.
alignas(4096) unsigned char foreign[256];

}  // namespace

// H9: a constructor fails only when memory was refused to it, and gives back what it took. Then it is not refused.
bool AnyRunner::construct_again(std::uint8_t cache) {
  if (!is_refused())
    violate(Invariant::H9, Cause::RefusedWithoutFailure, "construction to succeed while no memory is refused",
            "failure");
  else if (const std::size_t blocks = backend_of(cache).memory_of(cache); blocks != 0)
    violate(Invariant::B18, Cause::MemoryKept, "all memory given back by a constructor that fails",
            std::to_string(blocks) + " blocks kept");
  if (violated()) return false;
  backend_of(cache).recover();
  context_.refused = Invariant::None;
  subjects_[cache] = make_(pointer(arena_.cache(cache)), setup_.caches[cache], backend_of(cache));
  if (!subjects_[cache])
    violate(Invariant::H9, Cause::RefusedWithoutFailure, "construction to succeed once no memory is refused",
            "failure");
  return !violated();
}

// Before it is destroyed: one that does not own them gets its objects back first. False if a program cannot have that.
bool AnyRunner::end_all_objects(std::uint8_t cache) {
  const Abilities& abilities = subjects_[cache]->abilities();
  if (abilities.owns_live_objects) return true;
  if (!abilities.may_fail_to_construct && !abilities.resets) return false;
  const std::vector<std::uint32_t> live = live_;
  for (std::size_t i = 0; i < live.size() && !violated(); ++i)
    if (objects_[live[i]].cache == cache) free_object(live[i]);
  return true;
}

// All its objects end at once, and nobody else's.
void AnyRunner::reset(std::uint8_t cache) {
  check_contents(Look::AtAll);
  if (violated()) return;
  begin(OperationKind::Destroy, cache);
  expect({Invariant::H6, Cause::WrongAllocatedCount, "reset to end all % objects", populations_[cache].live});
  for (const std::uint32_t ordinal : live_)
    if (objects_[ordinal].cache == cache) reference_.retire(objects_[ordinal].address);
  drop_live_objects(cache);
  incarnations_[cache] = ++last_incarnation_;
  Population& population = populations_[cache];
  population.live = 0;
  const std::size_t blocks = backend_of(cache).memory_of(cache);
  subjects_[cache]->reset();
  if (backend_of(cache).memory_of(cache) < blocks) population.room = 0;
  log_.done(OperationKind::Destroy);
  end();
  if (!violated()) check_contents();
}

// G12 of every object, and H5: what gives memory back takes none.
void AnyRunner::trim(std::uint8_t cache) {
  check_contents();
  if (violated()) return;
  begin(OperationKind::Shrink, cache);
  expect({Invariant::H5, Cause::MemoryNotNeeded, "no memory taken by trim"});
  const std::size_t blocks = backend_of(cache).memory_of(cache);
  std::size_t returned = 0;
  {
    const Refusal refusal{*subjects_[cache], backend_of(cache)};
    returned = subjects_[cache]->shrink();
  }
  log_.done(OperationKind::Shrink, returned);
  if (!violated() && backend_of(cache).memory_of(cache) > blocks) violate_expected("more was taken");
  if (backend_of(cache).memory_of(cache) < blocks) populations_[cache].room = populations_[cache].live;
  end();
  if (!violated()) check_contents();
}

// H6 and H7, and H8 of calls without misuse.
void AnyRunner::judge_statements(std::uint8_t cache) {
  AnySubject& subject = *subjects_[cache];
  const Abilities& abilities = subject.abilities();
  if (violated()) return;
  if (const std::size_t live = populations_[cache].live; abilities.counts_live && subject.live_objects() != live)
    return violate(Invariant::H6, Cause::WrongAllocatedCount, "a count of " + std::to_string(live) + " live objects",
                   std::to_string(subject.live_objects()));
  if (abilities.detects.by == DetectedMisuse::By::Report && subject.misuses() != misuses_[cache])
    return violate(Invariant::H8, Cause::UnexpectedReport, "no report of misuse", "a report");
  if (!abilities.knows_its_own) return;
  if (subject.owns(nullptr) || subject.owns(foreign))
    return violate(Invariant::H7, Cause::WrongOwner, "owns() false of null and of memory that it never had", "true");
  if (live_.empty()) return;
  for (const std::uint32_t ordinal : {live_.back(), live_[step_ % live_.size()]}) {
    const Object& object = objects_[ordinal];
    if (const bool is_own = object.cache == cache; subject.owns(pointer(object.address)) != is_own)
      return violate(Invariant::H7, Cause::WrongOwner,
                     std::string{"owns() "} + (is_own ? "true" : "false") + " of " + name_of_object(ordinal),
                     is_own ? "false" : "true");
  }
}

// H3: to size 0. What is answered instead of null may be freed, and is no live object.
void AnyRunner::free_by_resizing(std::uint8_t cache, const Object& freed) {
  expect({Invariant::H3, Cause::Overlaps, "reallocate to size 0 to free the object"});
  void* const left = subjects_[cache]->reallocate(pointer(freed.address), 0);
  if (violated() || !left) return;
  if (reference_.find(address(left))) return violate_expected("a pointer to a live object");
  subjects_[cache]->free(left, 0);
}

// H8.
bool AnyRunner::free_wrongly(const Operation& operation) {
  const bool is_double = operation.kind == OperationKind::DoubleFree;
  const bool is_foreign = operation.kind == OperationKind::FreeForeign;
  std::uint8_t cache = operation.target;
  std::uintptr_t wrong = address(foreign) + operation.argument;
  std::size_t size = 1;
  if (!is_foreign) {
    const Object& named = object(operation.object);
    if (state_of(named) != (is_double ? ObjectState::Dead : ObjectState::Live)) return false;
    cache = named.cache;
    size = named.asked;
    wrong = named.address + (is_double ? 0 : 1 + operation.argument % (size > 1 ? size - 1 : 1));
    const bool is_of_other = is_double ? reference_.find(wrong) != nullptr : size < 2;
    if (is_of_other) return false;
    const Abilities& abilities = subjects_[cache]->abilities();
    if (abilities.takes_memory && !backend_of(cache).is_memory_of(cache, wrong, 1)) return false;  // nobody may look
  }
  const DetectedMisuse detects = subjects_[cache]->abilities().detects;
  if (is_double ? !detects.double_free : is_foreign ? !detects.foreign : !detects.interior) return false;
  return judge_wrong_free(operation, cache, wrong, size, 1,
                          is_double    ? "a double free to be told"
                          : is_foreign ? "a free of foreign memory to be told"
                                       : "a free of an interior pointer to be told");
}

bool AnyRunner::free_with_wrong_size(const Operation& operation) {
  const Object& named = object(operation.object);
  if (state_of(named) != ObjectState::Live) return false;
  const auto is_wrong = subjects_[named.cache]->abilities().detects.wrong_size;
  if (!is_wrong || !is_wrong(named.asked, named.align, operation.argument)) return false;
  return judge_wrong_free(operation, named.cache, named.address, operation.argument, named.align,
                          "a free with a wrong size to be told");
}

// It is told, and does nothing.
bool AnyRunner::judge_wrong_free(const Operation& operation, std::uint8_t cache, std::uintptr_t wrong, std::size_t size,
                                 std::size_t align, const char* expected) {
  begin(OperationKind::Free, cache);
  expect({Invariant::H8, Cause::WrongReport, expected});
  if (mark_) mark_->stray = wrong;
  const bool is_told = subjects_[cache]->tells_of_free(pointer(wrong), size, align);
  if (violated()) return true;
  if (!is_told) return violate_expected("nothing"), true;
  log_.misuse_told(operation.kind);
  const DetectedMisuse::By by = subjects_[cache]->abilities().detects.by;
  if (by == DetectedMisuse::By::Abort) return close(), is_over_ = true;
  if (by == DetectedMisuse::By::Report) ++misuses_[cache];
  return end(), true;
}

}  // namespace slabproof
