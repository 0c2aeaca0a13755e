// Slab caches on a page: slabs with their slots, read from the cache's own memory.
#include <slab/slab_info.hpp>

#include "fuzz/replay/json.hpp"
#include "fuzz/replay/scene.hpp"
#include "fuzz/replay/words.hpp"
#include "model/memory/arena.hpp"
#include "model/memory/sanitizer.hpp"
#include "model/program/trace.hpp"
#include "model/subject/inspector.hpp"

namespace slabproof {
namespace {

std::uint64_t relative(std::uintptr_t address) { return address - Arena::default_base; }

// Free slots are poisoned, and a defect may have given a SlabInfo back too early.
SLABPROOF_NOT_SANITIZED std::uint8_t byte_at(std::uintptr_t address) {
  return *reinterpret_cast<const volatile std::uint8_t*>(address);
}
SLABPROOF_NOT_SANITIZED std::uintptr_t link_in(std::uintptr_t slot) {
  return *reinterpret_cast<const volatile std::uintptr_t*>(slot);
}

class SlabScene final : public Scene {
 public:
  [[nodiscard]] std::string about(const Setup& setup) const override {
    std::string text = "\"shape\":\"slab cache\",\"caches\":[";
    for (std::size_t i = 0; i < setup.cache_count; ++i) {
      const CacheSpec& cache = setup.caches[i];
      const Layout layout = layout_of(cache);
      text += (i == 0 ? "" : ",") + ("{\"row\":" + quoted(slab::to_string(cache.row()))) +
              ",\"kind\":" + quoted(cache.is_static ? "Cache" : "DynamicCache") +
              ",\"policy\":" + quoted(name_of_policy(cache)) + ",\"checks\":" + (cache.checks ? "true" : "false") +
              ",\"kept\":" + decimal(cache.empty_slabs_kept) + ",\"backend\":" + decimal(cache.backend) +
              ",\"slab_size\":" + decimal(cache.slab_size) + ",\"page_size\":" + decimal(cache.page_size) +
              ",\"object_size\":" + decimal(cache.object_size) + ",\"object_align\":" + decimal(cache.object_align) +
              ",\"stride\":" + decimal(layout.stride) + ",\"objects\":" + decimal(layout.objects_per_slab) +
              ",\"info_size\":" + decimal(layout.slab_info_size) +
              ",\"info_offset\":" + decimal(layout.slab_info_offset) + "}";
    }
    return text + "]";
  }
  [[nodiscard]] const char* beginning() const override { return beginning_of(Shape::SlabCache); }
  [[nodiscard]] const char* end() const override { return end_of(Shape::SlabCache); }

  void look(Runner& runner, const std::vector<CallRecord>&) override {
    name_slabs(runner);
    for (std::size_t c = 0; c < runner.setup().cache_count; ++c) current_[c] = find_current(runner, c);
  }

  [[nodiscard]] std::string call(const CallRecord& call) const override {
    using enum BackendCall;
    const auto slab_at = [&](std::uint64_t at) {
      const auto known = names_.find(at + Arena::default_base);
      return address_text(at) + (known == names_.end() ? "" : " (" + known->second + ")");
    };
    const auto info_at = [&](std::uint64_t at) {
      const auto known = infos_.find(at + Arena::default_base);
      return address_text(at) + (known == infos_.end() ? "" : " (SlabInfo of " + known->second + ")");
    };
    std::string arguments, answer;
    switch (call.call) {
      case AllocSlab:
        arguments = decimal(call.a) + ", " + decimal(call.b), answer = call.answer ? slab_at(call.answer) : "null";
        break;
      case FreeSlab: arguments = slab_at(call.a); break;
      case SaveSlabInfo:
        arguments = slab_at(call.a) + ", " + info_at(call.b), answer = call.answer ? "true" : "false";
        break;
      case GetSlabInfo: arguments = slab_at(call.a), answer = call.answer ? info_at(call.answer) : "null"; break;
      case DeleteSlabInfo: arguments = slab_at(call.a); break;
      case AllocSlabInfo: arguments = decimal(call.a), answer = call.answer ? address_text(call.answer) : "null"; break;
      case FreeSlabInfo: arguments = address_text(call.a) + ", " + decimal(call.b); break;
      case TakeMemory:
      case GiveMemory:
      case RefuseMemory: break;  // of no slab cache
    }
    return "[" + quoted(to_string(call.call)) + "," + quoted(arguments) + "," + quoted(answer) + "," +
           decimal(call.backend) + "]";
  }

