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

void TestBody::note_freed(std::uint32_t ordinal, std::size_t c) {
  const auto& [address, of_object, of_cache] = plan.recording.objects.at(ordinal);
  slab::CacheStatistics& statistics = before.statistics[c];
  std::erase_if(before.live, [&](const Snapshot::Object& object) { return object.ordinal == ordinal; });
  for (Snapshot::Slab& slab : before.slabs) {
    if (address - slab.base >= slab.size) continue;
    if (slab.set_aside) return;
    ++statistics.free_objects;
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
