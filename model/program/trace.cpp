#include "model/program/trace.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "model/program/language.hpp"
#include "model/program/policy_kind.hpp"
#include "model/program/static_caches.hpp"

namespace slabproof {
namespace {

constexpr Named<Reuse> reuses[] = {{Reuse::Lifo, "lifo"}, {Reuse::Fifo, "fifo"}, {Reuse::Never, "never"}};
constexpr Named<Placement> placements[] = {{Placement::Adjacent, "adjacent"},
                                           {Placement::Scattered, "scattered"},
                                           {Placement::BarelyAligned, "barely_aligned"}};
constexpr Named<bool> kinds[] = {{false, "DynamicCache"}, {true, "Cache"}};  // by CacheSpec::is_static
constexpr Named<slab::ObjectSizeType> types[] = {{slab::ObjectSizeType::Small, "Small"},
                                                 {slab::ObjectSizeType::Large, "Large"}};

/// The word that begins the line of a subject.
constexpr Named<Shape> shapes[] = {{Shape::SlabCache, "cache"}, {Shape::Pool, "pool"}, {Shape::Heap, "heap"}};

std::string number(std::uint64_t value) { return std::to_string(value); }

/// Reads a text word by word; words end at white space, `//` starts a comment. The first error wins.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_{text} {}

  /// Moves to the next line that is not empty; false at the end.
  bool next_line() {
    if (started_) skip_line();
    started_ = true;
    while (at_ < text_.size() && at_line_end()) skip_line();
    return at_ < text_.size();
  }
  std::string_view word() {
    skip_blanks();
    word_at_ = at_;
    while (at_ < text_.size() && !is_blank(text_[at_]) && text_[at_] != '\n') ++at_;
    return text_.substr(word_at_, at_ - word_at_);
  }
  std::string_view peek() {
    const std::size_t at = at_;
    const std::string_view next = word();
    at_ = at;
    return next;
  }
  void expect(std::string_view literal) {
    if (word() != literal) fail("'" + std::string{literal} + "'");
  }
  void expect_line_end() {
    if (failed() || at_line_end()) return;
    word();
    fail("the end of the line");
  }
  /// A number in [low, high] after `prefix`, such as "seed=7", "#3" or "c0".
  std::uint32_t number_after(std::string_view prefix, std::uint32_t low, std::uint32_t high) {
    std::string_view text = word();
    std::uint32_t value = 0;
    if (text.substr(0, prefix.size()) == prefix) {
      text.remove_prefix(prefix.size());
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
      if (error == std::errc{} && end == text.data() + text.size() && value >= low && value <= high) return value;
    }
    fail("'" + std::string{prefix} + "' and a number from " + number(low) + " to " + number(high));
    return low;
  }
  /// The value whose name follows `prefix`.
  template <class E, std::size_t N>
  E choice_after(std::string_view prefix, const Named<E> (&choices)[N]) {
    return choices[index_after(prefix, choices)].value;
  }
  /// The same, as an index.
  template <class E, std::size_t N>
  std::size_t index_after(std::string_view prefix, const Named<E> (&choices)[N]) {
    const std::string_view text = word();
    std::string expected;
    for (std::size_t i = 0; i < N; ++i) {
      const std::string name = std::string{prefix} + choices[i].name;
      if (text == name) return i;
      expected += (expected.empty() ? "" : ", ") + name;
    }
    fail("one of " + expected);
    return 0;
  }

  /// An error at the last word.
  void fail(std::string expected) {
    if (failed()) return;
    std::size_t line = 1, begin = 0;
    for (std::size_t i = 0; i < word_at_ && i < text_.size(); ++i)
      if (text_[i] == '\n') ++line, begin = i + 1;
    error_ = ParseError{line, word_at_ - begin + 1, std::move(expected)};
  }
  [[nodiscard]] bool failed() const { return error_.has_value(); }
  [[nodiscard]] const ParseError& error() const { return *error_; }

