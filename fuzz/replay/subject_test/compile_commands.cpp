#include "fuzz/replay/subject_test/compile_commands.hpp"

#include <algorithm>
#include <filesystem>
#include <map>

namespace slabproof {
namespace {

/// The string of JSON that begins behind the quote at `at`, which is moved behind its end. CMake writes bytes as they
/// are, and of escapes only those of one character.
std::string string_at(std::string_view json, std::size_t& at) {
  std::string text;
  for (++at; at < json.size() && json[at] != '"'; ++at) {
    if (json[at] == '\\' && at + 1 < json.size()) ++at;
    text += json[at] == 'n' && json[at - 1] == '\\' ? '\n' : json[at] == 't' && json[at - 1] == '\\' ? '\t' : json[at];
  }
  at = std::min(at + 1, json.size());
  return text;
}

}  // namespace

std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words;
  bool in_word = false;
  char quote = '\0';
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quote == '\0' && (c == ' ' || c == '\t' || c == '\n')) {
      in_word = false;
      continue;
    }
    if (!in_word) words.emplace_back();
    in_word = true;
    constexpr std::string_view escapable = "$`\"\\\n";  // between double quotes
    if (c == quote) {
      quote = '\0';
    } else if (quote == '\0' && (c == '"' || c == '\'')) {
      quote = c;
    } else if (c == '\\' && i + 1 < line.size() &&
               (quote == '\0' || (quote == '"' && escapable.find(line[i + 1]) != escapable.npos))) {
      words.back() += line[++i];
    } else {
      words.back() += c;
    }
  }
  return words;
}

std::string path_in(const std::string& folder, const std::string& path) {
  return (std::filesystem::path{folder} / path).lexically_normal().string();
}

std::optional<CompileCommand> command_for(const std::string& object, std::string_view database) {
  std::map<std::string, std::string> entry;
  for (std::size_t at = 0; at < database.size();) {
    if (database[at] == '"') {
      std::string key = string_at(database, at);
      at = std::min(database.find('"', at), database.size());
      entry[std::move(key)] = string_at(database, at);
      continue;
    }
    if (database[at++] != '}') continue;
    CompileCommand command{entry["directory"], path_in(entry["directory"], entry["file"]), words_of(entry["command"])};
    const auto output = std::find(command.words.begin(), command.words.end(), "-o");
    if (command.words.end() - output > 1 && path_in(command.folder, output[1]) == path_in("/", object)) return command;
    entry.clear();
  }
  return std::nullopt;
}

}  // namespace slabproof
