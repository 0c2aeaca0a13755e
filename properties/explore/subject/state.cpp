#include "properties/explore/subject/state.hpp"

#include <algorithm>

#include "model/memory/address.hpp"
#include "model/memory/sanitizer.hpp"

namespace slabproof {
namespace {

// A subject may have poisoned bytes of its own.
SLABPROOF_BULK void copy_words(std::uintptr_t from, std::size_t count, std::uint64_t* to) {
  for (std::size_t i = 0; i < count; ++i) __builtin_memcpy(to + i, reinterpret_cast<const void*>(from + 8 * i), 8);
}
SLABPROOF_NOT_SANITIZED std::uint64_t last_word(std::uintptr_t from, std::size_t size) {
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < size; ++i)
    word |= std::uint64_t{*reinterpret_cast<const unsigned char*>(from + i)} << 8 * i;
  return word;
}

void append_bytes(std::uintptr_t from, std::size_t size, std::vector<std::uint64_t>& words) {
  const std::size_t before = words.size(), whole = size / 8;
  words.resize(before + whole);
  copy_words(from, whole, words.data() + before);
  if (size % 8 != 0) words.push_back(last_word(from + 8 * whole, size % 8));
}

}  // namespace

void SubjectStateAccess::live_objects(const AnyRunner& runner, std::vector<KnownObject>& objects) {
  objects.clear();
  for (const LiveRange& range : runner.reference_.live()) {
    const AnyRunner::Object& object = runner.objects_[range.ordinal];
    objects.push_back({object.address, object.size, object.asked, range.ordinal});
  }
}

void SubjectStateAccess::all_dead_objects(const AnyRunner& runner, std::vector<KnownObject>& objects) {
  objects.clear();
  for (std::uint32_t i = 0; i < runner.objects_.size(); ++i) {
    const AnyRunner::Object& object = runner.objects_[i];
    if (runner.state_of(object) == AnyRunner::ObjectState::Dead)
      objects.push_back({object.address, object.size, object.asked, i});
  }
  std::sort(objects.begin(), objects.end(), [](const KnownObject& a, const KnownObject& b) {
    return a.address != b.address ? a.address < b.address : a.ordinal > b.ordinal;
  });
  const auto is_same = [](const KnownObject& a, const KnownObject& b) { return a.address == b.address; };
  objects.erase(std::unique(objects.begin(), objects.end(), is_same), objects.end());
}

void SubjectStateAccess::dead_objects(const AnyRunner& runner, std::vector<KnownObject>& objects) {
  all_dead_objects(runner, objects);
  std::erase_if(objects, [&](const KnownObject& object) { return runner.reference_.find(object.address); });
}

std::size_t SubjectStateAccess::memory_taken(const AnyRunner& runner) {
  std::size_t bytes = 0;
  for (const MemoryRecord* const block : runner.backends_[0].memory_) bytes += block->size;
  return bytes;
}

bool SubjectStateAccess::is_inside(const AnyRunner& runner, std::span<const std::span<std::byte>> globals,
                                   const KnownObject& object) {
  const auto holds = [&](std::uintptr_t begin, std::size_t size) {
    return object.address - begin < size && object.size <= size - (object.address - begin);
  };
  if (holds(address(runner.subjects_[0]), runner.subjects_[0]->size())) return true;
  for (const MemoryRecord* const block : runner.backends_[0].memory_)
    if (holds(block->base, block->size)) return true;
  return std::any_of(globals.begin(), globals.end(),
                     [&](std::span<std::byte> bytes) { return holds(address(bytes.data()), bytes.size()); });
}

void SubjectStateAccess::append(const AnyRunner& runner, std::span<const std::span<std::byte>> globals,
                                std::vector<std::uint64_t>& words) {
  const AnySubject& subject = *runner.subjects_[0];
  const Abilities& abilities = subject.abilities();
  const Region& region = runner.backends_[0].slab_region_;
  const AnyRunner::Population& population = runner.populations_[0];
  // What the judge will expect.
  words.insert(words.end(), {population.most, population.room, runner.reference_.live().size()});
  for (const LiveRange& range : runner.reference_.live()) {
    const AnyRunner::Object& object = runner.objects_[range.ordinal];
    words.insert(words.end(), {object.address, object.size, object.asked});
    if (abilities.sized_free) words.push_back(object.align);  // which it is freed with
    if (abilities.resizes_to_zero) words.push_back(range.ordinal % 4);  // whether it is freed so
  }
  // What may be freed a second time. A live object will be one of them at its address, unless it can be moved.
  if (abilities.detects.double_free) {
    std::vector<KnownObject> dead;
    all_dead_objects(runner, dead);
    if (!abilities.resizes)
      std::erase_if(dead, [&](const KnownObject& object) {
        const LiveRange* const live = runner.reference_.find(object.address);
        return live && live->begin == object.address;
      });
    words.push_back(dead.size());
    for (const KnownObject& object : dead) {
      words.push_back(object.address);
      if (abilities.sized_free) words.insert(words.end(), {object.asked, runner.objects_[object.ordinal].align});
    }
  }
  // Where its memory is, and comes from next.
  words.insert(words.end(), {region.untouched(), region.returned_.size()});
  for (const Region::Block& block : region.returned_) words.insert(words.end(), {block.begin, block.size});
  words.push_back(runner.backends_[0].memory_.size());
  for (const MemoryRecord* const block : runner.backends_[0].memory_) {
    words.insert(words.end(), {block->base, block->size});
    append_bytes(block->base, block->size, words);
  }
  append_bytes(address(&subject), subject.size(), words);
  for (const std::span<std::byte> bytes : globals) append_bytes(address(bytes.data()), bytes.size(), words);
}

}  // namespace slabproof