 private:
  static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }
  void skip_blanks() {
    while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
  }
  bool at_line_end() {
    skip_blanks();
    return at_ >= text_.size() || text_[at_] == '\n' || text_.substr(at_, 2) == "//";
  }
  void skip_line() {
    while (at_ < text_.size() && text_[at_] != '\n') ++at_;
    if (at_ < text_.size()) ++at_;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t word_at_ = 0;
  bool started_ = false;
  std::optional<ParseError> error_;
};

std::uint32_t parse_align(Scanner& in, std::string_view prefix) {
  const std::uint32_t align = in.number_after(prefix, 1, SizeLimits::max_align_possible);
  if ((align & (align - 1)) != 0) in.fail("a power of two");
  return align;
}

void parse_cache(Scanner& in, CacheSpec& cache, std::uint8_t backend_count) {
  cache.backend = static_cast<std::uint8_t>(in.number_after("on=b", 0, backend_count - 1u));
  if (cache.shape == Shape::Heap) return;
  if (cache.shape == Shape::Pool) {
    cache.object_size = in.number_after("object_size=", 1, Limits::max_size);
    cache.object_align = parse_align(in, "object_align=");
    return;
  }
  cache.is_static = in.choice_after("kind=", kinds);
  const PolicyKind policy = in.choice_after("policy=", policy_kinds);
  cache.checks = policy.checks;
  cache.guards = policy.guards;
  if (cache.is_static && cache.guards != Guards::None) in.fail("Checked or Unchecked for a Cache");
  cache.empty_slabs_kept =
      static_cast<std::uint8_t>(in.number_after("empty_slabs_kept=", 0, Limits::max_empty_slabs_kept));
  if (cache.is_static && cache.empty_slabs_kept > 1) in.fail("0 or 1 for a Cache");
  if (!is_possible(cache.guards, cache.empty_slabs_kept))
    in.fail(is_possible(cache.guards, 0) ? "0 or 1 for this policy" : "1 for this policy");
  cache.type = in.choice_after("type=", types);
  constexpr std::uint32_t any = ~std::uint32_t{0};
  cache.slab_size = in.number_after("slab_size=", 0, any);
  cache.page_size = in.number_after("page_size=", 0, any);
  cache.object_size = in.number_after("object_size=", 0, any);
  cache.object_align = in.number_after("object_align=", 0, any);
  if (in.failed()) return;
  const auto geometry = geometry_of(cache);
  if (!geometry.ok()) return in.fail(std::string{"a geometry, but this is "} + slab::to_string(geometry.error()));
  if (cache.page_size > Limits::max_page_size || cache.slab_size > cache.page_size * Limits::max_pages_per_slab)
    return in.fail("a page of at most " + number(Limits::max_page_size) + " bytes and a slab of at most " +
                   number(Limits::max_pages_per_slab) + " pages");
  if (!cache.is_static) return;
  for (std::size_t i = 0; i < static_geometries_per_row; ++i) {
    const StaticGeometry& known = static_geometry(cache.row(), i);
    if (known.slab_size == cache.slab_size && known.page_size == cache.page_size &&
        known.object_size == cache.object_size && known.object_align == cache.object_align)
      return;
  }
  in.fail("a geometry of model/program/static_caches.hpp for kind=Cache");
}

/// The operations that may follow `#N = …`, or the others.
std::optional<OperationKind> kind_of(std::string_view name, bool makes) {
  for (const OperationKind kind : operation_table.kinds)
    if (makes_object(kind) == makes && name == to_string(kind)) return kind;
  return std::nullopt;
}

std::string names_of_allocations() {
  std::string names;
  for (const OperationKind kind : operation_table.kinds)
    if (makes_object(kind)) names += (names.empty() ? "" : ", ") + std::string{to_string(kind)};
  return names;
}

bool is_shape(std::string_view word) {
  return std::any_of(std::begin(shapes), std::end(shapes), [&](const auto& shape) { return word == shape.name; });
}

void parse_parameter(Scanner& in, Operation& operation) {
  switch (parameter_of(operation.kind)) {
    case Parameter::None: return;
    case Parameter::ObjectCount:
      if (in.peek() == "everything")
        in.word(), operation.argument = reserve_everything;
      else
        operation.argument = in.number_after("", 0, max_argument(operation.kind));
      return;
    case Parameter::Failure: {
      Failure failure;
      failure.call = in.choice_after("", failing_calls);
      operation.argument = in.number_after("after=", 0, max_argument(operation.kind));
      failure.mode = in.choice_after("", failure_modes);
      if (!failure.is_possible()) in.fail("'once' or 'always' for " + std::string{to_string(failure.call)});
      operation.detail = failure.packed();
      return;
    }
    case Parameter::ReentrantCall:
    case Parameter::CallOnMisuse:
      operation.detail = static_cast<std::uint8_t>(in.choice_after("", reentrant_calls));
      return;
    case Parameter::BackendError:
      operation.detail = static_cast<std::uint8_t>(in.choice_after("", backend_errors));
      operation.argument = in.number_after("after=", 0, max_argument(operation.kind));
      return;
    case Parameter::Pick:
    case Parameter::InfoDamage: operation.argument = in.number_after("pick=", 0, max_argument(operation.kind)); return;
    case Parameter::CountAndSize:
      operation.detail = static_cast<std::uint8_t>(in.index_after("count=", zeroed_counts));
      [[fallthrough]];
    case Parameter::Size:
    case Parameter::SizeAndAlign: operation.argument = in.number_after("size=", 1, Limits::max_size); break;
  }
  if (parameter_of(operation.kind) != Parameter::SizeAndAlign) return;
  for (std::uint32_t align = parse_align(in, "align="); align > 1; align /= 2) ++operation.detail;
}

Operation parse_operation(Scanner& in, const Setup& setup, std::uint32_t next_ordinal) {
  Operation operation;
  const bool makes = in.peek().starts_with('#');
  if (makes) {
    operation.object = in.number_after("#", next_ordinal, Limits::max_ordinal);
    in.expect("=");
  }
  const std::optional<OperationKind> kind = kind_of(in.word(), makes);
  if (!kind) {
    in.fail(makes ? "one of " + names_of_allocations() : "'#N = alloc', 'free' or another operation of docs/format.md");
    return operation;
  }
  operation.kind = *kind;
  if (const Shape shape = setup.caches[0].shape; !language_of(shape).has(*kind)) {
    in.fail(std::string{"an operation of a "} + name_in(shapes, shape));
    return operation;
  }
  switch (operand_of(*kind)) {
    case Operand::LiveObject:
    case Operand::DeadObject: operation.object = in.number_after("#", 0, Limits::max_ordinal); break;
    case Operand::NewObject:
    case Operand::Cache:
      operation.target = static_cast<std::uint8_t>(in.number_after("c", 0, setup.cache_count - 1u));
      break;
    case Operand::Backend:
      operation.target = static_cast<std::uint8_t>(in.number_after("b", 0, setup.backend_count - 1u));
      break;
  }
  parse_parameter(in, operation);
  return operation;
}

std::string text_of_parameter(const Operation& operation) {
  switch (parameter_of(operation.kind)) {
    case Parameter::None: return "";
    case Parameter::ObjectCount:
      return operation.argument == reserve_everything ? " everything" : " " + number(operation.argument);
    case Parameter::Failure:
      return std::string{" "} + to_string(operation.failure().call) + " after=" + number(operation.argument) + " " +
             to_string(operation.failure().mode);
    case Parameter::ReentrantCall:
    case Parameter::CallOnMisuse: return std::string{" "} + to_string(operation.reentrant_call());
    case Parameter::BackendError:
      return std::string{" "} + to_string(operation.error()) + " after=" + number(operation.argument);
    case Parameter::Pick:
    case Parameter::InfoDamage: return " pick=" + number(operation.argument);
    case Parameter::Size: return " size=" + number(operation.argument);
    case Parameter::SizeAndAlign:
      return " size=" + number(operation.argument) + " align=" + number(std::uint64_t{1} << operation.detail);
    case Parameter::CountAndSize:
      return std::string{" count="} + zeroed_counts[operation.detail].name + " size=" + number(operation.argument);
  }
  return "";
}

std::string slab_words(const CacheSpec& cache) {
  return std::string{" kind="} + name_in(kinds, cache.is_static) + " policy=" + name_of_policy(cache) +
         " empty_slabs_kept=" + number(cache.empty_slabs_kept) + " type=" + name_in(types, cache.type) +
         " slab_size=" + number(cache.slab_size) + " page_size=" + number(cache.page_size);
}

}  // namespace

