// The judge of any allocator: what it hands out, what it refuses, and what becomes of the bytes.
#include "model/judge/any/any_runner.hpp"

#include <algorithm>
#include <optional>
#include <string>

#include "model/judge/any/refusal.hpp"
#include "model/memory/address.hpp"
#include "model/memory/contents.hpp"

namespace slabproof {
namespace {

std::string bytes(std::size_t count) { return std::to_string(count) + " bytes"; }

}  // namespace

// What an object of which `size` bytes were asked for is aligned to.
std::size_t AnyRunner::promised_align(std::uint8_t cache, std::size_t size, std::size_t align) const {
  const Abilities& abilities = subjects_[cache]->abilities();
  align = std::min<std::size_t>(align, abilities.accepts.max_align);
  return abilities.align_of ? std::max(align, abilities.align_of(size)) : align;
}

// Whether an object of `size` bytes may lie at `object`: G8, G11 or L4, G6. It is live from then on.
bool AnyRunner::admit(std::uint8_t cache, std::uint32_t ordinal, std::uintptr_t object, std::size_t size,
                      std::size_t align) {
  const Abilities& abilities = subjects_[cache]->abilities();
  rejected_ = {object, object + size, ordinal, cache};
  if (abilities.takes_memory && !backend_of(cache).is_memory_of(cache, object, size))
    return violate(Invariant::G8, Cause::OutsideMemory, "an object inside memory that the subject was given",
                   "a pointer elsewhere"),
           false;
  if (const LiveRange* other = reference_.admit({object, object + size, ordinal, cache}))
    return violate(other->begin == object ? Invariant::L4 : Invariant::G11, Cause::Overlaps,
                   "an object disjoint from all live ones", "it overlaps " + name_of_object(other->ordinal)),
           false;
  if (object % align != 0)
    return violate(Invariant::G6, Cause::Misaligned, "an object aligned to " + std::to_string(align),
                   "one that is not"),
           false;
  rejected_ = {};
  return true;
}

// An object that was admitted, and has its contents from now on.
void AnyRunner::enter(std::uint8_t cache, std::uint32_t ordinal, std::uintptr_t object, std::size_t size,
                      std::uint32_t generation) {
  stamp(object, size, ordinal, contents_);
  if (ordinal == no_ordinal) return;
  this->object(ordinal) = {object,
                           generation,
                           static_cast<std::uint32_t>(live_.size()),
                           incarnations_[cache],
                           cache,
                           ObjectState::Live,
                           size,
                           size,
                           1};
  live_.push_back(ordinal);
}

// It is asked for what it accepts, or for more than anybody has.
bool AnyRunner::can_be_zeroed(const Operation& operation) const {
  const Abilities& abilities = subjects_[operation.target]->abilities();
  const std::uint64_t count = zeroed_count(operation.detail, operation.argument);
  return abilities.zeroed && count != 0 &&
         (count <= abilities.accepts.most / operation.argument || is_beyond_memory(count, operation.argument));
}

// An allocation of a pool or a heap.
void AnyRunner::allocate_any(const Operation& operation) {
  const std::uint8_t cache = operation.target;
  AnySubject& subject = *subjects_[cache];
  begin(operation.kind, cache);
  std::optional<Refusal> refusal{std::in_place, subject, backend_of(cache)};
  expect({Invariant::G8, Cause::OutsideMemory, "an object of its own, or null when there is no memory"});
  void* given = nullptr;
  const std::size_t blocks = backend_of(cache).memory_of(cache);
  std::size_t size = operation.argument, align = 1;
  bool is_possible = true;
  switch (operation.kind) {
    case OperationKind::Allocate:
      align = std::size_t{1} << operation.detail;
      if (align == 1 && is_special(operation.object) && subject.abilities().resizes_null) {
        expect({Invariant::G8, Cause::OutsideMemory, "reallocate of null to give an object, or null without memory"});
        given = subject.reallocate(nullptr, size);
      } else {
        given = subject.allocate(size, align);
      }
      break;
    case OperationKind::AllocateZeroed: {
      const std::uint64_t count = zeroed_count(operation.detail, operation.argument);
      is_possible = !is_beyond_memory(count, operation.argument);
      given = subject.allocate_zeroed(count, size);
      if (is_possible) size *= count;
      break;
    }
    default:
      size = setup_.caches[cache].object_size;
      align = setup_.caches[cache].object_align;
      given = subject.alloc();
      break;
  }
  refusal.reset();
  const std::uintptr_t object = address(given);
  log_.done(operation.kind, object ? arena_.relative(object) : 0, operation.object);
  if (!violated()) {
    judge_growth(cache, blocks);
    if (violated()) return end();
    if (!object)
      judge_null(cache, is_possible);
    else if (!is_possible)
      violate(Invariant::H2, Cause::ServedAfterFailure, "null for more bytes than there can be", "an object");
    else
      judge_any_object(operation, object, size, align);
  }
  end();
}

void AnyRunner::judge_any_object(const Operation& operation, std::uintptr_t object, std::size_t size,
                                 std::size_t align) {
  const std::uint8_t cache = operation.target;
  const std::size_t extent = extent_of(cache, object, size);
  if (violated() || !admit(cache, operation.object, object, extent, promised_align(cache, size, align))) return;
  if (operation.kind == OperationKind::AllocateZeroed)
    if (const std::ptrdiff_t at = find_nonzero(object, size); at >= 0)
      violate(Invariant::H2, Cause::NotZeroed, "bytes of zero", "another at offset " + std::to_string(at));
  enter(cache, operation.object, object, extent, 0);
  this->object(operation.object).asked = size;
  this->object(operation.object).align = align;
  note_born(cache);
}

// H4: the bytes that may be written to: those that were asked for, or as many as the subject says.
std::size_t AnyRunner::extent_of(std::uint8_t cache, std::uintptr_t object, std::size_t size) {
  AnySubject& subject = *subjects_[cache];
  if (!subject.abilities().usable_size) return size;
  const Expectation before = expect({Invariant::H4, Cause::WrongUsableSize, "% bytes or more that are usable", size});
  const std::size_t usable = subject.usable_size(pointer(object));
  if (usable < size) violate_expected(bytes(usable));
  expect(before);
  return usable;
}

// H5: a pool takes no memory while it has room for another object.
void AnyRunner::judge_growth(std::uint8_t cache, std::size_t blocks_before) {
  const Abilities& abilities = subjects_[cache]->abilities();
  const Population& population = populations_[cache];
  if (abilities.sizes || !abilities.reuses_memory || population.live >= population.room) return;
  if (backend_of(cache).memory_of(cache) > blocks_before)
    violate(Invariant::H5, Cause::MemoryNotNeeded,
            "no more memory taken for " + std::to_string(population.live + 1) + " objects, since there was room for " +
                std::to_string(population.room),
            "more was taken");
}

// H1.
void AnyRunner::judge_null(std::uint8_t cache, bool is_possible) {
  if (is_refused() || !is_possible) return;
  const Abilities& abilities = subjects_[cache]->abilities();
  const Population& population = populations_[cache];
  if (population.live < abilities.capacity)
    return violate(Invariant::H1, Cause::RefusedWithoutFailure,
                   "an object while fewer than " + std::to_string(abilities.capacity) + " live",
                   "null with " + std::to_string(population.live));
  if ((abilities.takes_memory || abilities.refuses_memory) && abilities.capacity == 0)
    return violate(Invariant::H1, Cause::RefusedWithoutFailure, "null only when memory was refused", "null");
  if (!abilities.reuses_memory && population.most > 0) return;
  if (population.live == 0)
    return violate(Invariant::H1, Cause::RefusedWithoutFailure, "an object while none lives", "null");
  if (!abilities.sizes && population.live < population.most)
    violate(Invariant::H1, Cause::RefusedWithoutFailure,
            "an object while fewer live than the " + std::to_string(population.most) + " that lived at once before",
            "null with " + std::to_string(population.live));
}

// H3: contents are kept as far as both sizes go; an object that could not grow is as it was.
bool AnyRunner::reallocate(const Operation& operation) {
  Object& old = object(operation.object);
  if (state_of(old) != ObjectState::Live || !subjects_[old.cache]->abilities().resizes) return false;
  const std::uint8_t cache = old.cache;
  check_contents(operation.object);
  if (violated()) return true;
  const std::uintptr_t before = old.address;
  const std::size_t extent = old.size, kept = std::min<std::size_t>(old.asked, operation.argument);
  begin(operation.kind, cache);
  context_.freed = before;
  expect({Invariant::H3, Cause::ContentsLost, "the first % bytes kept", kept});
  std::uintptr_t object = 0;
  {
    const Refusal refusal{*subjects_[cache], backend_of(cache)};
    object = address(subjects_[cache]->reallocate(pointer(before), operation.argument));
  }
  log_.done(operation.kind, object ? arena_.relative(object) : 0, operation.object);
  if (violated()) return end(), true;
  if (!object) {
    judge_null(cache, true);
    if (!violated()) check_contents(operation.object);
    return end(), true;
  }
  reference_.retire(before);
  expect({Invariant::H3, Cause::ContentsLost, "the first % bytes kept", kept});
  const std::size_t now = extent_of(cache, object, operation.argument);
  if (violated() || !admit(cache, operation.object, object, now, promised_align(cache, operation.argument, 1)))
    return end(), true;
  if (const std::ptrdiff_t at = find_damage_of_moved(object, {before, extent}, kept, operation.object, contents_);
      at >= 0)
    violate_expected("another byte at offset " + std::to_string(at));
  stamp(object, now, operation.object, contents_);
  old.address = object;
  old.size = now;
  old.asked = operation.argument;
  old.align = 1;
  return end(), true;
}

bool AnyRunner::ask_usable_size(const Operation& operation) {
  const Object& asked = object(operation.object);
  if (state_of(asked) != ObjectState::Live || !subjects_[asked.cache]->abilities().usable_size) return false;
  begin(operation.kind, asked.cache);
  expect({Invariant::H4, Cause::WrongUsableSize, "% bytes usable, as before", asked.size});
  const std::size_t usable = subjects_[asked.cache]->usable_size(pointer(asked.address));
  if (!violated() && usable != asked.size) violate_expected(bytes(usable));
  return end(), true;
}

}  // namespace slabproof
