#include "fuzz/replay/as_test.hpp"

#include <algorithm>
#include <cctype>
#include <set>
#include <vector>

#include "fuzz/replay/recording.hpp"
#include "model/judge/cache_model.hpp"
#include "model/judge/misuse_oracle.hpp"
#include "model/program/trace.hpp"

namespace slabproof {
namespace {

constexpr const char* row_names[] = {"SmallSinglePage", "SmallMultiPage", "Large"};
constexpr const char* call_names[] = {"Any", "AllocSlab", "AllocSlabInfo", "SaveSlabInfo"};
constexpr const char* mode_names[] = {"Once", "Always", "Misaligned"};
constexpr const char* reentrant_calls[] = {"alloc()", "alloc_no_grow()", "reserve(1)",
                                           "free(reinterpret_cast<{T}*>(0x77777000))", "shrink()"};

std::string number(std::size_t value) { return std::to_string(value); }
std::string hex(std::uintptr_t value) {
  char text[32];
  std::snprintf(text, sizeof text, "0x%zx", value);
  return text;
}

class TestWriter {
 public:
  TestWriter(const Program& program, const Recording& recording, std::string name, std::string file)
      : program_{program},
        setup_{program.setup},
        recording_{recording},
        verdict_{recording.run.verdict},
        before_{recording.before},
        id_{verdict_.violation.invariant},
        name_{std::move(name)},
        file_{std::move(file)},
        agrees_{verdict_.agreed()} {
    const auto any = [&](auto is) { return std::any_of(program.operations.begin(), program.operations.end(), is); };
    fails_ = any([](const Operation& o) { return o.kind == OperationKind::Fail; });
    misaligns_ = any([](const Operation& o) {
      return o.kind == OperationKind::Fail && o.failure_mode() == FailureMode::Misaligned;
    });
    reenters_ = any([](const Operation& o) { return o.kind == OperationKind::Reenter; });
    reports_ = id_.starts_with("M") || any([](const Operation& o) {
                 return o.kind >= OperationKind::DoubleFree || o.kind == OperationKind::Destroy;
               });
    for (std::size_t i = 0; i < setup_.cache_count; ++i) {
      map_ |= setup_.caches[i].row() != slab::Row::SmallSinglePage;
      infos_ |= setup_.caches[i].row() == slab::Row::Large;
    }
    reserves_everything_ =
        any([](const Operation& o) { return o.kind == OperationKind::Reserve && o.argument == reserve_everything; });
    ends_ = verdict_.operation == "end" || any([](const Operation& o) { return o.kind == OperationKind::Destroy; });
    const bool fails_at_operation = verdict_.step < program.operations.size();
    aligns_to_both_ = fails_at_operation && !agrees_ && has_pages_of_two_sizes(program.operations[verdict_.step]) &&
                      !misaligns_ && recording.run.misuse == slab::Misuse::OtherCache;
    // Whose a page is may hang on what its last user left in it, and the heap hands no page out again.
    heap_ = (verdict_.kind == Verdict::Kind::Died && verdict_.death.starts_with("AddressSanitizer") &&
             recording.run.misuse != slab::Misuse::OtherCache) ||
            memory_size() > largest_memory || (agrees_ && reuses_for_pages_of_two_sizes());
  }

  std::string write() {
    const std::string test = body();
    std::string text = comment();
    text += "#include <algorithm>\n#include <cstddef>\n#include <cstdint>\n#include <cstdlib>\n#include <cstring>\n";
    if (on_call()) text += "#include <functional>\n";
    text += "#include <map>\n";
    if (ends_) text += "#include <optional>\n";
    if (heap_) text += "#include <set>\n";
    if (reenters_) text += "#include <utility>\n";
    text += "#include <vector>\n\n#include <gtest/gtest.h>\n#include <slab/slab.hpp>\n\nnamespace {\n\n";
    text += memory() + backend() + policy() + helpers();
    return text + test + "}  // namespace\n";
  }

 private:
  // Names and small expressions.

  [[nodiscard]] bool is(std::initializer_list<const char*> ids) const {
    return std::any_of(ids.begin(), ids.end(), [&](const char* id) { return id_ == id; });
  }
  [[nodiscard]] bool expected_says(std::string_view words) const {
    return verdict_.violation.expected.find(words) != std::string::npos;
  }
  /// Objects hold a value of their own, which nobody else may change.
  [[nodiscard]] bool compares_contents() const { return agrees_ || id_ == "G12"; }
  [[nodiscard]] bool on_call() const { return reenters_ || id_ == "B16"; }
  [[nodiscard]] bool counts_calls() const {
    return is({"B17", "M10"}) || (id_ == "B20" && expected_says("no backend call"));
  }
  [[nodiscard]] bool refused() const {
    return is({"G2", "B7", "B8"}) || expected_says("after a backend call failed") || expected_says("failed alloc");
  }
  [[nodiscard]] std::string backend_name(std::size_t b) const {
    return setup_.backend_count == 1 ? "backend" : "backend_" + number(b);
  }
  [[nodiscard]] std::string backend_of(std::size_t c) const { return backend_name(setup_.caches[c].backend); }
  [[nodiscard]] std::string suffix(std::size_t c) const { return setup_.cache_count == 1 ? "" : "_" + number(c); }
  [[nodiscard]] std::string cache_name(std::size_t c) const { return "cache" + suffix(c); }
  [[nodiscard]] std::string cache(std::size_t c) const { return cache_name(c) + (ends_ ? "->" : "."); }
  [[nodiscard]] static std::string object(std::uint32_t ordinal) { return "object_" + number(ordinal); }
  [[nodiscard]] Layout layout(std::size_t c) const { return CacheModel{setup_.caches[c]}.layout; }
  [[nodiscard]] std::string type_of(std::size_t c) const {
    return setup_.caches[c].is_static ? "Object" + suffix(c) : "void";
  }
  /// A pointer as free() of the cache takes it.
  [[nodiscard]] std::string given(std::size_t c, const std::string& pointer) const {
    return setup_.caches[c].is_static ? "reinterpret_cast<" + type_of(c) + "*>(" + pointer + ")" : pointer;
  }
  void line(const std::string& text) { body_ += (text.empty() ? "" : "  ") + text + "\n"; }
  [[nodiscard]] bool body_says(const char* words) const { return body_.find(words) != std::string::npos; }
  [[nodiscard]] bool needs_slab_of() const {
    return body_says("slab_of(") || (map_ && is({"B8", "B9", "B10", "B13", "G2", "G3", "G10", "L8"}));
  }
  [[nodiscard]] bool needs_slabs() const { return needs_slab_of() || body_says(".slabs.") || is({"B3", "B6"}); }
  [[nodiscard]] bool needs_infos() const { return body_says(".infos.") || is({"B6", "B14"}); }
  void expect_equal(const std::string& observed, const std::string& expected) {
    line("EXPECT_EQ(" + observed + ", " + expected + ");");
  }

