#include "properties/locked/program.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <map>
#include <sstream>
#include <utility>

#include "properties/locked/policies.hpp"

namespace turns {
namespace {

constexpr const char* version = "slabproof turns 1";

/// Reads one line, word by word. After the first word that is not as it must be, nothing else is.
class Line {
 public:
  explicit Line(const std::string& text) {
    std::istringstream stream{text};
    for (std::string word; stream >> word;) words_.push_back(word);
  }
  [[nodiscard]] bool is_empty() const { return words_.empty() || words_[0].starts_with("//"); }
  [[nodiscard]] std::string peek() const { return at_ < words_.size() ? words_[at_] : std::string{}; }
  [[nodiscard]] bool is_right() const { return is_right_ && at_ == words_.size(); }
  bool take(const std::string& word) {
    is_right_ &= peek() == word;
    ++at_;
    return is_right_;
  }
  /// What follows `prefix` in the next word.
  std::string value(const std::string& prefix) {
    const std::string word = peek();
    is_right_ &= word.starts_with(prefix);
    ++at_;
    return is_right_ ? word.substr(prefix.size()) : std::string{};
  }
  std::uint32_t number(const std::string& prefix, std::uint32_t most) {
    const std::string text = value(prefix);
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    is_right_ &= error == std::errc{} && end == text.data() + text.size() && number <= most;
    return is_right_ ? number : 0;
  }
  template <class E, std::size_t N>
  E name(const std::string& prefix, const char* const (&names)[N]) {
    const std::string text = value(prefix);
    const auto found = std::find(std::begin(names), std::end(names), text);
    is_right_ &= found != std::end(names);
    return is_right_ ? static_cast<E>(found - std::begin(names)) : E{};
  }
  void refuse() { is_right_ = false; }

