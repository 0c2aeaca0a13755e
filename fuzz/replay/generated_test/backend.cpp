#include "fuzz/replay/generated_test/backend.hpp"

#include <algorithm>
#include <set>

#include "model/memory/recording_backend.hpp"
#include "model/program/layout.hpp"

namespace slabproof {

using enum Invariant;
namespace {

class BackendWriter {
 public:
  BackendWriter(const TestPlan& plan, const TestBody& body) : plan_{plan}, body_{body} {}

  [[nodiscard]] std::string backend() const {
    std::string text = "/// What the program needs of a backend.\nclass Backend {\n public:\n";
    const auto put = [&](const std::string& l) { text += (l.empty() ? "" : "  ") + l + "\n"; };
    const bool called = plan_.is_called_back() || plan_.counts_calls();
    const auto begin = [&](const std::string& signature) {
      put(signature + " noexcept {");
      if (called) put("  called();");
    };
    const auto slab_size = [](const CacheSpec& c) { return c.slab_size; };
    const auto page_size = [](const CacheSpec& c) { return c.page_size; };
    begin(std::string{"void* alloc_slab(std::size_t slab_size, std::size_t page_size)"});
    if (plan_.aligns_to_both)
      put("  page_size = " + number(std::max(plan_.setup.caches[0].page_size, plan_.setup.caches[1].page_size)) +
          ";  // of both caches");
    if (plan_.id == B1) put("  " + one_of("slab_size", slab_size)), put("  " + one_of("page_size", page_size));
    if (plan_.id == B2) put("  ++slabs_asked_for;");
    if (plan_.fails) put("  const bool failed = fails(AllocSlab);");
    if (plan_.fails)
      put(plan_.misaligns ? "  if (failed && !misaligned) return nullptr;" : "  if (failed) return nullptr;");
    if (gives_again()) put("  if (" + is_due("again") + ") return given = std::exchange(again, nullptr);");
    put("  std::byte* " + std::string{plan_.misaligns ? "" : "const "} +
        "slab = slab_memory.take(slab_size, page_size);");
    if (plan_.misaligns) put("  if (failed) slab = slab_memory.take(2 * slab_size, page_size) + page_size / 2;");
    if (plan_.reserves_everything) put("  if (!slab) return nullptr;");
    if (has_stale_entry()) {
      put("  if (" + is_due("stale_page") + ") {");
      put("    pages[stale_at = reinterpret_cast<std::uintptr_t>(slab) + *std::exchange(stale_page, {})] =");
      put("        reinterpret_cast<slab::SlabInfo*>(slab);");
      put("    stale_size = slab_size;");
      put("    return given = slab;");
      put("  }");
    }
    if (needs_slabs()) put("  slabs[slab] = slab_size;");
    put("  return slab;");
    put("}");
    begin("void free_slab(void* slab, std::size_t slab_size, std::size_t" +
          std::string{plan_.id == B1 || plan_.misaligns ? " page_size" : ""} + ")");
    if (plan_.id == B1) put("  " + one_of("slab_size", slab_size)), put("  " + one_of("page_size", page_size));
    if (gives()) put("  if (given) EXPECT_NE(slab, given) << \"what was handed out by mistake is given back\";");
    if (plan_.is({B8, B13}) && plan_.maps_pages)
      put("  for (const auto& [page, info] : pages) EXPECT_NE(slab_of(reinterpret_cast<void*>(page)), slab) << \"a "
          "page of it is saved\";");
    if (needs_slabs())
      put(plan_.id == B3 ? "  ASSERT_EQ(slabs.erase(static_cast<std::byte*>(slab)), 1u);"
                         : "  slabs.erase(static_cast<std::byte*>(slab));");
    if (plan_.misaligns) put("  if (reinterpret_cast<std::uintptr_t>(slab) % page_size != 0) return;");
    put("  slab_memory.give(static_cast<std::byte*>(slab), slab_size);");
    put("}");
    if (plan_.id == B20 && needs_slabs()) {
      begin("bool can_make_slabs(const slab::Geometry&, std::size_t count)");
      if (plan_.cause == Cause::WrongCount) put("  slabs_asked_about = count;");
      put("  return count <= " + number(max_slabs) + " - slabs.size();");
      put("}");
    }
    if (plan_.maps_pages || plan_.id == B4) map_functions(put, begin);
    if (plan_.has_infos || plan_.is({B4, B5})) info_functions(put, begin);
    if (plan_.fails)
      text += R"(
  enum Call { None, Any, AllocSlab, AllocSlabInfo, SaveSlabInfo };
  enum Mode { Once, Always, Misaligned };
  /// Of the calls that match, lets `after` through and fails the next.
  void fail(Call call, int after, Mode mode) {
    failing = call;
    let_through = after;
    always = mode == Always;
    misaligned = mode == Misaligned;
  }
)";
    if (body_.says("info_of("))
      text += R"(
  /// The SlabInfo of the slab that a pointer lies in.
  slab::SlabInfo* info_of(const void* pointer) const {
    return pages.at(reinterpret_cast<std::uintptr_t>(slab_of(pointer)));
  }
)";
    if (body_.says("memory_of_info("))
      text += R"(
  /// The memory of that SlabInfo.
  std::byte* memory_of_info(const void* pointer) const {
    void* const info = pages.at(reinterpret_cast<std::uintptr_t>(slab_of(pointer)));
    return std::prev(infos.upper_bound(static_cast<std::byte*>(info)))->first;
  }
)";
    if (needs_slab_of())
      text += R"(
  /// The slab that a pointer lies in, or null.
  std::byte* slab_of(const void* pointer) const {
    for (const auto& [slab, size] : slabs)
      if (pointer >= slab && pointer < slab + size) return slab;
    return nullptr;
  }
)";
    if (needs_slabs() || plan_.maps_pages || plan_.id == B4) put("");
    if (needs_slabs()) put("std::map<std::byte*, std::size_t> slabs;  // outstanding, with their sizes");
    if (plan_.maps_pages || plan_.id == B4) put("std::map<std::uintptr_t, slab::SlabInfo*> pages;");
    if (needs_infos()) put("std::map<std::byte*, std::size_t> infos;");
    if (gives()) put("std::byte* given = nullptr;  // what was handed out by mistake");
    if (gives_again()) put("std::byte* again = nullptr;  // what the next alloc_slab hands out");
    if (gives_info_again()) put("std::byte* info_again = nullptr;  // what the next alloc_slab_info hands out");
    if (has_stale_entry()) {
      put("std::optional<std::size_t> stale_page;  // of the next slab: the page with an entry");
      put("std::uintptr_t stale_at = 0;");
      put("std::size_t stale_size = 0;");
    }
    if (lets_be()) put("unsigned let_be = 0;  // calls before it does");
    if (lies()) put("std::optional<slab::SlabInfo*> lie;  // what the next look-up answers");
    if (plan_.counts_calls()) put("int calls = 0;");
    if (plan_.id == B2) put("int slabs_asked_for = 0;");
    if (plan_.is(B20, Cause::WrongCount)) put("std::size_t slabs_asked_about = 0;");
    if (plan_.id == B11) put("int lookups = 0;");
    if (plan_.is_called_back()) put("std::function<void()> on_call;");
    text += plan_.id == B19 ? "\n  Memory slab_memory;\n" : "\n private:\n";
    if (called) {
      put("void called() {");
      if (plan_.counts_calls()) put("  ++calls;");
      if (plan_.reenters) put("  if (const auto call = std::exchange(on_call, nullptr)) call();");
      if (plan_.is_called_back() && !plan_.reenters) put("  if (on_call) on_call();");
      put("}");
    }
    if (plan_.fails)
      text += std::string{R"(  bool fails(Call call) {
    if (failing != call && failing != Any) return false;
)"} + (plan_.misaligns ? "    if (misaligned && call == SaveSlabInfo) return false;\n" : "") +
              R"(    if (let_through > 0) return --let_through, false;
    if (!always) failing = None;
    return true;
  }
  Call failing = None;
  int let_through = 0;
  bool always = false, misaligned = false;
)";
    if (plan_.id != B19) put("Memory slab_memory;");
    if (plan_.has_infos || plan_.id == B5) put("Memory info_memory;");
    return text + "};\n\n";
  }

  template <class Put, class Begin>
  void map_functions(Put put, Begin begin) const {
    begin("bool save_slab_info(std::uintptr_t page_addr, slab::SlabInfo* info)");
    if (plan_.id == B4) put("  ADD_FAILURE() << \"a SmallSinglePage cache needs slabs only\";");
    if (plan_.is({B9, B10, G3}))
      put("  EXPECT_NE(slab_of(reinterpret_cast<void*>(page_addr)), nullptr) << \"a page of no slab is saved\";");
    if (plan_.id == G10) put("  EXPECT_EQ(slab_of(info), nullptr) << \"SlabInfo inside a slab\";");
    if (plan_.id == G3)
      put("  EXPECT_EQ(slab_of(info), slab_of(reinterpret_cast<void*>(page_addr))) << \"SlabInfo outside its slab\";");
    if (plan_.id == L8) {
      put("  for (const auto& [page, other] : pages)");
      put("    if (other == info) EXPECT_EQ(slab_of(reinterpret_cast<void*>(page)), "
          "slab_of(reinterpret_cast<void*>(page_addr))) << \"one SlabInfo for two slabs\";");
    }
    if (plan_.id == G2)
      put("  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(slab_of(reinterpret_cast<void*>(page_addr))) % " +
          number(plan_.setup.caches[0].page_size) + ", 0u);");
    if (plan_.fails) put("  if (fails(SaveSlabInfo)) return false;");
    if (plan_.is({B9, B10})) put("  EXPECT_FALSE(pages.contains(page_addr)) << \"saved again\";");
    put("  pages[page_addr] = info;");
    put("  return true;");
    put("}");
    begin("slab::SlabInfo* get_slab_info(std::uintptr_t page_addr)");
    if (plan_.id == B11)
      put("  ++lookups;"), put("  EXPECT_EQ(page_addr % " + number(plan_.setup.caches[0].page_size) + ", 0u);");
    if (lies()) put("  if (lie) return *std::exchange(lie, {});");
    if (has_stale_entry()) {
      put("  if (given && page_addr == stale_at) {");
      put("    slab_memory.give(given, stale_size);  // nobody has it");
      put("    return std::exchange(pages.extract(page_addr).mapped(), nullptr);");
      put("  }");
    }
    put("  const auto found = pages.find(page_addr);");
    put("  return found == pages.end() ? nullptr : found->second;");
    put("}");
    begin("void delete_slab_info(std::uintptr_t page_addr)");
    put(plan_.id == B12 ? "  EXPECT_EQ(pages.erase(page_addr), 1u);" : "  pages.erase(page_addr);");
    put("}");
  }

  template <class Put, class Begin>
  void info_functions(Put put, Begin begin) const {
    const bool none = plan_.is({B4, B5});
    begin(std::string{"void* alloc_slab_info(std::size_t"} + (plan_.id == B4 ? ")" : " size)"));
    if (none) put("  ADD_FAILURE() << \"a Small cache needs no SlabInfo memory\";");
    if (plan_.id == B6) {
      put("  " + one_of("size", [](const CacheSpec& c) { return layout_of(c).slab_info_size; }));
      put("  EXPECT_LT(infos.size(), slabs.size());");
    }
    if (plan_.id == B4) {
      put("  return nullptr;");
      put("}");
      begin("void free_slab_info(void*, std::size_t)");
      put("}");
      return;
    }
    if (plan_.fails) put("  const bool failed = fails(AllocSlabInfo);");
    if (plan_.fails)
      put(plan_.misaligns ? "  if (failed && !misaligned) return nullptr;" : "  if (failed) return nullptr;");
    if (gives_info_again())
      put("  if (" + is_due("info_again") + ") return given = std::exchange(info_again, nullptr);");
    put("  std::byte* " + std::string{plan_.misaligns ? "" : "const "} + "info = info_memory.take(size, 8);");
    if (plan_.misaligns) put("  if (failed) info = info_memory.take(size + 8, 8) + 4;");
    if (plan_.reserves_everything) put("  if (!info) return nullptr;");
    if (needs_infos()) put("  infos[info] = size;");
    put("  return info;");
    put("}");
    begin("void free_slab_info(void* info, std::size_t size)");
    if (plan_.is({B8, B13})) {
      put("  for (const auto& [page, saved] : pages)");
      put("    EXPECT_FALSE(static_cast<void*>(saved) >= info && static_cast<void*>(saved) < "
          "static_cast<std::byte*>(info) + size) << \"a page maps to it\";");
    }
    if (gives_info_again())
      put("  if (given) EXPECT_NE(info, given) << \"what was handed out by mistake is given back\";");
    if (needs_infos())
      put(plan_.id == B14 ? "  EXPECT_EQ(infos.erase(static_cast<std::byte*>(info)), 1u);"
                          : "  infos.erase(static_cast<std::byte*>(info));");
    if (plan_.misaligns) put("  if (reinterpret_cast<std::uintptr_t>(info) % 8 != 0) return;");
    put("  info_memory.give(static_cast<std::byte*>(info), size);");
    put("}");
  }

 private:
  /// Calls of `f` with each distinct value of `of` among the caches, joined by ||.
  template <class F>
  [[nodiscard]] std::string one_of(const std::string& name, F of) const {
    std::set<std::size_t> values;
    for (std::size_t i = 0; i < plan_.setup.cache_count; ++i) values.insert(of(plan_.setup.caches[i]));
    if (values.size() == 1) return "EXPECT_EQ(" + name + ", " + number(*values.begin()) + "u);";
    std::string text;
    for (const std::size_t value : values) text += (text.empty() ? "" : " || ") + name + " == " + number(value);
    return "EXPECT_TRUE(" + text + ");";
  }

  [[nodiscard]] bool gives_again() const { return body_.says(".again = "); }
  [[nodiscard]] bool gives_info_again() const { return body_.says(".info_again = "); }
  [[nodiscard]] bool has_stale_entry() const { return body_.says(".stale_page = "); }
  [[nodiscard]] bool lets_be() const { return body_.says(".let_be = "); }
  /// Whether the backend errs now, once it is told to.
  [[nodiscard]] std::string is_due(const std::string& error) const {
    return lets_be() ? error + " && (let_be == 0 || let_be-- == 0)" : error;
  }
  [[nodiscard]] bool lies() const { return body_.says(".lie = "); }
  [[nodiscard]] bool gives() const { return gives_again() || gives_info_again() || has_stale_entry(); }

  [[nodiscard]] bool needs_slab_of() const {
    return body_.says("slab_of(") || body_.says("info_of(") || body_.says("memory_of_info(") ||
           (plan_.maps_pages && plan_.is({B8, B9, B10, B13, G2, G3, G10, L8}));
  }
  [[nodiscard]] bool needs_slabs() const { return needs_slab_of() || body_.says(".slabs.") || plan_.is({B3, B6}); }
  [[nodiscard]] bool needs_infos() const {
    return body_.says(".infos.") || body_.says("memory_of_info(") || plan_.is({B6, B14});
  }

  const TestPlan& plan_;
  const TestBody& body_;
};

}  // namespace

std::string backend_of_test(const TestPlan& plan, const TestBody& body) { return BackendWriter{plan, body}.backend(); }

}  // namespace slabproof