  /// A pointer that is no object of its own, as an expression: near an object, or where nothing is.
  [[nodiscard]] std::string stray(std::size_t step) const {
    const std::uintptr_t address = recording_.strays[step].pointer;
    for (const Snapshot::Slab& slab : recording_.strays[step].slabs) {
      if (address < slab.base || address > slab.base + slab.size) continue;
      for (const auto& [ordinal, known] : recording_.objects) {
        if (known.address < slab.base || known.address >= slab.base + slab.size) continue;
        if (address == known.address) return object(ordinal);
        return object(ordinal) + (address > known.address ? " + " + number(address - known.address)
                                                          : " - " + number(known.address - address));
      }
    }
    const bool is_number =
        address == 0 || address >> 48 != 0 || program_.operations[step].kind == OperationKind::CorruptLink;
    return "reinterpret_cast<std::byte*>(" + hex(is_number ? address : MisuseOracle::nowhere + address % 4096) + ")";
  }

  [[nodiscard]] std::string compile_command() const {
    const bool is_plain = std::all_of(file_.begin(), file_.end(), [](unsigned char c) {
      return std::isalnum(c) != 0 || std::string_view{"/._-+,@%"}.find(static_cast<char>(c)) != std::string_view::npos;
    });
    std::string quoted = "'";
    for (const char c : file_) quoted += c == '\'' ? "'\\''" : std::string{c};
    return "g++ -std=c++20 -g -fsanitize=address,undefined -fno-sanitize-recover=all -Iallocator/include " +
           (is_plain ? file_ : quoted + "'") + " -o regression_test -lgtest -lgtest_main && ./regression_test";
  }

  // The program's own text goes first.

  [[nodiscard]] std::string comment() const {
    std::string text = "// In the folder of the checkout, with g++ or clang++ (" +
                       std::string{agrees_ ? "passes" : "fails"} + " on the cache that it was made with):\n// " +
                       compile_command() + "\n//\n// " +
                       (agrees_ ? "The cache agrees with the model" : verdict_.sentence()) +
                       "\n// Made by ci/replay --as-test, which reads this program out of it again:\n//\n";
    const std::string trace = to_text(program_);
    for (std::size_t begin = 0; begin < trace.size();) {
      const std::size_t end = trace.find('\n', begin);
      text += "// " + trace.substr(begin, end - begin) + "\n";
      begin = end + 1;
    }
    return text;
  }

  // The backend.

  [[nodiscard]] std::size_t largest_block() const {
    std::size_t largest = 64;
    for (std::size_t i = 0; i < setup_.cache_count; ++i)
      largest = std::max<std::size_t>(largest, 2 * setup_.caches[i].slab_size);
    return largest;
  }
  /// Enough for the program, and for a cache that does more than it should.
  [[nodiscard]] std::size_t memory_size() const {
    std::size_t slabs = before_.slabs.size() + 2 * program_.operations.size() + 4;
    for (const Operation& o : program_.operations)
      if (o.kind == OperationKind::Reserve && o.argument != reserve_everything)
        slabs += o.argument / layout(o.target).objects_per_slab;
    return std::max<std::size_t>(8192, largest_block() * slabs);
  }
  /// More would not go on the stack.
  /// Larger than this it comes from the heap, piece by piece.
  static constexpr std::size_t largest_memory = std::size_t{64} << 20;
  /// A slab of one cache's may be aligned for it alone.
  [[nodiscard]] bool reuses_for_pages_of_two_sizes() const {
    return setup_.cache_count == 2 && setup_.caches[0].slab_size == setup_.caches[1].slab_size &&
           setup_.caches[0].page_size != setup_.caches[1].page_size;
  }
  [[nodiscard]] const char* storage() const { return memory_size() > (std::size_t{1} << 18) ? "static " : ""; }