 private:
  std::vector<std::string> words_;
  std::size_t at_ = 0;
  bool is_right_ = true;
};

constexpr const char* names_of_types[] = {"Small", "Large"};

void read_cache(Line& line, Setup& setup) {
  line.take("cache");
  line.take("c0");
  line.take("kind=Locked");
  setup.policy = line.name<PolicyKind>("policy=", names_of_policies);
  setup.empty_slabs_kept = static_cast<std::uint8_t>(line.number("empty_slabs_kept=", 1));
  setup.type = line.name<slab::ObjectSizeType>("type=", names_of_types);
  setup.slab_size = static_cast<std::uint16_t>(line.number("slab_size=", most_slab_size));
  setup.page_size = static_cast<std::uint16_t>(line.number("page_size=", most_slab_size));
  setup.object_size = static_cast<std::uint16_t>(line.number("object_size=", most_slab_size));
  line.take("object_align=8");
}

void read_operation(Line& line, TurnProgram& program) {
  Operation operation;
  if (line.peek().starts_with("cpu")) operation.cpu = static_cast<std::uint8_t>(line.number("cpu", Cpus::most - 1));
  const std::size_t names = program.names();
  if (line.peek().starts_with("#")) {
    operation.operand = static_cast<std::uint16_t>(line.number("#", most_names - 1));
    if (operation.operand < names) line.refuse();
    line.take("=");
    operation.op = line.name<Op>("", names_of_ops);
    if (!is_alloc(operation.op)) line.refuse();
    line.take("c0");
  } else {
    operation.op = line.name<Op>("", names_of_ops);
    if (is_alloc(operation.op)) line.refuse();
    if (is_free(operation.op)) {
      operation.operand = static_cast<std::uint16_t>(line.number("#", most_names - 1));
    } else {
      line.take("c0");
      if (operation.op == Op::Reserve) operation.operand = static_cast<std::uint16_t>(line.number("", most_reserved));
    }
  }
  if (program.operations.size() == most_operations) line.refuse();
  program.operations.push_back(operation);
}

void read_failure(Line& line, TurnProgram& program) {
  if (program.refused_after) line.refuse();
  line.take("fail");
  line.take("b0");
  line.take("any");
  program.refused_after = line.number("after=", UINT32_MAX - 1);
  program.are_all_refused = line.peek() == "always";
  line.take(program.are_all_refused ? "always" : "once");
}

void read_turns(Line& line, TurnProgram& program) {
  line.take("turns");
  program.takes_turns_at_calls = line.peek() == "at=calls";
  line.take(program.takes_turns_at_calls ? "at=calls" : "at=locks");
  if (!line.peek().empty()) program.turns = line.value("");
  if (program.turns.find_first_not_of("012") != std::string::npos) line.refuse();
}

}  // namespace

std::uint8_t TurnProgram::cpus() const {
  std::uint8_t count = 0;
  for (const Operation& operation : operations)
    if (operation.cpu != Cpus::none) count = std::max(count, static_cast<std::uint8_t>(operation.cpu + 1));
  return count;
}

std::size_t TurnProgram::names() const {
  std::size_t names = 0;
  for (const Operation& operation : operations)
    if (is_alloc(operation.op)) names = std::max<std::size_t>(names, operation.operand + 1U);
  return names;
}

std::string to_text(const TurnProgram& program) {
  const Setup& setup = program.setup;
  std::ostringstream text;
  text << version << "\ncache c0 kind=Locked policy=" << names_of_policies[static_cast<std::size_t>(setup.policy)]
       << " empty_slabs_kept=" << +setup.empty_slabs_kept
       << " type=" << names_of_types[static_cast<std::size_t>(setup.type)] << " slab_size=" << setup.slab_size
       << " page_size=" << setup.page_size << " object_size=" << setup.object_size << " object_align=8\n";
  if (program.refused_after)
    text << "fail b0 any after=" << *program.refused_after << (program.are_all_refused ? " always\n" : " once\n");
  for (const auto& [op, cpu, operand] : program.operations) {
    if (cpu != Cpus::none) text << "cpu" << +cpu << ' ';
    if (is_alloc(op)) text << '#' << operand << " = ";
    text << names_of_ops[static_cast<std::size_t>(op)];
    if (is_free(op))
      text << " #" << operand;
    else
      text << " c0";
    if (op == Op::Reserve) text << ' ' << operand;
    text << '\n';
  }
  text << "turns " << (program.takes_turns_at_calls ? "at=calls" : "at=locks");
  if (!program.turns.empty()) text << ' ' << program.turns;
  text << '\n';
  return text.str();
}

std::optional<TurnProgram> parse(const std::string& text, std::string& error) {
  TurnProgram program;
  std::istringstream lines{text};
  std::string line_text;
  enum class Expects { Version, Cache, Operations, Nothing } expects = Expects::Version;
  for (std::size_t number = 1; std::getline(lines, line_text); ++number) {
    Line line{line_text};
    if (line.is_empty()) continue;
    if (expects == Expects::Version) {
      for (const char* const word : {"slabproof", "turns", "1"}) line.take(word);
      expects = Expects::Cache;
    } else if (expects == Expects::Cache) {
      read_cache(line, program.setup);
      expects = Expects::Operations;
      if (const std::string problem = problem_of(program.setup); line.is_right() && !problem.empty())
        return error = "line " + std::to_string(number) + ": " + problem, std::nullopt;
    } else if (expects == Expects::Nothing) {
      line.refuse();
    } else if (line.peek() == "fail") {
      read_failure(line, program);
    } else if (line.peek() == "turns") {
      read_turns(line, program);
      expects = Expects::Nothing;
    } else {
      read_operation(line, program);
    }
    if (!line.is_right()) return error = "line " + std::to_string(number) + ": " + line_text, std::nullopt;
  }
  if (expects != Expects::Nothing) return error = "there is no line of turns", std::nullopt;
  return program;
}

std::string problem_of(const Setup& setup) {
  if (setup.policy != PolicyKind::Checked && setup.empty_slabs_kept != 1) return "empty_slabs_kept is 1 but of Checked";
  std::string problem;
  with_policy(setup, [&]<class Policy>() {
    const slab::GeometryResult result =
        slab::Geometry::make<Policy>(setup.slab_size, setup.page_size, setup.type, setup.object_size, 8);
    if (!result.ok()) problem = slab::to_string(result.error());
  });
  return problem;
}

}  // namespace turns
