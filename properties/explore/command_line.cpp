#include "properties/explore/command_line.hpp"

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <span>

#include "properties/explore/small_state.hpp"

namespace slabproof {
namespace {

// A word that cannot be a pointer, and whose bytes say of a slot that it is live; and null, or the index of a slot.
constexpr std::uint64_t scrub_a = ~std::uint64_t{0}, scrub_b = 0;

/// With so many slots mishaps take seconds, as pointers do. Guards add to the states.
constexpr bool is_small(const WorldSize& size, bool has_guards) {
  return size.objects * size.slabs * size.caches <= (has_guards ? 4 : 8);
}
constexpr WorldSize sized(std::uint32_t objects, std::size_t slabs, std::uint8_t caches, bool has_guards = false) {
  WorldSize size{objects, slabs, caches};
  size.mishaps = is_small(size, has_guards);
  return size;
}
/// Small enough for every build, sanitizers included.
constexpr WorldSize only_mishaps(std::uint32_t objects, std::size_t slabs, std::uint8_t caches) {
  return {objects, slabs, caches, false, true};
}

constexpr WorldSize default_size = sized(3, 2, 1), default_size_with_guards = sized(2, 2, 1, true);
constexpr WorldSize quick_sizes[] = {{3, 2, 1}, {2, 3, 1}, only_mishaps(2, 2, 1), only_mishaps(1, 2, 2)};
constexpr WorldSize deep_sizes[] = {sized(1, 4, 1), sized(2, 4, 1), sized(3, 3, 1), sized(5, 2, 1),  sized(2, 2, 2),
                                    sized(3, 2, 2), sized(3, 4, 1), sized(4, 3, 1), {6, 2, 1, false}};
// A quarantine, or callers that are known, make a difference to a misuse; the other guards make none.
constexpr GuardedSize quick_guarded_sizes[] = {{Guards::RedZone, {2, 2, 1, false}},
                                               {Guards::Pattern, {2, 2, 1, false}},
                                               {Guards::Quarantine, {2, 2, 1}},
                                               {Guards::ZeroOnAlloc, {2, 2, 1, false}},
                                               {Guards::ZeroOnFree, {2, 2, 1, false}},
                                               {Guards::Debug, {1, 3, 1}},
                                               {Guards::Quarantine, only_mishaps(1, 2, 1)},
                                               {Guards::Debug, only_mishaps(1, 2, 1)}};
constexpr WorldSize deep_guarded_sizes[] = {sized(2, 2, 1, true), sized(1, 3, 1, true), sized(3, 2, 1, true),
                                            sized(2, 3, 1, true), sized(1, 2, 2, true)};

/// The value of an option, as a word and as a number.
class Value {
 public:
  explicit Value(const std::string& text) : text_{text} {
    char* end = nullptr;
    number_ = std::strtod(text.c_str(), &end);
    is_number_ = !text.empty() && *end == '\0';
  }
  [[nodiscard]] bool is(const char* word) const { return text_ == word; }
  [[nodiscard]] bool is_above_0_up_to(double most) const { return is_number_ && number_ > 0 && number_ <= most; }
  [[nodiscard]] bool is_count(int least, int most) const {
    return is_number_ && number_ >= least && number_ <= most && number_ == static_cast<int>(number_);
  }
  [[nodiscard]] double number() const { return number_; }
  template <class T>
  [[nodiscard]] T count() const {
    return static_cast<T>(number_);
  }