  [[nodiscard]] std::string memory() const {
    if (heap_)
      return R"(/// Memory in which the sanitizer sees what was given back.
struct Memory {
  std::byte* take(std::size_t size, std::size_t align) {
)" + std::string{reserves_everything_ ? "    if (blocks.size() == 1000) return nullptr;\n" : ""} +
             R"(    void* const block = std::aligned_alloc(align, size);
    blocks.insert(block);
    return static_cast<std::byte*>(std::memset(block, 0xA5, size));
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
    const BackendSpec& spec = setup_.backends[0];
    const std::size_t largest = largest_block(), size = memory_size();
    const bool leaves = spec.seed % 2 == 1 && id_ != "B19";
    const std::string filled = leaves ? "size - std::min<std::size_t>(size, 64)" : "size";
    std::string text =
        "/// Hands out junk, never zeros.\nstruct Memory {\n  std::byte* take(std::size_t size, std::size_t align) {\n";
    if (spec.reuse != Reuse::Never) {
      text += "    if (std::vector<std::byte*>& blocks = returned[size]; !blocks.empty()) {\n";
      text += spec.reuse == Reuse::Lifo
                  ? "      std::byte* const block = blocks.back();\n      blocks.pop_back();\n"
                  : "      std::byte* const block = blocks.front();\n      blocks.erase(blocks.begin());\n";
      if (leaves) text += "      // Its end is as its last user left it.\n";
      text += "      return static_cast<std::byte*>(std::memset(block, 0xA5, " + filled + "));\n    }\n";
    }
    text += "    next = (next + align - 1) / align * align;\n";
    if (spec.placement == Placement::Scattered) text += "    next += align;  // slabs do not touch\n";
    if (spec.placement == Placement::BarelyAligned)
      text += "    if (next / align % 2 == 0) next += align;  // aligned to nothing more\n";
    if (reserves_everything_) text += "    if (next + size > sizeof memory) return nullptr;\n";
    text +=
        "    next += size;\n    return static_cast<std::byte*>(std::memset(memory + next - size, 0xA5, size));\n  }\n";
    text += "  void give(std::byte* block, std::size_t size) {\n    std::memset(block, 0xDB, " + filled +
            ");\n    "
            "returned[size].push_back(block);\n  }\n";
    if (id_ == "B19")
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

  /// Calls of `f` with each distinct value that `of` has among the caches, joined by ||.
  template <class F>
  [[nodiscard]] std::string one_of(const std::string& name, F of) const {
    std::set<std::size_t> values;
    for (std::size_t i = 0; i < setup_.cache_count; ++i) values.insert(of(setup_.caches[i]));
    if (values.size() == 1) return "EXPECT_EQ(" + name + ", " + number(*values.begin()) + "u);";
    std::string text;
    for (const std::size_t value : values) text += (text.empty() ? "" : " || ") + name + " == " + number(value);
    return "EXPECT_TRUE(" + text + ");";
  }

  [[nodiscard]] std::string backend() const {
    std::string text = "/// What the program needs of a backend.\nclass Backend {\n public:\n";
    const auto put = [&](const std::string& l) { text += (l.empty() ? "" : "  ") + l + "\n"; };
    const bool called = on_call() || counts_calls();
    const auto begin = [&](const std::string& signature) {
      put(signature + " noexcept {");
      if (called) put("  called();");
    };
    const auto slab_size = [](const CacheSpec& c) { return c.slab_size; };
    const auto page_size = [](const CacheSpec& c) { return c.page_size; };
    begin(std::string{"void* alloc_slab(std::size_t slab_size, std::size_t page_size)"});
    if (aligns_to_both_)
      put("  page_size = " + number(std::max(setup_.caches[0].page_size, setup_.caches[1].page_size)) +
          ";  // of both caches");
    if (id_ == "B1") put("  " + one_of("slab_size", slab_size)), put("  " + one_of("page_size", page_size));
    if (id_ == "B2") put("  ++slabs_asked_for;");
    if (fails_) put("  const bool failed = fails(AllocSlab);");
    if (fails_) put(misaligns_ ? "  if (failed && !misaligned) return nullptr;" : "  if (failed) return nullptr;");
    put("  std::byte* " + std::string{misaligns_ ? "" : "const "} + "slab = slab_memory.take(slab_size, page_size);");
    if (misaligns_) put("  if (failed) slab = slab_memory.take(2 * slab_size, page_size) + page_size / 2;");
    if (reserves_everything_) put("  if (!slab) return nullptr;");
    if (needs_slabs()) put("  slabs[slab] = slab_size;");
    put("  return slab;");
    put("}");
    begin("void free_slab(void* slab, std::size_t slab_size, std::size_t" +
          std::string{id_ == "B1" || misaligns_ ? " page_size" : ""} + ")");
    if (id_ == "B1") put("  " + one_of("slab_size", slab_size)), put("  " + one_of("page_size", page_size));
    if (is({"B8", "B13"}) && map_)
      put("  for (const auto& [page, info] : pages) EXPECT_NE(slab_of(reinterpret_cast<void*>(page)), slab) << \"a "
          "page of it is saved\";");
    if (needs_slabs())
      put(id_ == "B3" ? "  ASSERT_EQ(slabs.erase(static_cast<std::byte*>(slab)), 1u);"
                      : "  slabs.erase(static_cast<std::byte*>(slab));");
    if (misaligns_) put("  if (reinterpret_cast<std::uintptr_t>(slab) % page_size != 0) return;");
    put("  slab_memory.give(static_cast<std::byte*>(slab), slab_size);");
    put("}");
    if (map_ || id_ == "B4") map_functions(put, begin);
    if (infos_ || is({"B4", "B5"})) info_functions(put, begin);
    if (fails_)
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
    if (needs_slab_of())
      text += R"(
  /// The slab that a pointer lies in, or null.
  std::byte* slab_of(const void* pointer) const {
    for (const auto& [slab, size] : slabs)
      if (pointer >= slab && pointer < slab + size) return slab;
    return nullptr;
  }
)";
    if (needs_slabs() || map_ || id_ == "B4") put("");
    if (needs_slabs()) put("std::map<std::byte*, std::size_t> slabs;  // outstanding, with their sizes");
    if (map_ || id_ == "B4") put("std::map<std::uintptr_t, slab::SlabInfo*> pages;");
    if (needs_infos()) put("std::map<std::byte*, std::size_t> infos;");
    if (counts_calls()) put("int calls = 0;");
    if (id_ == "B2") put("int slabs_asked_for = 0;");
    if (id_ == "B11") put("int lookups = 0;");
    if (on_call()) put("std::function<void()> on_call;");
    text += id_ == "B19" ? "\n  Memory slab_memory;\n" : "\n private:\n";
    if (called) {
      put("void called() {");
      if (counts_calls()) put("  ++calls;");
      if (reenters_) put("  if (const auto call = std::exchange(on_call, nullptr)) call();");
      if (on_call() && !reenters_) put("  if (on_call) on_call();");
      put("}");
    }
    if (fails_)
      text += std::string{R"(  bool fails(Call call) {
    if (failing != call && failing != Any) return false;
)"} + (misaligns_ ? "    if (misaligned && call == SaveSlabInfo) return false;\n" : "") +
              R"(    if (let_through > 0) return --let_through, false;
    if (!always) failing = None;
    return true;
  }
  Call failing = None;
  int let_through = 0;
  bool always = false, misaligned = false;
)";
    if (id_ != "B19") put("Memory slab_memory;");
    if (infos_ || id_ == "B5") put("Memory info_memory;");
    return text + "};\n\n";
  }

  template <class Put, class Begin>
  void map_functions(Put put, Begin begin) const {
    begin("bool save_slab_info(std::uintptr_t page_addr, slab::SlabInfo* info)");
    if (id_ == "B4") put("  ADD_FAILURE() << \"a SmallSinglePage cache needs slabs only\";");
    if (is({"B9", "B10", "G3"}))
      put("  EXPECT_NE(slab_of(reinterpret_cast<void*>(page_addr)), nullptr) << \"a page of no slab is saved\";");
    if (id_ == "G10") put("  EXPECT_EQ(slab_of(info), nullptr) << \"SlabInfo inside a slab\";");
    if (id_ == "G3")
      put("  EXPECT_EQ(slab_of(info), slab_of(reinterpret_cast<void*>(page_addr))) << \"SlabInfo outside its slab\";");
    if (id_ == "L8") {
      put("  for (const auto& [page, other] : pages)");
      put("    if (other == info) EXPECT_EQ(slab_of(reinterpret_cast<void*>(page)), "
          "slab_of(reinterpret_cast<void*>(page_addr))) << \"one SlabInfo for two slabs\";");
    }
    if (id_ == "G2")
      put("  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(slab_of(reinterpret_cast<void*>(page_addr))) % " +
          number(setup_.caches[0].page_size) + ", 0u);");
    if (fails_) put("  if (fails(SaveSlabInfo)) return false;");
    if (is({"B9", "B10"})) put("  EXPECT_FALSE(pages.contains(page_addr)) << \"saved again\";");
    put("  pages[page_addr] = info;");
    put("  return true;");
    put("}");
    begin("slab::SlabInfo* get_slab_info(std::uintptr_t page_addr)");
    if (id_ == "B11")
      put("  ++lookups;"), put("  EXPECT_EQ(page_addr % " + number(setup_.caches[0].page_size) + ", 0u);");
    put("  const auto found = pages.find(page_addr);");
    put("  return found == pages.end() ? nullptr : found->second;");
    put("}");
    begin("void delete_slab_info(std::uintptr_t page_addr)");
    put(id_ == "B12" ? "  EXPECT_EQ(pages.erase(page_addr), 1u);" : "  pages.erase(page_addr);");
    put("}");
  }