  [[nodiscard]] std::string counts(Runner& runner, std::size_t c) const override {
    const slab::CacheStatistics s = runner.cache_model(c).statistics();
    return "[" + decimal(s.full_slabs) + "," + decimal(s.partial_slabs) + "," + decimal(s.empty_slabs) + "," +
           decimal(s.allocated_objects) + "," + decimal(s.free_objects) + "," + decimal(s.set_aside_slabs) + "]";
  }

  [[nodiscard]] std::map<std::string, std::string> cards(Runner& runner) const override {
    std::map<std::string, std::string> slabs;
    for (std::uint8_t b = 0; b < runner.setup().backend_count; ++b)
      for (SlabRecord* const slab : runner.backend(b).slabs()) slabs[names_.at(slab->base)] = text_of(runner, b, *slab);
    return slabs;
  }

 private:
  /// The slab of an address, or of a SlabInfo, by the names that pictures use.
  void name_slabs(Runner& runner) {
    for (std::uint8_t b = 0; b < runner.setup().backend_count; ++b)
      for (SlabRecord* const slab : runner.backend(b).slabs()) {
        std::string& name = names_[slab->base];
        name = (runner.setup().backend_count == 2 ? "b" + decimal(b) : "") + "s" + decimal(slab->generation);
        if (const std::uintptr_t info = runner.info_of(*slab)) infos_[info] = name;
      }
  }
  /// As the cache has it; of one that is destroyed, as it had it before. Only its base, as the model has it, where that
  /// cannot be: a defect may have made it anything, and other subjects cannot be inspected.
  [[nodiscard]] CacheMembers find_current(Runner& runner, std::size_t c) const {
    const AnySubject* const subject = runner.subject(c);
    const CacheMembers members = subject ? subject->members() : current_[c];
    const CacheModel& model = runner.cache_model(c);
    const SlabRecord* const slab = runner.backend(model.spec.backend).find(members.slab);
    if (slab && slab->base == members.slab && members.slab_info != 0 && runner.info_of(*slab) == members.slab_info)
      return members;
    CacheMembers none{};
    none.slab = model.current();
    return none;
  }
  [[nodiscard]] std::string name_of_info(std::uintptr_t info) const {
    const auto known = infos_.find(info);
    if (info == 0) return "null";
    return quoted(known == infos_.end() ? address_text(info) : known->second);
  }

