#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "model/judge/runner.hpp"

namespace slabproof {

/// What a page shows of the subjects that this tool judges: slab caches (slabs_on_page.cpp), or pools and heaps
/// (memory_on_page.cpp). All texts are JSON for fuzz/replay/replay_page.html.
class Scene {
 public:
  virtual ~Scene() = default;
  /// Members of the page's object, without braces: what is judged, and on what.
  [[nodiscard]] virtual std::string about(const Setup& setup) const = 0;
  /// What the steps before and behind the operations are called.
  [[nodiscard]] virtual const char* beginning() const = 0;
  [[nodiscard]] virtual const char* end() const = 0;
  /// Called once after each step, before the next ones, with the calls of the backends in it.
  virtual void look(Runner& runner, const std::vector<CallRecord>& calls) = 0;
  [[nodiscard]] virtual std::string call(const CallRecord& call) const = 0;
  /// The counts of one subject, in a list.
  [[nodiscard]] virtual std::string counts(Runner& runner, std::size_t c) const = 0;
  /// What is drawn, by name: a slab, a block of memory.
  [[nodiscard]] virtual std::map<std::string, std::string> cards(Runner& runner) const = 0;
};

std::unique_ptr<Scene> make_scene();

inline std::string decimal(std::uint64_t number) { return std::to_string(number); }
/// An address for people.
std::string address_text(std::uint64_t address);
/// An address as a page has it: from the arena's begin, where it lies in it.
std::uint64_t address_on_page(std::uintptr_t address);

}  // namespace slabproof