  template <class Put, class Begin>
  void info_functions(Put put, Begin begin) const {
    const bool none = is({"B4", "B5"});
    begin(std::string{"void* alloc_slab_info(std::size_t"} + (id_ == "B4" ? ")" : " size)"));
    if (none) put("  ADD_FAILURE() << \"a Small cache needs no SlabInfo memory\";");
    if (id_ == "B6") {
      put("  " + one_of("size", [](const CacheSpec& c) { return CacheModel{c}.layout.slab_info_size; }));
      put("  EXPECT_LT(infos.size(), slabs.size());");
    }
    if (id_ == "B4") {
      put("  return nullptr;");
      put("}");
      begin("void free_slab_info(void*, std::size_t)");
      put("}");
      return;
    }
    if (fails_) put("  const bool failed = fails(AllocSlabInfo);");
    if (fails_) put(misaligns_ ? "  if (failed && !misaligned) return nullptr;" : "  if (failed) return nullptr;");
    put("  std::byte* " + std::string{misaligns_ ? "" : "const "} + "info = info_memory.take(size, 8);");
    if (misaligns_) put("  if (failed) info = info_memory.take(size + 8, 8) + 4;");
    if (reserves_everything_) put("  if (!info) return nullptr;");
    if (needs_infos()) put("  infos[info] = size;");
    put("  return info;");
    put("}");
    begin("void free_slab_info(void* info, std::size_t size)");
    if (is({"B8", "B13"})) {
      put("  for (const auto& [page, saved] : pages)");
      put("    EXPECT_FALSE(static_cast<void*>(saved) >= info && static_cast<void*>(saved) < "
          "static_cast<std::byte*>(info) + size) << \"a page maps to it\";");
    }
    if (needs_infos())
      put(id_ == "B14" ? "  EXPECT_EQ(infos.erase(static_cast<std::byte*>(info)), 1u);"
                       : "  infos.erase(static_cast<std::byte*>(info));");
    if (misaligns_) put("  if (reinterpret_cast<std::uintptr_t>(info) % 8 != 0) return;");
    put("  info_memory.give(static_cast<std::byte*>(info), size);");
    put("}");
  }

  /// After the expectation that fails the test goes on: no misuse may end it.
  [[nodiscard]] bool handles_misuse(const CacheSpec& spec) const {
    return spec.checks && (reports_ || verdict_.kind == Verdict::Kind::Violated);
  }
  [[nodiscard]] bool needs_policy(const CacheSpec& spec) const {
    return handles_misuse(spec) || spec.empty_slabs_kept != 1;
  }
  [[nodiscard]] std::string policy_name(const CacheSpec& spec) const {
    if (!needs_policy(spec)) return spec.checks ? "slab::Checked" : "slab::Unchecked";
    return std::string{spec.checks ? "Checked" : "Unchecked"} + "Keeping" + number(spec.empty_slabs_kept);
  }
  [[nodiscard]] std::string policy() const {
    std::string text = reports_ ? "std::vector<slab::MisuseReport> reports;\n\n" : "";
    std::set<std::string> written;
    for (std::size_t i = 0; i < setup_.cache_count; ++i) {
      const CacheSpec& spec = setup_.caches[i];
      if (!needs_policy(spec) || !written.insert(policy_name(spec)).second) continue;
      text += "struct " + policy_name(spec) + " : slab::" + (spec.checks ? "Checked" : "Unchecked") + " {\n";
      if (spec.empty_slabs_kept != 1)
        text += "  static constexpr std::size_t empty_slabs_kept = " + number(spec.empty_slabs_kept) + ";\n";
      if (handles_misuse(spec))
        text += reports_ ? "  static void on_misuse(const slab::MisuseReport& report) { reports.push_back(report); }\n"
                         : "  static void on_misuse(const slab::MisuseReport&) {}\n";
      text += "};\n\n";
    }
    return text;
  }

  [[nodiscard]] std::string helpers() const {
    std::string text;
    if (body_.find("filled(") != std::string::npos)
      text += "/// As a program uses its objects.\nstd::byte* filled(void* object, std::size_t size" +
              std::string{compares_contents() ? ", int value" : ""} + ") {\n" +
              (agrees_ ? "  EXPECT_NE(object, nullptr);\n" : "") +
              "  return static_cast<std::byte*>(object ? std::memset(object, " +
              (compares_contents() ? "value" : "0xEE") + ", size) : nullptr);\n}\n\n";
    if (body_.find("holds(") != std::string::npos)
      text +=
          "bool holds(const std::byte* object, std::size_t size, int value) {\n  for (std::size_t i = 0; i < size; "
          "++i)\n"
          "    if (object[i] != static_cast<std::byte>(value)) return false;\n  return true;\n}\n\n";
    if (body_says("write_link("))
      text +=
          "/// A stray write, which no sanitizer is to see.\n__attribute__((no_sanitize(\"address\"))) void* "
          "write_link(void* slot, void* link) {\n"
          "  void* const before = *static_cast<void* volatile*>(slot);\n  *static_cast<void* volatile*>(slot) = "
          "link;\n  return before;\n}\n\n";
    return text;
  }

  // The test.

  struct Step {
    Operation operation;
    std::size_t index = 0;  // in the program
    bool is_failing = false;
  };

  std::string body() {
    const std::size_t end = std::min<std::size_t>(verdict_.step + 1, program_.operations.size());
    std::vector<Step> steps;
    for (std::size_t i = 0; i < end; ++i)
      if (recording_.taken[i]) steps.push_back({program_.operations[i], i, i == verdict_.step});
    construct();
    if (verdict_.operation == "start") check_construction();
    for (const Step& step : steps) take(step);
    finish();
    drop_unused_names();
    return "TEST(Regression, " + name_ + ") {\n" + body_ + "}\n\n";
  }

  /// An object that nothing names any more needs no name.
  void drop_unused_names() {
    for (const auto& [ordinal, known] : recording_.objects) {
      const std::string name = object(ordinal), declaration = "std::byte* const " + name + " = ";
      const std::size_t declared = body_.find(declaration);
      std::size_t uses = 0;
      for (std::size_t at = body_.find(name); at != std::string::npos; at = body_.find(name, at + 1))
        uses += std::isdigit(static_cast<unsigned char>(body_[at + name.size()])) == 0;
      if (declared != std::string::npos && uses == 1) body_.erase(declared, declaration.size());
    }
  }

