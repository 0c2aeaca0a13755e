// Pools and heaps on a page: the blocks of memory that they took, and in them objects, live and freed.
#include <algorithm>
#include <iterator>

#include "fuzz/replay/build.hpp"
#include "fuzz/replay/json.hpp"
#include "fuzz/replay/scene.hpp"
#include "fuzz/replay/words.hpp"
#include "model/memory/arena.hpp"
#include "model/subject/tested_subject.hpp"

namespace slabproof {
namespace {

/// Sets of bytes.
class Bytes {
 public:
  void add(std::uintptr_t begin, std::uintptr_t end) {
    auto at = ranges_.upper_bound(begin);
    if (at != ranges_.begin() && std::prev(at)->second >= begin) begin = (--at)->first;
    while (at != ranges_.end() && at->first <= end) {
      end = std::max(end, at->second);
      at = ranges_.erase(at);
    }
    if (begin < end) ranges_[begin] = end;
  }
  void remove(std::uintptr_t begin, std::uintptr_t end) {
    auto at = ranges_.lower_bound(begin);
    if (at != ranges_.begin() && std::prev(at)->second > begin) --at;
    while (at != ranges_.end() && at->first < end) {
      const auto [first, last] = *at;
      at = ranges_.erase(at);
      if (first < begin) ranges_[first] = begin;
      if (last > end) at = std::next(ranges_.emplace(end, last).first);
    }
  }
  /// The range that holds `at`, or the first behind it; at the end of all addresses where there is none.
  [[nodiscard]] std::pair<std::uintptr_t, std::uintptr_t> from(std::uintptr_t at) const {
    auto next = ranges_.upper_bound(at);
    if (next != ranges_.begin() && std::prev(next)->second > at) --next;
    if (next == ranges_.end()) return {~std::uintptr_t{0}, ~std::uintptr_t{0}};
    return *next;
  }
  [[nodiscard]] const std::map<std::uintptr_t, std::uintptr_t>& ranges() const { return ranges_; }

 private:
  std::map<std::uintptr_t, std::uintptr_t> ranges_;  // the end of each, by its begin; disjoint, and none touch
};

class MemoryScene final : public Scene {
 public:
  [[nodiscard]] std::string about(const Setup& setup) const override {
    const TestedSubject& subject = tested_subject();
    const bool is_heap = subject.language.shape == Shape::Heap;
    std::string text = "\"shape\":" + slabproof::quoted(is_heap ? "heap" : "pool") +
                       ",\"subject\":" + slabproof::quoted(subject.name) +
                       ",\"takes_memory\":" + (takes_memory() ? "true" : "false") + ",\"caches\":[";
    for (std::size_t c = 0; c < setup.cache_count; ++c) {
      const CacheSpec& spec = setup.caches[c];
      text += (c == 0 ? "" : ",") + ("{\"backend\":" + decimal(spec.backend)) +
              (is_heap ? ""
                       : ",\"object_size\":" + decimal(spec.object_size) +
                             ",\"object_align\":" + decimal(spec.object_align)) +
              "}";
    }
    return text + "]";
  }
  [[nodiscard]] const char* beginning() const override { return beginning_of(tested_subject().language.shape); }
  [[nodiscard]] const char* end() const override { return end_of(tested_subject().language.shape); }

  void look(Runner& runner, const std::vector<CallRecord>& calls) override {
    for (const CallRecord& call : calls) {
      const std::uintptr_t block = Arena::default_base + (call.call == BackendCall::GiveMemory ? call.a : call.answer);
      if (call.call == BackendCall::GiveMemory) forget(block);
      if (call.call == BackendCall::TakeMemory && call.answer != 0)
        blocks_[block] = {call.a, "m" + decimal(++taken_), call.backend};
    }
    for (const LiveRange& object : runner.reference().live()) used_[object.cache].add(object.begin, object.end);
  }

  [[nodiscard]] std::string call(const CallRecord& call) const override {
    std::string arguments, answer;
    switch (call.call) {
      case BackendCall::TakeMemory:
        arguments = decimal(call.a) + ", " + decimal(call.b);
        answer = call.answer ? address_text(call.answer) : "refused";
        break;
      case BackendCall::GiveMemory: arguments = address_text(call.a); break;
      case BackendCall::RefuseMemory: answer = "all memory, as long as this call takes"; break;
      default: break;  // of slab caches
    }
    return "[" + slabproof::quoted(to_string(call.call)) + "," + slabproof::quoted(arguments) + "," +
           slabproof::quoted(answer) + "," + decimal(call.backend) + "]";
  }

