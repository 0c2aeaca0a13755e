#include "fuzz/replay/subject_test/how_compiled.hpp"

#include <algorithm>
#include <filesystem>
#include <string_view>

#include "fuzz/replay/input.hpp"
#include "fuzz/replay/subject_test/compile_commands.hpp"
#include "fuzz/replay/test_comment.hpp"
#include "model/process/cannot_judge.hpp"

namespace slabproof {
namespace {

constexpr std::size_t largest_database = std::size_t{256} << 20;  // bytes

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// A command without what it reads and writes, and without what only a fuzzer wants. Folders and files that it names
/// are absolute, so that it can be given from anywhere.
HowCompiled::Source source_of(const CompileCommand& command) {
  HowCompiled::Source source{command.source, {}};
  const auto absolute = [&](const std::string& path) {
    const std::string full = path_in(command.folder, path);
    return std::filesystem::exists(full) ? full : path;
  };
  for (std::size_t i = 0; i < command.words.size(); ++i) {
    const std::string& word = command.words[i];
    if (is_one_of(word, {"-o", "-MF", "-MT", "-MQ"}))
      ++i;
    else if (i == 0)
      source.words.push_back(word);
    else if (is_one_of(word, {"-I", "-isystem", "-iquote", "-idirafter", "-include", "-imacros"}) &&
             i + 1 < command.words.size()) {
      source.words.push_back(word);
      source.words.push_back(absolute(command.words[++i]));
    } else if (word.starts_with("-I"))
      source.words.push_back("-I" + absolute(word.substr(2)));
    else if (!is_one_of(word, {"-c", "-MD", "-MMD"}) && !word.starts_with("-fsanitize=fuzzer") &&
             !word.ends_with(".modmap") && path_in(command.folder, word) != command.source)
      source.words.push_back(word);
  }
  return source;
}

/// Of how many last names two paths have in common.
std::ptrdiff_t common_names(const std::filesystem::path& a, const std::filesystem::path& b) {
  auto name = a.end(), other = b.end();
  std::ptrdiff_t count = 0;
  while (name != a.begin() && other != b.begin() && *--name == *--other) ++count;
  return count;
}

/// The source that a compiler calls `name`: the very path, or what is left of it where a prefix is mapped away.
std::size_t named(const std::string& name, const std::vector<CompileCommand>& commands) {
  std::size_t best = 0, ties = 0;
  std::ptrdiff_t most = 0;
  for (std::size_t i = 0; i < commands.size(); ++i) {
    if (path_in(commands[i].folder, name) == commands[i].source) return i;
    const std::ptrdiff_t common = common_names(commands[i].source, std::filesystem::path{name}.lexically_normal());
    ties = common > most ? 1 : ties + (common == most);
    if (common > most) best = i, most = common;
  }
  if (most == 0 || ties > 1) cannot_judge("--as-test: which source of the subject " + name + " is, is not known");
  return best;
}

/// A word of the linker's as CMake has it; behind SHELL: it is several.
void add_linked(std::string_view word, std::vector<std::string>& words) {
  constexpr std::string_view shell = "SHELL:", linker = "LINKER:";
  if (word.starts_with(shell)) {
    for (std::string& one : words_of(word.substr(shell.size()))) words.push_back(std::move(one));
  } else if (word.starts_with(linker)) {
    words.push_back("-Wl," + std::string{word.substr(linker.size())});
  } else if (!word.empty()) {
    words.emplace_back(word);
  }
}

std::string for_shell(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) line += (line.empty() ? "" : " ") + shell_word(word);
  return line;
}

}  // namespace

HowCompiled how_compiled(const std::string& adapter) {
  HowCompiled how;
  std::string database_file;
  std::vector<std::string> objects;
  std::string_view rest = how_it_is_compiled();
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const std::size_t blank = std::min(line.find(' '), line.size());
    const std::string_view fact = line.substr(0, blank), value = line.substr(std::min(blank + 1, line.size()));
    if (fact == "root") how.root = value;
    if (fact == "commands") database_file = value;
    if (fact == "object") objects.emplace_back(value);
    if (fact == "library") add_linked(value, how.libraries);
  }
  std::string why;
  const auto database = read_file(database_file, largest_database, why);
  if (!database)
    cannot_judge("--as-test: how the subject was compiled would stand in " + database_file +
                 " if CMake made files for Ninja or make: " + why);
  std::vector<CompileCommand> commands;
  for (const std::string& object : objects) {
    auto command = command_for(object, *database);
    if (!command) cannot_judge("--as-test: how " + object + " was compiled is not in " + database_file);
    commands.push_back(std::move(*command));
  }
  const std::size_t own = named(adapter, commands);
  how.adapter = source_of(commands[own]);
  for (std::size_t i = 0; i < commands.size(); ++i)
    if (i != own) how.others.push_back(source_of(commands[i]));
  return how;
}

std::string commands_for(const HowCompiled& how, const std::string& file, const std::string& environment) {
  std::string commands, objects;
  for (std::size_t i = 0; i < how.others.size(); ++i) {
    const HowCompiled::Source& other = how.others[i];
    const std::string object = "regression_test_" + std::to_string(i) + ".o";
    commands += for_shell(other.words) + " -c " + shell_word(other.file) + " -o " + object + " &&\n";
    objects += " " + object;
  }
  // Warnings are the project's own business, and of no use here.
  const auto& words = how.adapter.words;
  const bool is_strict =
      std::any_of(words.begin(), words.end(), [](const std::string& word) { return word.starts_with("-Werror"); });
  const bool has_language = std::find(words.begin(), words.end(), "-x") != words.end();
  return commands + for_shell(words) + (is_strict ? " -w " : " ") + shell_word(file) +
         (has_language ? " -x none" : "") + objects + " -o regression_test -lgtest -lgtest_main" +
         (how.libraries.empty() ? "" : " ") + for_shell(how.libraries) + " &&\n" + environment + "./regression_test\n";
}

}  // namespace slabproof