std::string to_text(const Operation& operation) {
  std::string text;
  if (makes_object(operation.kind)) text = "#" + number(operation.object) + " = ";
  text += to_string(operation.kind);
  switch (operand_of(operation.kind)) {
    case Operand::LiveObject:
    case Operand::DeadObject: text += " #" + number(operation.object); break;
    case Operand::NewObject:
    case Operand::Cache: text += " c" + number(operation.target); break;
    case Operand::Backend: text += " b" + number(operation.target); break;
  }
  return text + text_of_parameter(operation);
}

std::string name_of_policy(const CacheSpec& cache) { return name_in(policy_kinds, {cache.checks, cache.guards}); }

std::string to_text(const Setup& setup) {
  std::string text = "slabproof trace " + number(trace_version) + "\n";
  for (std::size_t i = 0; i < setup.backend_count; ++i) {
    const BackendSpec& backend = setup.backends[i];
    text += "backend b" + number(i) + " reuse=" + name_in(reuses, backend.reuse) +
            " placement=" + name_in(placements, backend.placement) + " seed=" + number(backend.seed) + "\n";
  }
  for (std::size_t i = 0; i < setup.cache_count; ++i) {
    const CacheSpec& cache = setup.caches[i];
    text += name_in(shapes, cache.shape) + (" c" + number(i)) + " on=b" + number(cache.backend);
    if (cache.shape == Shape::SlabCache) text += slab_words(cache);
    if (cache.shape != Shape::Heap)
      text += " object_size=" + number(cache.object_size) + " object_align=" + number(cache.object_align);
    text += "\n";
  }
  return text;
}