 private:
  std::string text_;
  double number_ = 0;
  bool is_number_ = false;
};

/// These sizes with each policy that has guards.
void add_guarded(CommandLine& line, std::span<const WorldSize> sizes) {
  for (const Named<PolicyKind>& policy : policy_kinds)
    for (const WorldSize& size : sizes)
      if (policy.value.guards != Guards::None) line.guarded_sizes.push_back({policy.value.guards, size});
}

/// Whether it is an option that selects worlds, with a valid value.
bool choose_worlds(CommandLine& line, const std::string& option, const Value& value) {
  if (option == "--row") {
    for (const slab::Row row : {slab::Row::SmallSinglePage, slab::Row::SmallMultiPage, slab::Row::Large})
      if (value.is(slab::to_string(row))) return line.rows = {row}, true;
  } else if (option == "--policy") {
    for (const Named<PolicyKind>& policy : policy_kinds)
      if (value.is(policy.name)) return line.policies = {policy.value}, true;
  } else if (option == "--scrub" && (value.is("A") || value.is("B"))) {
    return line.scrubs = {value.is("A") ? scrub_a : scrub_b}, true;
  } else if (option == "--kept" && value.is_count(0, 1)) {
    return line.kept = {value.count<std::uint8_t>()}, true;
  }
  return false;
}

/// The same for an option that sets a size.
bool choose_size(WorldSize& size, const std::string& option, const Value& value) {
  if (option == "--objects" && value.is_count(1, 6))
    size.objects = value.count<std::uint32_t>();
  else if (option == "--slabs" && value.is_count(1, SmallState::max_slabs))
    size.slabs = value.count<std::size_t>();
  else if (option == "--caches" && value.is_count(1, 2))
    size.caches = value.count<std::uint8_t>();
  else
    return false;
  return true;
}

/// The same for an option that says how the worlds are explored.
bool choose_how(CommandLine& line, const std::string& option, const Value& value, const std::string& text) {
  if (option == "--jobs" && value.is_count(1, 256))
    line.jobs = value.count<std::size_t>();
  else if (option == "--memory" && value.is_above_0_up_to(1024))
    line.memory = value.number();
  else if (option == "--mishaps" && (value.is("all") || value.is("small") || value.is("none")))
    line.mishaps = value.is("all") ? Mishaps::All : value.is("none") ? Mishaps::None : Mishaps::InSmall;
  else if (option == "--output")
    line.folder = text;
  else
    return false;
  return true;
}

}  // namespace

std::optional<CommandLine> parse_command_line(const std::vector<std::string>& arguments, std::string& why) {
  CommandLine line;
  line.scrubs = {scrub_a, scrub_b};
  for (const Named<PolicyKind>& policy : policy_kinds) line.policies.push_back(policy.value);
  WorldSize size = default_size;
  bool has_size = false;
  for (auto argument = arguments.begin(); argument != arguments.end(); ++argument) {
    const std::string& option = *argument;
    if (option == "--without-pointers") {
      line.pointers = false;
    } else if (option == "--every-accepted") {
      line.every_accepted = true;
    } else if (option == "--quick") {
      line.sizes.assign(std::begin(quick_sizes), std::end(quick_sizes));
      line.guarded_sizes.assign(std::begin(quick_guarded_sizes), std::end(quick_guarded_sizes));
    } else if (option == "--deep") {
      line.sizes.assign(std::begin(deep_sizes), std::end(deep_sizes));
      line.guarded_sizes.clear();
      add_guarded(line, deep_guarded_sizes);
    } else if (++argument == arguments.end()) {
      return why = option + ": unknown option, or its value is missing", std::nullopt;
    } else if (const Value value{*argument}; choose_size(size, option, value)) {
      has_size = true;
    } else if (!choose_worlds(line, option, value) && !choose_how(line, option, value, *argument)) {
      return why = option + " " + *argument + ": unknown option, or not what it takes", std::nullopt;
    }
  }
  if (line.every_accepted) {
    if (!line.sizes.empty()) return why = "--every-accepted has sizes of its own", std::nullopt;
    if (!has_size) size = sized(2, 2, 1);
    has_size = true;
    if (size.caches != 1 || size.slabs > 3 || size.objects * size.slabs > 6)
      return why = "--every-accepted: of one cache with at most 3 slabs and 6 slots", std::nullopt;
    std::erase_if(line.policies, [](const PolicyKind& policy) { return policy.guards != Guards::None; });
    if (line.policies.empty()) return why = "--every-accepted: of a policy without guards", std::nullopt;
  }
  const bool is_one_possible = std::any_of(line.policies.begin(), line.policies.end(), [&](const PolicyKind& policy) {
    return std::any_of(line.kept.begin(), line.kept.end(),
                       [&](std::uint8_t kept) { return is_possible(policy.guards, kept); });
  });
  if (!is_one_possible) return why = "that policy keeps an empty slab", std::nullopt;
  if (!line.sizes.empty() && has_size) return why = "--quick and --deep have sizes of their own", std::nullopt;
  if (line.sizes.empty()) {
    const WorldSize with_guards =
        has_size ? sized(size.objects, size.slabs, size.caches, true) : default_size_with_guards;
    line.sizes = {sized(size.objects, size.slabs, size.caches)};
    add_guarded(line, {&with_guards, 1});
  }
  // A size that is right for them may have too many states with guards: these are asked for by name.
  if (has_size && line.policies.size() > 1)
    std::erase_if(line.policies, [](const PolicyKind& policy) { return policy.guards != Guards::None; });
  return line;
}

}  // namespace slabproof