  void construct() {
    for (std::size_t b = 0; b < setup_.backend_count; ++b)
      line(std::string{storage()} + "Backend " + backend_name(b) + ";");
    for (std::size_t c = 0; c < setup_.cache_count; ++c) {
      const CacheSpec& spec = setup_.caches[c];
      const std::string type =
          std::string{"slab::ObjectSizeType::"} + (spec.type == slab::ObjectSizeType::Small ? "Small" : "Large");
      std::string cache_type, arguments;
      if (spec.is_static) {
        line("struct alignas(" + number(spec.object_align) + ") Object" + suffix(c) + " { std::byte bytes[" +
             number(spec.object_size) + "]; };");
        line("using Cache" + suffix(c) + " = slab::Cache<Object" + suffix(c) + ", slab::Config{" +
             number(spec.slab_size) + ", " + number(spec.page_size) + ", " + type + "}, Backend, " + policy_name(spec) +
             ">;");
        arguments = backend_of(c);
      } else {
        line("const auto geometry" + suffix(c) + " = slab::Geometry::make(" + number(spec.slab_size) + ", " +
             number(spec.page_size) + ", " + type + ", " + number(spec.object_size) + ", " + number(spec.object_align) +
             ").value();");
        line("using Cache" + suffix(c) + " = slab::DynamicCache<slab::Row::" +
             row_names[static_cast<std::size_t>(spec.row())] + ", Backend, " + policy_name(spec) + ">;");
        arguments = "geometry" + suffix(c) + ", " + backend_of(c);
      }
      arguments_[c] = arguments;
      if (ends_)
        line("std::optional<Cache" + suffix(c) + "> " + cache_name(c) + ";"),
            line(cache_name(c) + ".emplace(" + arguments + ");");
      else
        line("Cache" + suffix(c) + " " + cache_name(c) + "{" + arguments + "};");
    }
    if (id_ == "B16") {
      line(backend_of(0) + ".on_call = [&] { EXPECT_TRUE(" + cache(0) + "audit()); };");
    }
    line("");
  }

  void check_construction() {
    for (std::size_t c = 0; c < setup_.cache_count; ++c) {
      const Layout right = layout(c);
      const std::string geometry = cache(c) + "geometry().";
      if (id_.starts_with("G")) {
        expect_equal(geometry + "stride()", number(right.stride) + "u");
        expect_equal(geometry + "objects_per_slab()", number(right.objects_per_slab) + "u");
        expect_equal(geometry + "slab_info_size()", number(right.slab_info_size) + "u");
        expect_equal(geometry + "slab_info_offset()", number(right.slab_info_offset) + "u");
      }
      check_inside(c);
    }
    if (id_ == "B17") expect_equal(backend_name(0) + ".calls", "0");
  }

  /// What the cache says of itself.
  void check_inside(std::size_t c) {
    if (is({"L1", "L2", "L3", "L8"})) line("EXPECT_TRUE(" + cache(c) + "audit());");
    if (is({"S1", "S2", "S3"}) || (id_ == "B15" && expected_says("failed alloc"))) {
      const slab::CacheStatistics& right = recording_.after.statistics[c];
      const std::string statistics = cache(c) + "statistics().";
      if (id_ == "S2") {
        expect_equal(statistics + "full_slabs", number(right.full_slabs) + "u");
        expect_equal(statistics + "partial_slabs", number(right.partial_slabs) + "u");
        expect_equal(statistics + "empty_slabs", number(right.empty_slabs) + "u");
      }
      if (is({"S3", "B15"})) expect_equal(statistics + "allocated_objects", number(right.allocated_objects) + "u");
      if (is({"S1", "B15"})) expect_equal(statistics + "free_objects", number(right.free_objects) + "u");
    }
    if (id_ == "G12")
      for (const auto& [ordinal, c_of] : live_) check_contents(ordinal, c_of);
    check_untouched();
  }

  void check_untouched() {
    for (std::size_t b = 0; id_ == "B19" && b < setup_.backend_count; ++b)
      line("EXPECT_TRUE(" + backend_name(b) + ".slab_memory.is_untouched());");
  }

  void check_contents(std::uint32_t ordinal, std::size_t c) {
    line("EXPECT_TRUE(holds(" + object(ordinal) + ", " + number(setup_.caches[c].object_size) + ", " +
         number(ordinal % 255 + 1) + "));");
  }

  void take(const Step& step) {
    const Operation& o = step.operation;
    const std::size_t c = cache_of(o);
    // What lies where memory was given back to the heap, nobody knows.
    if (agrees_ && heap_ && o.kind == OperationKind::DoubleFree) return;
    if (step.is_failing || agrees_) prepare(step, c);
    switch (o.kind) {
      case OperationKind::Alloc:
      case OperationKind::AllocNoGrow: {
        const std::string call = cache(c) + (o.kind == OperationKind::Alloc ? "alloc()" : "alloc_no_grow()");
        if (!step.is_failing && !recording_.objects.contains(o.object)) {
          expect_equal(call, "nullptr");
          break;
        }
        line("std::byte* const " + object(o.object) + " = filled(" + call + ", " +
             number(setup_.caches[c].object_size) + (compares_contents() ? ", " + number(o.object % 255 + 1) : "") +
             ");");
        live_.push_back({o.object, c});
        break;
      }
      case OperationKind::Free:
        if (agrees_) check_contents(o.object, c);
        line(cache(c) + "free(" + given(c, object(o.object)) + ");");
        std::erase_if(live_, [&](const auto& live) { return live.first == o.object; });
        break;
      case OperationKind::FreeNull: line(cache(c) + "free(nullptr);"); break;
      case OperationKind::Reserve: reserve(step, c); break;
      case OperationKind::Shrink:
        line(step.is_failing && id_ == "L7" ? "EXPECT_EQ(" + cache(c) + "shrink(), " + number(empty_slabs(c)) + "u);"
                                            : cache(c) + "shrink();");
        break;
      case OperationKind::Destroy:
        line(cache_name(c) + ".reset();");
        if (step.is_failing || agrees_) check(step, c);
        if (agrees_ && reenters_) line(backend_of(c) + ".on_call = nullptr;");
        line(cache_name(c) + ".emplace(" + arguments_[c] + ");");
        std::erase_if(live_, [&](const auto& live) { return live.second == c; });
        return;
      case OperationKind::Fail:
        line(backend_name(o.target) + ".fail(Backend::" + call_names[static_cast<std::size_t>(o.failing_call())] +
             ", " + number(o.argument) + ", Backend::" + mode_names[static_cast<std::size_t>(o.failure_mode())] + ");");
        break;
      case OperationKind::Recover:
        if (fails_) line(backend_name(o.target) + ".fail(Backend::None, 0, Backend::Once);");
        break;
      case OperationKind::Reenter: reenter(o, c); break;
      case OperationKind::CorruptLink: corrupt(step, c); break;
      default: line(cache(c) + "free(" + given(c, stray(step.index)) + ");"); break;
    }
    if (step.is_failing || agrees_) check(step, c);
  }