std::string to_text(const Program& program) {
  std::string text = to_text(program.setup);
  for (const Operation& operation : program.operations) text += to_text(operation) + "\n";
  return text;
}

ParseResult parse(std::string_view text) {
  Scanner in{text};
  Program program;
  Setup& setup = program.setup;
  setup.backend_count = setup.cache_count = 0;
  in.next_line();
  in.expect("slabproof");
  in.expect("trace");
  const std::string_view version = in.word();
  if (version != number(trace_version))
    in.fail("version " + number(trace_version) + " (this program reads nothing newer)");
  in.expect_line_end();

  std::uint32_t next_ordinal = 0;
  while (!in.failed() && in.next_line()) {
    if (in.peek() == "backend" && setup.backend_count < Limits::max_backends && setup.cache_count == 0) {
      in.expect("backend");
      in.expect("b" + number(setup.backend_count));
      BackendSpec& backend = setup.backends[setup.backend_count++];
      backend.reuse = in.choice_after("reuse=", reuses);
      backend.placement = in.choice_after("placement=", placements);
      backend.seed = static_cast<std::uint8_t>(in.number_after("seed=", 0, 255));
    } else if (setup.backend_count == 0) {
      in.word();
      in.fail("'backend b0 …'");
    } else if (is_shape(in.peek()) && setup.cache_count < Limits::max_caches && program.operations.empty()) {
      CacheSpec& cache = setup.caches[setup.cache_count++];
      cache.shape = in.choice_after("", shapes);
      if (cache.shape != setup.caches[0].shape) in.fail(std::string{name_in(shapes, setup.caches[0].shape)});
      in.expect("c" + number(setup.cache_count - 1u));
      parse_cache(in, cache, setup.backend_count);
    } else if (setup.cache_count == 0) {
      in.word();
      in.fail("'cache c0 …'");
    } else {
      const Operation operation = parse_operation(in, setup, next_ordinal);
      if (makes_object(operation.kind)) next_ordinal = operation.object + 1;
      program.operations.push_back(operation);
      if (program.operations.size() > Limits::max_operations)
        in.fail("at most " + number(Limits::max_operations) + " operations");
    }
    in.expect_line_end();
  }
  if (!in.failed() && setup.cache_count == 0) {
    in.word();
    in.fail(setup.backend_count == 0 ? "'backend b0 …'" : "'cache c0 …'");
  }
  if (in.failed()) return {std::nullopt, in.error()};
  return {std::move(program), {}};
}

}  // namespace slabproof
