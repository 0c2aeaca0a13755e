#include "fuzz/replay/picture.hpp"

#include <map>

namespace slabproof {
namespace {

constexpr std::size_t widest = 64;

std::string picture(const Runner& runner, const SlabRecord& slab) {
  const CacheModel& cache = runner.cache_model(slab.cache);
  const std::size_t slots = cache.layout.objects_per_slab;
  std::string text = "c" + std::to_string(slab.cache) + " s" + std::to_string(slab.generation) + " ";
  for (std::size_t i = 0; i < slots && i < widest; ++i) {
    const std::uintptr_t slot = slab.base + i * cache.layout.stride;
    const LiveRange* live = runner.reference().find(slot);
    text += live && live->begin == slot ? '#' : cache.is_quarantined(slot) ? 'q' : slab.handed_out[i] ? '.' : '_';
  }
  if (slots > widest) text += "(+" + std::to_string(slots - widest) + ")";
  if (cache.spec.type == slab::ObjectSizeType::Small) text += "|i";
  text += slab.set_aside ? " set aside " : slab.used == 0 ? " empty " : slab.used == slots ? " full " : " partial ";
  text += std::to_string(slab.used) + "/" + std::to_string(slots);
  if (const std::size_t count = cache.quarantined_in(slab.base); count > 0)
    text += " (" + std::to_string(count) + " in quarantine)";
  if (slab.abandoned) text += " abandoned";
  if (cache.damaged() == slab.base) text += " damaged";
  if (!slab.abandoned && cache.current() == slab.base) text += " current";
  return text;
}

}  // namespace

std::string picture(Runner& runner) {
  std::string text;
  for (std::size_t i = 0; i < runner.setup().backend_count; ++i) {
    std::map<std::uint32_t, const SlabRecord*> by_age;
    for (const SlabRecord* const slab : runner.backend(i).slabs())
      if (!slab->misaligned) by_age[slab->generation] = slab;
    for (const auto& [age, slab] : by_age) text += "        " + picture(runner, *slab) + "\n";
  }
  return text;
}

}  // namespace slabproof