  /// Slots as letters: live, free, quarantined, uncarved. `objects`, `links` and `turns` to leave the quarantine are by
  /// slot.
  [[nodiscard]] std::string text_of(Runner& runner, std::uint8_t b, const SlabRecord& slab) const {
    const CacheModel& cache = runner.cache_model(slab.cache);
    const Layout& layout = cache.layout;
    std::string text = "{\"cache\":" + decimal(slab.cache) + ",\"backend\":" + decimal(b) +
                       ",\"at\":" + quoted(address_text(relative(slab.base))) + ",\"used\":" + decimal(slab.used);
    if (slab.misaligned) return text + ",\"misaligned\":true}";
    std::string slots, objects, links, turns;
    for (std::size_t i = 0; i < layout.objects_per_slab; ++i) {
      const std::uintptr_t slot = slab.base + i * layout.stride;
      const LiveRange* const live = runner.reference().find(slot);
      const bool is_live = live && live->begin == slot;
      const std::size_t turn = cache.turn_in_quarantine(slot);
      slots += is_live ? '#' : turn != 0 ? 'q' : slab.handed_out[i] ? '.' : '_';
      if (turn != 0) turns += (turns.empty() ? "" : ",") + quoted(decimal(i)) + ":" + decimal(turn);
      if (is_live && live->ordinal != no_ordinal)
        objects += (objects.empty() ? "" : ",") + quoted(decimal(i)) + ":" + decimal(live->ordinal);
      if (slots.back() == '.')
        links += (links.empty() ? "" : ",") + quoted(decimal(i)) + ":" +
                 target_text(slab, cache, cache.spec.checks ? entry_of(runner, slab, layout, i) : link_in(slot));
    }
    text += ",\"slots\":" + quoted(slots) + ",\"objects\":{" + objects + "},\"links\":{" + links + "}";
    if (!turns.empty()) text += ",\"turns\":{" + turns + "}";
    if (slab.abandoned) text += ",\"abandoned\":true";
    if (slab.set_aside) text += ",\"set_aside\":true";
    if (cache.damaged() == slab.base) text += ",\"damaged\":true";
    const CacheMembers& of_cache = current_[slab.cache];
    const bool current = !slab.abandoned && of_cache.slab == slab.base;
    if (current) text += ",\"current\":true";
    text += ",\"pages\":[";
    for (std::size_t offset = 0; offset < slab.size && cache.mapped_pages() > 0; offset += cache.spec.page_size)
      text += (offset == 0 ? "" : ",") + ("[" + quoted(address_text(relative(slab.base + offset)))) + "," +
              (runner.backend(b).knows_page(slab.base + offset) ? "1" : "0") + "]";
    text += "]";
    if (const std::uintptr_t at = runner.info_of(slab); at != 0) {
      const SlabInfoMembers info = slab::Inspector::info_at(at, cache.spec.checks);
      const SlotsMembers& slots_of = current && of_cache.slab_info != 0 ? of_cache.slots : info.slots;
      text += ",\"info\":{\"at\":" + quoted(address_text(relative(at))) + ",\"used\":" + decimal(slots_of.used) +
              ",\"carved\":" + decimal(slots_of.carved) + ",\"next\":" + name_of_info(info.next) +
              ",\"previous\":" + name_of_info(info.previous) +
              ",\"head\":" + target_text(slab, cache, slots_of.free_head) +
              ",\"list\":" + quoted(list_of(cache, slots_of.used)) + "}";
    }
    return text + "}";
  }
  /// Of a Checked cache: a slot's entry in the table of slots.
  [[nodiscard]] static std::uint64_t entry_of(const Runner& runner, const SlabRecord& slab, const Layout& layout,
                                              std::size_t slot) {
    const std::uintptr_t info = runner.info_of(slab);
    if (info == 0) return slab::detail::no_slot(layout.entry_size);
    const std::uintptr_t table = info + sizeof(slab::SlabInfo) - layout.slab_info_size;
    std::uint64_t entry = 0;
    for (std::size_t byte = 0; byte < layout.entry_size; ++byte)
      entry |= std::uint64_t{byte_at(table + slot * layout.entry_size + byte)} << 8 * byte;
    return entry;
  }
  /// A link, as the number of a slot where it leads to one: an index in a Checked cache, else an address.
  [[nodiscard]] static std::string target_text(const SlabRecord& slab, const CacheModel& cache, std::uint64_t target) {
    const Layout& layout = cache.layout;
    if (cache.spec.checks) {
      if (target == slab::detail::no_slot(layout.entry_size)) return "null";
      return target < layout.objects_per_slab ? decimal(target) : quoted(decimal(target));
    }
    if (target == 0) return "null";
    const std::size_t offset = target - slab.base;
    return offset < slab.size && offset % layout.stride == 0 ? decimal(offset / layout.stride)
                                                             : quoted(address_text(target));
  }
  [[nodiscard]] static std::string list_of(const CacheModel& cache, std::size_t used) {
    if (used == 0) return "empty";
    if (used >= cache.layout.objects_per_slab) return "full";
    return "partial";
  }

  std::map<std::uintptr_t, std::string> names_, infos_;  // by address; the latest
  CacheMembers current_[Limits::max_caches] = {};
};

}  // namespace

std::unique_ptr<Scene> make_scene() { return std::make_unique<SlabScene>(); }

}  // namespace slabproof
