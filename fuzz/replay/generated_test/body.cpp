#include "fuzz/replay/generated_test/body.hpp"

#include <algorithm>
#include <cctype>

namespace slabproof {

void TestBody::drop_unused_names() {
  for (const auto& [ordinal, known] : plan.recording.objects) {
    const std::string name = plan.object(ordinal), declaration = "std::byte* const " + name + " = ";
    const std::size_t declared = text.find(declaration);
    std::size_t uses = 0;
    for (std::size_t at = text.find(name); at != std::string::npos; at = text.find(name, at + 1))
      uses += std::isdigit(static_cast<unsigned char>(text[at + name.size()])) == 0;
    if (declared != std::string::npos && uses == 1) text.erase(declared, declaration.size());
  }
}

std::string TestBody::somebody_in(const Snapshot::Slab& slab) const {
  for (const Snapshot::Object& object : before.live)
    if (object.address - slab.base < slab.size) return plan.object(object.ordinal);
  for (const auto& [ordinal, known] : plan.recording.objects)
    if (known.address - slab.base < slab.size) return plan.object(ordinal);
  return "nullptr";
}

std::string TestBody::somebody_at(std::uintptr_t address, std::uint32_t before_ordinal) const {
  std::string name = "nullptr";
  for (const auto& [ordinal, known] : plan.recording.objects)
    if (known.address == address && ordinal < before_ordinal) name = plan.object(ordinal);
  return name;
}

std::uintptr_t TestBody::leaving_after(std::uintptr_t freed, std::size_t c) const {
  const std::size_t room = facts_of(plan.setup.caches[c].guards).quarantine_objects;
  if (room == 0) return freed;
  return before.quarantine[c].size() < room ? 0 : before.quarantine[c].front();
}

void TestBody::note_freed(std::uint32_t ordinal, std::size_t c) {
  const auto& [address, of_object, of_cache] = plan.recording.objects.at(ordinal);
  slab::CacheStatistics& statistics = before.statistics[c];
  std::erase_if(before.live, [&](const Snapshot::Object& object) { return object.ordinal == ordinal; });
  const std::uintptr_t leaving = leaving_after(address, c);
  ++statistics.free_objects;
  if (leaving != address) {
    before.quarantine[c].push_back(address);
    for (Snapshot::Slab& slab : before.slabs) slab.quarantined += address - slab.base < slab.size;
    if (leaving == 0) return;
    before.quarantine[c].erase(before.quarantine[c].begin());
    for (Snapshot::Slab& slab : before.slabs) slab.quarantined -= leaving - slab.base < slab.size;
  }
  for (Snapshot::Slab& slab : before.slabs) {
    if (leaving - slab.base >= slab.size) continue;
    if (slab.set_aside) return void(--statistics.free_objects);
    if (--slab.used > 0 || ++statistics.empty_slabs <= before.kept_slabs[c]) return;
    // The current slab goes back last.
    const auto is_idle = [&](const auto& other) {
      return other.cache == c && other.used == 0 && !other.abandoned && !other.current;
    };
    const auto idle = std::find_if(before.slabs.begin(), before.slabs.end(), is_idle);
    --statistics.empty_slabs;
    statistics.free_objects -= plan.layout(c).objects_per_slab;
    before.slabs.erase(idle == before.slabs.end() ? before.slabs.begin() + (&slab - before.slabs.data()) : idle);
    return;
  }
}

}  // namespace slabproof
