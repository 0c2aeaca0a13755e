#include "fuzz/replay/picture.hpp"

#include <algorithm>
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

/// The memory of a pool or a heap: a letter for the same number of bytes each, so that it fits into a line.
std::string picture(const Runner& runner, const MemoryRecord& block) {
  const std::size_t step = std::max<std::size_t>(8, (block.size + widest - 1) / widest);
  std::string text = "c" + std::to_string(block.cache) + " ";
  std::size_t live = 0;
  for (std::size_t at = 0; at < block.size; at += step) {
    bool is_live = false;
    for (std::size_t i = at; i < at + step && i < block.size && !is_live; ++i)
      is_live = runner.reference().find(block.base + i) != nullptr;
    text += is_live ? '#' : '.';
  }
  for (const LiveRange& range : runner.reference().live())
    live += range.begin - block.base < block.size ? range.end - range.begin : 0;
  return text + " " + std::to_string(live) + " of " + std::to_string(block.size) + " bytes live";
}

}  // namespace

std::string picture(Runner& runner) {
  std::string text;
  if (runner.language().shape != Shape::SlabCache) {
    std::size_t live = 0;
    for (const LiveRange& range : runner.reference().live()) live += range.end - range.begin;
    text = "        " + std::to_string(runner.reference().live().size()) + " objects, " + std::to_string(live) +
           " bytes\n";
    for (std::size_t i = 0; i < runner.setup().backend_count; ++i)
      for (const MemoryRecord* const block : runner.backend(i).memory())
        text += "        " + picture(runner, *block) + "\n";
    return text;
  }
  for (std::size_t i = 0; i < runner.setup().backend_count; ++i) {
    std::map<std::uint32_t, const SlabRecord*> by_age;
    for (const SlabRecord* const slab : runner.backend(i).slabs())
      if (!slab->misaligned) by_age[slab->generation] = slab;
    for (const auto& [age, slab] : by_age) text += "        " + picture(runner, *slab) + "\n";
  }
  return text;
}

}  // namespace slabproof