  /// Live objects, their bytes, freed bytes, bytes that it has taken, blocks of them.
  [[nodiscard]] std::string counts(Runner& runner, std::size_t c) const override {
    std::size_t objects = 0, live = 0, freed = 0, taken = 0, blocks = 0;
    for (const LiveRange& object : runner.reference().live())
      if (object.cache == c) ++objects, live += object.end - object.begin;
    for (const auto& [begin, end] : used_[c].ranges()) freed += end - begin;
    for (std::uint8_t b = 0; b < runner.setup().backend_count; ++b)
      for (const MemoryRecord* const block : runner.backend(b).memory())
        if (block->cache == c) ++blocks, taken += block->size;
    return "[" + decimal(objects) + "," + decimal(live) + "," + decimal(freed - live) + "," + decimal(taken) + "," +
           decimal(blocks) + "]";
  }

  [[nodiscard]] std::map<std::string, std::string> cards(Runner& runner) const override {
    std::map<std::string, std::string> cards;
    Bytes outside[Limits::max_caches];
    for (std::size_t c = 0; c < runner.setup().cache_count; ++c) outside[c] = used_[c];
    for (std::uint8_t b = 0; b < runner.setup().backend_count; ++b)
      for (const MemoryRecord* const block : runner.backend(b).memory()) {
        const auto known = blocks_.find(block->base);
        if (known == blocks_.end()) continue;
        cards[known->second.name] = "{\"cache\":" + decimal(block->cache) + ",\"backend\":" + decimal(b) +
                                    text_of(runner, block->cache, block->base, block->base + block->size) + "}";
        for (Bytes& bytes : outside) bytes.remove(block->base, block->base + block->size);
      }
    // What lies in no block: memory of its own, or, of one that has none, memory that it does not have (any more).
    for (std::size_t c = 0; c < runner.setup().cache_count; ++c) {
      const auto& ranges = outside[c].ranges();
      if (ranges.empty()) continue;
      cards["o" + decimal(c)] = "{\"cache\":" + decimal(c) + (takes_memory() ? ",\"foreign\":true" : ",\"own\":true") +
                                text_of(runner, c, ranges.begin()->first, ranges.rbegin()->second) + "}";
    }
    return cards;
  }

 private:
  struct Block {
    std::size_t size = 0;
    std::string name;
    std::uint8_t backend = 0;
  };

  [[nodiscard]] static bool takes_memory() {
    const Abilities* const claims = tested_subject().abilities;
    return claims && claims->takes_memory;
  }

  /// What lay in the block is no memory of anybody's, but for objects that live there all the same.
  void forget(std::uintptr_t base) {
    const auto block = blocks_.find(base);
    if (block == blocks_.end()) return;
    for (Bytes& bytes : used_) bytes.remove(base, base + block->second.size);
    blocks_.erase(block);
  }

  /// The bytes from `begin` to `end` as parts in their order: [offset, size, letter, number], # a live object, . what
  /// was in one and is in none, _ what never was.
  [[nodiscard]] std::string text_of(Runner& runner, std::size_t c, std::uintptr_t begin, std::uintptr_t end) const {
    std::string parts;
    const auto part = [&](std::uintptr_t from, std::uintptr_t to, char letter, const std::string& who) {
      if (from < to)
        parts += (parts.empty() ? "[" : ",[") + decimal(from - begin) + "," + decimal(to - from) + ",\"" + letter +
                 "\"" + who + "]";
    };
    std::size_t live = 0;
    std::uintptr_t at = begin;
    const auto free_until = [&](std::uintptr_t next) {
      while (at < next) {
        const auto [from, to] = used_[c].from(at);
        const std::uintptr_t used = std::min(std::max(from, at), next), stop = std::min(to, next);
        part(at, used, '_', "");
        part(used, std::max(used, stop), '.', "");
        at = std::max(used, stop);
      }
    };
    for (const LiveRange& object : runner.reference().live()) {
      if (object.end <= begin || object.begin >= end || object.begin < at) continue;
      free_until(object.begin);
      at = std::min(object.end, end);
      part(object.begin, at, '#', "," + (object.ordinal == no_ordinal ? "null" : decimal(object.ordinal)));
      live += at - object.begin;
    }
    free_until(end);
    return ",\"at\":" + slabproof::quoted(address_text(address_on_page(begin))) + ",\"size\":" + decimal(end - begin) +
           ",\"live\":" + decimal(live) + ",\"parts\":[" + parts + "]";
  }

  std::map<std::uintptr_t, Block> blocks_;  // by address
  std::size_t taken_ = 0;  // blocks so far
  Bytes used_[Limits::max_caches];  // of what was in an object since its memory was taken
};

}  // namespace

// A subject is somebody else's: their commit is not known here.
const char* build_commit() { return ""; }

std::unique_ptr<Scene> make_scene() { return std::make_unique<MemoryScene>(); }

}  // namespace slabproof