  [[nodiscard]] std::size_t cache_of(const Operation& o) const {
    switch (names(o.kind)) {
      case Names::NewObject:
      case Names::Cache: return o.target;
      case Names::Backend: return 0;
      default: break;
    }
    const auto known = recording_.objects.find(o.object);
    const std::size_t c = known == recording_.objects.end() ? 0 : known->second.cache;
    return o.kind == OperationKind::FreeThroughOther ? 1 - c : c;
  }

  void reserve(const Step& step, std::size_t c) {
    const std::string call =
        cache(c) + "reserve(" +
        (step.operation.argument == reserve_everything ? "SIZE_MAX" : number(step.operation.argument)) + ")";
    if (step.is_failing && (refused() || id_ == "B20"))
      line((refused() || (id_ == "B20" && expected_says("false reserve")) ? "EXPECT_FALSE(" : "EXPECT_TRUE(") + call +
           ");");
    else
      line("(void)" + call + ";");
  }

  void reenter(const Operation& o, std::size_t c) {
    std::string call = reentrant_calls[o.detail];
    if (const std::size_t at = call.find("{T}"); at != std::string::npos) call.replace(at, 3, type_of(c));
    call = cache(c) + call;
    if (id_ != "M12" && !agrees_) return line(backend_of(c) + ".on_call = [&] { (void)" + call + "; };");
    // Nobody can tell whose call the next one is.
    if (agrees_ && setup_.cache_count == 2 && setup_.caches[0].backend == setup_.caches[1].backend)
      return line("// (a re-entrant call of " + cache_name(c) + " falls away)");
    line(backend_of(c) + ".on_call = [&] {");
    line("  const std::vector<slab::MisuseReport> before = std::exchange(reports, {});");
    line(o.detail < 2    ? "  EXPECT_EQ(" + call + ", nullptr);"
         : o.detail == 2 ? "  EXPECT_FALSE(" + call + ");"
         : o.detail == 4 ? "  EXPECT_EQ(" + call + ", 0u);"
                         : "  " + call + ";");
    line("  ASSERT_EQ(reports.size(), 1u);");
    line("  EXPECT_EQ(reports[0].kind, slab::Misuse::ReentrantCall);");
    line("  reports = before;");
    line("};");
  }

  void corrupt(const Step& step, std::size_t c) {
    const std::string slot = object(step.operation.object), n = number(step.index);
    line("void* const link_" + n + " = write_link(" + slot + ", " + stray(step.index) + ");");
    line("void* const taken_" + n + " = " + cache(c) + "alloc_no_grow();");
    if (step.is_failing || agrees_)
      line("EXPECT_NE(taken_" + n + ", " + slot + ") << \"a slot with a damaged link is handed out\";");
    if (step.is_failing || agrees_)
      line("if (!taken_" + n +
           ") { ASSERT_EQ(reports.size(), 1u); EXPECT_EQ(reports[0].kind, slab::Misuse::CorruptedFreeList); }");
    line("if (taken_" + n + " != " + slot + ") write_link(" + slot + ", link_" + n + ");");
    line(cache(c) + "free(" + given(c, "taken_" + n) + ");");
  }

  // The expectation that fails.

  [[nodiscard]] std::size_t empty_slabs(std::size_t c) const { return before_.statistics[c].empty_slabs; }

  /// How many slabs the cache's backend has handed out after the failing operation of a correct cache.
  [[nodiscard]] std::size_t right_slabs(const Operation& o, std::size_t c) const {
    const Snapshot& before = before_;
    const std::size_t per_slab = layout(c).objects_per_slab, free_objects = before.statistics[c].free_objects;
    const auto on_backend =
        static_cast<std::size_t>(std::count_if(before.slabs.begin(), before.slabs.end(), [&](const auto& slab) {
          return slab.backend == setup_.caches[c].backend;
        }));
    const std::size_t used = on_backend - empty_slabs(c);
    std::size_t empty = empty_slabs(c);
    if (refused()) return on_backend;
    switch (o.kind) {
      case OperationKind::Alloc: return on_backend + (free_objects == 0);
      case OperationKind::Free: {
        const std::uintptr_t address = recording_.objects.at(o.object).address;
        const bool empties = std::any_of(before.slabs.begin(), before.slabs.end(), [&](const auto& slab) {
          return slab.used == 1 && address - slab.base < slab.size;
        });
        empty += empties;
        return used - empties + std::min(empty, before.kept_slabs[c]);
      }
      case OperationKind::Reserve: {
        if (o.argument > free_objects) empty += (o.argument - free_objects + per_slab - 1) / per_slab;
        return used + std::min(empty, std::max<std::size_t>(setup_.caches[c].empty_slabs_kept,
                                                            (o.argument + per_slab - 1) / per_slab));
      }
      case OperationKind::Shrink:
      case OperationKind::Destroy: return used;
      default: return on_backend;
    }
  }

  void prepare(const Step& step, std::size_t c) {
    if (reports_ && judges_misuse(step)) line("reports.clear();");
    if (counts_calls()) line("const int calls = " + backend_of(c) + ".calls;");
    if (id_ == "B2") line("const int slabs_asked_for = " + backend_of(c) + ".slabs_asked_for;");
    if (id_ == "B11") line(backend_of(c) + ".lookups = 0;");
    if (id_ == "G12") check_inside(c);
    if (id_ == "L6" && expected_says("current slab"))
      for (const auto& slab : before_.slabs)
        if (slab.current && slab.cache == c)
          line("std::byte* const current = " + backend_of(c) + ".slab_of(" + somebody_in(slab) + ");");
    if (judges_misuse(step) && is_misuse(step.operation))
      line("const slab::CacheStatistics before_" + number(step.index) + " = " + cache(c) + "statistics();");
  }

  [[nodiscard]] static bool is_misuse(const Operation& o) {
    return o.kind >= OperationKind::DoubleFree && o.kind <= OperationKind::FreeNeverAllocated;
  }

  /// Then the page of the other cache may be none of this one's: where its slab lies decides between two kinds of
  /// misuse.
  [[nodiscard]] bool has_pages_of_two_sizes(const Operation& o) const {
    return o.kind == OperationKind::FreeThroughOther && setup_.caches[0].page_size != setup_.caches[1].page_size;
  }

