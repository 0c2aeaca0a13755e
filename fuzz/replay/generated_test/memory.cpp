#include "fuzz/replay/generated_test/memory.hpp"

#include <algorithm>

namespace slabproof {

using enum Invariant;

std::string memory_of_test(const TestPlan& plan) {
  const BackendSpec& spec = plan.setup.backends[0];
  const std::string junk = spec.is_junk_all_ones() ? "0xFF" : "0xA5";
  if (plan.heap)
    return R"(/// Memory in which the sanitizer sees what was given back.
struct Memory {
  std::byte* take(std::size_t size, std::size_t align) {
)" + std::string{plan.reserves_everything ? "    if (blocks.size() == 1000) return nullptr;\n" : ""} +
           R"(    void* const block = std::aligned_alloc(align, size);
    blocks.insert(block);
    return static_cast<std::byte*>(std::memset(block, )" +
           junk + R"(, size));
  }
  void give(std::byte* block, std::size_t) {
    blocks.erase(block);
    std::free(block);
  }
  ~Memory() {
    for (void* const block : blocks) std::free(block);
  }
  std::set<void*> blocks;
};

)";
  const std::size_t largest = plan.largest_block(), size = plan.memory_size();
  const bool leaves = spec.seed % 2 == 1 && plan.id != B19;
  const std::string filled = leaves ? "size - std::min<std::size_t>(size, 64)" : "size";
  std::string text =
      "/// Hands out junk, never zeros.\nstruct Memory {\n  std::byte* take(std::size_t size, std::size_t align) {\n";
  if (spec.reuse != Reuse::Never) {
    text += "    if (std::vector<std::byte*>& blocks = returned[size]; !blocks.empty()) {\n";
    text += spec.reuse == Reuse::Lifo
                ? "      std::byte* const block = blocks.back();\n      blocks.pop_back();\n"
                : "      std::byte* const block = blocks.front();\n      blocks.erase(blocks.begin());\n";
    if (leaves) text += "      // Its end is as its last user left it.\n";
    text += "      return static_cast<std::byte*>(std::memset(block, " + junk + ", " + filled + "));\n    }\n";
  }
  text += "    next = (next + align - 1) / align * align;\n";
  if (spec.placement == Placement::Scattered) text += "    next += align;  // slabs do not touch\n";
  if (spec.placement == Placement::BarelyAligned)
    text += "    if (next / align % 2 == 0) next += align;  // aligned to nothing more\n";
  if (plan.reserves_everything) text += "    if (next + size > sizeof memory) return nullptr;\n";
  text += "    next += size;\n    return static_cast<std::byte*>(std::memset(memory + next - size, " + junk +
          ", size));\n  }\n";
  text += "  void give(std::byte* block, std::size_t size) {\n    std::memset(block, 0xDB, " + filled +
          ");\n    "
          "returned[size].push_back(block);\n  }\n";
  if (plan.id == B19)
    text +=
        "  bool is_untouched() const {\n    for (const auto& [size, blocks] : returned)\n      for (const std::byte* "
        "const block : blocks)\n"
        "        for (std::size_t i = 0; i < size; ++i)\n          if (block[i] != std::byte{0xDB}) return false;\n  "
        "  return true;\n  }\n";
  return text +
         "  std::map<std::size_t, std::vector<std::byte*>> returned;  // by size\n  std::size_t next = 0;\n  "
         "alignas(" +
         number(std::max<std::size_t>(largest, 4096)) + ") std::byte memory[" + number(size) + "];\n};\n\n";
}

}  // namespace slabproof