  /// A death of a misuse need not be one where other memory lies around; that no report came is wrong everywhere.
  [[nodiscard]] bool judges_misuse(const Step& step) const {
    const OperationKind kind = step.operation.kind;
    if (agrees_)
      return is_misuse(step.operation) || kind == OperationKind::Destroy || kind == OperationKind::CorruptLink;
    return verdict_.kind == Verdict::Kind::Violated ? id_.starts_with("M") : is_misuse(step.operation);
  }

  /// An object, dead or alive, that tells a reader which slab is meant.
  [[nodiscard]] std::string somebody_in(const Snapshot::Slab& slab) const {
    for (const auto& live : before_.live)
      if (live.address - slab.base < slab.size) return object(live.ordinal);
    for (const auto& [ordinal, known] : recording_.objects)
      if (known.address - slab.base < slab.size) return object(ordinal);
    return "nullptr";
  }

  void check(const Step& step, std::size_t c) {
    const Operation& o = step.operation;
    const std::string backend = backend_of(c), made = object(o.object);
    const bool allocates = names(o.kind) == Names::NewObject;
    if (verdict_.kind != Verdict::Kind::Violated) {
      if (judges_misuse(step)) check_reports(step, c);
      return;
    }
    if (allocates && refused()) expect_equal(made, "nullptr");
    if (allocates && !refused() && is({"B15", "B20"}) && expected_says(id_ == "B15" ? "null only" : "an object"))
      line("EXPECT_NE(" + made + ", nullptr);");
    if (counts_calls()) expect_equal(backend + ".calls", "calls");
    if (id_ == "B2")
      expect_equal(backend + ".slabs_asked_for - slabs_asked_for", before_.statistics[c].free_objects == 0 ? "1" : "0");
    if (id_ == "B11") line("EXPECT_LE(" + backend + ".lookups, 1);");
    if (is({"G2", "B6", "B7", "B8", "B15", "L6", "L7", "B18", "M9"}) ||
        (id_ == "B20" && o.kind == OperationKind::Reserve) || (id_ == "G8" && !allocates))
      expect_equal(backend + ".slabs.size()", number(right_slabs(o, c)) + "u");
    if (is({"B14", "B7"}) && infos_) expect_equal(backend + ".infos.size()", backend + ".slabs.size()");
    if (is({"B8", "B9", "B12"}) && map_ && setup_.cache_count == 1)
      expect_equal(
          backend + ".pages.size()",
          backend + ".slabs.size() * " + number(setup_.caches[0].slab_size / setup_.caches[0].page_size) + "u");
    if (id_ == "L6" && expected_says("current slab")) line("EXPECT_TRUE(" + backend + ".slabs.contains(current));");
    if (allocates && is({"G6", "G7", "G8", "G9", "G11", "L4"})) check_place(o, c);
    if (allocates && id_ == "L5") check_source(o, c);
    check_inside(c);
    if (id_.starts_with("M")) check_reports(step, c);
  }

  void check_place(const Operation& o, std::size_t c) {
    const std::string made = object(o.object), size = number(setup_.caches[c].object_size);
    if (id_ == "G6")
      return expect_equal("reinterpret_cast<std::uintptr_t>(" + made + ") % " + number(setup_.caches[c].object_align),
                          "0u");
    if (is({"G11", "L4"})) {
      for (const auto& live : before_.live)
        line("EXPECT_TRUE(" + made + " + " + size + " <= " + object(live.ordinal) + " || " + object(live.ordinal) +
             " + " + number(setup_.caches[live.cache].object_size) + " <= " + made + ");");
      return;
    }
    line("std::byte* const slab = " + backend_of(c) + ".slab_of(" + made + ");");
    line("ASSERT_NE(slab, nullptr);");
    const std::string limit = number(id_ == "G9" ? layout(c).slab_info_offset : setup_.caches[c].slab_size);
    if (id_ == "G7")
      return expect_equal("static_cast<std::size_t>(" + made + " - slab) % " + number(layout(c).stride), "0u");
    line("EXPECT_LE(static_cast<std::size_t>(" + made + " - slab) + " + size + ", " + limit + "u);");
  }

  void check_source(const Operation& o, std::size_t c) {
    const CacheModel model{setup_.caches[c]};
    const auto slab_of = [&](const std::string& pointer) { return backend_of(c) + ".slab_of(" + pointer + ")"; };
    std::vector<Snapshot::Slab> good;
    std::size_t bin = 0;
    for (const auto& slab : before_.slabs) {
      if (slab.cache != c || slab.abandoned || slab.used == model.layout.objects_per_slab) continue;
      if (slab.current) {
        good = {slab};
        break;
      }
      if (slab.used == 0 || model.bin_of(slab.used) < bin) continue;
      if (model.bin_of(slab.used) > bin) good.clear();
      bin = model.bin_of(slab.used);
      good.push_back(slab);
    }
    std::string text;
    for (const auto& slab : good)
      text += (text.empty() ? "" : " || ") + slab_of(object(o.object)) + " == " + slab_of(somebody_in(slab));
    if (!good.empty()) return line("EXPECT_TRUE(" + text + ");");
    for (const auto& slab : before_.slabs)
      if (slab.cache == c && slab.used > 0)
        line("EXPECT_NE(" + slab_of(object(o.object)) + ", " + slab_of(somebody_in(slab)) + ");");
  }

  void check_reports(const Step& step, std::size_t c) {
    const Operation& o = step.operation;
    const std::string backend = backend_of(c);
    if (id_ == "M12" || o.kind == OperationKind::CorruptLink) return;
    if (id_ == "M11" && names(o.kind) != Names::Cache && !expected_says("report")) {
      const auto size = setup_.caches[c].object_size;
      const auto dies = [&](std::size_t offset) {
        line("EXPECT_DEATH(*reinterpret_cast<volatile char*>(" + object(o.object) + " + " + number(offset) +
             ") = 0, \"AddressSanitizer\");");
      };
      if (expected_says("freed object")) dies(0), dies(size - 1);
      if (expected_says("padding")) dies(layout(c).stride - 1);
      if (expected_says("never handed out")) dies(layout(c).stride);
      return;
    }
    if (o.kind == OperationKind::Destroy && setup_.caches[c].checks) {
      const auto live = std::count_if(live_.begin(), live_.end(), [&](const auto& other) { return other.second == c; });
      expect_equal("reports.size()",
                   number(agrees_ ? static_cast<std::size_t>(live) : before_.statistics[c].allocated_objects) + "u");
      line("for (const slab::MisuseReport& report : reports) EXPECT_EQ(report.kind, slab::Misuse::LiveAtDestruction);");
      return;
    }
    if (!is_misuse(o)) return line("EXPECT_TRUE(reports.empty());");
    line("ASSERT_EQ(reports.size(), 1u);");
    if (!has_pages_of_two_sizes(o) || aligns_to_both_)
      expect_equal("reports[0].kind",
                   std::string{"slab::Misuse::"} + slab::to_string(recording_.strays[step.index].misuse));
    expect_equal("reports[0].pointer", stray(step.index));
    expect_equal("reports[0].cache",
                 "static_cast<const void*>(" + std::string{ends_ ? "&*" : "&"} + cache_name(c) + ")");
    line("EXPECT_EQ(" + cache(c) + "statistics(), before_" + number(step.index) + ");");
  }

  /// Everything is freed and the caches destroyed, as after every program.
  void finish() {
    if (agrees_) return finish_well();
    const bool at_end = verdict_.operation == "end";
    line("");
    for (std::size_t b = 0; b < setup_.backend_count && fails_; ++b)
      line(backend_name(b) + ".fail(Backend::None, 0, Backend::Once);");
    const auto check_all = [&] {
      for (std::size_t c = 0; c < setup_.cache_count && at_end; ++c) check_inside(c);
    };
    const auto live = live_;
    const std::size_t left = recording_.after.live.size();
    for (std::size_t i = 0; i < live.size(); ++i) {
      if (live.size() - i == left) check_all();
      const Step last{free(live[i].first), 0, at_end && live.size() - i == left + 1 && is_of_free(left)};
      take(last);
      if (at_end) note_freed(live[i].first, live[i].second);
    }
    if (left == 0) check_all();
    if (!at_end) return;
    for (std::size_t c = 0; c < setup_.cache_count; ++c) {
      if (id_ == "M9") line("reports.clear();");
      line(cache_name(c) + ".reset();");
      if (is({"B18", "M9", "B14", "G8"}))
        expect_equal(
            backend_of(c) + ".slabs.size()",
            number(static_cast<std::size_t>(std::count_if(
                before_.slabs.begin(), before_.slabs.end(),
                [&](const auto& slab) { return slab.abandoned && slab.backend == setup_.caches[c].backend; }))) +
                "u");
      if (id_ == "B14" && infos_) expect_equal(backend_of(c) + ".infos.size()", backend_of(c) + ".slabs.size()");
      if (id_ == "M9") line("EXPECT_TRUE(reports.empty());");
    }
    check_untouched();
  }

  /// As finish(), with what must hold of every cache.
  void finish_well() {
    line("");
    for (std::size_t b = 0; b < setup_.backend_count && fails_; ++b)
      line(backend_name(b) + ".fail(Backend::None, 0, Backend::Once);");
    for (std::size_t c = 0; c < setup_.cache_count; ++c) line("EXPECT_TRUE(" + cache(c) + "audit());");
    const auto live = live_;
    for (const auto& left : live) take({free(left.first), 0, false});
    for (std::size_t c = 0; c < setup_.cache_count; ++c) {
      expect_equal(cache(c) + "statistics().allocated_objects", "0u");
      line(cache_name(c) + ".reset();");
    }
    for (std::size_t b = 0; b < setup_.backend_count; ++b)
      expect_equal(
          backend_name(b) + ".slabs.size()",
          number(static_cast<std::size_t>(std::count_if(before_.slabs.begin(), before_.slabs.end(),
                                                        [&](const auto& slab) { return slab.backend == b; }))) +
              "u");
  }

  static Operation free(std::uint32_t ordinal) { return {.kind = OperationKind::Free, .object = ordinal}; }

  /// Whether a violation at the end with so many objects left is one of a free, and not of the destruction.
  [[nodiscard]] bool is_of_free(std::size_t left) const { return left > 0 || is({"L6", "M11", "B11", "B9", "B2"}); }

  /// What a correct cache does when the program is over and the object is freed.
  void note_freed(std::uint32_t ordinal, std::size_t c) {
    const auto& [address, of_object, of_cache] = recording_.objects.at(ordinal);
    slab::CacheStatistics& statistics = before_.statistics[c];
    std::erase_if(before_.live, [&](const auto& live) { return live.ordinal == ordinal; });
    for (Snapshot::Slab& slab : before_.slabs) {
      if (address - slab.base >= slab.size) continue;
      ++statistics.free_objects;
      if (--slab.used > 0 || ++statistics.empty_slabs <= before_.kept_slabs[c]) return;
      // The current slab goes back last.
      const auto is_idle = [&](const auto& other) {
        return other.cache == c && other.used == 0 && !other.abandoned && !other.current;
      };
      const auto idle = std::find_if(before_.slabs.begin(), before_.slabs.end(), is_idle);
      --statistics.empty_slabs;
      statistics.free_objects -= layout(c).objects_per_slab;
      before_.slabs.erase(idle == before_.slabs.end() ? before_.slabs.begin() + (&slab - before_.slabs.data()) : idle);
      return;
    }
  }

  const Program& program_;
  const Setup& setup_;
  const Recording& recording_;
  const Verdict& verdict_;
  Snapshot before_;  // the failing operation
  std::string id_, name_, file_, body_;
  bool agrees_;
  std::string arguments_[Limits::max_caches];
  std::vector<std::pair<std::uint32_t, std::size_t>> live_;  // ordinal, cache
  bool fails_ = false, misaligns_ = false, reenters_ = false, reports_ = false, aligns_to_both_ = false, map_ = false,
       infos_ = false;
  bool reserves_everything_ = false;
  bool ends_ = false;  // a cache is destroyed before the test ends
  bool heap_ = false;
};

}  // namespace

std::string as_test(const Program& program, const Recording& recording, std::string_view name, std::string file) {
  std::string camel;
  bool up = true;
  for (const char c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)))
      camel += static_cast<char>(up ? std::toupper(static_cast<unsigned char>(c)) : c);
    up = !std::isalnum(static_cast<unsigned char>(c));
  }
  if (camel.empty() || std::isdigit(static_cast<unsigned char>(camel[0]))) camel = "Program" + camel;
  return TestWriter{program, recording, camel, std::move(file)}.write();
}

std::string trace_in_test(std::string_view test) {
  constexpr std::string_view first = "// slabproof trace ", mark = "// ";
  std::string trace;
  std::size_t at = test.starts_with(first) ? 0 : test.find(std::string{"\n"} + std::string{first});
  if (at == std::string_view::npos) return trace;
  for (at += test[at] == '\n'; test.substr(at).starts_with(mark);) {
    const std::size_t end = std::min(test.find('\n', at), test.size() - 1) + 1;
    trace += test.substr(at + mark.size(), end - at - mark.size());
    at = end;
  }
  return trace;
}

}  // namespace slabproof
